"""What a topic's partitions hold; here, so that speaking to Kafka needs no NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """What a partition holds, as offsets: start…end-1. A consumer group goes on at `place`."""

    start: int
    place: int
    end: int

    @property
    def done(self) -> range:
        """Records that the group has finished with."""
        return range(self.start, self.place)

    @property
    def waiting(self) -> range:
        """Records that the group has not finished with."""
        return range(self.place, self.end)
