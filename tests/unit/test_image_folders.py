"""Image files in folders: which are found, and that an encoder gets what a worker would give it."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import decode
from workers.encoders.identity import EncoderIdentity
from workers.images import embed_files, image_files, labelled_folder, read_image


def drawn(value: int = 90, shape: tuple[int, ...] = (20, 30)) -> np.ndarray:
    image = np.full(shape, 220, np.uint8)
    image[5:15, 5:15] = value
    return image


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


class GreyLevel:
    """An encoder that knows how bright an image is, and counts what it is given."""

    identity = EncoderIdentity("grey", "v1", "0" * 16, 1, 2, "none")

    def __init__(self) -> None:
        self.seen = 0

    def encode(self, images: Sequence[np.ndarray], pixel_um: object = None) -> np.ndarray:  # noqa: ARG002
        self.seen += len(images)
        angles = np.array([image.mean() / 255 for image in images])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_classes_are_sub_folders_and_suffixes_any_case(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "b/1.Jpg", "a/3.TIFF", "a/4.bmp"):
        save(tmp_path / name, drawn())
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "a" / ".hidden.png").write_bytes(b"half a copy")
    (tmp_path / "empty").mkdir()

    found = labelled_folder(tmp_path)

    assert found.paths == ["a/3.TIFF", "a/4.bmp", "b/1.Jpg", "b/2.PNG"]
    assert found.names == ["a", "b"]
    assert found.classes.tolist() == [0, 0, 1, 1]
    assert found.only(lambda name: name.startswith("1")).classes.tolist() == [1]


def test_images_without_a_class_are_counted(tmp_path: Path) -> None:
    save(tmp_path / "a" / "1.png", drawn())
    save(tmp_path / "overview.png", drawn())

    assert labelled_folder(tmp_path).unlabelled == 1
    assert image_files(tmp_path) == ["a/1.png", "overview.png"]


def test_deeper_images_have_no_certain_class(tmp_path: Path) -> None:
    save(tmp_path / "train" / "copepod" / "1.png", drawn())

    with pytest.raises(ConfigError, match=r"train/copepod/1\.png.*sub-folders are the classes"):
        labelled_folder(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "file.png", "empty"])
def test_a_folder_without_images_is_a_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    save(tmp_path / "file.png", drawn())

    with pytest.raises(ConfigError, match=name):
        labelled_folder(tmp_path / name)


def test_links_lead_to_files_and_classes_but_not_in_circles(tmp_path: Path) -> None:
    original = save(tmp_path / "elsewhere" / "1.png", drawn())
    folder = tmp_path / "set"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "link.png").symlink_to(original)
    (folder / "a" / "circle").symlink_to(folder)
    (folder / "a" / "gone.png").symlink_to(tmp_path / "gone.png")
    (folder / "b").symlink_to(original.parent)

    assert labelled_folder(folder).paths == ["a/gone.png", "a/link.png", "b/1.png"]
    with pytest.raises(RejectedError, match=r"gone\.png: it cannot be read: No such file"):
        embed_files(GreyLevel(), folder, ["a/gone.png"])


@pytest.mark.parametrize(
    ("suffix", "shape", "dtype", "expected"),
    [
        ("png", (20, 30), np.uint8, (20, 30)),
        ("png", (20, 30, 3), np.uint8, (20, 30, 3)),
        ("png", (20, 30, 4), np.uint8, (20, 30, 3)),
        ("png", (20, 30), np.uint16, (20, 30)),
        ("tif", (20, 30), np.uint16, (20, 30)),
        ("jpg", (20, 30), np.uint8, (20, 30)),
    ],
)
def test_pixels_are_those_that_a_worker_sees(
    tmp_path: Path, suffix: str, shape: tuple[int, ...], dtype: type, expected: tuple[int, ...]
) -> None:
    image = drawn(shape=shape).astype(dtype) * (257 if dtype is np.uint16 else 1)
    path = save(tmp_path / f"image.{suffix}", image)
    content_type = {"png": "image/png", "tif": "image/tiff", "jpg": "image/jpeg"}[suffix]

    pixels = read_image(path)

    assert pixels.dtype == np.uint8
    assert pixels.shape == expected
    np.testing.assert_array_equal(pixels, decode(path.read_bytes(), content_type))
    assert abs(int(pixels[0, 0].max()) - 220) <= 2


def test_a_png_with_a_palette_has_its_colours(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    path = tmp_path / "palette.png"
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[..., 0] = 200
    pillow.fromarray(rgb).convert("P").save(path)

    pixels = read_image(path)

    assert pixels.shape == (8, 8, 3)
    assert pixels[0, 0, 2] > 150  # BGR
    assert pixels[0, 0, 0] < 60


def test_a_bmp_is_read_without_loss(tmp_path: Path) -> None:
    image = drawn(shape=(20, 30, 3))

    np.testing.assert_array_equal(read_image(save(tmp_path / "image.BMP", image)), image)


@pytest.mark.parametrize("data", [b"", b"no image", "cut off"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_what_is_no_image_is_refused(tmp_path: Path, suffix: str, data: bytes | str) -> None:
    path = save(tmp_path / f"image.{suffix}", np.random.default_rng(0).integers(
        0, 255, (64, 64), np.uint8))  # fmt: skip
    path.write_bytes(path.read_bytes()[:40] if isinstance(data, str) else data)

    with pytest.raises(RejectedError):
        read_image(path)


def test_unreadable_images_are_all_named_and_refused(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.png", drawn())
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes(b"")

    with pytest.raises(RejectedError, match=r"2 of 4.*1\.png: .*2\.png: .*--skip-unreadable"):
        embed_files(GreyLevel(), tmp_path, image_files(tmp_path))


def test_unreadable_images_are_left_out_when_asked(tmp_path: Path) -> None:
    for number, value in enumerate((10, 60, 200)):
        save(tmp_path / f"{number}.png", drawn(value))
    (tmp_path / "1.png").write_bytes(b"")

    found = embed_files(
        GreyLevel(), tmp_path, ["0.png", "1.png", "2.png"], skip_unreadable=True
    )  # fmt: skip

    assert found.rows.tolist() == [0, 2]
    assert len(found.unreadable) == 1
    np.testing.assert_array_equal(found.vectors, GreyLevel().encode([drawn(10), drawn(200)]))


def test_images_are_changed_before_they_are_embedded(tmp_path: Path) -> None:
    save(tmp_path / "a.png", drawn())
    asked = []

    def black(image: np.ndarray, path: str) -> np.ndarray:
        asked.append(path)
        return np.zeros_like(image)

    found = embed_files(GreyLevel(), tmp_path, ["a.png"], change=black)

    assert asked == ["a.png"]
    assert found.vectors.tolist() == [[1, 0]]
