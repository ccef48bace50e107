"""Events that carry image bytes: a frame was captured, a ROI was cut.

The value is the image as the camera made it; everything else travels in headers.
"""

import json
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationError
from pydantic_core import from_json

from plankton_stream.domain import (
    IMAGE_TYPES,
    MAX_EXTRA_BYTES,
    MAX_IMAGE_BYTES,
    Box,
    Capture,
    Extra,
    Frame,
    FrameKey,
    GivenName,
    Measurements,
    Roi,
    Specimen,
)
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.envelope import (
    Envelope,
    Message,
    Model,
    Received,
    describe,
    now,
    read_attributes,
    read_envelope,
    to_headers,
    to_text,
)

FRAME_CAPTURED = "plankton.frame.captured.v1"
ROI_CUT = "plankton.roi.cut.v1"


def _split_box(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


def _inside(box: Box) -> Box:
    if box.x < 0 or box.y < 0 or box.width < 1 or box.height < 1:
        raise ValueError("a box is x,y,width,height with x, y ≥ 0 and width, height ≥ 1")
    return box


def _parse_json(value: object) -> object:
    # Not json.loads: deeply nested text would exhaust Python's stack.
    return from_json(value) if isinstance(value, str) else value


def _dump_truth(truth: tuple[Specimen, ...]) -> str:
    return json.dumps([specimen.model_dump() for specimen in truth], separators=(",", ":"))


BoxText = Annotated[
    Box,
    BeforeValidator(_split_box),
    AfterValidator(_inside),
    PlainSerializer(lambda box: ",".join(map(str, box)), return_type=str),
]
TruthText = Annotated[
    tuple[Specimen, ...],
    BeforeValidator(_parse_json),
    PlainSerializer(_dump_truth, return_type=str),
]
MeasurementsText = Annotated[
    Measurements,
    BeforeValidator(_parse_json),
    PlainSerializer(lambda measured: measured.model_dump_json(exclude_none=True), return_type=str),
]

Sequence = Annotated[
    int | None,
    Field(ge=1, description="Counts what the camera gave, also after a restart; a gap is a loss."),
]


def _dump_extra(extra: Extra) -> str:
    return json.dumps(extra, separators=(",", ":"), ensure_ascii=False)


def _small(extra: Extra) -> Extra:
    size = len(_dump_extra(extra).encode())
    if size > MAX_EXTRA_BYTES:
        raise ValueError(f"{size} bytes of JSON, at most {MAX_EXTRA_BYTES} travel")
    return extra


ExtraText = Annotated[
    Extra,
    BeforeValidator(_parse_json),
    AfterValidator(_small),
    PlainSerializer(_dump_extra, return_type=str),
]
GivenNameText = Annotated[
    GivenName,
    BeforeValidator(_parse_json),
    PlainSerializer(lambda name: name.model_dump_json(exclude_none=True), return_type=str),
]


class FrameAttributes(Capture):
    """Headers of `plankton.frame.captured.v1`."""

    frame_key: FrameKey
    extra: ExtraText | None = None
    truth: TruthText | None = None
    sequence: Sequence = None


class RoiAttributes(Capture):
    """Headers of `plankton.roi.cut.v1`."""

    frame_key: FrameKey
    box: BoxText | None = None
    measurements: MeasurementsText | None = Field(
        default=None, description="What was measured on it, JSON."
    )
    sequence: Sequence = None
    extra: ExtraText | None = None
    given_name: GivenNameText | None = None


def frame_event_id(frame: Frame) -> str:
    """The id of a frame's event: the same whenever the frame is sent."""
    return f"{frame.capture.camera}/{frame.frame_key}"


def frame_message(frame: Frame) -> Message:
    """The event that a camera publishes for each frame.

    Raises:
        RejectedError: the frame is empty, too large, of a type that is not allowed, or its
            metadata is out of range.
    """
    camera = frame.capture.camera
    attributes = _attributes(
        FrameAttributes,
        frame.capture,
        frame_key=frame.frame_key,
        truth=frame.truth,
        sequence=frame.sequence,
        extra=frame.extra or None,
    )
    return _image_message(
        topics.FRAMES,
        camera,
        Envelope(
            id=frame_event_id(frame),
            type=FRAME_CAPTURED,
            source=f"/cameras/{camera}",
            time=frame.capture.captured_at or now(),
            subject=frame.frame_key,
            content_type=frame.content_type,
        ),
        attributes,
        frame.data,
    )


def roi_message(roi: Roi) -> Message:
    """The event for each cut-out; its id is the image id, so a replay is the same event.

    Raises:
        RejectedError: as `frame_message`.
    """
    camera = roi.capture.camera
    attributes = _attributes(
        RoiAttributes, roi.capture, frame_key=roi.frame_key, box=roi.box, sequence=roi.sequence,
        extra=roi.extra or None, given_name=roi.name, measurements=roi.measurements,
    )  # fmt: skip
    return _image_message(
        topics.ROIS,
        roi.image_id,
        Envelope(
            id=roi.image_id,
            type=ROI_CUT,
            source=f"/cameras/{camera}",
            time=roi.capture.captured_at or now(),
            subject=roi.image_id,
            content_type=roi.content_type,
        ),
        attributes,
        roi.data,
    )


def read_frame(received: Received) -> Frame:
    """The frame in a record.

    Raises:
        RejectedError: wrong headers, another event type or version, no or too many bytes.
    """
    headers = to_text(received.headers)
    envelope = _expect(headers, FRAME_CAPTURED)
    attributes = read_attributes(FrameAttributes, headers)
    _check_bytes(received.value, envelope.content_type)
    return Frame(
        capture=_capture(attributes),
        frame_key=attributes.frame_key,
        content_type=envelope.content_type,
        data=received.value,
        truth=attributes.truth,
        sequence=attributes.sequence,
        extra=attributes.extra or {},
    )


def read_roi(received: Received) -> Roi:
    """The ROI in a record.

    Raises:
        RejectedError: wrong headers, another event type or version, no or too many bytes, or an
            identity that does not follow from the headers.
    """
    headers = to_text(received.headers)
    envelope = _expect(headers, ROI_CUT)
    attributes = read_attributes(RoiAttributes, headers)
    _check_bytes(received.value, envelope.content_type)
    roi = Roi(
        capture=_capture(attributes),
        frame_key=attributes.frame_key,
        box=attributes.box,
        content_type=envelope.content_type,
        data=received.value,
        measurements=attributes.measurements,
        sequence=attributes.sequence,
        extra=attributes.extra or {},
        name=attributes.given_name,
    )
    if roi.image_id != envelope.subject:
        raise RejectedError(
            f"ce_subject is {envelope.subject!r}, but camera, frame key, box and capture time "
            f"give image id {roi.image_id!r}"
        )
    return roi


def _attributes(model: type[Model], capture: Capture, **more: object) -> Model:
    values = {name: getattr(capture, name) for name in Capture.model_fields} | more
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RejectedError(f"{capture.camera}: {describe(error)}") from error


def _capture(attributes: FrameAttributes | RoiAttributes) -> Capture:
    return Capture(**{name: getattr(attributes, name) for name in Capture.model_fields})


def _image_message(
    topic: topics.Topic, key: str, envelope: Envelope, attributes: Capture, data: bytes
) -> Message:
    _check_bytes(data, envelope.content_type)
    return Message(
        topic=topic.name,
        key=key,
        value=data,
        headers=to_headers(envelope, attributes.model_dump(mode="json")),
    )


def _expect(headers: dict[str, str], event_type: str) -> Envelope:
    envelope = read_envelope(headers)
    if envelope.type != event_type:
        raise RejectedError(f"event type {envelope.type!r}: this consumer reads {event_type!r}")
    return envelope


def _check_bytes(data: bytes, content_type: str) -> None:
    if content_type not in IMAGE_TYPES:
        raise RejectedError(f"content type {content_type!r}: allowed are {', '.join(IMAGE_TYPES)}")
    if not data:
        raise RejectedError("the image is empty (0 bytes)")
    if len(data) > MAX_IMAGE_BYTES:
        raise RejectedError(f"the image has {len(data)} bytes, allowed are {MAX_IMAGE_BYTES}")
