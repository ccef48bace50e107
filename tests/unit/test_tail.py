"""`plankton tail`: what one event looks like."""

import json

import pytest

from plankton_stream.domain import Capture
from plankton_stream.events import topics
from plankton_stream.events.deadletters import dead_letter
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import CensusCounted, ImageIndexed, LabelCurrent, fact_message
from plankton_stream.events.health import CameraStatus
from plankton_stream.tail import as_json_line, as_line
from tests.label_events import START, Labelling, as_received, label_message

IMAGE = "0" * 26
CAPTURE = Capture(camera="cam-a", captured_at=START)


def test_a_label_event_tells_time_who_image_and_change() -> None:
    event = next(iter(Labelling(seed=1).events(1, 0)))
    line = as_line(as_received(label_message(event)))
    assert line.startswith(f"2026-05-01T00:00:00Z  ana  {event.key}  unlabelled → ")


@pytest.mark.parametrize(
    "fact",
    [
        ImageIndexed(
            image_id=IMAGE, capture=CAPTURE, frame_key="f", encoder="e", indexed_at=START
        ),
        LabelCurrent(
            image_id=IMAGE, version=1, naming={"taxon": "copepod", "state": "validated"},
            who="ana", at=START, capture=CAPTURE,
        ),
        CameraStatus(
            camera="cam-a", at=START, started_at=START, state="running", seen=1, sent=1,
            dropped=0, rate_hz=6,
        ),
        CensusCounted(
            camera="cam-a", window_start=None, window_s=300, counts={"copepod": 2},
            updated_at=START,
        ),
    ],
    ids=lambda fact: type(fact).__name__,
)  # fmt: skip
def test_every_event_is_one_line_with_its_time(fact: Fact) -> None:
    line = as_line(as_received(fact_message(fact, event_id="1", source="/test")))
    assert line.startswith("2026-05-01T00:00:00Z  ")
    assert "\n" not in line


def test_a_dead_letter_tells_where_from_and_why() -> None:
    bad = Received("plankton.rois.v1", 2, 17, b"k", b"\x00", (("x", b"\xff"),))
    line = as_line(as_received(dead_letter(bad, cause="no bytes", consumer="/test")))
    assert line.endswith("plankton.rois.v1/2/17: no bytes")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("ce_type", b"plankton.new.v9"),),
        (("ce_type", b"plankton.label.applied.v1"),),
        (("ce_type", b"\xff\x1b[2J\n"),),
    ],
)
def test_what_is_unknown_is_shown_and_stays_one_harmless_line(
    headers: tuple[tuple[str, bytes], ...],
) -> None:
    record = as_received(Message(topics.LABELS.name, "k", b"\xff{", headers))
    line = as_line(record)
    assert "plankton.labels.v1/0/0" in line
    assert line.isprintable()
    assert json.loads(as_json_line(record))["data"] is None
    if headers:
        assert line.startswith(headers[0][1].decode(errors="replace")[:1])


def test_json_has_place_headers_and_data() -> None:
    event = next(iter(Labelling(seed=2).events(1, 0)))
    found = json.loads(as_json_line(as_received(label_message(event), partition=3, offset=9)))
    assert (found["topic"], found["partition"], found["offset"]) == ("plankton.labels.v1", 3, 9)
    assert found["headers"]["ce_type"] == "plankton.label.applied.v1"
    assert found["data"]["image_id"] == found["key"] == event.key
