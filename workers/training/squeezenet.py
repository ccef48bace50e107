"""What SqueezeNet 1.1 learnt on ImageNet, as a start for the compact network.

The file is `squeezenet_1_1_imagenet_notop.h5` of DeepCognition/keras-squeezenet (MIT, © 2016 Jesper
Wohlert): 722,496 parameters, for BGR pictures less the mean of ImageNet.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from plankton_stream.errors import ConfigError
from workers.encoders.runtime import keras

_LEVELS_OF_CONTRAST = 150.0
"""Grey levels that a contrast of 1 stands for: full scale is rarely used by an organism, while
photographs have a standard deviation of about 60 around their mean."""


def start_from_squeezenet(network: Any, file: Path) -> None:
    """Give the convolutions of a compact network the weights of SqueezeNet 1.1.

    Args:
        network: of `compact.build`, or any other whose convolutions carry SqueezeNet's names.
        file: see this module.

    Raises:
        ConfigError: it is no such file.
    """
    try:
        found = _kernels_and_biases(file)
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D):
                kernel, bias = found[layer.name]
                if layer.name == "conv1":  # grey has the same value in all three channels
                    kernel = kernel.sum(axis=2, keepdims=True) * _LEVELS_OF_CONTRAST
                layer.set_weights([kernel, bias])
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(
            f"{file} does not hold the weights of SqueezeNet 1.1 without its top ({error}); "
            "DeepCognition/keras-squeezenet publishes squeezenet_1_1_imagenet_notop.h5."
        ) from error


def is_squeezenet(file: Path) -> bool:
    """Return whether a file looks like SqueezeNet's, by the names within."""
    try:
        with h5py.File(file, "r") as weights:
            return "fire9" in weights and "conv1" in weights
    except OSError:
        return False


def _kernels_and_biases(file: Path) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Return each convolution's kernel and bias by its name in the compact network."""
    found: dict[str, list[NDArray[Any]]] = {}

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            module, layer, *_ = name.split("/")
            key = module if module == "conv1" else f"{module}_{layer}"
            found.setdefault(key, []).append(np.asarray(item, np.float32))

    with h5py.File(file, "r") as weights:
        weights.visititems(add)
    pairs = {name: sorted(arrays, key=lambda a: -a.ndim) for name, arrays in found.items()}
    return {name: (arrays[0], arrays[1]) for name, arrays in pairs.items()}
