"""Publishing an encoder: everything that can be wrong with it is found before anything changes."""

import numpy as np

from plankton_stream.adapters.sql import Catalog
from plankton_stream.adapters.weights import WeightsStore
from plankton_stream.errors import ConfigError
from plankton_stream.versions import EncoderVersion, VersionState
from workers.encoders import Encoder, load_encoder
from workers.versions import weights

_UNIT_TOLERANCE = 1e-3


def publish(
    name: str, given: str, *, catalog: Catalog, store: WeightsStore, batch_size: int, who: str
) -> EncoderVersion:
    """Begin to embed all images with another encoder; it goes live when it has every image.

    Args:
        name: architecture, or the path of a saved Keras model (`.keras`).
        given: weights of the architecture, a name or the path of a file.
        catalog: learns of the version.
        store: gets a copy of the weights.
        batch_size: images that are tried at once.
        who: publishes it; written down.

    Raises:
        ConfigError: there is no such encoder, it does not give vectors, it is live already, or
            another version is being filled. Nothing was changed.
    """
    catalog.encoders.require_idle()
    encoder = load_encoder(name, given, batch_size)
    identity = encoder.identity
    if any(
        v.encoder == identity.id and v.state is VersionState.LIVE for v in catalog.encoders.kept()
    ):
        raise ConfigError(f"encoder {identity.id!r} is live already: there is nothing to publish")
    require_vectors(encoder)
    kept = weights.keep_copy(encoder, name, given, store)
    return catalog.encoders.publish(identity.id, identity.dimension, kept, who=who)


def require_vectors(encoder: Encoder) -> None:
    """Try an encoder on small, large, grey and coloured noise, and on nothing but one grey level.

    Raises:
        ConfigError: what it gives are not unit vectors of its dimension that tell images apart.
    """
    identity = encoder.identity
    dice = np.random.default_rng(0)
    shapes = [(15, 15), (80, 60), (40, 300), (64, 64, 3)]
    noise = [dice.integers(0, 256, shape).astype(np.uint8) for shape in shapes]
    # A lens cap and a blown-out frame: a network that divides by the contrast gives NaN here.
    pictures = [*noise, *(np.full((40, 40), grey, np.uint8) for grey in (0, 255))]
    wrong = f"{identity.id} is not an encoder: "
    try:
        vectors = encoder.encode(pictures)
    except Exception as error:  # a network that somebody else made
        raise ConfigError(f"{wrong}it fails on an image ({error})") from error
    if vectors.shape != (len(pictures), identity.dimension):
        raise ConfigError(
            f"{wrong}{len(pictures)} images give an array of shape {vectors.shape}, expected is "
            f"one vector of {identity.dimension} numbers each"
        )
    if not np.isfinite(vectors).all():
        raise ConfigError(f"{wrong}its vectors hold NaN or infinity")
    vectors = vectors[: len(noise)]  # of a blank image the zero vector is a fair answer
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > _UNIT_TOLERANCE:
        raise ConfigError(f"{wrong}its vectors do not have unit length")
    if np.ptp(vectors, axis=0).max() == 0:
        raise ConfigError(f"{wrong}all images get the same vector")
