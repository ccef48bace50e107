"""`VectorIndex`: one suite over Milvus and the in-memory index."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.domain import Image, LabelState, Naming, new_id
from plankton_stream.errors import RejectedError
from plankton_stream.ports import ANY_IMAGE, MAX_HITS, ImageFilter, Metric, Vector, VectorIndex
from plankton_stream.testing import MemoryIndex
from tests.contract.conftest import NOON, an_image, named
from tests.contract.index_parts import (
    CANDIDATES,
    DIMENSION,
    exact_distances,
    found,
    put,
    until,
)


@pytest.fixture(
    scope="module", params=["memory", pytest.param("milvus", marks=pytest.mark.services)]
)
def where_it_is(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[0, CANDIDATES], ids=["one stage", "two stages"])
def candidates(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def opened(
    request: pytest.FixtureRequest, where_it_is: str, candidates: int
) -> Iterator[VectorIndex]:
    """One empty index for all tests of a kind: a collection takes Milvus a second to make."""
    if where_it_is == "memory":
        yield MemoryIndex(candidates=candidates)
        return
    milvus = request.getfixturevalue("milvus")
    index = MilvusIndex(milvus, encoder=new_id(), dimension=DIMENSION, candidates=candidates)
    yield index
    index.drop()
    index.close()


@pytest.fixture
def index(opened: VectorIndex) -> VectorIndex:
    """The index; a test tells its images from others' by a sample of its own."""
    return opened


@pytest.fixture
def sample() -> str:
    return new_id().lower()


def test_a_new_image_is_found_by_its_vector(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    image = an_image(1, sample=sample)
    index.upsert([image], vectors[:1])
    until(lambda: found(index, vectors[0], ImageFilter(sample=sample)) == [image.image_id])


def test_writing_twice_keeps_the_count_and_replaces(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    images = [an_image(n, sample=sample) for n in range(50)]
    put(index, images, vectors[:50])
    before = index.count()
    put(index, images, vectors[:50])
    assert index.count() == before
    index.upsert(images[:1], vectors[100:101])
    until(lambda: np.allclose(index.vector(images[0].image_id), vectors[100], atol=1e-6))
    assert index.count() == before
    assert set(index.ids()) >= {image.image_id for image in images}
    assert len(list(index.ids())) == before


def test_an_unknown_image_has_no_vector(index: VectorIndex) -> None:
    assert index.vector(an_image(77, camera="nowhere").image_id) is None


def test_an_image_gives_back_its_vector(index: VectorIndex, vectors: Vector, sample: str) -> None:
    put(index, [an_image(3, sample=sample)], vectors[3:4])
    vector = index.vector(an_image(3, sample=sample).image_id)
    assert vector is not None
    assert vector.dtype == np.float32
    assert np.allclose(vector, vectors[3], atol=1e-6)


def test_vectors_of_several_images_come_by_their_ids(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    images = [an_image(n, sample=sample) for n in range(5)]
    put(index, images, vectors[:5])
    fresh = an_image(5, sample=sample)
    index.upsert([fresh], vectors[5:6])  # not waited for: what was written just now counts
    ids = [image.image_id for image in (*images, fresh)]
    got = index.vectors([*ids, an_image(77, camera="nowhere").image_id])
    assert set(got) == set(ids)
    assert all(np.allclose(got[i], vectors[n], atol=1e-6) for n, i in enumerate(ids))
    assert index.vectors([]) == {}


def test_many_searches_at_once_find_what_each_finds_alone(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    put(index, [an_image(n, sample=sample) for n in range(40)], vectors[:40])
    own = ImageFilter(sample=sample)
    together = index.search_many(vectors[40:180], 7, where=own)
    assert len(together) == 140
    for vector, hits in zip(vectors[40:180], together, strict=True):
        alone = index.search(vector, 7, where=own)
        assert [hit.image_id for hit in hits] == [hit.image_id for hit in alone]
        assert np.allclose([h.distance for h in hits], [h.distance for h in alone], atol=1e-6)
    assert index.search_many(vectors[:0], 7, where=own) == []
    assert index.search_many(vectors[:2], 7, where=ImageFilter(sample="none")) == [[], []]


def test_renaming_changes_what_filters_find_and_keeps_the_vector(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    image, other = an_image(1, sample=sample), an_image(2, sample=sample)
    unknown = an_image(3, sample=sample, camera="elsewhere")
    put(index, [image, other], vectors[:2])
    renamed = [i.model_copy(update={"naming": named("copepod")}) for i in (image, unknown)]
    index.rename(renamed)
    copepods = ImageFilter(sample=sample, taxon="copepod")
    until(lambda: found(index, vectors[0], copepods) == [image.image_id])
    validated = ImageFilter(sample=sample, state=LabelState.VALIDATED)
    assert found(index, vectors[0], validated) == [image.image_id]
    until(lambda: found(index, vectors[0], copepods, metric=Metric.HAMMING) == [image.image_id])
    assert np.allclose(index.vector(image.image_id), vectors[0], atol=1e-6)
    assert index.vector(unknown.image_id) is None, "an image that is not indexed stays so"
    assert len(found(index, vectors[0], ImageFilter(sample=sample))) == 2

    index.rename([image.model_copy(update={"naming": Naming()})])
    for metric in (Metric.COSINE, Metric.HAMMING):
        until(lambda by=metric: found(index, vectors[0], copepods, metric=by) == [])


def test_renaming_nothing_is_allowed(index: VectorIndex) -> None:
    index.rename([])


@pytest.mark.parametrize("metric", Metric)
def test_hits_come_nearest_first_at_their_true_distance(
    index: VectorIndex, vectors: Vector, sample: str, metric: Metric
) -> None:
    images = [an_image(n, sample=sample) for n in range(100)]
    put(index, images, vectors[:100])
    hits = index.search(vectors[5], 20, where=ImageFilter(sample=sample), metric=metric)
    distances = [hit.distance for hit in hits]
    assert distances == sorted(distances)
    assert hits[0].image_id == images[5].image_id
    exact = exact_distances(vectors[5], vectors[:100], metric)
    by_id = {image.image_id: exact[n] for n, image in enumerate(images)}
    assert np.allclose(distances, [by_id[hit.image_id] for hit in hits], atol=2e-3)
    assert np.allclose(distances, np.sort(exact)[:20], atol=2e-3)
    assert distances[0] >= 0


def test_cosine_and_euclid_rank_alike_and_the_square_of_one_is_twice_the_other(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    put(index, [an_image(n, sample=sample) for n in range(60)], vectors[:60])
    where = ImageFilter(sample=sample)
    cosine = index.search(vectors[60], 30, where=where)
    euclidean = index.search(vectors[60], 30, where=where, metric=Metric.L2)
    assert [hit.image_id for hit in cosine] == [hit.image_id for hit in euclidean]
    assert np.allclose([h.distance**2 for h in euclidean], [2 * h.distance for h in cosine])


def test_two_stages_look_among_the_images_with_the_nearest_codes(
    index: VectorIndex, candidates: int, vectors: Vector, sample: str
) -> None:
    images = [an_image(n, sample=sample) for n in range(200)]
    put(index, images, vectors)
    row, among = misjudged(vectors)
    cosine = exact_distances(queries()[row], vectors, Metric.COSINE)
    nearest = among[np.argmin(cosine[among])] if candidates else np.argmin(cosine)
    assert found(index, queries()[row], ImageFilter(sample=sample), 1) == [images[nearest].image_id]


def queries() -> Vector:
    some = np.random.default_rng(8).normal(size=(500, DIMENSION)).astype(np.float32)
    return np.asarray(some / np.linalg.norm(some, axis=1, keepdims=True))


def misjudged(vectors: Vector) -> tuple[int, np.ndarray]:
    """A query whose nearest vector is not among its four nearest codes, and those four."""
    for row, query in enumerate(queries()):
        bits = exact_distances(query, vectors, Metric.HAMMING)
        order = np.argsort(bits, kind="stable")
        among = order[:CANDIDATES]
        is_clear = bits[order[CANDIDATES - 1]] < bits[order[CANDIDATES]]
        if is_clear and np.argmin(exact_distances(query, vectors, Metric.COSINE)) not in among:
            return row, among
    raise AssertionError("codes judge every query right")


def mixed(sample: str) -> list[Image]:
    """Images that differ in all that a filter asks for, unknown values among them."""
    times = (None, datetime(1931, 9, 1, tzinfo=UTC), NOON, NOON + timedelta(microseconds=1))
    names = (Naming(), named("copepod"), named("copepod", LabelState.DUBIOUS), named("diatom"))
    return [
        an_image(
            number, sample=None if number % 7 == 0 else sample,
            camera=f"{sample}-{number % 3}"[-40:],
            captured_at=times[number % 4], depth_m=(None, 0.0, -0.5, 10.0, 11_000.0)[number % 5],
            naming=names[number // 2 % 4],
            project=(None, "tara", "mvco")[number % 3], instrument=(None, 'UVP "6"')[number % 2],
            latitude=(None, -90.0, 0.5, 54.0)[number % 4],
            longitude=(None, 179.5, -179.5, 7.25, 0.0)[number % 5],
        )
        for number in range(80)
    ]  # fmt: skip


def test_each_filter_alone_and_with_others_finds_what_the_reference_matches(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    images = mixed(sample)
    index.upsert(images, vectors[:80])
    until(lambda: {i.image_id for i in images} <= set(found(index, vectors[0], ANY_IMAGE, 5_000)))
    camera = images[1].capture.camera
    alone: list[dict[str, Any]] = [
        {"camera": camera}, {"sample": sample},
        {"state": LabelState.UNLABELLED}, {"state": LabelState.DUBIOUS}, {"taxon": "copepod"},
        {"taxa": ("copepod", "diatom")}, {"taxa": ('" or taxon != "',)}, {"taxa": ()},
        {"after": NOON}, {"before": NOON}, {"after": datetime(1931, 1, 1, tzinfo=UTC)},
        {"before": NOON + timedelta(microseconds=1)}, {"before": datetime(1900, 1, 1, tzinfo=UTC)},
        {"depth_min_m": 0.0}, {"depth_max_m": 0.0}, {"depth_min_m": -100.0},
        {"depth_max_m": 12_000.0}, {"project": "tara"}, {"instrument": 'UVP "6"'},
        {"latitude_min": 0.0, "latitude_max": 54.0}, {"latitude_max": 0.5},
        {"longitude_min": 0.0}, {"longitude_min": 179.0, "longitude_max": -179.0},
    ]  # fmt: skip
    # Where samples were put since: this one into tara; this one out of it.
    alone += [
        {"project": "tara", "project_gained": frozenset({sample, 's-"'})},
        {"project": "tara", "project_lost": frozenset({sample, "other"})},
    ]
    pairs = [a | b for a, b in itertools.combinations(alone, 2)]
    own = {image.image_id for image in images}
    for conditions in [*alone, *pairs]:
        where = ImageFilter(**conditions)
        expected = {image.image_id for image in images if where.matches(image)}
        for metric in (Metric.COSINE, Metric.HAMMING):
            got = set(found(index, vectors[0], where, 5_000, metric=metric))
            assert got & own == expected, (metric, conditions)


def test_all_filters_together(index: VectorIndex, vectors: Vector, sample: str) -> None:
    image = an_image(1, sample=sample, depth_m=5.0, naming=named("copepod"))
    put(index, [image], vectors[:1])
    at = image.capture.captured_at
    assert at is not None
    everything = ImageFilter(
        camera="cam-1", sample=sample, state=LabelState.VALIDATED, taxon="copepod",
        after=at, before=at + timedelta(seconds=1), depth_min_m=5.0, depth_max_m=5.0,
    )  # fmt: skip
    assert found(index, vectors[0], everything) == [image.image_id]
    assert found(index, vectors[0], replace(everything, before=at)) == []


def test_quotes_in_a_filter_are_text(index: VectorIndex, vectors: Vector) -> None:
    """A filter's text comes from a URL."""
    assert found(index, vectors[0], ImageFilter(taxon='" or camera != "')) == []
    assert found(index, vectors[0], ImageFilter(taxon='\\" or 1 == 1 or taxon == "')) == []


@pytest.mark.parametrize("k", [0, -1, MAX_HITS + 1])
def test_k_out_of_range_is_rejected(index: VectorIndex, vectors: Vector, k: int) -> None:
    with pytest.raises(RejectedError, match=str(MAX_HITS)):
        index.search(vectors[0], k)


def test_the_largest_k_gives_all_there_are(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    put(index, [an_image(n, sample=sample) for n in range(5)], vectors[:5])
    assert len(found(index, vectors[0], ImageFilter(sample=sample), MAX_HITS)) == 5


def test_an_index_says_which_ids_it_knows(index: VectorIndex, vectors: Vector, sample: str) -> None:
    images = [an_image(n, sample=sample) for n in range(700, 703)]
    index.upsert(images[:2], vectors[:2])
    ids = [image.image_id for image in images]
    assert index.known(ids) == set(ids[:2])
    assert index.known(ids[2:]) == index.known([]) == set()


def test_a_dropped_version_is_gone_and_can_come_again(
    request: pytest.FixtureRequest, where_it_is: str, vectors: Vector
) -> None:
    kept = MemoryIndex("given-up")  # what a server is to the other one

    def opened() -> VectorIndex:
        if where_it_is == "memory":
            return kept
        uri = request.getfixturevalue("milvus")
        return MilvusIndex(uri, encoder="given-up", dimension=DIMENSION)

    opened().upsert([an_image(1)], vectors[:1])
    assert opened().count() == 1
    opened().drop()
    again = opened()
    assert again.count() == 0
    again.upsert([an_image(2)], vectors[1:2])
    assert again.known([an_image(1).image_id, an_image(2).image_id]) == {an_image(2).image_id}
    again.drop()
    again.drop()


def test_an_index_says_what_it_calls_the_images_that_it_has(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    images = [an_image(1, sample=sample), an_image(2, sample=sample, naming=named("copepod"))]
    index.upsert(images, vectors[:2])
    unknown = an_image(3, sample=sample, camera="elsewhere").image_id
    found = index.namings([*(image.image_id for image in images), unknown])
    assert found == {images[0].image_id: Naming(), images[1].image_id: named("copepod")}
    index.rename([images[0].model_copy(update={"naming": named("salp")})])
    assert index.namings([images[0].image_id]) == {images[0].image_id: named("salp")}
    assert index.namings([]) == {}


def test_removed_images_are_found_in_no_way_and_the_others_stay(
    index: VectorIndex, vectors: Vector, sample: str
) -> None:
    images = [an_image(n, sample=sample, camera=f"remove-{n % 2}") for n in range(6)]
    put(index, images, vectors[:6])
    own = ImageFilter(sample=sample)
    gone = set(index.ids(ImageFilter(sample=sample, camera="remove-0")))
    assert gone == {image.image_id for image in images[::2]}
    for _ in range(2):  # also of what is not there any more
        index.remove([*gone, new_id()])
    left = {image.image_id for image in images[1::2]}
    ids = [image.image_id for image in images]
    assert set(index.namings(ids)) == left == set(index.ids(own))
    until(lambda: index.known(ids) == left)
    for metric in (Metric.COSINE, Metric.HAMMING):
        until(lambda by=metric: set(found(index, vectors[0], own, metric=by)) == left)
