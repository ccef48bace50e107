"""A camera that falls silent raises an alert, once; it is cleared when the camera is back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import fact_message, read_fact
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus
from plankton_stream.testing import MemoryLog, MemoryPublisher
from streams.alerting import Alerting
from streams.silence import Silence

START = datetime(2026, 5, 1, tzinfo=UTC)
SILENT_S = 30


class Reader:
    """Reads both topics of a memory log from the start; it takes a second each time."""

    def __init__(self, log: MemoryLog, pass_s: Callable[[float], None]) -> None:
        self._log, self._pass_s = log, pass_s
        self._next = dict.fromkeys((topics.CAMERAS.name, topics.ALERTS.name), 0)

    def poll(self, timeout_s: float) -> list[Received]:
        self._pass_s(timeout_s)
        found: list[Received] = []
        for name, place in self._next.items():
            new = self._log.records[name][place:] if self._log.available else []
            self._next[name] = place + len(new)
            found += new
        return found


class Watch:
    """The watch of one streams process, on a clock of its own."""

    def __init__(self, log: MemoryLog, *, leads: bool = True) -> None:
        self.now_s, self.log = 0.0, log
        self.stuck_s = 0.0
        self.restart(leads=leads)

    def restart(self, *, leads: bool = True) -> None:
        self.alerting = Alerting(
            Silence(SILENT_S, clock=lambda: self.now_s),
            Reader(self.log, self._pass),
            MemoryPublisher(self.log),
            ping=self._ping,
            leads=lambda: leads,
            clock=lambda: self.now_s,
        )

    def _pass(self, seconds: float) -> None:
        self.now_s += seconds + self.stuck_s

    def _ping(self) -> None:
        if not self.log.available:
            raise RetryableError("no broker")

    def run(self, seconds: float, *, talking: bool = False) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            if talking and self.log.available and int(self.now_s) % 5 == 0:
                self.hear()
            self.alerting.step()

    def hear(self, state: str = "running", camera: str = "cam-1", skew_s: float = 0) -> None:
        status = CameraStatus(
            camera=camera, at=START + timedelta(seconds=self.now_s + skew_s), started_at=START,
            state=state, seen=1, sent=1, dropped=0, rate_hz=1,
        )  # fmt: skip
        self.log.append(fact_message(status, event_id="e", source="/test"))

    @property
    def alerts(self) -> list[str]:
        facts = [read_fact(record) for record in self.log.records[topics.ALERTS.name]]
        assert all(isinstance(fact, AlertRaised | AlertCleared) for fact in facts)
        return [f"{fact.key} {type(fact).__name__}" for fact in facts]


@pytest.fixture
def watch() -> Watch:
    return Watch(MemoryLog())


RAISED, CLEARED = "camera/cam-1 AlertRaised", "camera/cam-1 AlertCleared"


def test_a_silent_camera_raises_one_alert_that_its_return_clears(watch: Watch) -> None:
    watch.hear()
    watch.run(25)
    assert watch.alerts == []
    watch.run(60)
    assert watch.alerts == [RAISED]
    watch.hear()
    watch.run(3)
    assert watch.alerts == [RAISED, CLEARED]
    watch.run(40)
    assert watch.alerts == [RAISED, CLEARED, RAISED]


def test_a_camera_that_talks_or_stopped_is_no_alert(watch: Watch) -> None:
    watch.hear("stopped", camera="other")
    watch.run(200, talking=True)
    assert watch.alerts == []


def test_a_waiting_camera_that_falls_silent_is_one(watch: Watch) -> None:
    watch.hear("waiting")
    watch.run(40)
    assert watch.alerts == [RAISED]


def test_a_wrong_clock_of_the_camera_does_not_matter(watch: Watch) -> None:
    for _ in range(20):
        watch.hear(skew_s=-3600)
        watch.run(5)
    assert watch.alerts == []


def test_while_the_log_is_away_nobody_is_silent(watch: Watch) -> None:
    watch.run(20, talking=True)
    watch.log.available = False
    watch.run(300)
    watch.log.available = True
    watch.run(8)  # cameras need a moment to come back
    watch.run(60, talking=True)
    assert watch.alerts == []


def test_being_held_up_does_not_make_cameras_silent(watch: Watch) -> None:
    watch.run(20, talking=True)
    watch.stuck_s = 100
    watch.alerting.step()
    watch.stuck_s = 0
    watch.run(60, talking=True)
    assert watch.alerts == []


def test_a_restart_knows_open_alerts_and_raises_none_twice(watch: Watch) -> None:
    watch.hear()
    watch.run(40)
    watch.restart()
    watch.run(90)
    assert watch.alerts == [RAISED]
    watch.hear()
    watch.run(3)
    assert watch.alerts == [RAISED, CLEARED]


def test_only_one_process_of_several_publishes(watch: Watch) -> None:
    watch.restart(leads=False)
    watch.hear()
    watch.run(90)
    assert watch.alerts == []


def test_an_unreadable_record_is_passed_over(watch: Watch) -> None:
    watch.log.records[topics.CAMERAS.name].append(
        Received(topics.CAMERAS.name, 0, 0, b"cam", b"{", ())
    )
    watch.hear()
    watch.run(40)
    assert watch.alerts == [RAISED]
