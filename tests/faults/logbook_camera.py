"""A live camera of small frames that writes into a logbook what it gave, to compare with later.

`python -m tests.faults.logbook_camera CAMERA LOGBOOK FRAMES`: gives so many frames in all, over all
its starts, ten a second. With `KILLED_WHEN` in its environment it is killed, with -9, as soon as
its log says that: who reads the log first and kills it then comes too late on a busy machine.
"""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from plankton_stream.domain import Capture, Frame
from plankton_stream.events.envelope import now
from plankton_stream.events.topics import FRAMES
from plankton_stream.retrying import stop_on_signals
from plankton_stream.settings import load_settings
from plankton_stream.telemetry import start_logging
from producers.running import publish_camera

RATE_HZ = 10.0
_SIDE_PX = 160


class Killer(logging.Handler):
    """Kills this process when something is logged."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self._when = when

    def emit(self, record: logging.LogRecord) -> None:
        if self._when in record.getMessage():
            os.kill(os.getpid(), signal.SIGKILL)


class LogbookCamera:
    """Each frame shows one disc, somewhere else in each."""

    keeps = False
    idle_s = 1.0

    def __init__(self, camera: str, logbook: Path, frames: int) -> None:
        self.camera = camera
        self._logbook, self._frames = logbook, frames

    def __iter__(self) -> Iterator[Frame]:
        with self._logbook.open("a+", encoding="ascii") as book:
            book.seek(0)
            first = len(book.readlines())
            for number in range(first, self._frames):
                frame = self._frame(f"{number:06d}")
                print(frame.frame_key, file=book, flush=True)
                yield frame

    def _frame(self, key: str) -> Frame:
        rng = np.random.default_rng(int(key))
        pixels = rng.normal(200, 2, (_SIDE_PX, _SIDE_PX)).clip(0, 255).astype(np.uint8)
        x, y = (int(place) for place in rng.integers(35, _SIDE_PX - 35, 2))
        cv2.circle(pixels, (x, y), int(rng.integers(10, 25)), 60, -1)
        data = cv2.imencode(".png", pixels)[1].tobytes()
        return Frame(
            Capture(camera=self.camera, captured_at=now(), live=True), key, "image/png", data
        )


if __name__ == "__main__":
    _camera, _logbook, _frames = sys.argv[1:]
    _settings = load_settings()
    start_logging(_settings)
    if _when := os.environ.get("KILLED_WHEN"):
        logging.getLogger().addHandler(Killer(_when))
    _source = LogbookCamera(_camera, Path(_logbook), int(_frames))
    publish_camera(_settings, _source, FRAMES, RATE_HZ, stop_on_signals())
