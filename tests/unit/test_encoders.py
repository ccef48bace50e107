"""The compact encoder: what its callers may rely on."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from plankton_stream.errors import ConfigError, RejectedError
from workers.encoders import Encoder, EncoderIdentity, load_encoder
from workers.encoders.preprocessing import background, fit_square


def drawn_organism(height: int = 90, width: int = 60, *, seed: int = 0) -> np.ndarray:
    """A dark body with appendages on light, noisy water."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width), 225, np.uint8)
    centre = (width // 2, height // 2)
    axes = (max(1, width // 5), max(1, height // 3))
    cv2.ellipse(image, centre, axes, float(rng.integers(180)), 0, 360, 70, -1)
    for end in rng.integers(0, (width, height), size=(3, 2)):
        cv2.line(image, centre, [int(x) for x in end], 110, 1)
    return (image + rng.integers(-4, 5, image.shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("compact", "shipped", batch_size=8)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 20])
def test_any_number_of_images_gives_unit_vectors(encoder: Encoder, count: int) -> None:
    vectors = encoder.encode([drawn_organism(seed=n) for n in range(count)])

    assert vectors.shape == (count, encoder.identity.dimension) == (count, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_different_organisms_give_different_vectors(encoder: Encoder) -> None:
    disc = cv2.circle(np.full((80, 80), 230, np.uint8), (40, 40), 25, 60, -1)
    thread = cv2.line(np.full((20, 200), 230, np.uint8), (5, 5), (195, 15), 60, 2)

    first, second = encoder.encode([disc, thread])

    assert first @ second < 0.9


def test_a_vector_depends_neither_on_position_nor_on_batch_size(encoder: Encoder) -> None:
    image, others = drawn_organism(), [drawn_organism(seed=n) for n in range(1, 8)]
    alone = encoder.encode([image])[0]

    batches = [encoder.encode([*others[:n], image, *others[n:]])[n] for n in (0, 3, 7)]
    small = load_encoder("compact", "shipped", batch_size=3).encode([*others, image])[-1]

    for vector in [*batches, small]:
        np.testing.assert_allclose(vector, alone, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (15, 15), (2000, 12), (3, 1500), (64, 48, 3), (1, 9, 3)])
def test_odd_sizes(encoder: Encoder, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)

    vector = encoder.encode([image])[0]

    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_bright_and_dark_field_agree(encoder: Encoder) -> None:
    image = drawn_organism()

    bright_field, dark_field = encoder.encode([image, 255 - image])

    assert bright_field @ dark_field > 0.999


def test_colour_of_a_grey_image_changes_nothing(encoder: Encoder) -> None:
    image = drawn_organism()

    grey, colour = encoder.encode([image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)])

    np.testing.assert_allclose(grey, colour, atol=1e-4)


def test_threads_get_their_own_vectors(encoder: Encoder) -> None:
    images = [drawn_organism(seed=n) for n in range(16)]
    expected = encoder.encode(images)

    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(lambda image: encoder.encode([image])[0], images))

    np.testing.assert_allclose(vectors, expected, atol=1e-4)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.float32), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 2), np.uint8)],
)
def test_what_is_no_image_is_rejected(encoder: Encoder, image: np.ndarray) -> None:
    with pytest.raises(RejectedError, match="uint8"):
        encoder.encode([image])


def test_the_id_can_name_a_collection() -> None:
    identity = EncoderIdentity("compact", "v1", "3f2a9c0112345678", 96, 256, "grey")

    assert identity.id == "compact-v1-3f2a9c01"


def test_other_weights_are_another_encoder(encoder: Encoder) -> None:
    random = load_encoder("compact", "random", batch_size=8)

    assert random.identity.id != encoder.identity.id
    assert load_encoder("compact", "random", batch_size=2).identity == random.identity
    assert load_encoder("compact", "shipped", batch_size=2).identity == encoder.identity


def test_an_unknown_encoder_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"vgg.*compact.*inceptionresnetv2.*resnet50"):
        load_encoder("vgg", "shipped", batch_size=8)


@pytest.mark.parametrize("name", ["inceptionresnetv2", "resnet50"])
def test_what_ships_no_weights_says_which_are_allowed(name: str) -> None:
    with pytest.raises(ConfigError, match=r"imagenet.*random"):
        load_encoder(name, "shipped", batch_size=8)


def test_missing_weights_are_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.weights\.h5"):
        load_encoder("compact", str(tmp_path / "nowhere.weights.h5"), batch_size=8)


def test_damaged_weights_are_refused(tmp_path) -> None:
    path = tmp_path / "damaged.weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n and then nothing")

    with pytest.raises(ConfigError, match="damaged"):
        load_encoder("compact", str(path), batch_size=8)


def test_padding_continues_the_background() -> None:
    thread = np.full((10, 40), 77, np.uint8)

    square = fit_square(thread, 32, background(thread))

    assert square.shape == (32, 32)
    assert (square == 77).all()


@pytest.mark.parametrize("shape", [(9, 14), (8, 15, 3), (1, 1), (1, 6)])
def test_the_background_is_the_median_of_the_outermost_pixels(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    frame = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])

    np.testing.assert_array_equal(background(image), np.median(frame, axis=0))
