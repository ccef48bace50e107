"""The segment worker: frames to ROIs. Each frame's cut is decided once and written down first."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Box, Cut, Frame, Roi
from plankton_stream.errors import RejectedError
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.images import read_frame, roi_message
from plankton_stream.images import Pixels, decode, encode_png
from plankton_stream.ports import Publisher
from plankton_stream.samples import DeletedSamples
from plankton_stream.segmentation import CameraParameters, CameraSegmenters, Segmented
from workers.loop import Rejection, examine, publish_rejections


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is to become of a frame; without pixels and what is in them if it can't be read."""

    frame: Frame
    cut: Cut
    pixels: Pixels | None = None
    segmented: Segmented | None = None


class SegmentWorker:
    """Handles batches of the frames topic."""

    name = "/workers/segment"

    def __init__(
        self, catalog: Catalog, publisher: Publisher, cameras: CameraSegmenters | None = None
    ) -> None:
        self._catalog = catalog
        self._publisher = publisher
        self._cameras = cameras or CameraSegmenters(CameraParameters())

    def handle(self, batch: Sequence[Received]) -> None:
        """Record each frame's cut, then publish its ROIs.

        Idempotent: a frame that was cut before is cut in the same places.

        Raises:
            RetryableError: the catalog or the log does not answer.
        """
        rejections: list[Rejection] = []
        deleted = self._catalog.deletions.deleted()
        for record in batch:  # one at a time: the pixels of a whole batch may not fit into memory
            rejections += self._cut(record, deleted)
        publish_rejections(rejections, self._publisher, consumer=self.name)
        self._publisher.flush()

    def _cut(self, record: Received, deleted: DeletedSamples) -> list[Rejection]:
        decisions, rejections = examine([record], self._decide)
        for decision in decisions:
            if deleted.covers(decision.frame.capture):
                continue  # its outcome is that its sample was deleted
            cut = self._catalog.cuts.record(decision.cut)
            messages, late = examine([record], partial(_messages, decision, cut))
            rejections += late
            for message in chain.from_iterable(messages):
                self._publisher.send(message)
        return rejections

    def _decide(self, record: Received) -> _Decision:
        frame = read_frame(record)
        cut = Cut(capture=frame.capture, frame_key=frame.frame_key)
        try:
            pixels = decode(frame.data, frame.content_type)
        except RejectedError as error:
            # Such a frame has an outcome too, so that concentrations keep their volume.
            return _Decision(frame, cut.model_copy(update={"rejected_because": str(error)}))
        camera = frame.capture.camera
        segmented = self._cameras.of(camera).segment(pixels, frame.capture.pixel_size_um)
        self._cameras.keep(camera)
        found = {
            "boxes": segmented.boxes,
            "left_out": dict(segmented.left_out),
            "height_px": pixels.shape[0],
            "width_px": pixels.shape[1],
        }
        return _Decision(frame, cut.model_copy(update=found), pixels, segmented)


def _messages(decision: _Decision, cut: Cut, _record: Received) -> list[Message]:
    """The ROI events of a frame, cut where `cut` says, which may have been decided before."""
    if decision.pixels is None or decision.segmented is None:
        raise RejectedError(decision.cut.rejected_because or "unreadable frame")
    return [
        roi_message(_roi(decision.frame, decision.pixels, decision.segmented, box))
        for box in cut.boxes
    ]


def _roi(frame: Frame, pixels: Pixels, segmented: Segmented, box: Box) -> Roi:
    crop = pixels[box.y : box.y + box.height, box.x : box.x + box.width]
    if crop.shape[:2] != (box.height, box.width):
        raise RejectedError(
            f"box {tuple(box)} lies outside of a frame of {pixels.shape[:2]} pixels"
        )
    return Roi(
        capture=frame.capture,
        frame_key=frame.frame_key,
        box=box,
        content_type="image/png",
        data=encode_png(crop),
        measurements=segmented.measure(pixels, box),
        extra=frame.extra,
    )
