"""A video device, file or stream as a source, through OpenCV.

A reader thread asks OpenCV, which may hang for as long as a network does; whoever stops the camera
waits for no more than the next look. Frames are numbered as they are read; those that come faster
than they are taken are the source's own loss, and counted.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plankton_stream.domain import Capture, Frame, new_id
from plankton_stream.errors import ConfigError
from plankton_stream.events.envelope import now
from plankton_stream.events.health import DropReason

log = logging.getLogger(__name__)

_LOOK_S = 0.5  # the longest that the next frame is waited for before the loop is asked to stop
_WAITING = 4  # frames that may wait for the loop
_TRIES = 3  # as often in a row a frame may fail before the video has ended
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_SILENT_S = 10.0  # a live camera that says nothing for so long is told of

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Shot:
    pixels: Pixels = field(repr=False)
    number: int  # of the frame in its connection, from 0
    at: datetime | None
    position_ms: float


_END = None


class VideoCamera:
    """Frames of a video. A file is an archive that ends; a device or stream is live.

    A live camera that ends or fails is opened again, with growing pauses. Frame keys are
    `<run>-<number>` where live, so that no run repeats another's, and the number alone in a file.

    Attributes:
        camera: id that all items carry.
        counts: frames by what became of them: `taken`, `missed`, and `reconnects`.
        lost: the missed ones by reason: `late` (live: nobody took them in time), `unreadable` (the
            decoder gave none, and went on or, in a file, did not get to the end).
        done: frames of a file that were read.
        total: frames that the file says it has; 0 where it does not, or live.
    """

    idle_s = 0.05
    unit = "frames"

    def __init__(
        self,
        place: str,
        *,
        camera: str,
        started_at: datetime | None = None,
        quality: int = 95,
        open_video: Callable[[str], Any] | None = None,
        **common: Any,
    ) -> None:
        """Open nothing yet, but look whether a file is there.

        Args:
            place: number of a device, path of a file or device, or URL of a stream.
            camera: its id.
            started_at: when a file's first frame was taken; None: its frames have no time.
            quality: of the JPEG that travels, 1 to 100.
            open_video: opens a place as OpenCV's `VideoCapture` does, for tests.
            common: fields of `Capture` for all frames.

        Raises:
            ConfigError: there is no such file, or it is no video.
        """
        self.camera = camera
        self.counts: Counter[str] = Counter()
        # Both from the start: the loop reads it while the reader's thread counts.
        self.lost = Counter({DropReason.LATE: 0, DropReason.UNREADABLE: 0})
        self.done = self.total = 0
        self._place, self._started_at, self._quality = place, started_at, quality
        self._open = open_video or _open
        self._common = {"camera": camera, "source_file": place[:1024]} | common
        self.keeps = not is_live(place)
        if self.keeps:
            self._common["source_file"] = Path(place).name
            self.total = self._frames_in_file()
        self._run = "" if self.keeps else f"{new_id()}-"
        self._shots: Queue[_Shot | None] = Queue(_WAITING)
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[Frame | None]:
        """See `Source`; waits half a second at most for the next frame, then gives None."""
        reader = threading.Thread(target=self._read, name=f"video-{self.camera}", daemon=True)
        reader.start()
        heard = time.monotonic()
        try:
            while True:
                try:
                    shot = self._shots.get(timeout=_LOOK_S)
                except Empty:
                    heard = self._tell_silence(heard)
                    yield None
                    continue
                if shot is _END:
                    return
                heard = time.monotonic()
                self.counts["taken"] += 1
                yield self._frame(shot)
        finally:
            self._stopped.set()  # a reader that hangs is left to itself: it is a daemon

    def _frames_in_file(self) -> int:
        if not Path(self._place).is_file():
            raise ConfigError(f"Video {self._place!r} does not exist.")
        video = self._open(self._place)
        try:
            if not video.isOpened():
                raise ConfigError(f"Video {self._place!r} cannot be opened: is it a video?")
            return max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        finally:
            video.release()

    def _read(self) -> None:
        """In a thread: frames of one connection after another; a file has one."""
        pause_s, number = _FIRST_PAUSE_S, 0
        while not self._stopped.is_set():
            before = number
            number = self._read_connection(number)
            if self.keeps:
                self._put(_END)
                return
            pause_s = _FIRST_PAUSE_S if number > before else min(2 * pause_s, _LONGEST_PAUSE_S)
            self.counts["reconnects"] += 1
            log.warning("%s: %s gives no frame: again in %.1f s", self.camera, self._place, pause_s)
            self._stopped.wait(pause_s)

    def _read_connection(self, number: int) -> int:
        """Frames until there is none; gives the number of the next one."""
        try:
            video = self._open(self._place)
        except cv2.error as error:
            log.warning("%s: %s cannot be opened: %s", self.camera, self._place, error.err)
            return number
        try:
            while not self._stopped.is_set():
                failed, pixels = _read_next(video)
                if pixels is None:
                    self._count_unread()
                    break
                self._miss(DropReason.UNREADABLE, failed)
                at = None if self.keeps else now()
                position_ms = float(video.get(cv2.CAP_PROP_POS_MSEC))  # of the frame just read
                self._put(_Shot(np.asarray(pixels, np.uint8), number, at, position_ms))
                number += 1
                self.done = number
        finally:
            video.release()
        return number

    def _count_unread(self) -> None:
        """A file that ends before its last frame is damaged there, or says more than it has."""
        unread = self.total - self.done - self.lost[DropReason.UNREADABLE]
        if unread > 0:
            self._miss(DropReason.UNREADABLE, unread)
            log.error(
                "%s: %s has %d frames, %d were read",
                self.camera, self._place, self.total, self.done,
            )  # fmt: skip

    def _miss(self, reason: DropReason, count: int = 1) -> None:
        self.counts["missed"] += count
        self.lost[reason] += count

    def _put(self, shot: _Shot | None) -> None:
        """Hand a frame over. A file waits for the loop; live, the oldest that waits is given up."""
        while not self._stopped.is_set():
            try:
                self._shots.put(shot, timeout=_LOOK_S if self.keeps else 0.001)
            except Full:
                if not self.keeps:
                    self._give_up_oldest()
            else:
                return

    def _give_up_oldest(self) -> None:
        try:
            self._shots.get_nowait()
        except Empty:  # the loop took it just now
            return
        self._miss(DropReason.LATE)
        if self.counts["missed"].bit_count() == 1:  # at 1, 2, 4, 8, ...
            log.warning("%s: %d frames missed so far", self.camera, self.counts["missed"])

    def _tell_silence(self, heard: float) -> float:
        if time.monotonic() - heard < _SILENT_S:
            return heard
        log.warning("%s: %s gave nothing for %.0f s", self.camera, self._place, _SILENT_S)
        return time.monotonic()

    def _frame(self, shot: _Shot) -> Frame:
        _, jpeg = cv2.imencode(".jpg", shot.pixels, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        at = shot.at
        if at is None and self._started_at is not None:
            at = self._started_at + timedelta(milliseconds=shot.position_ms)
        return Frame(
            capture=Capture(captured_at=at, live=not self.keeps, **self._common),
            frame_key=f"{self._run}{shot.number:08d}",
            content_type="image/jpeg",
            data=jpeg.tobytes(),
            extra={"position_ms": shot.position_ms} if self.keeps else {},
        )


def _read_next(video: Any) -> tuple[int, NDArray[Any] | None]:
    """How many frames in a row the decoder did not give, and the one after them; None: no more."""
    for failed in range(_TRIES):
        good, pixels = video.read()
        if good:
            return failed, pixels
    return _TRIES, None


def is_live(place: str) -> bool:
    """Whether a place is a device or a stream, not a file."""
    return place.isdecimal() or "://" in place or place.startswith("/dev/")


def _open(place: str) -> Any:
    return cv2.VideoCapture(int(place) if place.isdecimal() else place)
