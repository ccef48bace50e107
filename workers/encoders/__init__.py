"""Encoders: from the image of an organism to a vector that finds its kin.

    encoder = load_encoder("compact", "shipped", batch_size=32)
    vectors = encoder.encode(images)  # (n, 256) float32, unit length

TensorFlow is loaded by `load_encoder`, not by importing this package.
"""

from plankton_stream.errors import ConfigError
from workers.encoders.identity import Encoder, EncoderIdentity

__all__ = ["ENCODERS", "Encoder", "EncoderIdentity", "load_encoder"]

ENCODERS = (
    "compact", "inceptionresnetv2", "inceptionresnetv2-256", "resnet50", "resnet50-256",
)  # fmt: skip
"""Known architectures; a saved Keras model, `*.keras`, is an encoder too."""


def load_encoder(name: str, weights: str, batch_size: int) -> Encoder:
    """Return an encoder, warmed up.

    Args:
        name: one of `ENCODERS`, or the path of a saved Keras model, `*.keras`, whose output is a
            vector; see `loading.as_encoder` for what it is given.
        weights: "shipped" (with this package; compact only), "imagenet" (downloaded by Keras; not
            for compact), "random" (for tests and benchmarks, always the same), or the path of a
            `.weights.h5` file saved from the same architecture without a classifier. A saved model
            brings its own: what is given here is not used.
        batch_size: most images in one step; also bounds memory.

    Raises:
        ConfigError: the name is unknown, there are no such weights, they belong to another
            architecture, or the model's output is no vector.
    """
    if name not in ENCODERS and not name.endswith(".keras"):
        raise ConfigError(
            f"There is no encoder {name!r}; PLANKTON_ENCODER is one of {ENCODERS} or the path of a "
            "saved Keras model, *.keras."
        )
    if batch_size < 1:
        raise ConfigError(f"The encoder's batch size must be at least 1, got {batch_size}.")
    from workers.encoders import loading  # noqa: PLC0415  # TensorFlow takes seconds to import

    return loading.load(name, weights, batch_size)
