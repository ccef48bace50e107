"""From a version's record to its encoder, and back: each version is kept whole in the store.

So every worker finds it, on any machine, also when the file that was published is gone, or when
another release of this package ships other weights or another network under the same name.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plankton_stream.adapters.weights import WeightsStore
from plankton_stream.errors import ConfigError
from plankton_stream.versions import EncoderSpec, EncoderVersion
from workers.encoders import Encoder, load_encoder


def load(version: EncoderVersion, store: WeightsStore, batch_size: int) -> Encoder:
    """The encoder of a version, exactly as it was recorded.

    Raises:
        ConfigError: its weights are gone, or give another version with this release.
        RetryableError: the store does not answer.
    """
    if not version.file:
        raise ConfigError(
            f"the weights of the live encoder {version.encoder!r} were never stored: start once "
            "with PLANKTON_ENCODER and PLANKTON_ENCODER_WEIGHTS as they were when it was made"
        )
    encoder = load_encoder(str(store.fetch(version.file)), "", batch_size)
    if encoder.identity.id != version.encoder:
        raise ConfigError(
            f"{version.file} gives encoder {encoder.identity.id!r} with this release, and the "
            f"catalog's vectors are of {version.encoder!r}: go back to the release before, or "
            "begin with a fresh PLANKTON_HOME (or catalog)"
        )
    return encoder


def keep_copy(encoder: Encoder, name: str, weights: str, store: WeightsStore) -> EncoderSpec:
    """Store an encoder as a saved Keras model; gives what the catalog needs to find and name it.

    Args:
        encoder: as `load_encoder(name, weights, …)` gave it.
        name: architecture, or the path of a saved model.
        weights: their name, or the path of their file.
        store: gets the copy.
    """
    is_file = name.endswith(".keras")
    with tempfile.TemporaryDirectory(prefix="plankton-encoder-") as folder:
        path = Path(name) if is_file else Path(folder) / f"{name}.keras"
        if not is_file:
            _model(encoder).save(path)
        file = store.put(path)
    return EncoderSpec(
        name=encoder.identity.name if is_file else name,
        file=file,
        source=name if is_file else described(name, weights),
        identity=asdict(encoder.identity),
    )


def described(name: str, weights: str) -> str:
    """An architecture and its weights in words."""
    return f"{name}, {weights}"


def _model(encoder: Any) -> Any:
    """The Keras model of an encoder that was made by name."""
    return encoder.model
