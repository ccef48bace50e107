"""Search: the neighbours of an image, with what the catalog knows of each."""

from datetime import UTC, datetime

import numpy as np
import pytest

from plankton_stream.domain import Capture, Image, LabelState, Naming, image_id
from plankton_stream.errors import NotFoundError, RetryableError
from plankton_stream.ports import ImageFilter, Metric
from plankton_stream.search import neighbours, neighbours_of
from plankton_stream.testing import MemoryIndex

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
COPEPOD = Naming(taxon="copepod", state=LabelState.VALIDATED)
UNLABELLED = ImageFilter(state=LabelState.UNLABELLED)


class Records(dict[str, Image]):
    """The catalog; counts how often it is asked."""

    asked = 0

    def get(self, ids: list[str], /) -> dict[str, Image]:  # type: ignore[override]
        self.asked += 1
        return {i: self[i] for i in reversed(ids) if i in self}  # SQL keeps no order


def an_image(number: int) -> Image:
    capture = Capture(camera="c")
    return Image(
        image_id=image_id(capture, str(number), None), capture=capture, frame_key=str(number),
        content_type="image/png", byte_size=1, sha256="", width_px=1, height_px=1, encoder="e",
        indexed_at=NOON,
    )  # fmt: skip


@pytest.fixture
def images() -> list[Image]:
    return [an_image(number) for number in range(200)]


@pytest.fixture
def index(images: list[Image]) -> MemoryIndex:
    """Image 0 is the query's; the others lie around it in the order of their numbers."""
    index = MemoryIndex()
    angles = np.arange(200) / 200
    index.upsert(images, np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    return index


@pytest.fixture
def records(images: list[Image]) -> Records:
    return Records({image.image_id: image for image in images})


def test_neighbours_come_in_rank_order_without_the_image_itself(
    images: list[Image], index: MemoryIndex, records: Records
) -> None:
    found = neighbours_of(images[0].image_id, 10, index=index, records=records)
    assert [hit.image for hit in found] == images[1:11]
    assert [hit.distance for hit in found] == sorted(hit.distance for hit in found)
    assert records.asked == 1


def test_an_uploaded_image_has_all_for_neighbours(
    images: list[Image], index: MemoryIndex, records: Records
) -> None:
    query = np.array([1, 0], np.float32)
    found = neighbours(query, 3, index=index, records=records, metric=Metric.L2)
    assert [hit.image for hit in found] == images[:3]
    assert found[1].distance == pytest.approx(2 * np.sin(1 / 400), rel=1e-3)


def test_more_is_asked_for_than_wanted_so_that_the_answer_stays_full(
    images: list[Image], index: MemoryIndex, records: Records
) -> None:
    """The index still says unlabelled of images that the catalog knows by name, or not at all."""
    for image in images[1:31]:
        records[image.image_id] = image.model_copy(update={"naming": COPEPOD})
    for image in images[31:61]:
        del records[image.image_id]
    found = neighbours_of(images[0].image_id, 20, index=index, records=records, where=UNLABELLED)
    assert [hit.image for hit in found] == images[61:81]


def test_a_name_that_the_index_has_and_the_catalog_took_back_is_dropped(
    images: list[Image], index: MemoryIndex, records: Records
) -> None:
    index.rename([image.model_copy(update={"naming": COPEPOD}) for image in images[1:4]])
    records[images[2].image_id] = images[2].model_copy(update={"naming": COPEPOD})
    where = ImageFilter(taxon="copepod")
    found = neighbours_of(images[0].image_id, 20, index=index, records=records, where=where)
    assert [hit.image.image_id for hit in found] == [images[2].image_id]


def test_what_the_catalog_says_is_what_is_shown(
    images: list[Image], index: MemoryIndex, records: Records
) -> None:
    records[images[1].image_id] = images[1].model_copy(update={"naming": COPEPOD})
    found = neighbours_of(images[0].image_id, 1, index=index, records=records)
    assert found[0].image.naming == COPEPOD


def test_an_image_that_is_not_indexed_is_not_found(index: MemoryIndex, records: Records) -> None:
    with pytest.raises(NotFoundError, match="not in the index"):
        neighbours_of(an_image(999).image_id, 5, index=index, records=records)


def test_an_index_that_is_away_is_told(
    images: list[Image], index: MemoryIndex, records: Records
) -> None:
    index.available = False
    with pytest.raises(RetryableError):
        neighbours_of(images[0].image_id, 5, index=index, records=records)
