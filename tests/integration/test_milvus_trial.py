"""Milvus' indexes on a real server."""

import numpy as np
import pytest

from plankton_stream.adapters.milvus.trial import TrialCollection
from plankton_stream.errors import RetryableError
from workers.evaluation.milvus import HNSW, IVF

pytestmark = pytest.mark.services


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


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1"):
        TrialCollection("http://127.0.0.1:1", np.eye(8, dtype=np.float32), HNSW)
