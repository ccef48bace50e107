"""Video: files that OpenCV wrote, and live ones that hang, end and come back."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.domain import Frame
from plankton_stream.errors import ConfigError
from plankton_stream.events import topics
from plankton_stream.events.facts import read_fact
from plankton_stream.events.health import CameraStatus, DropReason
from plankton_stream.images import decode
from producers import video
from producers.video import VideoCamera
from tests.camera_parts import camera, recorded


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Five frames at 10 a second, brighter and brighter."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48), False)
    for number in range(5):
        writer.write(np.full((48, 64), 40 * number, np.uint8))
    writer.release()
    return path


def frames(items: Iterator[Frame | None]) -> Iterator[Frame]:
    return (item for item in items if item is not None)


def test_a_file_gives_all_its_frames_and_ends(film: Path) -> None:
    start = datetime(2024, 5, 1, 12, tzinfo=UTC)
    source = VideoCamera(str(film), camera="v", started_at=start, sample="s", pixel_size_um=2.0)
    found = list(frames(iter(source)))
    assert source.keeps
    assert [frame.frame_key for frame in found] == [f"{n:08d}" for n in range(5)]
    seconds = [(frame.capture.captured_at - start).total_seconds() for frame in found]  # type: ignore[operator]
    assert seconds == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    grey = [decode(frame.data, frame.content_type).mean() for frame in found]
    assert grey == pytest.approx([0, 40, 80, 120, 160], abs=3)
    assert found[0].capture.source_file == "film.avi"
    assert (found[0].capture.sample, found[0].capture.live) == ("s", False)
    assert (source.done, source.total, source.counts["missed"]) == (5, 5, 0)


def test_a_file_without_a_start_has_positions_only(film: Path) -> None:
    found = list(frames(iter(VideoCamera(str(film), camera="v"))))
    assert {frame.capture.captured_at for frame in found} == {None}
    assert [frame.extra["position_ms"] for frame in found] == pytest.approx([0, 100, 200, 300, 400])


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        VideoCamera(str(tmp_path / "gone.avi"), camera="v")
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(ConfigError, match="cannot be opened"):
        VideoCamera(str(tmp_path / "text.avi"), camera="v")


class Film:
    """What OpenCV's `VideoCapture` does, with a number of frames before it fails."""

    def __init__(self, left: int, wait: Callable[[], object] = lambda: None) -> None:
        self._left, self._wait = left, wait

    def isOpened(self) -> bool:
        return True

    def get(self, what: int) -> float:  # noqa: ARG002
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        if not self._left:
            self._wait()
            return False, None
        self._left -= 1
        return True, np.full((4, 4), 9, np.uint8)

    def release(self) -> None: ...


def test_a_stream_that_fails_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_FIRST_PAUSE_S", 0.01)
    films = iter([Film(2), Film(0), Film(2)])
    source = VideoCamera("rtsp://buoy/1", camera="v", open_video=lambda _: next(films, Film(0)))
    found = list(islice(frames(iter(source)), 4))
    assert not source.keeps
    runs = {frame.frame_key.rpartition("-")[0] for frame in found}
    assert len(runs) == 1
    assert [int(frame.frame_key.rpartition("-")[2]) for frame in found] == [0, 1, 2, 3]
    assert all(frame.capture.live and frame.capture.captured_at for frame in found)
    assert source.counts["reconnects"] >= 2


def test_no_run_repeats_the_keys_of_another() -> None:
    keys = [
        next(frames(iter(VideoCamera("0", camera="v", open_video=lambda _: Film(1))))).frame_key
        for _ in range(2)
    ]
    assert keys[0] != keys[1]


def test_one_that_hangs_does_not_block_who_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_LOOK_S", 0.01)
    hangs = threading.Event()
    source = VideoCamera("0", camera="v", open_video=lambda _: Film(1, hangs.wait))
    items = iter(source)
    first = next(frames(items))
    assert first.frame_key.endswith("-00000000")
    assert [next(items) for _ in range(3)] == [None] * 3
    hangs.set()


def test_live_frames_that_nobody_takes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_LOOK_S", 5)
    filmed = threading.Event()
    source = VideoCamera("0", camera="v", open_video=lambda _: Film(20, filmed.set))
    items = iter(source)
    taken = [next(items)]
    assert filmed.wait(20)
    while source.counts["taken"] + source.counts["missed"] < 20:
        taken.append(next(items))
    numbers = [int(frame.frame_key.rpartition("-")[2]) for frame in taken if frame]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 19
    assert source.counts["missed"] == 20 - len(numbers) > 0


def damaged(film: Path) -> Path:
    """The same film whose third frame is no JPEG any more."""
    data = bytearray(film.read_bytes())
    start = -1
    for _ in range(3):
        start = data.index(b"\xff\xd8\xff", start + 1)  # a JPEG begins; before it, its length
    size = int.from_bytes(data[start - 4 : start], "little")
    data[start : start + size] = bytes(size)
    film.write_bytes(data)
    return film


def test_a_damaged_frame_of_a_file_is_lost_and_the_rest_is_not(film: Path) -> None:
    source = VideoCamera(str(damaged(film)), camera="v")
    found = list(frames(iter(source)))
    grey = [decode(frame.data, frame.content_type).mean() for frame in found]
    assert grey == pytest.approx([0, 40, 120, 160], abs=3)
    assert source.lost == {DropReason.LATE: 0, DropReason.UNREADABLE: 1}


def test_what_a_video_lost_is_dropped_by_its_camera(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(film)
    with recorded(monkeypatch, tmp_path) as log:
        result = camera("video", film, "--camera", "v")
    assert result.exit_code == 1
    assert "4 sent, 1 not decoded" in result.output
    last = read_fact(log.records[topics.CAMERAS.name][-1])
    assert isinstance(last, CameraStatus)
    assert (last.seen, last.sent, last.dropped) == (5, 4, 1)
    assert last.dropped_because == {"unreadable": 1}


class Stutter(Film):
    """Its second frame is none."""

    reads = 0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.reads += 1
        return (False, None) if self.reads == 2 else super().read()


def test_a_live_frame_that_the_decoder_does_not_give_is_no_end() -> None:
    films = iter([Stutter(2)])
    source = VideoCamera("0", camera="v", open_video=lambda _: next(films, Film(0)))
    found = list(islice(frames(iter(source)), 2))
    assert [frame.frame_key[-1] for frame in found] == ["0", "1"]
    assert source.lost[DropReason.UNREADABLE] == 1
