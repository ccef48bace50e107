"""Back-pressure: what is published waits for those who read it."""

import pytest

from plankton_stream.backlog import BoundedPublisher
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message
from plankton_stream.testing import MemoryLog, MemoryPublisher

RECORD = Message(topics.FRAMES.name, "cam", b"x" * 997, ())  # 1,000 bytes with its key


class Consumers:
    """Readers of a log that are some records behind."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.read = 0
        self.now_s = 0.0
        self.looks = 0
        self.publisher = BoundedPublisher(
            MemoryPublisher(self.log),
            topics.FRAMES,
            unread=self.unread,
            limit_bytes=10_000,
            clock=lambda: self.now_s,
        )

    def unread(self) -> int:
        self.looks += 1
        return len(self.log.records[topics.FRAMES.name]) - self.read

    def publish(self, count: int) -> None:
        for _ in range(count):
            self.publisher.send(RECORD)
            self.publisher.flush()


def test_nothing_more_is_taken_while_too_much_is_unread() -> None:
    consumers = Consumers()
    with pytest.raises(RetryableError, match="unread"):
        consumers.publish(100)
    # It looks after every eighth of the limit, so it may go past it by that.
    assert 10 <= len(consumers.log.records[topics.FRAMES.name]) <= 12
    with pytest.raises(RetryableError):
        consumers.publish(1)
    consumers.read = 5
    consumers.publish(1)


def test_other_topics_pass() -> None:
    consumers = Consumers()
    with pytest.raises(RetryableError):
        consumers.publish(100)
    consumers.publisher.send(Message(topics.CAMERAS.name, "cam", b"{}", ()))


def test_it_looks_once_a_second_when_little_is_published() -> None:
    consumers = Consumers()
    consumers.read = 1_000
    consumers.publish(2)
    assert consumers.looks == 1
    consumers.now_s = 1.5
    consumers.publish(1)
    assert consumers.looks == 2
