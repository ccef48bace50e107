"""`plankton camera KIND`: our own kinds and one of another package."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.errors import ConfigError
from plankton_stream.events import topics
from plankton_stream.events.images import read_frame, read_roi
from plankton_stream.testing import MemoryLog
from tests.camera_parts import camera, recorded
from tests.unit.test_camera_ecotaxa import a_row
from tests.unit.test_camera_ecotaxa import write as write_ecotaxa
from tests.unit.test_camera_ifcb import write_bin

PACKAGE = '''
from collections import Counter
from plankton_stream.domain import Capture, Frame
from producers.kinds import Feed

class Counting:
    keeps, idle_s, camera, unit = True, 1.0, "their-cam", "holograms"
    done, total = 0, 0

    def __init__(self, frames):
        self.counts = Counter(taken=frames)
        self.frames = frames

    def __iter__(self):
        for number in range(self.frames):
            yield Frame(Capture(camera=self.camera), str(number), "image/png", b"x")

def theirs(frames: int, *, start: int = 0) -> Feed:
    """Count frames as nobody else does."""
    return Feed(Counting(frames))
'''


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MemoryLog]:
    with recorded(monkeypatch, tmp_path) as log:
        yield log


@pytest.fixture
def their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package with a kind of camera."""
    folder = tmp_path / "site"
    info = folder / "their_cameras-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-cameras\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[plankton_stream.cameras]\ntheirs = their_cameras:theirs\nbroken = their_cameras:gone\n"
    )
    (folder / "their_cameras.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    sys.modules.pop("their_cameras", None)


def test_help_lists_all_kinds() -> None:
    listed = camera("--help").output
    for kind in ("simulated", "folder", "video", "ifcb", "flowcam", "ecotaxa"):
        assert kind in listed
    assert "Imaging FlowCytobot" in listed


@pytest.mark.usefixtures("their_package")
def test_a_kind_of_another_package(log: MemoryLog) -> None:
    assert "Count frames as nobody else does." in camera("theirs", "--help").output
    result = camera("theirs", 3)
    assert result.exit_code == 0, result.output
    frames = [read_frame(record) for record in log.records[topics.FRAMES.name]]
    assert [frame.capture.camera for frame in frames] == ["their-cam"] * 3
    what = "3 holograms of camera their-cam"
    assert camera("theirs", 3).output.startswith(f"{what}: 0 sent, 3 known already; ")
    assert camera("theirs", 3, "--again").output.startswith(f"{what}: 3 sent; ")


@pytest.mark.usefixtures("their_package", "log")
def test_a_kind_that_cannot_be_loaded_says_so() -> None:
    error = camera("broken").exception
    assert isinstance(error, ConfigError)
    assert "'broken' (their_cameras:gone) cannot be loaded" in str(error)
    assert "broken" in camera("--help").output


def test_an_archive_of_an_instrument(log: MemoryLog, tmp_path: Path) -> None:
    write_bin(tmp_path / "IFCB 13")
    result = camera("ifcb", "IFCB 13", "--project", "mvco")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("1 bin of camera ifcb-13: 2 sent; ")
    (first, _) = [read_roi(record) for record in log.records[topics.ROIS.name]]
    assert (first.capture.camera, first.capture.project) == ("ifcb-13", "mvco")


def test_losses_of_an_archive_are_told(log: MemoryLog, tmp_path: Path) -> None:
    write_bin(tmp_path / "bins")
    write_bin(tmp_path / "bins", "D20130526T105207_IFCB013", adc="")
    result = camera("ifcb", "bins")
    assert result.exit_code == 1
    assert result.stdout.startswith("2 bins of camera bins: 2 sent, 1 unreadable; ")
    assert len(log.records[topics.ROIS.name]) == 2


def test_one_wrong_line_and_nothing_is_sent(log: MemoryLog, tmp_path: Path) -> None:
    write_ecotaxa(tmp_path / "in", a_row(1), a_row(2, object_lat="x"))
    error = camera("ecotaxa", "in").exception
    assert isinstance(error, ConfigError)
    assert "line 4, column object_lat" in str(error)
    assert not log.records
