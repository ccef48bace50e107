"""`plankton segment` and `plankton camera preview`."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from plankton_stream.errors import ConfigError
from producers import commands
from producers.cutting.commands import segment_app
from tests.unit.test_camera_flowcam import particle, write_run
from tests.unit.test_camera_ifcb import PIXELS, write_bin


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # a developer's .env is not read
    monkeypatch.setattr("plankton_stream.telemetry.start_logging", lambda _: None)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        pixels = np.full((200, 300), 200, np.uint8)
        for disc in range(number):
            cv2.circle(pixels, (60 + 100 * disc, 90), 15, 60, -1)
        cv2.imwrite(str(folder / f"f{number}.png"), pixels)
    return folder


def segment(*arguments: object) -> Result:
    return CliRunner().invoke(segment_app, [str(argument) for argument in arguments])


def preview(*arguments: object) -> Result:
    return CliRunner().invoke(commands.app, ["preview", *map(str, arguments)])


def test_a_folder_becomes_a_table_of_boxes(frames: Path) -> None:
    result = segment(frames, "--out", "boxes.csv")
    assert result.exit_code == 0, result.output
    assert "3 frames, 3 boxes" in result.output
    header, *rows = csv.reader(Path("boxes.csv").read_text("utf-8").splitlines())
    assert header == ["frame", "x", "y", "width", "height"]
    assert [row[0] for row in rows] == ["f1.png", "f2.png", "f2.png"]
    x, y, width, height = map(int, rows[0][1:])
    assert (x + width / 2, y + height / 2) == pytest.approx((60.5, 90.5), abs=2)


def test_an_unreadable_frame_is_told_and_the_others_are_cut(frames: Path) -> None:
    whole = (frames / "f1.png").read_bytes()
    (frames / "f1.png").write_bytes(whole[: len(whole) // 2])
    result = segment(frames, "--out", "boxes.csv")
    assert result.exit_code == 1
    assert "2 frames, 2 boxes" in result.output
    assert "1 files are missing" in result.output


def test_a_table_that_cannot_be_written(frames: Path) -> None:
    result = segment(frames, "--out", "nowhere/boxes.csv")
    assert isinstance(result.exception, ConfigError)
    assert "nowhere/boxes.csv" in str(result.exception)


def test_a_camera_has_its_parameters(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("cut.toml").write_text("[cameras.c]\nmax_rois = 1\n")
    monkeypatch.setenv("PLANKTON_SEGMENTATION", "cut.toml")
    result = segment(frames, "--out", "boxes.csv", "--camera", "c")
    assert "3 frames, 2 boxes, 1 over cap" in result.output


@pytest.mark.parametrize("source", ["", "f2.png"])
def test_a_preview_draws_the_boxes(frames: Path, source: str) -> None:
    result = preview(frames / source)
    assert result.exit_code == 0, result.output
    assert "f2.png: 2 boxes" in result.output
    picture = cv2.imread("preview.png")
    assert picture.shape == (200, 300, 3)
    red = (picture[..., 2] > 200) & (picture[..., 0] < 100)
    assert red[60:120, 30:90].any()
    assert red[60:120, 130:190].any()


def test_a_preview_of_a_video_is_cut_after_the_background_has_learned(tmp_path: Path) -> None:
    path = tmp_path / "dive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (304, 208), False)
    for number in range(8):
        pixels = np.full((208, 304), 200, np.uint8)
        cv2.circle(pixels, (40 + 30 * number, 90), 12, 60, -1)
        writer.write(pixels)
    writer.release()
    result = preview(path, "--frames", 6)
    assert result.exit_code == 0, result.output
    assert "00000005: 1 boxes" in result.output
    assert cv2.imread("preview.png").shape == (208, 304, 3)


def test_a_preview_of_an_instrument_shows_its_cut_outs(tmp_path: Path) -> None:
    write_bin(tmp_path / "bins")
    result = preview(tmp_path / "bins")
    assert result.exit_code == 0, result.output
    assert "the first 2 ROIs" in result.output
    picture = cv2.imread("preview.png")
    assert (picture[8:12, 8:11, 0].ravel() == PIXELS[0]).all()
    run = write_run(tmp_path / "run", particle(1), particle(2))
    result = preview(run, "--out", "run.png")
    assert result.exit_code == 0, result.output
    assert "ROIs, as the instrument cut them" in result.output


@pytest.mark.parametrize("source", ["nothing", "note.txt", "broken.png"])
def test_a_preview_of_no_image_says_so(source: str) -> None:
    Path("note.txt").write_text("x")
    Path("broken.png").write_bytes(b"x")
    result = preview(source)
    assert isinstance(result.exception, ConfigError)
    assert source in str(result.exception)
