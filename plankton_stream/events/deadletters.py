"""Records that can never succeed: kept whole, with the cause and where they came from."""

from plankton_stream.domain import new_id
from plankton_stream.events import topics
from plankton_stream.events.envelope import Envelope, Message, Received, now, to_headers

DEAD_LETTER = "plankton.deadletter.v1"

_ORIGINAL = "original_"
_LONGEST_CAUSE = 1_000
_LONGEST_KEY = 200


def dead_letter(received: Received, *, cause: str, consumer: str) -> Message:
    """The dead letter of a record: its bytes, and its key and headers under `original_`.

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
    # Whatever was wrong with the record must fit and be readable: its own text is in it anyway.
    cause = cause[:_LONGEST_CAUSE]
    key = (received.key or b"").decode(errors="replace")[:_LONGEST_KEY]
    original = tuple((_ORIGINAL + name, value) for name, value in received.headers)
    return Message(
        topic=topics.DEADLETTER.name,
        key=key,
        value=received.value,
        headers=(
            *to_headers(envelope, {"cause": cause}),
            (_ORIGINAL + "key", received.key or b""),
            *original,
        ),
    )
