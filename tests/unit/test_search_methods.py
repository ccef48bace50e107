"""Ways to search the same vectors: what codes find, and that all are judged alike."""

import numpy as np
import pytest

from plankton_stream.codes import binary_codes, hamming_distances
from workers.evaluation import evaluate, evaluate_within, rotation
from workers.evaluation.document import SearchFigures
from workers.evaluation.methods import Method, Subject, compare, methods_of

CLASSES, DIMENSION = 30, 64


def clustered(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors in clusters that a few directions tell apart, as those of a network are."""
    centres = np.random.default_rng(0).standard_normal((CLASSES, DIMENSION))
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, CLASSES, count)
    spread = np.geomspace(3, 0.02, DIMENSION)
    vectors = (centres[classes] + rng.standard_normal((count, DIMENSION))) * spread + 0.4
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), classes


@pytest.fixture(scope="module")
def subject() -> Subject:
    vectors, classes = clustered(600, seed=1)
    return Subject(vectors, classes, vectors, classes, within=True)


@pytest.fixture(scope="module")
def table(subject: Subject) -> dict[str, SearchFigures]:
    fit, _ = clustered(800, seed=2)
    return {one.name: one for one in compare(subject, list(methods_of(subject.gallery, fit)))}


def test_exact_search_gives_the_figures_of_the_evaluation(
    subject: Subject, table: dict[str, SearchFigures]
) -> None:
    for k, found in (
        (10, table["exact cosine"].map_at_10),
        (100, table["exact cosine"].map_at_100),
    ):
        expected = evaluate_within(subject.gallery, subject.gallery_classes, k)
        assert found == pytest.approx(expected.map_at_k)
    assert table["exact cosine"].recall_at_100 == 1
    assert table["exact Euclidean"].recall_at_100 > 0.999


def test_more_bits_find_more_and_a_second_look_finds_all(table: dict[str, SearchFigures]) -> None:
    for kind in ("random", "learned"):
        recall = [
            table[f"Hamming, {bits} bits, {kind}"].recall_at_10 for bits in (64, 128, 256, 512)
        ]
        assert recall == sorted(recall)
        reranked = table[f"Hamming, 256 bits, {kind}, 1,000 re-ranked"]
        assert reranked.recall_at_100 == 1  # all 600 were looked at again
        assert reranked.bytes_per_image == 32


def test_a_learned_rotation_finds_more_than_random_planes(table: dict[str, SearchFigures]) -> None:
    for bits in (64, 256):
        learned, random = (table[f"Hamming, {bits} bits, {kind}"] for kind in ("learned", "random"))
        assert learned.map_at_10 > random.map_at_10


def test_without_images_to_learn_from_there_are_no_learned_codes(subject: Subject) -> None:
    assert not [one for one in methods_of(subject.gallery, None) if one.kind == "learned"]


@pytest.mark.parametrize("bits", [16, 64, 128])
def test_learned_codes_have_their_length_and_are_repeatable(bits: int) -> None:
    vectors, _ = clustered(300, seed=3)

    codes = rotation.fit(vectors, bits).codes(vectors)

    assert codes.shape == (300, bits // 8)
    np.testing.assert_array_equal(codes, rotation.fit(vectors, bits).codes(vectors))
    if bits == 2 * DIMENSION:  # two rotations: the second says something else
        assert (codes[:, : DIMENSION // 8] != codes[:, DIMENSION // 8 :]).any()


def test_the_rotation_brings_vectors_closer_to_their_signs() -> None:
    vectors, _ = clustered(500, seed=4)
    learned = rotation.fit(vectors, DIMENSION)

    def error(projected: np.ndarray) -> float:
        return float(np.square(projected - np.sign(projected)).mean())

    centred = vectors - vectors.mean(axis=0)
    components = np.linalg.eigh(centred.T @ centred)[1]
    np.testing.assert_allclose(learned.planes.T @ learned.planes, np.eye(DIMENSION), atol=1e-4)
    assert error(centred @ learned.planes) < error(centred @ components)


def test_codes_are_ranked_by_their_distance() -> None:
    gallery, classes = clustered(200, seed=5)
    queries, query_classes = clustered(20, seed=6)
    (method,) = [one for one in methods_of(gallery, None) if one.bits == 128]

    found = method.rank(queries, 200)

    codes = binary_codes(gallery, 128)
    for query, row in zip(binary_codes(queries, 128), found, strict=True):
        distances = hamming_distances(query, codes)[row]
        assert (np.diff(distances) >= 0).all()
        assert sorted(row) == list(range(200))
    other = Subject(queries, query_classes, gallery, classes, within=False)
    (exact, *_) = compare(other, list(methods_of(gallery, None))[:1])
    assert exact.map_at_10 == pytest.approx(
        evaluate(queries, query_classes, gallery, classes, 10).map_at_k
    )


def test_an_image_that_a_method_does_not_find_is_no_hit(subject: Subject) -> None:
    nothing = Method("nothing", "index", None, 1, lambda queries, k: np.full((len(queries), k), -1))

    exact, found = compare(subject, [next(methods_of(subject.gallery, None)), nothing])

    assert exact.map_at_10 > 0
    assert (found.map_at_10, found.recall_at_10) == (0, 0)
