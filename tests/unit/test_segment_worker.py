"""The segment worker: frames to ROIs, also with what goes wrong."""

from dataclasses import replace

import pytest

from plankton_stream.domain import (
    Box,
    Cut,
    CutOutcome,
)
from plankton_stream.events import topics
from plankton_stream.events.images import frame_message, read_roi
from plankton_stream.images import decode
from tests.worker_parts import CAPTURE, House, broken, frame_with_discs


def test_a_frame_becomes_one_roi_for_each_object(house: House) -> None:
    house.publish(frame_message(frame_with_discs((100, 80), (300, 200))))
    house.segment.handle(house.records(topics.FRAMES))
    rois = [read_roi(record) for record in house.records(topics.ROIS)]
    assert len(rois) == 2
    for found, centre in zip(rois, [(100, 80), (300, 200)], strict=True):
        box = found.box
        assert box is not None
        assert (box.x + box.width / 2, box.y + box.height / 2) == pytest.approx(centre, abs=3)
        assert decode(found.data, found.content_type).shape == (box.height, box.width)
        assert found.capture == CAPTURE


def test_a_frame_without_objects_has_an_outcome(house: House) -> None:
    house.publish(frame_message(frame_with_discs()))
    house.segment.handle(house.records(topics.FRAMES))
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.outcome is CutOutcome.EMPTY
    assert not house.records(topics.ROIS)


def test_a_replayed_frame_is_cut_where_it_was_cut_before(house: House) -> None:
    recorded = Cut(capture=CAPTURE, frame_key="f1", boxes=(Box(5, 6, 20, 10),))
    house.catalog.cuts.record(recorded)
    house.publish(frame_message(frame_with_discs((100, 80))))
    house.segment.handle(house.records(topics.FRAMES))
    assert [read_roi(r).box for r in house.records(topics.ROIS)] == [Box(5, 6, 20, 10)]


@pytest.mark.parametrize(
    ("value", "cause"),
    [(b"not an image", "not a PNG"), (b"", "empty"), (b"\x89PNG\r\n\x1a\n1234", "cut off")],
)
def test_an_unreadable_frame_goes_to_the_dead_letters_and_the_next_one_is_cut(
    house: House, value: bytes, cause: str
) -> None:
    good = frame_message(frame_with_discs((100, 80), key="f2"))
    house.publish(broken(frame_message(frame_with_discs()), value), good)
    house.segment.handle(house.records(topics.FRAMES))
    assert len(house.records(topics.ROIS)) == 1
    assert len(house.causes()) == 1
    assert cause in house.causes()[0]
    assert house.records(topics.DEADLETTER)[0].value == value


def test_a_frame_that_cannot_be_decoded_has_the_outcome_rejected(house: House) -> None:
    house.publish(broken(frame_message(frame_with_discs()), b"no image"))
    house.segment.handle(house.records(topics.FRAMES))
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.outcome is CutOutcome.REJECTED


def test_a_frame_that_was_unreadable_is_cut_when_it_comes_whole(house: House) -> None:
    whole = frame_message(frame_with_discs((100, 80)))
    house.publish(broken(whole, whole.value[:60]), whole)
    house.segment.handle(house.records(topics.FRAMES))
    assert len(house.records(topics.ROIS)) == 1
    cut = house.catalog.cuts.get("cam-1", "f1")
    assert cut is not None
    assert cut.outcome is CutOutcome.CUT


def test_what_came_with_a_frame_goes_with_its_rois(house: House) -> None:
    frame = replace(frame_with_discs((100, 80)), extra={"cast": 7})
    house.publish(frame_message(frame))
    house.segment.handle(house.records(topics.FRAMES))
    assert [read_roi(record).extra for record in house.records(topics.ROIS)] == [{"cast": 7}]
