"""What a worker does while nothing comes."""

import threading
from collections.abc import Sequence

from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Received
from plankton_stream.testing import MemoryLog, MemoryPublisher
from tests.worker_parts import Scripted
from workers.loop import consume

_POLL_S = 0.5
_STEP_S = 2.0


class Clock:
    """Seconds that pass where a test says so."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Silent:
    """A topic to which nothing comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def poll(self, timeout_s: float) -> list[Received]:
        self._clock.now_s += timeout_s
        return []

    def commit(self) -> None: ...

    def keep_alive(self) -> None: ...

    def close(self) -> None: ...


def test_what_is_done_when_idle_takes_a_quarter_of_the_time_at_most() -> None:
    """Somebody may wait for an answer of the same machine."""
    clock, stop = Clock(), threading.Event()
    steps: list[float] = []

    def step() -> None:
        steps.append(clock.now_s)
        clock.now_s += _STEP_S
        if clock.now_s > 100:
            stop.set()

    consume(
        Silent(clock), Scripted(_nothing), MemoryPublisher(MemoryLog()), stop, step, clock_s=clock
    )
    assert steps[0] == _POLL_S, "at once, the first time"
    assert 0.2 < len(steps) * _STEP_S / clock.now_s <= 0.27


def test_a_part_that_was_away_for_long_is_no_reason_to_rest() -> None:
    clock, stop = Clock(), threading.Event()
    done: list[float] = []

    def step() -> None:
        if clock.now_s < 0.1 + _POLL_S:
            clock.now_s += 8 * 3600
            raise RetryableError("Milvus is away")
        done.append(clock.now_s)
        clock.now_s += _STEP_S
        if len(done) == 2:
            stop.set()

    consume(
        Silent(clock), Scripted(_nothing), MemoryPublisher(MemoryLog()), stop, step, clock_s=clock
    )
    assert done[1] - done[0] < 10 * _STEP_S


def test_what_takes_no_time_is_done_whenever_nothing_came() -> None:
    clock, stop = Clock(), threading.Event()
    steps: list[float] = []

    def step() -> None:
        steps.append(clock.now_s)
        if len(steps) == 5:
            stop.set()

    consume(
        Silent(clock), Scripted(_nothing), MemoryPublisher(MemoryLog()), stop, step, clock_s=clock
    )
    assert steps == [_POLL_S * (number + 1) for number in range(5)]


def _nothing(_batch: Sequence[Received]) -> None: ...
