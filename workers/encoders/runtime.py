"""Keras and TensorFlow, imported once, quietly, and sized to the processors this process may use.

Import `keras` and `tf` from here, never directly: what TensorFlow prints while it loads (which
instructions it was compiled for, that no CUDA driver was found) is no use to an operator.
"""

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _stderr_kept_for_errors() -> Iterator[None]:
    """Hold back what native code writes to stderr; show it only if the block fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _load() -> tuple[Any, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # By itself TensorFlow takes oneDNN's kernels on recent Intel processors only.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _stderr_kept_for_errors():
        keras = importlib.import_module("keras")
        if keras.backend.backend() != "tensorflow":  # training also runs on JAX or torch
            return keras, None
        tensorflow = importlib.import_module("tensorflow")
        # The affinity mask, not the machine's core count: a container may own two cores of 64.
        with contextlib.suppress(RuntimeError):  # the host program has already started TensorFlow
            processors = len(os.sched_getaffinity(0))
            tensorflow.config.threading.set_intra_op_parallelism_threads(processors)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        return keras, tensorflow


keras, tf = _load()
