"""What an encoder is, to those who use one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workers.encoders.preprocessing import Image


@dataclass(frozen=True)
class EncoderIdentity:
    """What makes two vectors comparable: they are only if all of this is equal.

    Attributes:
        name: architecture, lower-case letters and digits.
        version: of the code around the weights, e.g. "v1"; raised when preprocessing changes.
        weights_sha256: SHA-256 of the weights and of how the layers are set, hex, first 16 digits.
        input_size_px: side of the network's square input.
        dimension: length of a vector.
        preprocessing: what happens to an image before the network, in a few words.
    """

    name: str
    version: str
    weights_sha256: str
    input_size_px: int
    dimension: int
    preprocessing: str

    @property
    def id(self) -> str:
        """Name of this encoder version, e.g. "compact-v1-3f2a9c01"; names Milvus collections."""
        return f"{self.name}-{self.version}-{self.weights_sha256[:8]}"


class Encoder(Protocol):
    """Turns images into vectors whose cosine says how much two organisms look alike."""

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is; the same for as long as the process lives."""

    def encode(
        self, images: Sequence[Image], pixel_um: Sequence[float | None] | None = None
    ) -> NDArray[np.float32]:
        """Return the vectors of n images; the same image always gives the same vector (to 1e-4).

        Callable from several threads; they take turns.

        Args:
            images: (h, w) grey or (h, w, 3) BGR, uint8, of any size; sizes may differ.
            pixel_um: micrometres of a pixel of each, None where unknown; unknown for all by
                default. True size is a part of what some encoders say.

        Returns:
            (n, d) float32 of unit length, d being `identity.dimension`.

        Raises:
            RejectedError: something in the sequence is no such image.
        """
