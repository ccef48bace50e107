"""Records that can never succeed: kept whole, with the cause and where they came from."""

from plankton_stream.domain import new_id
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Envelope, Message, Received, again, now, to_headers

DEAD_LETTER = "plankton.deadletter.v1"
REPLAYED = "plankton.deadletter.replayed.v1"
"""Says on the same topic that a dead letter was sent back to where it came from."""

_ORIGINAL = "original_"
_LONGEST_CAUSE = 1_000
_LONGEST_KEY = 200


_REPLAY_OF = "ce_replayof"


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


def original(letter: Received) -> Received:
    """The record that became a dead letter, with its own key, headers and bytes.

    Raises:
        RejectedError: it does not say where it came from.
    """
    headers = dict(letter.headers)
    origin = headers.get("ce_subject", b"").decode(errors="replace")
    topic, _, rest = origin.partition("/")
    partition, _, offset = rest.partition("/")
    if headers.get("ce_type") != DEAD_LETTER.encode() or not (partition + offset).isdecimal():
        raise RejectedError(f"offset {letter.offset} of {letter.topic} is no dead letter")
    own = [(n.removeprefix(_ORIGINAL), v) for n, v in letter.headers if n.startswith(_ORIGINAL)]
    key, *rest_of_them = own or [("key", b"")]  # the key comes first, see `dead_letter`
    return Received(
        topic=topic, partition=int(partition), offset=int(offset), key=key[1],
        value=letter.value, headers=tuple(rest_of_them),
    )  # fmt: skip


def replay(letter: Received) -> tuple[Message, Message]:
    """What sends a dead letter's record back to its topic, and the note that says so.

    The record has its original key and headers, and one more that names the dead letter.

    Raises:
        RejectedError: see `original`.
    """
    record = original(letter)
    headers = tuple(header for header in record.headers if header[0] != _REPLAY_OF)
    plain = Received(record.topic, 0, 0, record.key, record.value, headers)
    note = Envelope(
        id=new_id(),
        type=REPLAYED,
        source="/deadletters",
        time=now(),
        subject=letter.origin,
        content_type="application/octet-stream",
    )
    key = (letter.key or b"").decode(errors="replace")
    return (
        again(plain, (_REPLAY_OF, letter.origin.encode())),
        Message(topics.DEADLETTER.name, key, b"", to_headers(note)),
    )
