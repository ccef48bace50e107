"""A folder as a camera: which files, in which order, with which identity and capture time."""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from plankton_stream.domain import MAX_IMAGE_BYTES, Frame, Roi
from plankton_stream.errors import ConfigError
from producers.folder import FolderCamera
from producers.metadata import Known
from producers.source import Item

PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, data: bytes | None = None) -> Path:
    """An image of the type that its name says, or the given bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, PIXELS)[1].tobytes() if data is None else data)
    return path


def keys(source: FolderCamera) -> list[str]:
    return [item.frame_key for item in source if item is not None]


def test_files_come_sorted_and_as_they_are(folder: Path) -> None:
    names = ["b.png", "a/2.jpg", "a/1.JPEG", "c/d/e.tif", "z.tiff"]
    for name in names:
        write(folder / name)
    items = [item for item in FolderCamera(folder, camera="cam") if item is not None]
    assert [item.frame_key for item in items] == [
        "a/1.JPEG", "a/2.jpg", "b.png", "c/d/e.tif", "z.tiff",
    ]  # fmt: skip
    for item in items:
        assert isinstance(item, Frame)
        assert item.data == (folder / item.frame_key).read_bytes()
        assert item.capture.camera == "cam"
        assert item.capture.captured_at is None
        assert not item.capture.live
    assert [item.content_type for item in items] == [
        "image/jpeg", "image/jpeg", "image/png", "image/tiff", "image/tiff",
    ]  # fmt: skip


def test_rois_have_no_box_and_a_lasting_identity(folder: Path) -> None:
    write(folder / "r.png")
    first, second = (next(iter(FolderCamera(folder, camera="c", rois=True))) for _ in range(2))
    assert isinstance(first, Roi)
    assert isinstance(second, Roi)
    assert first.box is None
    assert first.image_id == second.image_id


def test_a_truncated_image_is_sent_as_it_is(folder: Path) -> None:
    whole = cv2.imencode(".png", PIXELS)[1].tobytes()
    write(folder / "cut.png", whole[:30])
    (item,) = FolderCamera(folder, camera="c")
    assert item is not None
    assert item.data == whole[:30]


def test_bmp_becomes_png_without_loss(folder: Path) -> None:
    write(folder / "a.bmp")
    write(folder / "broken.bmp", b"BM nothing")
    source = FolderCamera(folder, camera="c")
    (item,) = source
    assert item is not None
    assert item.content_type == "image/png"
    decoded = cv2.imdecode(np.frombuffer(item.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(decoded, PIXELS)
    assert source.counts == {"taken": 1, "refused": 1}


def test_other_files_are_skipped_and_counted(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder / "a.png")
    for name in ("notes.txt", "more.txt", "table.csv"):
        write(folder / name, b"text")
    write(folder / ".hidden.png", b"half a copy")
    source = FolderCamera(folder, camera="c")
    assert keys(source) == ["a.png"]
    assert source.counts == {"taken": 1, "skipped": 3}
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 2  # one for each kind
    assert "is not an image (allowed: PNG, JPEG, TIFF, BMP)" in warnings[0].message


def test_a_vanished_file_is_counted_and_the_rest_sent(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        write(folder / name)
    (folder / "d.png").symlink_to(folder / "nowhere.png")
    source = FolderCamera(folder, camera="c")
    items = iter(source)
    assert next(items) is not None
    (folder / "b.png").unlink()
    assert [item.frame_key for item in items if item] == ["c.png"]
    assert source.counts["unreadable"] == 2
    assert "b.png" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_counted(folder: Path) -> None:
    write(folder / "a.png").chmod(0)
    source = FolderCamera(folder, camera="c")
    assert keys(source) == []
    assert source.counts["unreadable"] == 1


def test_a_file_that_is_too_large_is_refused_unread(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with write(folder / "big.tif").open("ab") as file:
        file.truncate(MAX_IMAGE_BYTES + 1)
    source = FolderCamera(folder, camera="c")
    assert keys(source) == []
    assert source.counts == {"refused": 1}
    assert "big.tif" in caplog.text
    assert str(MAX_IMAGE_BYTES) in caplog.text


def test_a_name_that_is_no_text_is_refused(folder: Path) -> None:
    write(folder / "ok\u202f\u00e9.png")  # unusual, but text
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"x")
    source = FolderCamera(folder, camera="c")
    assert keys(source) == ["ok\u202f\u00e9.png"]
    assert source.counts["refused"] == 1


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    write(folder / "sub/a.png")
    (folder / "sub/loop").symlink_to(folder)
    assert keys(FolderCamera(folder, camera="c")) == ["sub/a.png"]


def test_missing_and_empty_folders_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        FolderCamera(folder / "none", camera="c")
    with pytest.raises(ConfigError, match="has no PNG"):
        FolderCamera(folder, camera="c")
    write(folder / "notes.txt", b"text")
    with pytest.raises(ConfigError, match=r"has no PNG.*1 others"):
        FolderCamera(folder, camera="c")
    assert next(iter(FolderCamera(folder, camera="c", watch=True))) is None  # may yet come


def test_metadata_go_before_exif_and_exif_before_the_name(folder: Path) -> None:
    name = "20200101T000000.jpg"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2021:02:03 04:05:06"
    Image.fromarray(PIXELS).save(folder / name, exif=exif)
    told = datetime(2022, 1, 1, tzinfo=UTC)
    write(folder / "20190101_000000.png")
    known = Known({"captured_at": told, "depth_m": 12.5})
    metadata = {name: known, "lost.png": Known()}

    with_metadata = FolderCamera(folder, camera="c", metadata=metadata)
    without = FolderCamera(folder, camera="c")
    times = [[item.capture.captured_at for item in s if item] for s in (with_metadata, without)]
    named = datetime(2019, 1, 1, tzinfo=UTC)
    assert times == [[named, told], [named, datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)]]
    assert with_metadata.unmatched == ["lost.png"]


def look(items: Iterator[Item | None]) -> list[str]:
    """The keys that one look at a watched folder gives."""
    found = []
    while (item := next(items)) is not None:
        found.append(item.frame_key)
    return found


def test_watching_takes_a_file_once_it_rests(folder: Path) -> None:
    write(folder / "old.png")
    items = iter(FolderCamera(folder, camera="c", watch=True))
    assert look(items) == []
    assert look(items) == ["old.png"]
    growing = write(folder / "new.png", b"half")
    assert look(items) == []
    growing.write_bytes(b"half and half")
    assert look(items) == []
    assert look(items) == ["new.png"]
    assert look(items) == []  # once only


def test_what_appears_while_watching_is_live(folder: Path) -> None:
    write(folder / "old.png")
    items = iter(FolderCamera(folder, camera="c", watch=True))
    next(items)
    write(folder / "new.png")
    next(item for item in items if item is not None)
    assert next(items) is None
    new = next(items)
    assert new is not None
    assert new.frame_key == "new.png"
    assert new.capture.live


def test_watching_counts_a_file_once(folder: Path) -> None:
    write(folder / "notes.txt", b"x")
    source = FolderCamera(folder, camera="c", watch=True)
    items = iter(source)
    for _ in range(4):
        look(items)
    assert source.counts == {"skipped": 1}


def test_a_watched_folder_may_go_away_and_come_back(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A network drive, a card that was taken out."""
    watched = folder / "card"
    write(watched / "a.png")
    items = iter(FolderCamera(watched, camera="c", watch=True))
    assert [look(items), look(items)] == [[], ["a.png"]]
    watched.rename(folder / "gone")
    assert [look(items), look(items)] == [[], []]
    assert "cannot be read" in caplog.text
    write(folder / "gone" / "b.png")
    (folder / "gone").rename(watched)
    assert [look(items), look(items)] == [[], ["b.png"]]


def test_a_folder_that_goes_away_ends_with_a_loss(folder: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        write(folder / "card" / name)
    source = FolderCamera(folder / "card", camera="c")
    items = iter(source)
    next(items)
    (folder / "card").rename(folder / "gone")
    assert list(items) == []
    assert source.counts["unreadable"] == 1
