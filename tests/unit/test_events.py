"""Events survive the way through the log, and what is no event of ours is refused."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from plankton_stream.domain import (
    MAX_IMAGE_BYTES,
    Box,
    Capture,
    Frame,
    LabelSource,
    LabelState,
    Naming,
    Roi,
    Specimen,
    TaxonKind,
)
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import dead_letter
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import (
    FACTS,
    CensusCounted,
    EmbeddingRequested,
    ImageDeleted,
    ImageIndexed,
    LabelApplied,
    LabelCurrent,
    LabelRetracted,
    fact_message,
    read_fact,
)
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus
from plankton_stream.events.images import frame_message, read_frame, read_roi, roi_message
from plankton_stream.events.prediction import ImagePredicted
from plankton_stream.events.taxon import TaxonChanged
from plankton_stream.votes import Voter

NOON = datetime(2024, 5, 1, 12, 0, 0, 1, tzinfo=UTC)
KNOWN = Capture(
    camera="cam-1", sample="s.1", captured_at=NOON, depth_m=0.1, latitude=-0.30000000000000004,
    longitude=179.99999999, pixel_size_um=3.45, live=True,
)  # fmt: skip
IMAGE = "01HWT8W5003YJFZJSPJNV29EB2"
NAMED = Naming(taxon="copepod", state=LabelState.VALIDATED)
KEYS = ["1", "dir/bild ü 浮遊.png", "🦐", "  spaced  ", "a\tb\n", "null", "true", "1e5", "k" * 1024]


def received(message: Message, **changed: bytes | None) -> Received:
    """A message as a consumer gets it; a changed header of None is left out."""
    headers = dict(message.headers) | {name.replace("__", "-"): v for name, v in changed.items()}
    return Received(
        message.topic, 0, 7, message.key.encode(), message.value,
        tuple((name, value) for name, value in headers.items() if value is not None),
    )  # fmt: skip


def a_frame(**changed: Any) -> Frame:
    return dataclasses.replace(Frame(KNOWN, "frame-1", "image/png", b"\0png\xff"), **changed)


def a_roi(**changed: Any) -> Roi:
    roi = Roi(KNOWN, "frame-1", Box(0, 2, 3, 4), "image/tiff", b"tiff")
    return dataclasses.replace(roi, **changed)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("capture", [KNOWN, Capture(camera="c")])
def test_a_frame_comes_out_as_it_went_in(key: str, capture: Capture) -> None:
    truth = (Specimen(taxon="copepod", x=1, y=2, width=3, height=4),)
    for frame in (a_frame(frame_key=key, capture=capture), a_frame(truth=truth), a_frame(truth=())):
        message = frame_message(frame)
        assert read_frame(received(message)) == frame
        assert (message.topic, message.key) == (topics.FRAMES.name, frame.capture.camera)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("box", [None, Box(0, 2, 3, 4)])
def test_a_roi_comes_out_as_it_went_in(key: str, box: Box | None) -> None:
    roi = a_roi(frame_key=key, box=box)
    message = roi_message(roi)
    assert read_roi(received(message)) == roi
    assert (message.topic, message.key) == (topics.ROIS.name, roi.image_id)


def test_headers_are_cloudevents_in_binary_mode() -> None:
    headers = dict(roi_message(a_roi()).headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"image/tiff"
    assert headers["ce_box"] == b"0,2,3,4"
    names = [name.removeprefix("ce_") for name in headers if name != "content-type"]
    assert all(name.isascii() and name.isalnum() and name.islower() for name in names)
    again = dict(roi_message(a_roi()).headers)
    assert again == headers, "a replay is the same event"


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": b""},
        {"data": b"0" * (MAX_IMAGE_BYTES + 1)},
        {"content_type": "image/gif"},
        {"content_type": ""},
        {"frame_key": ""},
        {"frame_key": "k" * 1025},
        {"frame_key": "\udcff.png"},
    ],
)
def test_an_image_that_no_consumer_would_take_is_not_published(wrong: dict[str, Any]) -> None:
    """The last one is a file name that is not UTF-8, as Python spells it."""
    with pytest.raises(RejectedError):
        frame_message(a_frame(**wrong))
    with pytest.raises(RejectedError):
        roi_message(a_roi(**wrong))


@pytest.mark.parametrize("box", [Box(-1, 0, 1, 1), Box(0, 0, 0, 1), Box(0, 0, 1, -1)])
def test_an_impossible_box_is_not_published(box: Box) -> None:
    with pytest.raises(RejectedError, match="box"):
        roi_message(a_roi(box=box))


def test_the_largest_image_travels() -> None:
    frame = a_frame(data=b"0" * MAX_IMAGE_BYTES)
    assert read_frame(received(frame_message(frame))) == frame


DEEP = b"[" * 100_000
WRONG_HEADERS: list[dict[str, bytes | None]] = [
    {"ce_specversion": None}, {"ce_specversion": b"0.3"}, {"ce_id": None}, {"ce_type": None},
    {"ce_source": b""}, {"ce_subject": None}, {"content__type": None},
    {"content__type": b"application/json"}, {"content__type": b"image/gif"}, {"ce_time": None},
    {"ce_time": b"yesterday"}, {"ce_time": b"2024-05-01T12:00:00"}, {"ce_camera": None},
    {"ce_camera": b"A B"}, {"ce_camera": b"\xff"}, {"ce_framekey": None}, {"ce_framekey": b""},
    {"ce_depthm": b"deep"}, {"ce_depthm": b"nan"}, {"ce_depthm": b"20000"}, {"ce_live": b"maybe"},
    {"ce_latitude": b"nan"}, {"ce_capturedat": b"2024-05-01T12:00:00"},
    {"ce_capturedat": b"0001-01-01T00:00:00+05:00"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_HEADERS)
def test_wrong_headers_are_rejected(wrong: dict[str, bytes | None]) -> None:
    with pytest.raises(RejectedError):
        read_frame(received(frame_message(a_frame()), **wrong))
    with pytest.raises(RejectedError):
        read_roi(received(roi_message(a_roi()), **wrong))


@pytest.mark.parametrize("event_type", [b"plankton.frame.captured.v2", b"plankton.roi.cut", b"x"])
def test_another_version_or_type_is_rejected_by_name(event_type: bytes) -> None:
    with pytest.raises(RejectedError, match=event_type.decode()):
        read_frame(received(frame_message(a_frame()), ce_type=event_type))
    with pytest.raises(RejectedError, match=event_type.decode()):
        read_roi(received(roi_message(a_roi()), ce_type=event_type))


@pytest.mark.parametrize(
    "truth", [b"{", b"[1]", b"{}", b'[{"taxon":"copepod"}]', DEEP, b'"text"', b"null-ish"]
)
def test_wrong_truth_is_rejected(truth: bytes) -> None:
    with pytest.raises(RejectedError, match="truth"):
        read_frame(received(frame_message(a_frame()), ce_truth=truth))


@pytest.mark.parametrize(
    "box", [b"1,2,3", b"1,2,3,4,5", b"a,b,c,d", b"", b"-1,2,3,4", b"1,2,0,4", b"1.5,2,3,4"]
)
def test_wrong_boxes_are_rejected(box: bytes) -> None:
    with pytest.raises(RejectedError, match="box"):
        read_roi(received(roi_message(a_roi()), ce_box=box))


def test_a_roi_whose_headers_do_not_give_its_identity_is_rejected() -> None:
    with pytest.raises(RejectedError, match="image id"):
        read_roi(received(roi_message(a_roi()), ce_box=b"9,9,9,9"))


@pytest.mark.parametrize("size", [0, MAX_IMAGE_BYTES + 1])
def test_a_record_without_or_with_too_many_bytes_is_rejected(size: int) -> None:
    record = dataclasses.replace(received(frame_message(a_frame())), value=b"0" * size)
    with pytest.raises(RejectedError, match="bytes"):
        read_frame(record)


def test_an_unknown_header_is_ignored() -> None:
    """A later version of the contract may add some."""
    record = received(frame_message(a_frame()), ce_salinity=b"35")
    assert read_frame(record) == a_frame()


LABEL: dict[str, Any] = {
    "image_id": IMAGE, "version": 1, "label_id": "l", "action_id": "a", "taxon": "copepod",
    "state": LabelState.VALIDATED, "source": LabelSource.HUMAN, "who": "Ängström 🦐", "at": NOON,
    "before": Naming(), "after": NAMED, "capture": KNOWN,
}  # fmt: skip
SOME: list[Fact] = [
    EmbeddingRequested(image_id=IMAGE, encoder="compact"),
    ImageIndexed(
        image_id=IMAGE, capture=KNOWN, frame_key="ü", encoder="compact", indexed_at=NOON
    ),
    ImageDeleted(image_id=IMAGE, capture=KNOWN, frame_key="ü", who="ann", why="bad", at=NOON),
    LabelApplied(**LABEL, why="two antennae"),
    LabelRetracted(**LABEL),
    LabelCurrent(image_id=IMAGE, version=2, naming=NAMED, who="x", at=NOON, capture=KNOWN),
    ImagePredicted(
        image_id=IMAGE, taxon="copepod", score=0.75, margin=0.5, encoder="e", at=NOON,
        evidence=(Voter(image_id=IMAGE, taxon="copepod", distance=0.01),),
    ),
    CameraStatus(
        camera="c", at=NOON, started_at=NOON, state="running", seen=3, sent=2, dropped=1,
        rate_hz=0.5,
    ),
    CensusCounted(
        camera="c", window_start=None, window_s=300, counts={"copepod": 2}, updated_at=NOON
    ),
    TaxonChanged(
        taxon="copepod", name="Copepoda", rank="class", parent="crustacea", aphia_id=1080,
        kind=TaxonKind.LIVING, synonyms=("Oar-feet",),
    ),
    AlertRaised(subject="camera/c", kind="silent", since=NOON, at=NOON, what="says nothing"),
    AlertCleared(subject="camera/c", kind="silent", since=NOON, at=NOON, what="is back"),
]  # fmt: skip


@pytest.mark.parametrize("fact", SOME, ids=lambda fact: type(fact).__name__)
def test_a_fact_comes_out_as_it_went_in(fact: Fact) -> None:
    message = fact_message(fact, event_id="e-1", source="/tests")
    assert read_fact(received(message)) == fact
    assert (message.topic, message.key) == (fact.topic.name, fact.key)
    assert dict(message.headers)["ce_id"] == b"e-1"
    assert json.loads(message.value)


def test_every_fact_is_tried_here() -> None:
    assert {type(fact) for fact in SOME} == set(FACTS.values())


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"", {}), (b"{", {}), (b"[]", {}), (b"{}", {}), (b"\xff", {}), (DEEP, {}),
        (None, {"content__type": b"text/plain"}), (None, {"ce_type": b"plankton.image.indexed.v9"}),
        (None, {"ce_specversion": b"2.0"}), (None, {"ce_id": None}),
    ],
)  # fmt: skip
def test_what_is_no_fact_is_rejected(value: bytes | None, headers: dict[str, bytes | None]) -> None:
    record = received(fact_message(SOME[0], event_id="e", source="/tests"), **headers)
    if value is not None:
        record = dataclasses.replace(record, value=value)
    with pytest.raises(RejectedError):
        read_fact(record)


def test_a_dead_letter_keeps_the_record_whole() -> None:
    raw = Received("t", 3, 42, b"k\xff", b"\0bytes", (("ce_id", b"\xff\xfe"), ("x", b"")))
    letter = dead_letter(raw, cause="no PNG: ü", consumer="/workers/embed")
    headers = dict(letter.headers)
    assert letter.topic == topics.DEADLETTER.name
    assert letter.value == raw.value
    assert headers["ce_subject"] == b"t/3/42"
    assert headers["ce_cause"].decode() == "no PNG: ü"
    assert headers["original_ce_id"] == b"\xff\xfe"
    assert headers["original_x"] == b""


def test_a_record_without_a_key_can_be_a_dead_letter() -> None:
    assert dead_letter(Received("t", 0, 0, None, b"", ()), cause="x", consumer="/x").key == ""


def test_topics_are_spelled_once_and_images_have_a_byte_cap() -> None:
    names = [topic.name for topic in topics.ALL]
    assert len(names) == len(set(names))
    capped = {t.name: t for t in topics.sized(topics.ALL, disk_mb=60)}
    assert set(capped) == set(names)
    for topic in (topics.FRAMES, topics.ROIS):
        assert int(capped[topic.name].config["retention.bytes"]) * topic.partitions == 60_000_000
    assert "retention.bytes" not in capped[topics.LABELS.name].config
    assert all(topic.config["message.timestamp.type"] == "LogAppendTime" for topic in topics.ALL)
    assert topics.LABELS.config["retention.ms"] == "-1", "labels are kept for ever"
