"""The loop of live cameras: what Kafka does not take is spooled, and nothing is lost unseen."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from plankton_stream.domain import Capture, Frame
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message
from plankton_stream.events.facts import read_fact
from plankton_stream.events.health import CameraStatus, DropReason
from plankton_stream.events.images import read_frame
from plankton_stream.ports import Publisher
from plankton_stream.testing import MemoryLog, MemoryPublisher
from producers.live import Drain, Intake, publish_live
from producers.pace import Pace
from producers.source import Item
from producers.spool import Spool
from producers.totals import Report, Totals
from tests.waiting import wait_until


@dataclass
class Few:
    """A live camera that gives some frames."""

    count: int
    camera: str = "cam-1"
    keeps: bool = False
    idle_s: float = 0.01

    def __iter__(self) -> Iterator[Item | None]:
        yield from (frame(number) for number in range(1, self.count + 1))


def frame(number: int, data: bytes = b"image") -> Frame:
    return Frame(Capture(camera="cam-1"), f"{number:04d}", "image/png", data)


class Camera:
    """A camera whose two threads are worked by hand."""

    def __init__(
        self,
        folder: Path,
        log: MemoryLog,
        publisher: Publisher | None = None,
        limit_bytes: int = 10_000_000,
    ) -> None:
        self.now_s = 0.0
        self.log = log
        self.spool = Spool(folder, limit_bytes=limit_bytes)
        self.totals = Totals()
        publisher = publisher or MemoryPublisher(log)
        report = Report(
            "cam-1", self.totals, self.spool.numbers, self.spool, clock=lambda: self.now_s
        )
        self.drain = Drain(lambda: publisher, self.spool, self.totals, report)
        pace = Pace(0, lambda: self.now_s, lambda _: None)
        self.intake = Intake(Few(0), self.spool, self.totals, pace)
        self._given = 0

    def give(self, count: int, data: bytes = b"image", *, passed: int = 0) -> None:
        for _ in range(count):
            self._given += 1
            self.intake.take(frame(self._given, data), passed)

    def drain_all(self) -> None:
        while not self.drain.step():
            pass

    def status(self) -> CameraStatus:
        """The next status that is due."""
        self.now_s += 10
        self.drain.step()
        return statuses(self.log)[-1]

    def killed(self, folder: Path) -> "Camera":
        """The camera's next process, after a kill of this one."""
        self.spool.close()
        successor = Camera(folder, self.log)
        successor._given = self._given
        return successor


def statuses(log: MemoryLog) -> list[CameraStatus]:
    facts = [read_fact(record) for record in log.records[topics.CAMERAS.name]]
    return [fact for fact in facts if isinstance(fact, CameraStatus)]


def keys(log: MemoryLog) -> list[str]:
    return [read_frame(record).frame_key for record in log.records[topics.FRAMES.name]]


def sequences(log: MemoryLog) -> list[int | None]:
    return [read_frame(record).sequence for record in log.records[topics.FRAMES.name]]


def keys_up_to(count: int) -> list[str]:
    return [f"{number:04d}" for number in range(1, count + 1)]


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def camera(folder: Path, log: MemoryLog) -> Camera:
    return Camera(folder, log)


def test_what_comes_while_kafka_is_away_is_sent_in_order_before_what_comes_later(
    camera: Camera, log: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    camera.give(3)
    camera.drain_all()
    log.available = False
    for _ in range(20):
        camera.give(10)
        camera.drain.step()
    assert camera.spool.count == 200
    log.available = True
    camera.drain.step()
    camera.give(5)
    camera.drain_all()
    assert keys(log) == keys_up_to(208)
    assert sequences(log) == list(range(1, 209))
    assert camera.totals == Totals(seen=208, sent=208)
    assert caplog.text.count("frames stay in the spool") == 1
    assert "Kafka takes frames again" in caplog.text


def test_a_kill_while_it_drains_loses_nothing_and_keeps_the_order(
    camera: Camera, folder: Path, log: MemoryLog
) -> None:
    log.available = False
    camera.give(150)
    camera.drain.step()
    log.available = True
    camera.drain.step()
    assert 0 < len(keys(log)) < 150
    camera = camera.killed(folder)
    camera.give(2)
    camera.drain_all()
    assert keys(log) == keys_up_to(152)
    status = camera.status()
    assert status.seen + status.recovered == status.sent + status.spooled + status.dropped
    assert status.recovered > 0


class DyingAfterKafkaTookIt(MemoryPublisher):
    def flush(self, timeout_s: float = 30.0) -> None:
        super().flush(timeout_s)
        raise RetryableError("killed before it was told")


def test_what_was_not_confirmed_before_a_kill_comes_again_with_the_same_id(
    folder: Path, log: MemoryLog
) -> None:
    camera = Camera(folder, log, DyingAfterKafkaTookIt(log))
    camera.give(5)
    camera.drain.step()
    camera = camera.killed(folder)
    camera.drain_all()
    assert keys(log) == keys_up_to(5) * 2
    ids = [dict(record.headers)["ce_id"] for record in log.records[topics.FRAMES.name]]
    assert len(set(ids)) == 5


def test_a_full_spool_keeps_the_oldest_and_says_what_it_drops(
    folder: Path, log: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    camera = Camera(folder, log, limit_bytes=50_000)
    log.available = False
    camera.give(100, b"x" * 1_000)
    dropped = camera.totals.dropped_because[DropReason.SPOOL_FULL]
    assert 50 < dropped < 80
    assert caplog.text.count("the spool is full") == 1
    log.available = True
    camera.drain_all()
    camera.give(1)
    camera.drain_all()
    assert keys(log) == [*keys_up_to(100 - dropped), "0101"]
    assert "takes frames again" in caplog.text
    status = camera.status()
    assert status.dropped_because == {"spool-full": dropped}
    assert (status.dropped, status.gaps, status.last_sequence) == (dropped, 1, 101)


def test_moments_that_nobody_took_leave_a_gap_in_the_numbers(
    camera: Camera, folder: Path, log: MemoryLog
) -> None:
    camera.give(1)
    camera.give(1, passed=3)
    camera.drain_all()
    assert sequences(log) == [1, 5]
    status = camera.status()
    assert (status.seen, status.sent, status.dropped_because) == (5, 2, {"late": 3})
    camera.spool.close()
    again = Camera(folder, log).status()
    assert (again.dropped, again.lost_before) == (0, 3), "what it gave up is known after a restart"


def test_a_status_tells_what_waits(folder: Path, log: MemoryLog) -> None:
    class Behind(MemoryPublisher):
        def send(self, message: Message) -> None:
            if message.topic == topics.FRAMES.name:
                raise RetryableError("the workers are behind")
            super().send(message)

    camera = Camera(folder, log, Behind(log))
    camera.give(7)
    status = camera.status()
    assert (status.state, status.why) == ("waiting", "the workers are behind")
    assert (status.spooled, status.spool_limit_bytes) == (7, 10_000_000)
    assert status.spool_bytes == camera.spool.size_bytes > 0


def test_frames_that_can_never_be_sent_are_counted_and_the_rest_goes_on(
    folder: Path, log: MemoryLog
) -> None:
    class Picky(MemoryPublisher):
        def send(self, message: Message) -> None:
            if message.value == b"bad":
                raise RejectedError("no")
            super().send(message)

    camera = Camera(folder, log, Picky(log))
    camera.give(2)
    camera.give(1, b"")
    camera.give(1)
    camera.give(2, b"bad")
    camera.give(1)
    camera.drain_all()
    assert keys(log) == ["0001", "0002", "0004", "0007"]
    assert camera.totals.dropped_because == {DropReason.REFUSED: 3}
    assert camera.totals.gaps == 2
    camera.spool.close()
    assert Camera(folder, log).status().lost_before == 3


def test_a_damaged_record_is_counted_and_the_rest_is_sent(
    camera: Camera, folder: Path, log: MemoryLog
) -> None:
    camera.give(10)
    camera.spool.close()
    (segment,) = folder.glob("*.frames")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2 - 3] ^= 0xFF  # the last bytes of the fifth record
    segment.write_bytes(data)
    camera = Camera(folder, log)
    camera.drain_all()
    assert keys(log) == [key for key in keys_up_to(10) if key != "0005"]
    assert camera.status().dropped_because == {"damaged": 1}


def test_batches_shrink_on_a_slow_link(folder: Path, log: MemoryLog) -> None:
    """Else a batch that takes longer than a flush may would be sent again and again."""

    class Slow(MemoryPublisher):
        def flush(self, timeout_s: float = 30.0) -> None:
            if len(self._queue) > 3:
                self._queue.clear()
                raise RetryableError("not confirmed in time")
            super().flush(timeout_s)

    camera = Camera(folder, log, Slow(log))
    camera.give(30)
    for _ in range(40):
        camera.drain.step()
    assert keys(log) == keys_up_to(30)


def test_a_camera_that_ends_is_confirmed_to_its_last_frame(folder: Path, log: MemoryLog) -> None:
    spool = Spool(folder, limit_bytes=10_000_000)
    totals = publish_live(Few(300), lambda: MemoryPublisher(log), spool, stop=threading.Event())
    assert totals == Totals(seen=300, sent=300)
    assert keys(log) == keys_up_to(300)
    assert statuses(log)[-1].state == "stopped"


def test_a_camera_runs_without_kafka_and_its_stop_leaves_all_in_the_spool(
    folder: Path, log: MemoryLog
) -> None:
    def away() -> Publisher:
        raise RetryableError("no broker")

    spool, stop = Spool(folder, limit_bytes=10_000_000), threading.Event()
    arguments = {"rate_hz": 200.0, "stop": stop}
    run = threading.Thread(target=publish_live, args=(Few(10**6), away, spool), kwargs=arguments)
    run.start()
    wait_until(lambda: spool.count >= 20, within_s=30, what=lambda: f"{spool.count} spooled")
    stop.set()
    run.join(30)
    assert not run.is_alive()
    spool.close()
    spool = Spool(folder, limit_bytes=10_000_000)
    assert spool.recovered >= 20
    publish_live(Few(0), lambda: MemoryPublisher(log), spool, stop=threading.Event())
    assert keys(log) == keys_up_to(spool.recovered)


def test_an_error_that_nobody_foresaw_ends_the_camera_and_keeps_the_frames(folder: Path) -> None:
    spool = Spool(folder, limit_bytes=10_000_000)

    def broken() -> Publisher:
        wait_until(lambda: spool.count, within_s=30, what="nothing was spooled")
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        publish_live(Few(10**6), broken, spool, rate_hz=1000, stop=threading.Event())
    spool.close()
    assert Spool(folder, limit_bytes=10_000_000).recovered > 0
