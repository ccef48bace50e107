"""Back-pressure: images are not published faster than their consumers can follow.

Topics that hold images are capped in bytes, and the broker deletes the oldest segment past the cap
whether it was read or not. So who publishes images waits while too much is unread.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Message
from plankton_stream.events.topics import Topic

if TYPE_CHECKING:  # the ports name arrays, and a camera needs no NumPy to publish
    from plankton_stream.ports import Publisher

_LOOK_EVERY_S = 1.0
_LOOKS_PER_LIMIT = 8


class BoundedPublisher:
    """A `Publisher` that refuses records of one topic while too much of it is unread.

    What is unread is estimated: records that the consumers have not finished with, times the mean
    size of those published here. It is looked at once a second, and after every eighth of the
    limit.
    """

    def __init__(
        self,
        publisher: "Publisher",
        topic: Topic,
        *,
        unread: Callable[[], int],
        limit_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap a publisher.

        Args:
            publisher: takes the records.
            topic: whose records are counted; others pass.
            unread: records of the topic that its consumers have not finished with.
            limit_bytes: the most that may be unread.
            clock: seconds, for tests.
        """
        self._publisher, self._topic = publisher, topic
        self._unread, self._limit_bytes, self._clock = unread, limit_bytes, clock
        self._sent = self._sent_bytes = 0
        self._since_look_bytes = 0
        self._next_look_s = clock()
        self._is_full = False

    def send(self, message: Message) -> None:
        """See `Publisher.send`; a `RetryableError` also says that the consumers are behind."""
        if message.topic == self._topic.name:
            self._hold_back(message.size)
        self._publisher.send(message)

    def flush(self, timeout_s: float = 30.0) -> None:
        """See `Publisher.flush`."""
        self._publisher.flush(timeout_s)

    def close(self) -> None:
        """See `Publisher.close`."""
        self._publisher.close()

    def _hold_back(self, size: int) -> None:
        due = self._clock() >= self._next_look_s
        if due or self._is_full or self._since_look_bytes > self._limit_bytes / _LOOKS_PER_LIMIT:
            self._look(size)
        self._sent += 1
        self._sent_bytes += size
        self._since_look_bytes += size

    def _look(self, size: int) -> None:
        mean_bytes = (self._sent_bytes + size) / (self._sent + 1)
        waiting_bytes = self._unread() * mean_bytes
        self._is_full = waiting_bytes > self._limit_bytes
        if self._is_full:
            raise RetryableError(
                f"about {waiting_bytes / 1e6:.0f} MB of {self._topic.name} are unread, "
                f"{self._limit_bytes / 1e6:.0f} MB may be: the workers are behind or down "
                "(plankton status), or PLANKTON_KAFKA_DISK_MB is small"
            )
        self._next_look_s = self._clock() + _LOOK_EVERY_S
        self._since_look_bytes = 0
