"""The disk budget: what is taken, how fast it grows, and the warning in time."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from plankton_stream.alerts import OpenAlerts
from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.facts import read_fact
from plankton_stream.events.health import AlertCleared, AlertRaised
from plankton_stream.stack import disk
from plankton_stream.stack.disk import DiskWatch, Look, look, outlook, read_outlook
from plankton_stream.stack.disk_alert import DiskAlert
from plankton_stream.stack.home import Home
from plankton_stream.stack.status import status, table

GB = 10**9
DAY_S = 86_400.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path)
    for name, size in (("images/aa/1.png", 3_000_000), ("kafka/t-0/0.log", 2_000_000)):
        (home.root / name).parent.mkdir(parents=True)
        (home.root / name).write_bytes(b"x" * size)
    for name in ("catalog.sqlite", "catalog.sqlite-wal"):
        (home.root / name).write_bytes(b"x" * 1_000_000)
    return home


def grown(*gb: float, every_s: float = 3_600.0) -> list[Look]:
    return [Look(n * every_s, {"images": int(one * GB)}) for n, one in enumerate(gb)]


def test_each_part_is_measured(home: Home) -> None:
    found = look(home).parts
    assert found["images"] == pytest.approx(3e6, rel=0.05)
    assert found["kafka"] == pytest.approx(2e6, rel=0.05)
    assert found["catalog"] == pytest.approx(2e6, rel=0.05)
    assert found["milvus"] == found["spool"] == 0


def test_room_that_lasts_is_no_warning() -> None:
    found = outlook(grown(10, 10.1), budget_mb=100_000, free_bytes=500 * GB)
    assert found.bytes_per_day == pytest.approx(2.4 * GB)
    assert found.seconds_left == pytest.approx(89.9 / 2.4 * DAY_S)
    assert found.warning is None
    assert "+2.40 GB a day, full in 37 days" in found.line()


def test_less_than_a_day_left_is_a_warning() -> None:
    found = outlook(grown(10, 12), budget_mb=50_000, free_bytes=500 * GB)
    assert found.warning is not None
    assert "full in 19 hours" in found.warning


def test_more_than_nine_tenths_is_a_warning_also_without_growth() -> None:
    assert outlook(grown(9.1, 9.1), budget_mb=10_000, free_bytes=GB).warning is not None
    assert outlook(grown(8.9, 8.9), budget_mb=10_000, free_bytes=9 * GB).warning is None


def test_the_budget_is_never_more_than_the_disk_has() -> None:
    assert outlook(grown(10), budget_mb=0, free_bytes=30 * GB).budget_bytes == 40 * GB
    assert outlook(grown(10), budget_mb=90_000, free_bytes=30 * GB).budget_bytes == 40 * GB
    assert outlook(grown(10), budget_mb=20_000, free_bytes=30 * GB).budget_bytes == 20 * GB


def test_minutes_say_nothing_of_a_day() -> None:
    found = outlook(grown(1, 5, every_s=60), budget_mb=100_000, free_bytes=500 * GB)
    assert found.bytes_per_day is None
    assert found.seconds_left is None


def test_a_warning_is_said_once_and_again_after_it_had_gone(home: Home) -> None:
    said: list[str] = []
    watch = DiskWatch(home, 7, said.append)
    watch.step()
    watch.step()
    assert len(said) == 1
    assert "disk: 0.01 of 0.01 GB" in said[0]
    (home.root / "images/aa/1.png").unlink()
    watch.step()
    (home.root / "images/aa/1.png").write_bytes(b"x" * 4_000_000)
    watch.step()
    assert len(said) == 2


class Log:
    """Takes alert events, or does not answer."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_away = False

    def __call__(self, message: Message) -> None:
        if self.is_away:
            raise RetryableError("no broker answers")
        self.messages.append(message)

    @property
    def facts(self) -> list[object]:
        return [read_fact(as_received(message)) for message in self.messages]


def as_received(message: Message) -> Received:
    headers = tuple(message.headers)
    return Received(message.topic, 0, 0, message.key_bytes, message.value, headers, None)


def watched(home: Home, log: Log) -> DiskWatch:
    return DiskWatch(home, 7, lambda _line: None, DiskAlert(home, log).step)


def test_a_disk_that_fills_is_an_alert_until_there_is_room_again(home: Home) -> None:
    log, page = Log(), OpenAlerts()
    watched(home, log).step()
    watch = watched(home, log)  # `plankton up` was started again
    watch.step()
    (raised,) = log.facts
    assert isinstance(raised, AlertRaised)
    assert raised.subject.startswith("disk/")
    assert "0.01 of 0.01 GB" in raised.what
    (home.root / "images/aa/1.png").unlink()
    watch.step()
    watch.step()
    _, cleared = log.facts
    assert isinstance(cleared, AlertCleared)
    assert (cleared.subject, cleared.kind, cleared.since) == (
        raised.subject, raised.kind, raised.since
    )  # fmt: skip
    page.take(raised)
    assert page.all() == [raised]
    page.take(cleared)
    assert page.all() == []


def test_an_alert_that_kafka_does_not_take_is_said_later(home: Home) -> None:
    log = Log()
    log.is_away = True
    watch = watched(home, log)
    watch.step()
    log.is_away = False
    watch.step()
    assert [type(fact) for fact in log.facts] == [AlertRaised]


def test_status_shows_what_was_seen_last(home: Home) -> None:
    assert read_outlook(home, 0) is None
    DiskWatch(home, 7, print).step()
    found = status(home, budget_mb=7)
    assert found["disk"]["parts"]["images"] > 0
    assert found["disk"]["warning"]
    running = found | {"state": "running"}
    assert any(line.startswith("disk ") for line in table(running))
    assert any(line.startswith("WARNING") for line in table(running))


def test_looks_are_kept_for_a_day_and_never_too_many(home: Home) -> None:
    looks: list[Look] = []
    for minute in range(3_000):
        looks = disk._thinned([*looks, Look(minute * 60.0, {})])
    assert len(looks) <= 300
    assert looks[-1].at_s == 2_999 * 60
    assert looks[-1].at_s - looks[0].at_s <= DAY_S
    assert looks[-1].at_s - looks[0].at_s > 0.7 * DAY_S
    (home.root / "disk.json").write_text("[half", encoding="utf-8")
    assert read_outlook(home, 0) is None, "a damaged file is no look"


def test_prometheus_reads_it(home: Home) -> None:
    from web.metrics import _DiskCollector

    DiskWatch(home, 7, print).step()
    registry = CollectorRegistry()
    registry.register(_DiskCollector(lambda: read_outlook(home, 7)))
    text = generate_latest(registry).decode()
    assert 'plankton_disk_bytes{part="images"}' in text
    assert "plankton_disk_budget_bytes 7e+06" in text
