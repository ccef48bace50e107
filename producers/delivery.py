"""Sending items so that it is known what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plankton_stream.domain import Frame
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events.envelope import Message
from plankton_stream.events.images import frame_message, roi_message
from plankton_stream.ports import Publisher
from producers.source import Item


@dataclass
class Delivery:
    """What became of some messages.

    Attributes:
        done: so many, from the first on, are in Kafka or were refused for good.
        refused: causes by place in the sequence, of those that were refused.
        trouble: why the rest was not taken now.
    """

    done: int = 0
    refused: dict[int, RejectedError] = field(default_factory=dict)
    trouble: RetryableError | None = None

    @property
    def sent(self) -> int:
        """Messages that are in Kafka."""
        return self.done - len(self.refused)


def deliver(publisher: Publisher, messages: Sequence[Message], *, timeout_s: float) -> Delivery:
    """Send messages in order and have them confirmed.

    What Kafka took before it refused one is confirmed all the same, or each try while its consumers
    are behind would add doubles.

    Raises:
        RetryableError: none of them is known to have arrived.
    """
    delivery = Delivery()
    for place, message in enumerate(messages):
        try:
            publisher.send(message)
        except RejectedError as error:
            delivery.refused[place] = error
        except RetryableError as error:
            delivery.trouble = error
            break
        delivery.done += 1
    if delivery.sent:
        publisher.flush(timeout_s)
    return delivery


def to_message(item: Item, sequence: int) -> Message:
    """The event of an item that got its number.

    Raises:
        RejectedError: it can never be sent.
    """
    numbered = replace(item, sequence=sequence)
    return frame_message(numbered) if isinstance(numbered, Frame) else roi_message(numbered)
