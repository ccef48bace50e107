"""Records that can never succeed: kept whole, with the cause and where they came from."""

from plankton_stream.domain import new_id
from plankton_stream.events import topics
from plankton_stream.events.envelope import Envelope, Message, Received, now, to_headers

DEAD_LETTER = "plankton.deadletter.v1"

_ORIGINAL = "original_"


def dead_letter(received: Received, *, cause: str, consumer: str) -> Message:
    """The dead letter of a record: its key and bytes, and its headers under `original_`.

    Args:
        received: the record as it was read.
        cause: why it can never succeed, for a person.
        consumer: who gave up on it, e.g. `/workers/embed`.
    """
    envelope = Envelope(
        id=new_id(),
        type=DEAD_LETTER,
        source=consumer,
        time=now(),
        subject=received.origin,
        content_type="application/octet-stream",
    )
    original = tuple((_ORIGINAL + name, value) for name, value in received.headers)
    return Message(
        topic=topics.DEADLETTER.name,
        key=(received.key or b"").decode(errors="replace"),
        value=received.value,
        headers=to_headers(envelope, {"cause": cause}) + original,
    )
