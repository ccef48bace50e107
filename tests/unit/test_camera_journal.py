"""An archive is sent once: what was confirmed is left out by the next run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.domain import Capture, Frame, GivenName, Roi
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.images import frame_message, roi_message
from plankton_stream.testing import MemoryLog, MemoryPublisher
from producers.journal import Journal, JournallingPublisher
from producers.source import Item

CAPTURE = Capture(camera="c")
FRAMES = [Frame(CAPTURE, f"{n}.png", "image/png", bytes([n])) for n in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "c.sqlite"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def run(path: Path, log: MemoryLog, items: list[Item], where: str = "kafka:9092") -> int:
    """Send what the journal does not know; gives how many that are."""
    journal = Journal(path, log_address=where)
    publisher = JournallingPublisher(MemoryPublisher(log), journal)
    unsent = list(journal.unsent(items))
    assert len(unsent) + journal.skipped == len(items)
    for item in unsent:
        assert item is not None
        publisher.send(frame_message(item) if isinstance(item, Frame) else roi_message(item))
    try:
        publisher.flush()
    finally:
        journal.close()
    return len(unsent)


def test_a_second_run_sends_what_is_new(path: Path, log: MemoryLog) -> None:
    assert run(path, log, FRAMES[:2]) == 2
    assert run(path, log, FRAMES) == 1
    assert run(path, log, FRAMES) == 0
    assert len(log.records[topics.FRAMES.name]) == 3


def test_what_was_not_confirmed_is_sent_again(path: Path, log: MemoryLog) -> None:
    log.available = False
    with pytest.raises(RetryableError):
        run(path, log, FRAMES)
    log.available = True
    assert run(path, log, FRAMES) == 3


def test_what_changed_is_sent_again(path: Path, log: MemoryLog) -> None:
    roi = Roi(CAPTURE, "a", None, "image/png", b"1")
    changed = [
        Roi(CAPTURE, "a", None, "image/png", b"2"),
        Roi(CAPTURE.model_copy(update={"depth_m": 3.0}), "a", None, "image/png", b"1"),
        Roi(CAPTURE, "a", None, "image/png", b"1", extra={"area": 4}),
        Roi(CAPTURE, "a", None, "image/png", b"1", name=GivenName(taxon="x", origin="CSV")),
    ]
    for other in changed:
        assert run(path, log, [roi]) == 1
        assert run(path, log, [roi]) == 0
        assert run(path, log, [other]) == 1


def test_another_kafka_has_got_none_of_it(path: Path, log: MemoryLog) -> None:
    assert run(path, log, FRAMES, "one:9092") == 3
    assert run(path, log, FRAMES, "two:9092") == 3


def test_none_passes(path: Path) -> None:
    journal = Journal(path, log_address="k")

    def watched() -> Iterator[Item | None]:
        yield FRAMES[0]
        yield None

    assert list(journal.unsent(watched())) == [FRAMES[0], None]
    journal.close()


def test_a_damaged_journal_is_told(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigError, match="Delete it to send everything again"):
        Journal(path, log_address="k")
