"""The loop of sources that keep their items: nothing lost silently, whatever Kafka does."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pytest

from plankton_stream.domain import Capture, Frame, Roi
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message
from plankton_stream.events.facts import read_fact
from plankton_stream.events.health import CameraStatus, DropReason
from plankton_stream.events.images import read_frame, read_roi
from plankton_stream.ports import Publisher
from plankton_stream.testing import MemoryLog, MemoryPublisher
from producers.loop import publish
from producers.numbering import Numbers
from producers.source import Item
from producers.totals import STATUS_EVERY_S, Report, Totals


@dataclass
class FakeTime:
    """A clock that only waiting moves; things can be planned for a moment of it."""

    now_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    plans: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        self.now_s += seconds
        due = [plan for plan in self.plans if plan[0] <= self.now_s]
        self.plans = [plan for plan in self.plans if plan[0] > self.now_s]
        for _, act in due:
            act()
        return self.stop.is_set()


@dataclass
class ListSource:
    items: Iterable[Item | None]
    keeps: bool = True
    idle_s: float = 1.0
    camera: str = "cam-1"
    taken: int = 0

    def __iter__(self) -> Iterator[Item | None]:
        for item in self.items:
            self.taken += 1
            yield item


def frames(count: int, data: bytes = b"image") -> list[Item | None]:
    return [
        Frame(Capture(camera="cam-1"), f"{number:04d}", "image/png", data)
        for number in range(count)
    ]


class Run(Protocol):
    def __call__(
        self, source: ListSource, publisher: Publisher | None = None, rate_hz: float = 0.0
    ) -> Totals: ...


@pytest.fixture
def run(log: MemoryLog, time: FakeTime, tmp_path: Path) -> Run:
    """Publishes a source to the log, as one start of its process would."""

    def publish_once(
        source: ListSource, publisher: Publisher | None = None, rate_hz: float = 0.0
    ) -> Totals:
        with closing(Numbers(tmp_path / "place")) as numbers:
            return publish(
                source, publisher or MemoryPublisher(log), numbers, rate_hz=rate_hz,
                stop=time.stop, clock=time.clock, wait=time.wait,
            )  # fmt: skip

    return publish_once


def sent_keys(log: MemoryLog) -> list[str]:
    return [read_frame(record).frame_key for record in log.records[topics.FRAMES.name]]


def statuses(log: MemoryLog) -> list[CameraStatus]:
    facts = [read_fact(record) for record in log.records[topics.CAMERAS.name]]
    assert all(isinstance(fact, CameraStatus) for fact in facts)
    return facts  # type: ignore[return-value]


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def test_a_folder_is_published_in_order(run: Run, log: MemoryLog) -> None:
    totals = run(ListSource(frames(200)))
    assert sent_keys(log) == [f"{number:04d}" for number in range(200)]
    assert totals == Totals(seen=200, sent=200)


def test_rois_go_to_their_own_topic(run: Run, log: MemoryLog) -> None:
    roi = Roi(Capture(camera="cam-1"), "a.png", None, "image/png", b"image")
    run(ListSource([roi]))
    assert read_roi(log.records[topics.ROIS.name][0]) == replace(roi, sequence=1)


def test_the_last_status_tells_the_totals(run: Run, log: MemoryLog) -> None:
    run(ListSource(frames(3)))
    first, *_, last = statuses(log)
    assert (first.state, first.seen, first.sent) == ("running", 0, 0)
    assert (last.state, last.seen, last.sent, last.dropped) == ("stopped", 3, 3, 0)
    assert last.camera == "cam-1"


def test_a_status_comes_about_every_five_seconds(run: Run, log: MemoryLog) -> None:
    run(ListSource(frames(121)), rate_hz=4.0)  # 30 s
    running = [status for status in statuses(log) if status.state == "running"]
    assert 6 <= len(running) <= 8
    assert running[3].rate_hz == pytest.approx(4.0, rel=0.1)


def test_the_rate_is_kept(run: Run, time: FakeTime) -> None:
    totals = run(ListSource(frames(21)), rate_hz=10.0)
    assert time.now_s == pytest.approx(2.0, abs=0.11)
    assert totals.dropped == 0


def test_a_folder_waits_for_kafka_and_loses_nothing(
    run: Run, log: MemoryLog, time: FakeTime
) -> None:
    log.available = False
    time.plans.append((42.0, lambda: setattr(log, "available", True)))
    totals = run(ListSource(frames(100)))
    assert sent_keys(log) == [f"{number:04d}" for number in range(100)]
    assert totals == Totals(seen=100, sent=100)


def test_a_paced_folder_drops_nothing_either(run: Run, log: MemoryLog, time: FakeTime) -> None:
    time.plans += [
        (1.0, lambda: setattr(log, "available", False)),
        (9.0, lambda: setattr(log, "available", True)),
    ]
    totals = run(ListSource(frames(30)), rate_hz=10.0)
    assert totals == Totals(seen=30, sent=30)


class TroubledTopic(MemoryPublisher):
    """Takes no images for a while; the other topics are well."""

    def __init__(self, log: MemoryLog, time: FakeTime, until_s: float) -> None:
        super().__init__(log)
        self._time, self._until_s = time, until_s

    def send(self, message: Message) -> None:
        if message.topic == topics.FRAMES.name and self._time.now_s < self._until_s:
            raise RetryableError("the topic is full")
        super().send(message)


def test_a_waiting_camera_says_so_if_it_can(run: Run, log: MemoryLog, time: FakeTime) -> None:
    publisher = TroubledTopic(log, time, until_s=30.0)
    totals = run(ListSource(frames(5)), publisher)
    assert totals == Totals(seen=5, sent=5)
    assert "waiting" in [status.state for status in statuses(log)]
    assert statuses(log)[-1].state == "stopped"


class SlowConfirmation(MemoryPublisher):
    """Takes records, then fails to confirm some of the batches."""

    def __init__(self, log: MemoryLog, failures: int) -> None:
        super().__init__(log)
        self.failures = failures

    def flush(self, timeout_s: float = 30.0) -> None:
        super().flush(timeout_s)
        if self.failures:
            self.failures -= 1
            raise RetryableError("not confirmed")


def test_what_was_not_confirmed_is_sent_again(run: Run, log: MemoryLog) -> None:
    publisher = SlowConfirmation(log, failures=3)
    totals = run(ListSource(frames(5)), publisher)
    assert totals == Totals(seen=5, sent=5)
    assert set(sent_keys(log)) == {f"{number:04d}" for number in range(5)}
    ids = [dict(record.headers)["ce_id"] for record in log.records[topics.FRAMES.name]]
    assert len(ids) > 5
    assert len(set(ids)) == 5  # consumers know the doubles


def test_a_frame_that_is_too_large_is_refused_and_counted(
    run: Run, log: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    capture = Capture(camera="cam-1")
    items = [
        *frames(1),
        Frame(capture, "huge", "image/png", bytes(16 * 1024 * 1024 + 1)),
        Frame(capture, "empty", "image/png", b""),
        Frame(capture, "fits", "image/png", bytes(16 * 1024 * 1024)),
    ]
    totals = run(ListSource(items))
    assert totals == refusing(seen=4, sent=2, refused=2, gaps=1)
    assert sent_keys(log) == ["0000", "fits"]
    assert "huge is not sent: the image has 16777217 bytes" in caplog.text


def refusing(*, seen: int, sent: int, refused: int, gaps: int) -> Totals:
    return Totals(seen, sent, Counter({DropReason.REFUSED: refused}), gaps)


class Picky(MemoryPublisher):
    def send(self, message: Message) -> None:
        if message.value == b"bad":
            raise RejectedError("no")
        super().send(message)


def test_a_record_that_the_log_refuses_does_not_stop_the_rest(run: Run, log: MemoryLog) -> None:
    items = frames(2) + frames(1, b"bad") + frames(2)
    totals = run(ListSource(items), Picky(log))
    assert totals == refusing(seen=5, sent=4, refused=1, gaps=1)


def test_a_watched_source_is_confirmed_before_it_waits(
    run: Run, log: MemoryLog, time: FakeTime
) -> None:
    seen_while_waiting = []
    time.plans = [(0.5, lambda: seen_while_waiting.append(len(sent_keys(log))))]
    run(ListSource([*frames(3), None, *frames(1)]))
    assert seen_while_waiting == [3]
    assert len(sent_keys(log)) == 4


def test_stopping_confirms_what_was_taken(run: Run, log: MemoryLog, time: FakeTime) -> None:
    def stopping() -> Iterator[Item | None]:
        yield from frames(2)
        time.stop.set()
        yield from frames(1)
        raise AssertionError("taken after the stop")

    totals = run(ListSource(stopping()))
    assert totals.sent == totals.seen == 3
    assert statuses(log)[-1].state == "stopped"


def test_stopping_while_kafka_is_away_ends_soon(run: Run, log: MemoryLog, time: FakeTime) -> None:
    log.available = False
    time.plans.append((30.0, time.stop.set))
    totals = run(ListSource(frames(10)))
    assert totals == Totals(seen=10)
    assert time.now_s < 30.0 + 2 * STATUS_EVERY_S


def sequences(log: MemoryLog) -> list[int | None]:
    return [read_frame(record).sequence for record in log.records[topics.FRAMES.name]]


def test_items_are_numbered_and_count_on_after_a_restart(run: Run, log: MemoryLog) -> None:
    run(ListSource(frames(3)))
    run(ListSource(frames(2)))
    assert sequences(log) == [1, 2, 3, 4, 5]
    assert statuses(log)[-1].last_sequence == 5


def test_a_refused_item_leaves_a_gap(run: Run, log: MemoryLog) -> None:
    run(ListSource([*frames(1), *frames(2, b""), *frames(1)]))
    assert sequences(log) == [1, 4]
    last = statuses(log)[-1]
    assert (last.gaps, last.dropped_because) == (1, {"refused": 2})


def test_what_kafka_took_before_it_refused_is_not_sent_again(
    run: Run, log: MemoryLog, time: FakeTime
) -> None:
    """Else each try while the consumers are behind would make the log fuller."""

    class Filling(MemoryPublisher):
        def send(self, message: Message) -> None:
            full = len(log.records[topics.FRAMES.name]) + len(self._queue) >= 3
            if message.topic == topics.FRAMES.name and full and time.now_s < 30:
                raise RetryableError("3 frames are unread")
            super().send(message)

    totals = run(ListSource(frames(6)), Filling(log))
    assert totals == Totals(seen=6, sent=6)
    assert sent_keys(log) == [f"{number:04d}" for number in range(6)]


def test_a_status_counts_all_that_was_dropped_up_to_its_last_number(
    log: MemoryLog, time: FakeTime, tmp_path: Path
) -> None:
    class Busy(Totals):
        """Of a camera that drops a frame whenever somebody looks at what it dropped."""

        @property
        def dropped(self) -> int:
            before = self.dropped_because.total()
            self.drop(DropReason.LATE, numbers.place.given + 1)
            numbers.skip(1)
            return before

    with closing(Numbers(tmp_path / "place")) as numbers:
        report = Report("cam", Busy(), numbers, clock=time.clock)
        for _ in range(2):
            report.publish(MemoryPublisher(log), "running")
    for status in statuses(log):
        assert status.last_sequence <= status.dropped
