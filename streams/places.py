"""How far each partition is done with: the offset that a restart goes on from.

Faust can skip a record when a rebalance interrupts it (and acknowledges what it skipped), so we
count for ourselves: a place moves on only over records that were handled, one after the other.
"""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class Places(Generic[Partition]):
    """The next offset to do, per partition, in one generation of the consumer group."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next: dict[Partition, int] = {}
        self._ahead: dict[Partition, set[int]] = {}
        self._hole_since: dict[Partition, float] = {}

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._next

    def start(self, partition: Partition, offset: int) -> None:
        """Count a partition from this offset on, the first that is not done."""
        self._next[partition] = offset
        self._ahead[partition] = set()

    def forget(self) -> None:
        """Start afresh: the group has dealt the partitions again."""
        self._next.clear()
        self._ahead.clear()
        self._hole_since.clear()

    def done(self, partition: Partition, offset: int) -> None:
        """A record was handled, and its effects are durable."""
        ahead = self._ahead[partition]
        if offset >= self._next[partition]:
            ahead.add(offset)
        while self._next[partition] in ahead:
            ahead.remove(self._next[partition])
            self._next[partition] += 1
        if ahead:
            self._hole_since.setdefault(partition, self._clock())
        else:
            self._hole_since.pop(partition, None)

    def next(self, partition: Partition) -> int:
        """The offset that a restart has to go on from."""
        return self._next[partition]

    def oldest_hole_s(self) -> float:
        """For how long a record has been missing before ones that were handled; 0 for never."""
        return self._clock() - min(self._hole_since.values(), default=self._clock())
