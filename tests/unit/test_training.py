"""Training on a few drawn images: the split's rule, repeatability, resuming, and that it learns."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.errors import ConfigError
from tests.waiting import wait_until
from workers.encoders import load_encoder
from workers.evaluation import evaluate_within
from workers.training.batches import Batches
from workers.training.data import LabelledRois, Source, from_folder, split_of
from workers.training.recipe import Recipe, Run
from workers.training.train import Plan, train
from workers.training.trainees import trainee

SMALL = Recipe(epochs=3, sides_px=((1.0, 48),), batch=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discs and threads, dark on light."""
    folder = tmp_path_factory.mktemp("rois")
    draw(folder, per_class=40)
    return folder


def draw(folder: Path, *, per_class: int, classes: tuple[str, ...] = ("disc", "thread")) -> None:
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir()
        for number in range(per_class):
            image = rng.integers(215, 225, (40, 40), dtype=np.uint8)
            x, y = (int(v) for v in rng.integers(15, 25, 2))
            if name == "disc":
                cv2.circle(image, (x, y), 10, 80, -1)
            else:
                cv2.line(image, (3, x), (37, y), 80, 2)
            cv2.imwrite(str(folder / name / f"{number}.png"), image)


def as_it_is(source: Source, *splits: str) -> tuple[LabelledRois, ...]:
    return source.splits(*splits, see=lambda image: image)


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
    parts = as_it_is(from_folder(folder), "train", "validation", "test", "held back")

    assert sum(len(part.images) for part in parts) == 80
    assert parts[0].names == ["disc", "thread"]
    assert parts[0].class_counts.sum() == len(parts[0].images)
    discs = [image for image, row in zip(parts[0].images, parts[0].classes, strict=True) if not row]
    assert all(image[20, 20] < 100 for image in discs)


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [(("disc",), "at least two"), ((), r"no PNG.*expected")],
)
def test_a_folder_without_two_classes_is_a_clear_error(
    tmp_path: Path, classes: tuple[str, ...], complaint: str
) -> None:
    draw(tmp_path, per_class=12, classes=classes)

    with pytest.raises(ConfigError, match=complaint):
        as_it_is(from_folder(tmp_path), "train")


def test_a_folder_too_small_to_be_split_is_a_clear_error(tmp_path: Path) -> None:
    draw(tmp_path, per_class=1)  # 0.png is a training image by the rule

    with pytest.raises(ConfigError, match="no validation image among 2"):
        as_it_is(from_folder(tmp_path), "train", "validation")


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    draw(tmp_path, per_class=12)
    (tmp_path / "disc" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")

    with pytest.raises(ConfigError, match=r"1 images cannot be read.*1\.png"):
        as_it_is(from_folder(tmp_path), "train", "validation")


def batches(rois: LabelledRois, epoch: int, per_class: int = 1000) -> Batches:
    def augment(images: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
        return np.stack([image[:8, :8] + rng.random() for image in images])

    return Batches(rois, augment, size=8, per_class=per_class, epoch=epoch, seed=1)


def test_images_that_cannot_be_read_are_left_out_if_so_wished(tmp_path: Path) -> None:
    draw(tmp_path, per_class=12)
    (tmp_path / "disc" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    source = replace(from_folder(tmp_path), skip_unreadable=True)

    parts = as_it_is(source, "train", "validation")

    whole = replace(source, items=[item for item in source.items if item.name != "1.png"])
    kept = [item for item in whole.items if split_of(item.name) in {"train", "validation"}]
    others = sum(item.name == "1.png" and item.label == "thread" for item in source.items)
    assert sum(len(part.images) for part in parts) == len(kept) + others


def test_a_validation_split_without_kin_is_said_before_the_training(tmp_path: Path) -> None:
    draw(tmp_path, per_class=3)  # 1.png, of the validation split, is alone in each class

    with pytest.raises(ConfigError, match="no two are of one class"):
        train(from_folder(tmp_path), Plan(tmp_path / "own.keras", start="none"), SMALL)


def test_batches_are_repeatable_and_differ_between_epochs(folder: Path) -> None:
    (rois,) = as_it_is(from_folder(folder), "train")

    np.testing.assert_array_equal(batches(rois, 0)[0][0], batches(rois, 0)[0][0])
    assert not np.array_equal(batches(rois, 0)[0][0], batches(rois, 1)[0][0])


def test_an_epoch_takes_no_more_of_a_class_than_asked_for_but_others_each_time() -> None:
    images = [np.full((8, 8), number, np.uint8) for number in range(100)]
    rois = LabelledRois(images, np.array([0] * 90 + [1] * 10), ["many", "few"], [None] * 100)

    def drawn(epoch: int) -> tuple[list[int], list[int]]:
        epochs = batches(rois, epoch, per_class=20)
        pictures, classes = zip(*(epochs[index] for index in range(len(epochs))), strict=True)
        return [int(p[0, 0]) for b in pictures for p in b], list(np.concatenate(classes))

    first, classes = drawn(0)
    second, _ = drawn(1)

    assert 18 <= classes.count(0) <= 20  # 30 images are three full batches and six that wait
    assert len(set(first)) == len(first)
    assert set(first) != set(second)


def test_training_learns_and_leaves_an_encoder_with_its_card(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.keras"

    trained = train(
        from_folder(folder), Plan(out, start="none", command="plankton train"),
        replace(SMALL, sides_px=((0.5, 48), (1.0, 64))),
        rival=lambda: load_encoder("compact", "random", batch_size=8),
    )  # fmt: skip

    encoder = load_encoder(str(out), "", batch_size=16)
    (test,) = as_it_is(from_folder(folder), "test")
    assert evaluate_within(encoder.encode(test.images), test.classes).precision_at_1 > 0.8
    assert trained.comparison is not None
    assert trained.comparison.new.encoder == encoder.identity.id
    card = trained.card.read_text()
    assert encoder.identity.id in card
    assert "2 classes" in card
    assert not out.with_suffix(".training").exists()


def test_what_is_there_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.keras"
    out.write_text("mine")

    with pytest.raises(ConfigError, match="is there already"):
        train(from_folder(folder), Plan(out), SMALL)
    assert out.read_text() == "mine"


def test_a_killed_run_goes_on_as_if_nothing_had_happened(folder: Path, tmp_path: Path) -> None:
    """Kills a real process after its first epoch; the rest continues from what it wrote down."""
    whole = _run(folder, tmp_path / "whole")
    whole.finish()
    arguments = [sys.executable, "-c", _CHILD, str(folder), str(tmp_path / "killed")]
    process = subprocess.Popen(arguments)
    note = tmp_path / "killed" / "progress.json"

    def first_epoch_is_done() -> bool:
        assert process.poll() is None, "it ended by itself"
        return note.exists()

    try:
        wait_until(first_epoch_is_done, within_s=300, what="the first epoch")
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    done = json.loads(note.read_text())["epochs_done"]
    assert 1 <= done < SMALL.epochs

    resumed = _run(folder, tmp_path / "killed")
    assert resumed.progress.epochs_done == done
    resumed.finish()

    losses = [[epoch["loss"] for epoch in run.progress.history] for run in (whole, resumed)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


def test_a_run_with_other_settings_is_not_resumed(
    folder: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _run(folder, tmp_path, Recipe(epochs=1, batch=8)).finish()

    with pytest.raises(ConfigError, match="other settings"):
        _run(folder, tmp_path, Recipe(epochs=2, batch=8))
    other = tmp_path_factory.mktemp("others")
    draw(other, per_class=30)
    with pytest.raises(ConfigError, match="other images"):
        _run(other, tmp_path, Recipe(epochs=1, batch=8))


def test_a_folder_with_other_things_in_it_is_no_run(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(ConfigError, match="holds other files"):
        _run(folder, tmp_path)


def test_a_run_ends_early_only_in_its_second_half() -> None:
    recipe = Recipe(epochs=40, patience=5)

    assert not recipe.is_over(done=24, best=1)  # the rate was high so far
    assert recipe.is_over(done=25, best=1)
    assert not recipe.is_over(done=34, best=30)
    assert recipe.is_over(done=35, best=30)
    assert recipe.is_over(done=40, best=40)


def _run(folder: Path, out: Path, recipe: Recipe = SMALL) -> Run:
    from workers.encoders.runtime import keras

    keras.utils.set_random_seed(recipe.seed)
    subject = trainee("compact", "none")
    rois, validation = from_folder(folder).splits("train", "validation", see=subject.see)
    return Run(subject, rois, validation, recipe, out)


_CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.unit.test_training import _run
_run(Path(sys.argv[1]), Path(sys.argv[2])).finish()
"""


@pytest.mark.parametrize(
    ("encoder", "start", "complaint"),
    [
        ("vgg", "none", "compact"),
        ("compact", "imagenet", "squeezenet"),
        ("resnet50", "shipped", "imagenet, none"),
        ("compact", "nowhere.weights.h5", "no encoder weights at"),
        ("compact", "nowhere.keras", "no encoder at"),
    ],
)
def test_what_cannot_be_trained_is_a_clear_error(encoder: str, start: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        trainee(encoder, start)
