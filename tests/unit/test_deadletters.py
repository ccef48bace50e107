"""Dead letters: listed with their cause, shown with their bytes, sent back as they were."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plankton_stream.deadletters.letters import get_letter, list_letters, send_back
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import original
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.images import frame_message, roi_message
from plankton_stream.tail import as_line
from tests.pipeline import MemoryPipeline, a_frame, a_roi
from web.live import Live


@pytest.fixture
def line(tmp_path: Path) -> Iterator[MemoryPipeline]:
    """Two records that were given up: a frame that is no image, and a ROI that is empty."""
    line = MemoryPipeline.at(tmp_path)
    frame = frame_message(a_frame("f1", camera="cam-1"))
    roi = roi_message(a_roi("r1", camera="ifcb"))
    line.log.append(Message(frame.topic, frame.key, b"no image", frame.headers))
    line.log.append(Message(roi.topic, roi.key, b"", roi.headers))
    line.run()
    yield line
    line.close()


def test_they_are_listed_with_their_cause_and_origin(line: MemoryPipeline) -> None:
    frame, roi = list_letters(line.reader)
    assert (frame.offset, frame.topic, frame.consumer) == (
        0,
        "plankton.frames.v1",
        "/workers/segment",
    )
    assert roi.origin == "plankton.rois.v1/0/0"
    assert list_letters(line.reader, cause="EMPTY") == [roi]
    assert list_letters(line.reader, topic="frames") == [frame]


def test_one_is_shown_as_it_was(line: MemoryPipeline) -> None:
    sent = line.records(topics.FRAMES)[0]
    record = original(get_letter(line.reader, 0))
    assert (record.key, record.value, record.headers) == (sent.key, b"no image", sent.headers)
    assert record.origin == sent.origin
    with pytest.raises(NotFoundError, match="offset 7"):
        get_letter(line.reader, 7)


def test_one_is_sent_back_with_its_own_key_and_headers_and_says_so(line: MemoryPipeline) -> None:
    assert send_back(line.reader, line.publisher, [0]) == 1
    first, again = line.records(topics.FRAMES)
    assert (again.key, again.value) == (first.key, first.value)
    assert dict(again.headers) == dict(first.headers) | {
        "ce_replayof": b"plankton.deadletter.v1/0/0"
    }
    frame, roi = list_letters(line.reader)
    assert frame.replayed_at is not None
    assert roi.replayed_at is None


def test_what_was_sent_back_and_fails_again_is_one_more_that_can_be_sent_back(
    line: MemoryPipeline,
) -> None:
    send_back(line.reader, line.publisher, [0])
    line.run()
    newest = list_letters(line.reader)[-1]
    assert newest.origin == "plankton.frames.v1/0/1"
    send_back(line.reader, line.publisher, [newest.offset])
    headers = [name for name, _ in line.records(topics.FRAMES)[-1].headers]
    assert headers.count("ce_replayof") == 1


def test_the_effect_of_a_record_that_now_succeeds_is_there_once(line: MemoryPipeline) -> None:
    """The cause was the worker's, which has been repaired since."""
    whole = roi_message(a_roi("r2", camera="ifcb"))
    line.log.append(Message(whole.topic, whole.key, b"", whole.headers))
    line.run()
    letter = line.records(topics.DEADLETTER)[-1]
    line.records(topics.DEADLETTER)[-1] = replace(letter, value=whole.value)
    for _ in range(2):
        send_back(line.reader, line.publisher, [letter.offset])
    line.run()
    assert line.ids("ifcb") == [a_roi("r2", camera="ifcb").image_id]


def test_a_key_that_is_no_text_goes_back_as_it_came(line: MemoryPipeline) -> None:
    letter = line.records(topics.DEADLETTER)[0]
    headers = tuple((n, b"\xff\x00" if n == "original_key" else v) for n, v in letter.headers)
    line.records(topics.DEADLETTER)[0] = replace(letter, headers=headers)
    send_back(line.reader, line.publisher, [0])
    assert line.records(topics.FRAMES)[-1].key == b"\xff\x00"


def test_the_note_is_no_dead_letter(line: MemoryPipeline) -> None:
    send_back(line.reader, line.publisher, [0])
    note = line.records(topics.DEADLETTER)[-1]
    with pytest.raises(RejectedError, match="no dead letter"):
        original(note)
    assert as_line(note).endswith("plankton.deadletter.v1/0/0: sent back")
    live = Live()
    for record in line.records(topics.DEADLETTER):
        live.take(record)
    assert live.dead_letters() == 2


def test_a_record_of_no_known_kind_is_left_out(line: MemoryPipeline) -> None:
    line.records(topics.DEADLETTER).append(
        Received(topics.DEADLETTER.name, 0, 2, None, b"", (("ce_type", b"other"),))
    )
    assert len(list_letters(line.reader)) == 2
