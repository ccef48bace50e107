"""The spool: what a live camera gave and Kafka has not confirmed, on this machine's disk, in order.

Every frame goes through it, also while Kafka is well: so a kill at any moment loses nothing that
was accepted, and frames stay in order without a second way to send them. A spool that is empty is
truncated at once, so what Kafka takes as it comes hardly ever reaches the disk itself.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from plankton_stream.events.envelope import Message
from plankton_stream.events.health import DropReason
from producers.numbering import Numbers, owned
from producers.segments import HEAD_BYTES, SUFFIX, Found, Segment, from_body, to_body

log = logging.getLogger(__name__)

SEGMENT_BYTES = 16 * 1024 * 1024
HELD_BYTES = 32 * 1024 * 1024
"""What is kept in memory while the disk takes nothing: a disk that is full must not lose frames
that Kafka takes."""

_SYNC_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Spooled:
    """A frame that waits.

    Attributes:
        sequence: its number; None where it is damaged beyond that.
        message: what to send; None where it is damaged.
    """

    sequence: int | None
    message: Message | None


class Spool:
    """A queue on disk. One thread appends, another takes batches and confirms them.

    Attributes:
        numbers: of the camera's frames.
        limit_bytes: the most that it takes on disk and in memory.
        recovered: frames that were there at the start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int,
        segment_bytes: int = SEGMENT_BYTES,
        held_bytes: int = HELD_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the spool of a camera; `opened` makes sure that nobody else has it."""
        self.numbers = Numbers(folder / "place")
        self.limit_bytes = limit_bytes
        self._folder, self._segment_bytes, self._held_bytes = folder, segment_bytes, held_bytes
        self._clock, self._synced_at, self._unsynced = clock, clock(), False
        self._lock = threading.Lock()
        self._segments = deque(Segment(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
        self._read_from = 0  # in the first segment; all before it is confirmed
        self._held: deque[tuple[int, bytes]] = deque()
        self._disk_ails = False
        self._is_closed = False
        self._recover()
        self.recovered = self.count

    def append(self, sequence: int, message: Message) -> DropReason | None:
        """Accept a frame: from now on it is not lost.

        Returns:
            None; or why it was not accepted.
        """
        body = to_body(message)
        with self._lock:
            if self.size_bytes + HEAD_BYTES + len(body) > self.limit_bytes:
                return DropReason.SPOOL_FULL
            self._held.append((sequence, body))
            self._store_held()
            if sum(len(held) for _, held in self._held) > self._held_bytes:
                self._held.pop()
                return DropReason.DISK
            self.count += 1
            return None

    def batch(self, most: int, most_bytes: int) -> list[Spooled]:
        """The oldest frames that wait, in order: at least one if there is one.

        They stay until they are confirmed. A damaged one is set aside in the folder `damaged`.
        """
        with self._lock:
            batch: list[Spooled] = []
            size = 0
            if self._is_closed:
                return batch
            for spooled in islice(self._waiting(), most):
                size += len(spooled.message.value) if spooled.message else 0
                if batch and size > most_bytes:
                    break
                batch.append(spooled)
            return batch

    def confirm(self, batch: list[Spooled]) -> None:
        """Forget the frames of a batch, or of its beginning; they are in Kafka, or given up."""
        with self._lock:
            if self._is_closed or not batch:
                return
            self.count -= len(batch)
            self.numbers.confirm(max(one.sequence or 0 for one in batch))
            self._forget(unnumbered=sum(one.sequence is None for one in batch))

    def sync(self) -> None:
        """Once a second, force what waits to the disk, so that a power cut takes back no more.

        While Kafka takes frames as they come, nothing waits that long.
        """
        with self._lock:
            if self._unsynced and self._clock() - self._synced_at >= _SYNC_EVERY_S:
                self._synced_at, self._unsynced = self._clock(), False
                self._segments[-1].sync()

    @property
    def size_bytes(self) -> int:
        """What it takes now, on disk and in memory."""
        held = sum(len(body) for _, body in self._held)
        return held + sum(segment.size for segment in self._segments)

    def close(self) -> None:
        """Give up the files; what waits stays on disk."""
        with self._lock:
            self._is_closed, self.count = True, 0
            if self._held:
                log.error("%s: %d frames in memory are lost", self._folder.name, len(self._held))
            for segment in self._segments:
                segment.close()
            self.numbers.close()

    def _recover(self) -> None:
        """Find what was accepted before, and give up what was not."""
        if self._segments and (torn := self._segments[-1].cut_torn_end()):
            log.warning(
                "%s: a kill cut off a frame after %d bytes; it was never accepted",
                self._folder.name, torn,
            )  # fmt: skip
        self._forget()
        waiting = [piece.sequence for _, piece in self._pieces()]
        self.count = len(waiting)
        self.numbers.start_after(max((number or 0 for number in waiting), default=0))

    def _pieces(self) -> Iterator[tuple[Segment, Found]]:
        start = self._read_from
        for segment in self._segments:
            yield from ((segment, piece) for piece in segment.pieces(start))
            start = 0

    def _waiting(self) -> Iterator[Spooled]:
        for segment, piece in self._pieces():
            body = segment.body(piece)
            if body is None:
                self._set_aside(segment, piece)
            yield Spooled(piece.sequence, None if body is None else from_body(body))
        for sequence, body in self._held:
            yield Spooled(sequence, from_body(body))

    def _forget(self, unnumbered: int = 0) -> None:
        """Give up the records that are confirmed, and so many damaged ones without a number."""
        confirmed = self.numbers.place.confirmed
        while self._held and self._held[0][0] <= confirmed:
            self._held.popleft()
        while self._segments:
            segment = self._segments[0]
            for piece in segment.pieces(self._read_from):
                unnumbered -= piece.sequence is None
                if unnumbered < 0 or (piece.sequence or 0) > confirmed:
                    return
                self._read_from = piece.end
            self._read_from = 0
            if len(self._segments) == 1:
                segment.empty()
                self._synced_at, self._unsynced = self._clock(), False
                return
            self._segments.popleft().remove()

    def _store_held(self) -> None:
        """Write to disk what is in memory; what the disk does not take stays there."""
        while self._held:
            sequence, body = self._held[0]
            try:
                self._segment_for(sequence).append(sequence, body)
            except OSError as error:
                if not self._disk_ails:
                    log.error(  # noqa: TRY400
                        "%s: the spool's disk takes nothing: %s. Frames are kept in memory, up to "
                        "%d MB, and lost if this process is killed. Free some space.",
                        self._folder.name, error, self._held_bytes // 1_000_000,
                    )  # fmt: skip
                self._disk_ails = True
                return
            self._held.popleft()
            self._unsynced = True
        if self._disk_ails:
            log.warning("%s: the spool's disk takes frames again", self._folder.name)
        self._disk_ails = False

    def _segment_for(self, sequence: int) -> Segment:
        """The segment to append to."""
        if not self._segments or self._segments[-1].size >= self._segment_bytes:
            if self._segments:
                self._segments[-1].sync()
            self._segments.append(Segment(self._folder / f"{sequence:020d}{SUFFIX}"))
        return self._segments[-1]

    def _set_aside(self, segment: Segment, piece: Found) -> None:
        """Keep a damaged record for whoever wants to look; that it is lost is counted elsewhere."""
        folder = self._folder / "damaged"
        path = folder / f"{segment.path.stem}-{piece.start}"
        try:
            folder.mkdir(exist_ok=True)
            if not path.exists():
                log.error("%s: a damaged record was set aside as %s", self._folder.name, path)
                path.write_bytes(segment.raw(piece))
        except OSError as error:
            log.error("%s: a damaged record is lost: %s", self._folder.name, error)  # noqa: TRY400


@contextmanager
def opened(folder: Path, camera: str, *, limit_bytes: int) -> Iterator[Spool]:
    """The spool of a camera, for this process alone.

    Args:
        folder: the camera's own; made if it is new.
        camera: its id, for messages.
        limit_bytes: see `Spool`.

    Raises:
        ConfigError: another producer of this camera runs, or the folder can't be used.
    """
    with owned(folder, camera):
        spool = Spool(folder, limit_bytes=limit_bytes)
        try:
            yield spool
        finally:
            spool.close()
