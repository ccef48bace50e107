"""Log lines of the Kafka clients, told sparingly.

While the broker is away they repeat themselves hundreds of times a second.
"""

import logging
import time
from collections.abc import Callable

TALKATIVE = ("aiokafka", "kafka", "faust", "mode")

_EVERY_S = 30.0


class Sparing(logging.Filter):
    """Lets each line of the client libraries through once in 30 s; ours always."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to tell it."""
        if record.name.partition(".")[0] not in TALKATIVE:
            return True
        line = (record.name, str(record.msg))
        at = self._clock()
        if at - self._told_at.get(line, -_EVERY_S) < _EVERY_S:
            return False
        self._told_at[line] = at
        return True


def tell_sparingly() -> None:
    """Put the filter on whatever the root logger writes to."""
    sparing = Sparing()
    for handler in logging.getLogger().handlers:
        handler.addFilter(sparing)
