"""The catalog against what hangs on it: frames and their ROIs, images, bytes, vectors, names."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from plankton_stream.adapters.sql import RecordedCut
from plankton_stream.audit.arrivals import Arrivals
from plankton_stream.audit.findings import Fate, Findings, Where
from plankton_stream.audit.parts import Parts
from plankton_stream.audit.snapshot import Snapshot, read_ranges
from plankton_stream.domain import CutOutcome, Image, image_id
from plankton_stream.events import topics
from plankton_stream.ports import VectorIndex
from plankton_stream.samples import DeletedSamples
from plankton_stream.versions import EncoderVersion, VersionState

_LOOKERS = 16  # an object store answers one question in tens of milliseconds


@dataclass(frozen=True, slots=True)
class Version:
    """An encoder version that every image has to be in, and its index."""

    known: EncoderVersion
    index: VectorIndex

    @property
    def is_live(self) -> bool:
        """Whether it is searched."""
        return self.known.state is VersionState.LIVE


class Holdings:
    """Walks through the catalog and asks the other places for what it names."""

    def __init__(
        self,
        parts: Parts,
        snapshot: Snapshot,
        arrivals: Arrivals,
        deleted: DeletedSamples,
        findings: Findings,
    ) -> None:
        self._parts, self._snapshot, self._arrivals = parts, snapshot, arrivals
        self._deleted, self._findings = deleted, findings
        self._scope = replace(parts.scope, before=snapshot.taken_at)
        self._pool = ThreadPoolExecutor(_LOOKERS, "image-store")
        self._versions = [
            Version(known, parts.open_index(known.encoder, known.dimension))
            for known in parts.catalog.encoders.kept()
            if known.is_written
        ]

    def walk(self) -> None:
        """Look at every frame with an outcome, then at every image."""
        with self._pool:
            looked_at = 0
            for cuts in self._parts.catalog.walks.cuts(self._scope):
                self._look_for_rois(cuts)
                looked_at += len(cuts)
                self._parts.progress("frames in the catalog", looked_at)
            looked_at = 0
            for images in self._parts.catalog.walks.images(self._scope):
                self._look_at_images(images)
                looked_at += len(images)
                self._parts.progress("images in the catalog", looked_at)

    def _look_for_rois(self, cuts: Sequence[RecordedCut]) -> None:
        ids = [[image_id(c.cut.capture, c.cut.frame_key, box) for box in c.cut.boxes] for c in cuts]
        indexed = self._parts.catalog.walks.indexed_at([one for each in ids for one in each])
        for recorded, expected in zip(cuts, ids, strict=True):
            cut = recorded.cut
            counts = self._findings.cameras[cut.capture.camera]
            if self._deleted.covers(cut.capture):
                counts.frames[Fate.DELETED] += 1
                continue
            counts.frames[Fate.PRESENT] += 1
            counts.outcomes[cut.outcome] += 1
            if cut.outcome is CutOutcome.REJECTED:
                counts.reasons[cut.rejected_because or ""] += 1
            for roi_id in expected:
                if roi_id not in indexed:
                    self._judge_roi(recorded, roi_id)
                elif indexed[roi_id] >= self._snapshot.taken_at:
                    counts.rois[Fate.WAITING] += 1

    def _judge_roi(self, recorded: RecordedCut, roi_id: str) -> None:
        camera, frame = recorded.cut.capture.camera, self._frame(recorded)
        counts = self._findings.cameras[camera]
        if cause := self._snapshot.given_up.images.get(roi_id):
            fate = Fate.REJECTED
            counts.reasons[cause] += 1
        elif roi_id in self._arrivals.rois.waiting or frame in self._arrivals.frames.waiting:
            fate = Fate.WAITING
        else:
            fate = Fate.MISSING
            self._findings.lose_roi(Where.ROIS, frame, roi_id)
        counts.rois[fate] += 1

    @staticmethod
    def _frame(recorded: RecordedCut) -> tuple[str, str]:
        return recorded.cut.capture.camera, recorded.cut.frame_key

    def _look_at_images(self, page: Sequence[Image]) -> None:
        for image in page:
            fate = Fate.DELETED if self._deleted.covers(image.capture) else Fate.PRESENT
            self._findings.cameras[image.capture.camera].rois[fate] += 1
        images = [image for image in page if not self._deleted.covers(image.capture)]
        self._look_at_bytes(images)
        for version in self._versions:
            self._look_at_vectors(version, images)

    def _look_at_bytes(self, images: Sequence[Image]) -> None:
        store = self._parts.store
        sizes = self._pool.map(lambda i: store.size(i.image_id, i.content_type), images)
        for image, size in zip(images, sizes, strict=True):
            fate = Fate.PRESENT
            if size != image.byte_size:
                fate = Fate.WAITING if self._comes_again(image) else Fate.MISSING
            self._findings.cameras[image.capture.camera].bytes[fate] += 1
            if fate is Fate.MISSING:
                frame = image.capture.camera, image.frame_key
                self._findings.lose_roi(Where.BYTES, frame, image.image_id)

    def _comes_again(self, image: Image) -> bool:
        frame = image.capture.camera, image.frame_key
        waiting = self._arrivals
        return image.image_id in waiting.rois.waiting or frame in waiting.frames.waiting

    def _look_at_vectors(self, version: Version, images: Sequence[Image]) -> None:
        encoder = version.known.encoder
        namings = version.index.namings([image.image_id for image in images])
        absent = [image.image_id for image in images if image.image_id not in namings]
        failed = self._parts.catalog.encoders.failures(encoder, absent)
        stale = []
        for image in images:
            if image.image_id in namings:
                fate = Fate.PRESENT
                if version.is_live and namings[image.image_id] != image.naming:
                    stale.append(image.image_id)
            else:
                fate = self._fate_of_vector(version, image, failed)
            self._findings.cameras[image.capture.camera].vectors[encoder][fate] += 1
            if fate is Fate.MISSING:
                frame = image.capture.camera, image.frame_key
                self._findings.lose_vector(encoder, frame, image.image_id)
        if stale:
            self._look_at_names_again(version, stale)

    def _fate_of_vector(self, version: Version, image: Image, failed: dict[str, str]) -> Fate:
        if image.image_id in failed:
            self._findings.cameras[image.capture.camera].reasons[failed[image.image_id]] += 1
            return Fate.REJECTED
        asked = (version.known.encoder, image.image_id) in self._snapshot.requests
        will_come = version.known.filling or asked or self._comes_again(image)
        return Fate.WAITING if will_come else Fate.MISSING

    def _look_at_names_again(self, version: Version, ids: Sequence[str]) -> None:
        """Names that are stale, and not only about to be brought up to date.

        The order makes this right on a running system: a label that the first line reads was in
        the outbox or in the topic at the second, or had reached the index before the third.
        """
        images = self._parts.catalog.images.get(ids)
        on_their_way = self._labels_on_their_way()
        namings = version.index.namings(ids)
        again = self._parts.catalog.images.get(ids)
        for image in images.values():
            now = again.get(image.image_id)
            unchanged = now is not None and now.label_version == image.label_version
            if unchanged and namings.get(image.image_id, image.naming) != image.naming:
                is_coming = image.image_id in on_their_way
                fate = Fate.WAITING if is_coming else Fate.MISSING
                self._findings.cameras[image.capture.camera].names[fate] += 1
                if not is_coming:
                    self._findings.lose_name(image.capture.camera, image.image_id)

    def _labels_on_their_way(self) -> set[str]:
        found = self._parts.catalog.walks.unpublished_images()
        spans = self._parts.log.spans(topics.LABELS, topics.LABELS_GROUP)
        unread = {n: span.waiting for n, span in spans.items()}
        for record in read_ranges(self._parts.log, topics.LABELS, unread):
            found.add((record.key or b"").decode(errors="replace"))
        return found
