"""How many records the workers have not finished with, read in the background."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from plankton_stream.errors import PlanktonError
from plankton_stream.events import topics
from plankton_stream.events.topics import Topic

log = logging.getLogger(__name__)

WATCHED = (
    (topics.SEGMENT_GROUP, topics.FRAMES),
    (topics.EMBED_GROUP, topics.ROIS),
    (topics.REEMBED_GROUP, topics.REEMBED),
    (topics.LABELS_GROUP, topics.LABELS),
    (topics.PREDICT_GROUP, topics.LABELS),
)
"""Consumer groups, each with the topic that it works through."""


class LagSource(Protocol):
    """What measuring lag needs of the event log."""

    def lag(self, group: str, topic: Topic, /) -> int:
        """Records of a topic that a group has not finished with."""

    def close(self) -> None:
        """Give up the connection."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Records that wait, by consumer group; None where it was never known.

    Attributes:
        is_current: False while the event log does not answer; the numbers are then the last known.
    """

    groups: dict[str, int | None] = field(default_factory=lambda: {g: None for g, _ in WATCHED})
    is_current: bool = False

    def waiting(self, group: str) -> int:
        """Records that wait for a group, 0 if that is not known."""
        return self.groups.get(group) or 0


class LagProbe:
    """Asks the event log for the lag; requests read what it last said and never wait."""

    def __init__(self, connect: Callable[[], LagSource]) -> None:
        self._connect = connect
        self._source: LagSource | None = None
        self._known = Lag()
        self._complained = False

    def __call__(self) -> Lag:
        """What was last read."""
        return self._known

    def read(self) -> None:
        """Ask now. While the log is away the last numbers stay, marked as not current."""
        try:
            self._source = source = self._source or self._connect()
            groups: dict[str, int | None] = {g: source.lag(g, topic) for g, topic in WATCHED}
            self._known = Lag(groups, is_current=True)
            self._complained = False
        except PlanktonError as error:
            if not self._complained:
                log.warning("lag is not current from now on: %s", error)
            self._complained = True
            self._known = Lag(self._known.groups, is_current=False)
            self.close()

    def close(self) -> None:
        """Give up the connection; the next `read` makes a new one."""
        source, self._source = self._source, None
        if source is not None:
            source.close()
