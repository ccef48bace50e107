"""What all events have that are facts in JSON."""

from typing import ClassVar

from plankton_stream.domain import Record
from plankton_stream.events import topics


class Fact(Record):
    """Base of the JSON events.

    Attributes:
        event_type: CloudEvents type, with the contract's version.
        topic: where it is published.
    """

    event_type: ClassVar[str]
    topic: ClassVar[topics.Topic]

    @property
    def key(self) -> str:
        """The record's key."""
        raise NotImplementedError
