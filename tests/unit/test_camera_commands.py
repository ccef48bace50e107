"""`plankton camera …`, run in-process on the in-memory log."""

import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream import retrying
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.images import read_frame, read_roi
from plankton_stream.testing import MemoryLog, MemoryPublisher
from producers import commands, running
from tests.camera_parts import camera, recorded


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MemoryLog]:
    with recorded(monkeypatch, tmp_path) as log:
        yield log


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "Cruise 7"
    folder.mkdir()
    for name in ("b.png", "a.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((4, 4), np.uint8))
    return folder


SMALL = ("--width", 200, "--height", 150, "--rate", 1000)


def test_two_cameras_and_a_preview() -> None:
    names = {command.callback.__name__ for command in commands.app.registered_commands}
    assert names == {"simulated", "folder", "preview"}


def test_simulated_takes_its_defaults_from_the_settings(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANKTON_CAMERA", "buoy-3")
    monkeypatch.setenv("PLANKTON_CAMERA_RATE", "500")
    result = camera("simulated", *SMALL[:4], "--frames", 3)
    assert result.exit_code == 0, result.output
    frames = [read_frame(record) for record in log.records[topics.FRAMES.name]]
    assert [frame.capture.camera for frame in frames] == ["buoy-3"] * 3
    assert len(log.records[topics.CAMERAS.name]) == 2


def test_simulated_options_win(log: MemoryLog) -> None:
    result = camera(
        "simulated", *SMALL, "--frames", 1, "--camera", "c2", "--seed", 9, "--field", "dark",
        "--first-frame", 4, "--sample", "s1", "--rois-per-frame", 2,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    frame = read_frame(log.records[topics.FRAMES.name][0])
    assert (frame.capture.camera, frame.capture.sample) == ("c2", "s1")
    assert frame.frame_key.endswith("-4")
    assert cv2.imdecode(np.frombuffer(frame.data, np.uint8), 0).mean() < 60


def test_folder_once(log: MemoryLog, pictures: Path) -> None:
    result = camera("folder", pictures, "--camera", "cam")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("2 files of camera cam: 2 sent; ")
    assert result.output.rstrip().endswith("images/s")
    frames = [read_frame(record) for record in log.records[topics.FRAMES.name]]
    assert [frame.frame_key for frame in frames] == ["a.jpg", "b.png"]


def test_folder_names_the_camera_after_itself(log: MemoryLog, pictures: Path) -> None:
    assert camera("folder", pictures, "--roi").exit_code == 0
    rois = [read_roi(record) for record in log.records[topics.ROIS.name]]
    assert {roi.capture.camera for roi in rois} == {"cruise-7"}


def test_folder_with_metadata(log: MemoryLog, pictures: Path) -> None:
    csv = pictures.parent / "meta.csv"
    csv.write_text("path,captured_at,depth_m\nb.png,2023-01-01T00:00:00Z,7\n")
    ids = ("--sample", "s", "--project", "p")
    assert camera("folder", pictures, "--metadata", csv, *ids).exit_code == 0
    frames = [read_frame(record) for record in log.records[topics.FRAMES.name]]
    assert [frame.capture.depth_m for frame in frames] == [None, 7.0]
    assert {(frame.capture.sample, frame.capture.project) for frame in frames} == {("s", "p")}


@pytest.mark.usefixtures("log")
def test_folder_with_losses_does_not_exit_well(pictures: Path) -> None:
    (pictures / "gone.png").symlink_to("nowhere")
    (pictures / "empty.png").touch()
    (pictures / "notes.txt").touch()
    result = camera("folder", pictures)
    assert result.exit_code == 1
    expected = "2 sent, 1 skipped (no images), 1 unreadable, 1 refused; "
    assert result.output.startswith(f"5 files of camera cruise-7: {expected}"), result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("folder", "nowhere"), "does not exist"),
        (("folder", "."), "has no PNG"),
        (("folder", ".", "--camera", "Cam 1"), "camera 'Cam 1'"),
        (("folder", ".", "--metadata", "none.csv"), "none.csv"),
        (("simulated", "--rate", 0), "rate"),
        (("simulated", "--sample", "No good"), "sample 'No good'"),
        (("simulated", "--rois-per-frame", -1), "ROIs per frame"),
    ],
)
def test_mistakes_are_told(log: MemoryLog, arguments: tuple[object, ...], message: str) -> None:
    error = camera(*arguments).exception
    assert isinstance(error, ConfigError)
    assert message in str(error)
    assert not log.records


def test_it_waits_for_kafka_at_the_start(
    log: MemoryLog, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def connect(*_: object, **__: object) -> MemoryPublisher:
        tries.append(1)
        if len(tries) < 3:
            raise RetryableError("no Kafka broker answers")
        return MemoryPublisher(log)

    monkeypatch.setattr(running, "bounded_publisher", connect)
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.01)
    assert camera("folder", pictures).exit_code == 0
    assert len(tries) == 3


@pytest.mark.usefixtures("log")
def test_it_announces_that_it_publishes(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = pictures.parent / "ready"
    monkeypatch.setenv("PLANKTON_READY_FILE", str(ready))
    camera("folder", pictures)
    assert ready.exists()


def test_sigterm_ends_it_well(log: MemoryLog) -> None:
    previous = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 0.7)
    try:
        result = camera("simulated", "--width", 200, "--height", 150, "--rate", 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert result.exit_code == 0, result.output
    assert log.records[topics.FRAMES.name]
    assert b'"state":"stopped"' in log.records[topics.CAMERAS.name][-1].value
