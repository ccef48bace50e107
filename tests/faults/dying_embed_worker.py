"""An embed worker that kills itself between its first Milvus upsert and the commit."""

import os
import signal
from collections.abc import Sequence

import numpy as np

from plankton_stream.adapters import milvus
from plankton_stream.domain import Image


def _upsert_and_die(self: milvus.MilvusIndex, images: Sequence[Image], vectors: np.ndarray) -> None:
    _upsert(self, images, vectors)
    os.kill(os.getpid(), signal.SIGKILL)


_upsert = milvus.MilvusIndex.upsert
milvus.MilvusIndex.upsert = _upsert_and_die  # type: ignore[method-assign]

if __name__ == "__main__":
    from tests.services import some_free_port

    os.environ["PLANKTON_EMBED_PORT"] = str(some_free_port())
    from workers.commands import app

    app(["embed"])
