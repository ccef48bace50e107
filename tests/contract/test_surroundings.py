"""What lies around an image, on SQLite and PostgreSQL."""

from datetime import timedelta

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Box, Capture, Cut, Image, image_id
from tests.contract.conftest import NOON, an_image


def ids(images: list[Image]) -> list[str]:
    return [image.image_id for image in images]


def of_frame(capture: Capture, key: str, box: Box | None) -> Image:
    return an_image(0).model_copy(
        update={
            "image_id": image_id(capture, key, box), "capture": capture, "frame_key": key,
            "box": box,
        }
    )  # fmt: skip


def test_a_frame_knows_the_images_that_were_cut_from_it(catalog: Catalog) -> None:
    capture = Capture(camera="cam-1", captured_at=NOON)
    boxes = (Box(0, 0, 10, 10), Box(30, 5, 8, 9), Box(60, 60, 4, 4))
    cut = Cut(capture=capture, frame_key="f", boxes=boxes, width_px=100, height_px=80)
    catalog.cuts.record(cut)
    mates = [of_frame(capture, "f", box) for box in boxes[:2]]  # the third is not indexed yet
    catalog.images.upsert([*mates, of_frame(capture, "g", boxes[0])])
    frame = catalog.surroundings.frame(mates[0])
    assert frame.cut == cut
    assert ids(frame.images) == sorted(ids(mates))


def test_without_a_cut_images_of_one_moment_and_frame_are_mates(catalog: Catalog) -> None:
    capture = Capture(camera="ifcb", captured_at=NOON)
    mates = [of_frame(capture, "f", Box(n, 0, 5, 5)) for n in range(3)]
    other = of_frame(Capture(camera="other", captured_at=NOON), "f", Box(9, 0, 5, 5))
    catalog.images.upsert([*mates, of_frame(capture, "g", None), other])
    frame = catalog.surroundings.frame(mates[1])
    assert frame.cut is None
    assert ids(frame.images) == sorted(ids(mates))


def test_an_image_of_unknown_time_and_cut_has_no_mates(catalog: Catalog) -> None:
    alone, other = (of_frame(Capture(camera="c"), key, None) for key in "fg")
    catalog.images.upsert([alone, other])
    assert ids(catalog.surroundings.frame(alone).images) == [alone.image_id]


def test_before_and_after_are_of_the_same_camera_in_capture_time(catalog: Catalog) -> None:
    series = [an_image(n, captured_at=NOON + timedelta(minutes=n)) for n in range(3)]
    other = an_image(7, camera="cam-2", captured_at=NOON + timedelta(seconds=30))
    catalog.images.upsert([*series, other])
    beside = catalog.surroundings.beside
    assert beside(series[1]) == (series[0], series[2])
    assert beside(series[0]) == (None, series[1])
    assert beside(series[2]) == (series[1], None)
    assert beside(other) == (None, None)
