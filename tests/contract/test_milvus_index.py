"""What only the index on Milvus does: codes made later, two stages, earlier collections."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from pymilvus import MilvusClient

from plankton_stream.adapters.milvus import MilvusIndex, collection, drop_index, ping
from plankton_stream.adapters.milvus.collection import Collection
from plankton_stream.domain import Image, new_id
from plankton_stream.errors import ContractError, RejectedError, RetryableError
from plankton_stream.ports import ImageFilter, Metric, Vector
from tests.contract.conftest import an_image, named
from tests.contract.index_parts import DIMENSION, exact_distances, found, put, until


@pytest.mark.services
def test_images_are_still_there_when_the_index_is_opened_again(
    milvus: str, vectors: Vector
) -> None:
    encoder = new_id()
    first = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    first.upsert([an_image(1)], vectors[:1])
    first.close()
    again = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    assert again.count() == 1
    again.close()
    with pytest.raises(ContractError, match=r"dimension 16 \(expected 32\)"):
        MilvusIndex(milvus, encoder=encoder, dimension=2 * DIMENSION)


def hamming_ids(index: MilvusIndex, vector: Vector, **condition: Any) -> set[str]:
    return set(found(index, vector, ImageFilter(**condition), metric=Metric.HAMMING))


@pytest.fixture
def grown(milvus: str, vectors: Vector) -> Iterator[tuple[str, list[Image]]]:
    """Encoder and images of an index with 200 images."""
    encoder, images = new_id(), [an_image(n, naming=named("diatom")) for n in range(200)]
    index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    index.upsert(images, vectors)
    index.close()
    yield encoder, images
    index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    index.drop()
    index.close()


@pytest.mark.services
@pytest.mark.parametrize("lost", [200, 70], ids=["none has a code", "some have a code"])
def test_images_from_before_there_were_codes_get_theirs_when_processes_open_the_index(
    milvus: str, vectors: Vector, grown: tuple[str, list[Image]], lost: int
) -> None:
    encoder, images = grown
    client = MilvusClient(uri=milvus)
    if lost == len(images):
        client.drop_collection(f"codes_{encoder}")
    else:
        client.delete(f"codes_{encoder}", ids=[image.image_id for image in images[:lost]])
    with ThreadPoolExecutor() as pool:
        opening = [
            pool.submit(MilvusIndex, milvus, encoder=encoder, dimension=DIMENSION) for _ in range(3)
        ]
        first, *others = [one.result() for one in opening]
    for other in others:
        other.close()
    own = {image.image_id for image in images}
    until(lambda: hamming_ids(first, vectors[0]) == own)
    until(lambda: hamming_ids(first, vectors[0], taxon="diatom") == own)
    (row,) = client.query(
        f"codes_{encoder}", filter="", output_fields=["count(*)"], consistency_level="Strong"
    )
    assert row["count(*)"] == len(images)
    client.close()
    first.close()


@pytest.mark.services
@pytest.mark.parametrize("created", [0, 100], ids=["created in memory", "created on disk"])
def test_two_stages_can_be_turned_on_and_off(milvus: str, vectors: Vector, created: int) -> None:
    encoder, images = new_id(), [an_image(n) for n in range(200)]
    index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION, candidates=created)
    index.upsert(images, vectors)
    client = MilvusClient(uri=milvus)
    client.flush(f"images_{encoder}")  # only flushed rows are mapped from disk
    client.release_collection(f"images_{encoder}")
    client.close()
    exact = np.sort(exact_distances(vectors[9], vectors, Metric.COSINE))[:10]
    for candidates in (100, 0):
        index.close()
        index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION, candidates=candidates)
        hits = index.search(vectors[9], 10)
        assert hits[0].image_id == images[9].image_id
        assert np.allclose([hit.distance for hit in hits], exact, atol=1e-5)
    index.drop()
    index.close()


@pytest.mark.services
def test_many_candidates_are_read_in_parts(
    milvus: str, vectors: Vector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plankton_stream.adapters.milvus.index._VECTOR_BYTES_A_CALL", 64 * 30)
    index = MilvusIndex(milvus, encoder=new_id(), dimension=DIMENSION, candidates=100)
    put(index, [an_image(n, sample="parts") for n in range(200)], vectors)
    asked: list[int] = []
    get = Collection.get

    def counted(self: Collection, ids: Sequence[str], *others: Any) -> list[dict[str, Any]]:
        asked.append(len(ids))
        return get(self, ids, *others)

    monkeypatch.setattr(Collection, "get", counted)
    exact = np.sort(exact_distances(vectors[9], vectors, Metric.COSINE))[:10]
    hits = index.search(vectors[9], 10)
    assert np.allclose([hit.distance for hit in hits], exact, atol=1e-5)
    assert asked == [30, 30, 30, 10]
    index.drop()
    index.close()


@pytest.mark.services
def test_an_image_that_is_written_while_codes_are_completed_gets_its_code(
    milvus: str, vectors: Vector, grown: tuple[str, list[Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, images = grown
    client = MilvusClient(uri=milvus)
    client.drop_collection(f"codes_{encoder}")
    client.close()
    get = Collection.get

    def later(
        self: Collection, ids: Sequence[str], fields: Sequence[str], consistency: str
    ) -> list[dict[str, Any]]:
        """Bounded reads do not see the first image yet."""
        rows = get(self, ids, fields, consistency)
        late = images[0].image_id if consistency == "Bounded" else ""
        return [row for row in rows if row["image_id"] != late]

    monkeypatch.setattr(Collection, "get", later)
    index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    until(lambda: hamming_ids(index, vectors[0]) == {image.image_id for image in images})
    index.close()


@pytest.mark.services
@pytest.mark.parametrize("by_name", [True, False], ids=["by its name", "opened"])
def test_a_dropped_index_is_gone_and_can_be_dropped_again(
    milvus: str, vectors: Vector, by_name: bool
) -> None:
    encoder = new_id()
    index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    index.upsert([an_image(1)], vectors[:1])
    client = MilvusClient(uri=milvus)
    assert {f"images_{encoder}", f"codes_{encoder}"} <= set(client.list_collections())
    for _ in range(2):
        if by_name:
            drop_index(milvus, encoder)
        else:
            index.drop()
    assert not [name for name in client.list_collections() if name.endswith(encoder)]
    client.close()
    index.close()


def test_an_index_that_is_away_is_named() -> None:
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1"):
        ping("http://127.0.0.1:1", timeout_s=1)


@pytest.fixture
def earlier(milvus: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Encoder of an index that an earlier version made: its collections have fewer fields."""
    encoder = new_id()
    with monkeypatch.context() as patch:
        patch.setattr(collection, "LATER_FIELDS", ())
        MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION).close()
    yield encoder
    drop_index(milvus, encoder)


@pytest.mark.services
def test_an_index_of_an_earlier_version_works_on_without_the_fields_it_lacks(
    milvus: str, earlier: str, vectors: Vector
) -> None:
    index = MilvusIndex(milvus, encoder=earlier, dimension=DIMENSION)
    image = an_image(1, sample="s", project="tara", instrument="UVP 6", naming=named("diatom"))
    put(index, [image], vectors[:1])
    index.rename([image.model_copy(update={"naming": named("copepod")})])
    until(lambda: found(index, vectors[0], ImageFilter(taxon="copepod")) == [image.image_id])
    for where in (ImageFilter(project="tara"), ImageFilter(instrument="UVP 6")):
        for metric in (Metric.COSINE, Metric.HAMMING):
            with pytest.raises(RejectedError, match="filter by sample or camera, or publish"):
                index.search(vectors[0], 5, where=where, metric=metric)
    index.close()


@pytest.mark.services
def test_codes_that_an_index_of_an_earlier_version_lacks_are_made(
    milvus: str, earlier: str, vectors: Vector
) -> None:
    index = MilvusIndex(milvus, encoder=earlier, dimension=DIMENSION)
    put(index, [an_image(1, sample="s")], vectors[:1])
    index.close()
    client = MilvusClient(uri=milvus)
    client.drop_collection(f"codes_{earlier}")
    client.close()
    index = MilvusIndex(milvus, encoder=earlier, dimension=DIMENSION)
    until(lambda: len(hamming_ids(index, vectors[0], sample="s")) == 1)
    index.close()
