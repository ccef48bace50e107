"""Identity of images, and what a capture may hold."""

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from plankton_stream.domain import (
    Box,
    Capture,
    Cut,
    CutOutcome,
    ImageId,
    Roi,
    from_microseconds,
    image_id,
    new_id,
    to_microseconds,
)

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
BOX = Box(1, 2, 30, 40)


def capture(**known: Any) -> Capture:
    return Capture(**{"camera": "cam-1", "captured_at": NOON} | known)


def test_an_identity_never_changes() -> None:
    """Written down once: another value would make every indexed image a stranger."""
    assert image_id(capture(), "frame-1", BOX) == "01HWT0D7G0NJREHXTS5JHZK7ZX"
    assert image_id(capture(captured_at=None), "frame-1", BOX)[10:] == "NJREHXTS5JHZK7ZX"


def test_what_does_not_make_the_picture_does_not_change_its_identity() -> None:
    other = capture(depth_m=3.0, sample="s", latitude=1.0, live=True)
    assert image_id(other, "frame-1", BOX) == image_id(capture(), "frame-1", BOX)
    assert Roi(other, "frame-1", BOX, "image/png", b"x").image_id == image_id(other, "frame-1", BOX)


def test_every_part_of_an_identity_counts_and_none_can_stand_for_another() -> None:
    keys = ["1", "2", "", "1,2,30,40", "\0", "1,2,30,40\0", "cam-1", "ü", "u\u0308", "a/b", "a\\b"]
    boxes = [None, BOX, Box(1, 2, 30, 4), Box(1, 2, 3, 40), Box(12, 3, 0, 40), Box(1, 23, 0, 40)]
    cameras = ["cam-1", "cam-11", "cam-1.1"]
    parts = list(itertools.product(cameras, keys, boxes))
    ids = {image_id(capture(camera=camera), key, box) for camera, key, box in parts}
    assert len(ids) == len(parts)


def test_identities_sort_by_capture_time_and_begin_with_it() -> None:
    times = [NOON + timedelta(milliseconds=n) for n in range(-50, 50)]
    ids = [image_id(capture(captured_at=time), "k", None) for time in times]
    assert ids == sorted(ids)
    assert len({i[10:] for i in ids}) == 1, "the rest is the hash of what it is"
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    assert image_id(capture(captured_at=elsewhere), "k", None) == ids[50]


@pytest.mark.parametrize("time", [None, datetime(1931, 1, 1, tzinfo=UTC)])
def test_without_a_time_that_fits_the_time_part_is_zero(time: datetime | None) -> None:
    assert image_id(capture(captured_at=time), "k", None).startswith("0" * 10)


def test_the_last_time_there_is_fits() -> None:
    last = image_id(capture(captured_at=datetime.max.replace(tzinfo=UTC)), "k", None)
    assert TypeAdapter(ImageId).validate_python(last) == last


def test_new_ids_differ_and_are_image_ids() -> None:
    ids = {new_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    for fresh in ids:
        TypeAdapter(ImageId).validate_python(fresh)


def test_microseconds_are_exact_to_the_last_digit() -> None:
    for time in (NOON + timedelta(microseconds=1), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)):  # fmt: skip  # noqa: E501
        assert from_microseconds(to_microseconds(time)) == time


@pytest.mark.parametrize(
    "wrong",
    [
        {"camera": ""}, {"camera": "UPPER"}, {"camera": "a b"}, {"camera": "-a"}, {"camera": "a\n"},
        {"camera": "a/b"}, {"camera": "a" * 65}, {"camera": "a\0"}, {"sample": ""},
        {"captured_at": datetime(2024, 5, 1)}, {"captured_at": "yesterday"},
        {"captured_at": "0001-01-01T00:00:00+05:00"}, {"captured_at": "9999-12-31T23:59:59-05:00"},
        {"depth_m": -101}, {"depth_m": 12_001}, {"depth_m": float("nan")},
        {"depth_m": float("inf")},
        {"latitude": 90.01}, {"latitude": -90.01}, {"latitude": float("nan")},
        {"longitude": 180.01}, {"longitude": float("nan")}, {"longitude": float("-inf")},
        {"pixel_size_um": 0}, {"pixel_size_um": -1}, {"pixel_size_um": float("nan")},
        {"pixel_size_um": float("inf")}, {"salinity": 35},
    ],
)  # fmt: skip
def test_a_capture_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        capture(**wrong)


def test_a_capture_at_its_limits_is_taken_and_its_time_becomes_utc() -> None:
    assert capture(camera="a" * 64, depth_m=-100, latitude=-90, longitude=180, pixel_size_um=1e-3)
    assert capture(captured_at="2024-05-01T14:00:00+02:00").captured_at == NOON
    assert capture(captured_at="2024-05-01T14:00:00+02:00").captured_at.tzinfo is UTC


def test_a_cut_says_what_became_of_its_frame() -> None:
    def outcome(**more: Any) -> CutOutcome:
        return Cut(capture=capture(), frame_key="k", **more).outcome

    assert outcome(boxes=(BOX,)) is CutOutcome.CUT
    assert outcome() is CutOutcome.EMPTY
    assert outcome(rejected_because="no image") is CutOutcome.REJECTED
