"""CloudEvents 1.0 in Kafka's binary mode: attributes are `ce_*` headers, the value is the data.

CloudEvents allows lower-case letters and digits in attribute names, so a field `frame_key` of an
attributes model travels as the header `ce_framekey`. Values are UTF-8 text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from plankton_stream.errors import RejectedError

SPEC_VERSION = "1.0"
JSON = "application/json"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Message:
    """A record to publish.

    Attributes:
        key: records of one key keep their order; see the topic's declaration.
        headers: CloudEvents attributes, as Kafka carries them.
    """

    topic: str
    key: str
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.key_bytes) + len(self.value) + headers

    @property
    def key_bytes(self) -> bytes:
        """The key as it travels; one that was read as it was goes back as it was."""
        return self.key.encode(errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it was read from the log: nobody has checked its key and headers yet.

    Attributes:
        appended_at: when the log took it, by the log's own clock; None where that is not known.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    appended_at: datetime | None = None

    @property
    def origin(self) -> str:
        """`topic/partition/offset`: names this record for ever."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def again(received: Received, *more: tuple[str, bytes]) -> Message:
    """The message that publishes a record once more: its key, value and headers, to its topic.

    Args:
        received: the record.
        more: headers to add.
    """
    # A key is text, but a record that somebody else wrote may have any bytes.
    key = (received.key or b"").decode(errors="surrogateescape")
    return Message(received.topic, key, received.value, (*received.headers, *more))


@dataclass(frozen=True, slots=True)
class Envelope:
    """The attributes that every event has."""

    id: str
    type: str
    source: str
    time: datetime
    subject: str
    content_type: str


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def to_headers(
    envelope: Envelope, attributes: Mapping[str, Any] | None = None
) -> tuple[tuple[str, bytes], ...]:
    """The headers of an event.

    Args:
        envelope: what every event has.
        attributes: extension attributes by field name; None values are left out.
    """
    text = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": envelope.id,
        "ce_type": envelope.type,
        "ce_source": envelope.source,
        "ce_time": envelope.time.astimezone(UTC).isoformat(),
        "ce_subject": envelope.subject,
        "content-type": envelope.content_type,
    }
    for name, value in (attributes or {}).items():
        if value is not None:
            text[header_name(name)] = _text(value)
    return tuple((name, value.encode()) for name, value in text.items())


def to_text(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text.

    Raises:
        RejectedError: a header is not UTF-8.
    """
    try:
        return {name: value.decode() for name, value in headers}
    except (UnicodeDecodeError, AttributeError) as error:
        raise RejectedError(f"a header is not UTF-8 text: {error}") from error


def read_envelope(headers: Mapping[str, str]) -> Envelope:
    """The attributes that every event has.

    Raises:
        RejectedError: one is missing or malformed, or it is another version of CloudEvents.
    """
    version = headers.get("ce_specversion")
    if version != SPEC_VERSION:
        raise RejectedError(f"ce_specversion is {version!r}, this consumer reads {SPEC_VERSION!r}")
    required = ("ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type")
    missing = [name for name in required if not headers.get(name)]
    if missing:
        raise RejectedError(f"missing headers: {', '.join(missing)}")
    try:
        time = datetime.fromisoformat(headers["ce_time"])
    except ValueError as error:
        raise RejectedError(f"ce_time is not an ISO 8601 time: {headers['ce_time']!r}") from error
    if time.tzinfo is None:
        raise RejectedError(f"ce_time has no time zone: {headers['ce_time']!r}")
    return Envelope(
        id=headers["ce_id"],
        type=headers["ce_type"],
        source=headers["ce_source"],
        time=time,
        subject=headers["ce_subject"],
        content_type=headers["content-type"],
    )


def read_attributes(model: type[Model], headers: Mapping[str, str]) -> Model:
    """The extension attributes of an event, checked by their model.

    Raises:
        RejectedError: one is missing or has a value that the model does not allow.
    """
    values = {
        name: headers[header_name(name)]
        for name in model.model_fields
        if header_name(name) in headers
    }
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RejectedError(f"wrong headers: {describe(error, header_name)}") from error


def describe(error: ValidationError, rename: Any = str) -> str:
    """A pydantic error as one line that names each field and what is wrong with it."""
    return "; ".join(
        f"{rename(str(issue['loc'][0])) if issue['loc'] else 'record'}: {issue['msg']}"
        for issue in error.errors(include_url=False)
    )


def header_name(field_name: str) -> str:
    """The header that carries a field of an attributes model."""
    return "ce_" + field_name.replace("_", "")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
