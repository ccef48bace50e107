"""Milvus' indexes on a real server, compared with the exact ranking."""

import numpy as np
import pytest

from plankton_stream.adapters.milvus.trial import TrialCollection, TrialIndex
from plankton_stream.errors import RetryableError
from plankton_stream.settings import Settings
from workers.evaluation.methods import Subject, compare, methods_of
from workers.evaluation.milvus import HNSW, IVF, milvus_methods

pytestmark = pytest.mark.services


def test_indexes_find_nearly_what_an_exact_search_finds(milvus: str) -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 40, 1_500)  # enough that Milvus builds the index
    vectors = rng.standard_normal((40, 64))[classes] + rng.standard_normal((1_500, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    subject = Subject(vectors[:150], classes[:150], vectors, classes, within=True)

    with milvus_methods(Settings(milvus=milvus), vectors, print) as served:
        exact, hnsw, ivf = compare(subject, [next(methods_of(vectors, None)), *served])

    assert exact.recall_at_10 == 1
    assert hnsw.recall_at_10 > 0.97
    assert 0.5 < ivf.recall_at_10 <= 1
    assert hnsw.map_at_10 == pytest.approx(exact.map_at_10, abs=0.02)
    assert hnsw.ms > 0


def test_a_trial_leaves_nothing_behind(milvus: str) -> None:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=milvus)
    before = set(client.list_collections())
    vectors = np.eye(8, dtype=np.float32)

    for index in (HNSW, IVF):
        with TrialCollection(milvus, vectors, index) as trial:
            assert trial.search(vectors[:2], 1)[:, 0].tolist() == [0, 1]
            assert (trial.search(vectors[:1], 10)[0, 8:] == -1).all()  # there are no more

    assert set(client.list_collections()) == before
    client.close()


def test_a_trial_that_fails_or_is_interrupted_leaves_nothing_behind(
    milvus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=milvus)
    before = set(client.list_collections())
    vectors = np.eye(8, dtype=np.float32)
    with pytest.raises(RetryableError, match="NO_SUCH_INDEX"):
        TrialCollection(milvus, vectors, TrialIndex("NO_SUCH_INDEX", {}, HNSW.search))

    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MilvusClient, "flush", interrupted)
    with pytest.raises(KeyboardInterrupt):
        TrialCollection(milvus, vectors, HNSW)
    assert set(client.list_collections()) == before
    client.close()


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1"):
        TrialCollection("http://127.0.0.1:1", np.eye(8, dtype=np.float32), HNSW)
