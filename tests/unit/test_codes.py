"""Binary codes: stable, and their Hamming distance tells the angle."""

import numpy as np
import pytest

from plankton_stream.codes import binary_codes, hamming_distances, hyperplanes


def unit_vectors(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("bits", [64, 128, 256, 512])
def test_share_of_differing_bits_estimates_the_angle(bits: int) -> None:
    vectors = unit_vectors(60, 256)
    codes = binary_codes(vectors, bits)
    assert codes.shape == (60, bits // 8)
    assert codes.dtype == np.uint8
    angle = np.arccos(np.clip(vectors @ vectors[0], -1, 1)) / np.pi
    share = hamming_distances(codes[0], codes) / bits
    assert np.abs(share - angle).max() < 5 * 0.5 / np.sqrt(bits)


def test_codes_do_not_depend_on_what_else_is_coded() -> None:
    vectors = unit_vectors(10, 256)
    assert np.array_equal(binary_codes(vectors)[3], binary_codes(vectors[3:4])[0])


def test_a_stored_code_keeps_its_meaning() -> None:
    # A change of the hyperplanes makes every stored code wrong: this one was written down.
    vector = np.linspace(-1, 1, 256, dtype=np.float32)[None]
    assert binary_codes(vector).tobytes().hex() == EXPECTED


def test_hyperplanes_are_orthogonal() -> None:
    planes = hyperplanes(256, 256)
    assert np.allclose(planes.T @ planes, np.eye(256), atol=1e-5)


EXPECTED = "b273a36cdef1997adcc58b03a0b7348c3bbbc82afc2d6505914cc0008682b9d8"
