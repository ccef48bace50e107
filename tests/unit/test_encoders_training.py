"""Training on a few drawn images: the split's rule, repeatability, and that it learns."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.errors import ConfigError
from workers.encoders import load_encoder
from workers.encoders.preprocessing import brighten_organism, compact_input, fit_square
from workers.training.augmentation import AugmentedRois, Changes, augment
from workers.training.data import LabelledRois, load_rois, split_of
from workers.training.recipe import Recipe, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discs and threads, dark on light."""
    folder, rng = tmp_path_factory.mktemp("rois"), np.random.default_rng(0)
    for name in ("disc", "thread"):
        (folder / name).mkdir()
        for number in range(40):
            image = rng.integers(215, 225, (40, 40), dtype=np.uint8)
            x, y = (int(v) for v in rng.integers(15, 25, 2))
            if name == "disc":
                cv2.circle(image, (x, y), 10, 80, -1)
            else:
                cv2.line(image, (3, x), (37, y), 80, 2)
            cv2.imwrite(str(folder / name / f"{number}.png"), image)
    return folder


def test_the_split_is_the_published_rule() -> None:
    # `printf %s NAME | sha1sum` begins with a9 = 169, ac = 172, 1f = 31, 6e = 110
    names = {
        "100224.jpg": "train", "1.jpg": "validation", "31.jpg": "test", "24.jpg": "held back"
    }  # fmt: skip
    assert {name: split_of(name) for name in names} == names
    shares = [split_of(f"{number}.jpg") for number in range(5000)]
    assert shares.count("test") / 5000 == pytest.approx(0.1, abs=0.02)
    assert shares.count("train") / 5000 == pytest.approx(0.7, abs=0.03)


def test_images_are_loaded_with_their_class(folder: Path) -> None:
    parts = [load_rois(folder, split) for split in ("train", "validation", "test", "held back")]

    assert sum(len(part.images) for part in parts) == 80
    assert parts[0].names == ["disc", "thread"]
    assert parts[0].class_counts.sum() == len(parts[0].images)
    assert parts[0].images[0][0, 0] < 60  # inverted: the water is dark now


def test_an_empty_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no train images"):
        load_rois(tmp_path, "train")


def test_no_change_leaves_what_the_encoder_sees() -> None:
    image = brighten_organism(cv2.circle(np.full((80, 80), 200, np.uint8), (35, 50), 16, 50, -1))
    still = Changes(right_angles=1, scale=(1, 1), stretch=0, shift=0, blurred=0,
                    contrast=(1, 1), brightness=0, noise=0)  # fmt: skip
    seen = compact_input([image], 80)[0, ..., 0]

    changed = augment([image], 80, still, np.random.default_rng(0))[0, ..., 0]

    turns = [np.rot90(m, k) for m in (seen, seen.T) for k in range(4)]
    assert min(float(np.abs(turn - changed).max()) for turn in turns) < 0.02


def test_batches_are_repeatable_and_differ_between_epochs(folder: Path) -> None:
    rois = load_rois(folder, "train")

    def batch(epoch: int) -> np.ndarray:
        return AugmentedRois(rois, side_px=32, batch=8, epoch=epoch, seed=1)[0][0]

    np.testing.assert_array_equal(batch(0), batch(0))
    assert not np.array_equal(batch(0), batch(1))


def test_padding_continues_the_background() -> None:
    square = fit_square(np.full((10, 40), 77, np.uint8), 32)

    assert square.shape == (32, 32)
    assert (square == 77).all()


def test_training_learns_and_its_weights_load(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.weights.h5"
    train(folder, out, Recipe(epochs=6, sides_px=((0.5, 64), (1.0, 80)), batch=8))
    encoder = load_encoder("compact", str(out), batch_size=16)
    test: LabelledRois = load_rois(folder, "test")

    vectors = encoder.encode(test.images)

    cosine = vectors @ vectors.T - 2 * np.eye(len(vectors))
    assert (test.classes[cosine.argmax(axis=1)] == test.classes).mean() > 0.8
