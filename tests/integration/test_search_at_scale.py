"""Ten thousand neighbours of twenty thousand fresh images, on a real Milvus server."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
import sqlalchemy as sa

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.milvus.calls import Caller
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import Capture, Image, image_id
from plankton_stream.search import neighbours_of
from tests.waiting import wait_until

pytestmark = pytest.mark.services

IMAGES = 20_000
DIMENSION = 256
AT = datetime(2026, 6, 1, tzinfo=UTC)


def image(number: int) -> Image:
    capture = Capture(camera=f"cam-{number % 2}", captured_at=AT)
    return Image(
        image_id=image_id(capture, str(number), None),
        capture=capture,
        frame_key=str(number),
        content_type="image/png",
        byte_size=1,
        sha256="0" * 64,
        width_px=number % 300 + 1,
        height_px=1,
        encoder="scale",
        indexed_at=AT,
    )


@pytest.fixture(scope="module")
def images() -> list[Image]:
    return [image(number) for number in range(IMAGES)]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    random = np.random.default_rng(0).normal(size=(IMAGES, DIMENSION)).astype(np.float32)
    return np.asarray(random / np.linalg.norm(random, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def index(milvus: str, images: Sequence[Image], vectors: np.ndarray) -> Iterator[MilvusIndex]:
    index = MilvusIndex(milvus, encoder="scale", dimension=DIMENSION)
    index.upsert(images, vectors)
    wait_until(lambda: index.count() == IMAGES, within_s=30, what="20,000 rows")
    yield index
    index.close()


@pytest.fixture(scope="module")
def catalog(images: Sequence[Image], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    url = f"sqlite:///{tmp_path_factory.mktemp('scale') / 'catalog.sqlite'}"
    upgrade(url)
    catalog = Catalog(url)
    catalog.images.upsert(images)
    yield catalog
    catalog.close()


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of any collection from now on."""
    calls: list[str] = []
    call = Caller.plain

    def counting(self: Caller, what: str, *arguments: object, **options: object) -> object:
        calls.append(what)
        return call(self, what, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Caller, "plain", counting)
    return calls


def visible(index: MilvusIndex, vector: np.ndarray) -> None:
    """Bounded reads see a new row about 0.2 s after it was written."""
    wait_until(lambda: len(index.search(vector, 16_384)) == 16_384, within_s=30, what="all rows")


@pytest.mark.parametrize("k", [1, 100, 10_000])
def test_all_k_come_in_rank_order_by_two_calls_and_one_statement(
    index: MilvusIndex,
    catalog: Catalog,
    images: Sequence[Image],
    vectors: np.ndarray,
    k: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visible(index, vectors[3])
    calls = count_calls(monkeypatch)
    statements: list[str] = []
    sa.event.listen(
        catalog.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, *_: statements.append(statement),
    )
    found = neighbours_of(images[3].image_id, k, index=index, records=catalog.images)
    assert calls == ["get", "search"]
    assert len([s for s in statements if not s.startswith("BEGIN")]) == 1

    assert len(found) == len({n.image.image_id for n in found}) == k
    distances = [neighbour.distance for neighbour in found]
    assert distances == sorted(distances)
    by_id = {i.image_id: i for i in images}
    assert all(n.image == by_id[n.image.image_id] for n in found)


def test_what_is_found_is_what_is_nearest(
    index: MilvusIndex, catalog: Catalog, images: Sequence[Image], vectors: np.ndarray
) -> None:
    visible(index, vectors[3])
    found = neighbours_of(images[3].image_id, 10_000, index=index, records=catalog.images)
    exact = 1 - vectors @ vectors[3]
    nearest = {images[i].image_id for i in np.argsort(exact)[1:10_001]}
    recall = len(nearest & {n.image.image_id for n in found}) / 10_000
    assert recall > 0.99
    by_id = {i.image_id: number for number, i in enumerate(images)}
    computed = [exact[by_id[n.image.image_id]] for n in found]
    np.testing.assert_allclose([n.distance for n in found], computed, atol=1e-4)
