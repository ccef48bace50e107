"""`plankton tail`: events as they come, one line each."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from plankton_stream.domain import Naming
from plankton_stream.errors import RejectedError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import DEAD_LETTER, REPLAYED
from plankton_stream.events.envelope import Envelope, Received, read_envelope, to_text
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import (
    CensusCounted,
    ImageDeleted,
    ImageIndexed,
    LabelApplied,
    LabelCurrent,
    LabelRetracted,
    read_fact,
)
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus
from plankton_stream.events.prediction import ImagePredicted
from plankton_stream.events.taxon import TaxonChanged

app = typer.Typer()

_POLL_S = 0.5


class Tailed(StrEnum):
    """Topics that can be followed, by their short names."""

    LABELS = "labels"
    INDEXED = "indexed"
    CAMERAS = "cameras"
    CENSUS = "census"
    CURRENT = "current"
    ALERTS = "alerts"
    PREDICTIONS = "predictions"
    TAXA = "taxa"
    DEADLETTER = "deadletter"


_TOPICS = {
    Tailed.LABELS: topics.LABELS,
    Tailed.INDEXED: topics.INDEXED,
    Tailed.CAMERAS: topics.CAMERAS,
    Tailed.CENSUS: topics.CENSUS,
    Tailed.CURRENT: topics.LABELS_CURRENT,
    Tailed.ALERTS: topics.ALERTS,
    Tailed.PREDICTIONS: topics.PREDICTIONS,
    Tailed.TAXA: topics.TAXA,
    Tailed.DEADLETTER: topics.DEADLETTER,
}


@app.command()
def tail(
    topic: Annotated[Tailed, typer.Argument(help="Which events.")],
    from_start: Annotated[
        bool, typer.Option("--from-start", help="First show all events that are still kept.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: place, headers and data.")
    ] = False,
) -> None:
    """Show events as they come, until Ctrl-C."""
    from plankton_stream.telemetry import start_command  # noqa: PLC0415  (start-up time of `--help`)

    settings = start_command()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    show = as_json_line if as_json else as_line
    try:
        _follow(settings.kafka_bootstrap, _TOPICS[topic], show, from_end=not from_start)
    except KeyboardInterrupt:
        return


def _follow(
    bootstrap: str, topic: topics.Topic, show: Callable[[Received], str], *, from_end: bool
) -> None:
    from plankton_stream.adapters.kafka import KafkaAdmin, KafkaReader  # noqa: PLC0415

    admin = KafkaAdmin(bootstrap)
    try:
        if topic.name not in admin.topic_names():
            raise RetryableError(
                f"Kafka at {bootstrap} has no topic {topic.name} yet: start the stack first."
            )
    finally:
        admin.close()
    reader = KafkaReader(bootstrap, [topic], from_end=from_end)
    try:
        while True:
            for received in reader.poll(_POLL_S):
                typer.echo(show(received))
    finally:
        reader.close()


def as_line(received: Received) -> str:
    """An event for a person. An event that this version does not know is shown by its type."""
    line = _line(received)
    # What others wrote must neither break the line nor reach the terminal as a command.
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line
    )


def _line(received: Received) -> str:
    headers = _headers(received)
    if headers.get("ce_type") == DEAD_LETTER:
        when = _time(headers.get("ce_time", ""))
        return f"{when}  {headers.get('ce_subject', '?')}: {headers.get('ce_cause', '?')}"
    if headers.get("ce_type") == REPLAYED:
        return f"{_time(headers.get('ce_time', ''))}  {headers.get('ce_subject', '?')}: sent back"
    try:
        envelope = read_envelope(to_text(received.headers))
        fact = read_fact(received)
    except RejectedError as error:
        return f"{headers.get('ce_type', 'no event type')}  {received.origin}: {error}"
    return _fact_line(fact, envelope)


def as_json_line(received: Received) -> str:
    """An event for a script; `data` is null where it is not JSON."""
    try:
        data: Any = json.loads(received.value)
    except ValueError:
        data = None
    whole = {
        "topic": received.topic,
        "partition": received.partition,
        "offset": received.offset,
        "key": (received.key or b"").decode(errors="replace"),
        "headers": _headers(received),
        "data": data,
    }
    return json.dumps(whole, ensure_ascii=False)


def _fact_line(fact: Fact, envelope: Envelope) -> str:
    match fact:
        case LabelApplied() | LabelRetracted() | LabelCurrent():
            return f"{_iso(fact.at)}  {fact.who}  {fact.image_id}  {_naming(fact)}"
        case ImageIndexed() | ImageDeleted() | ImagePredicted():
            return _image_line(fact)
        case CameraStatus():
            return _status_line(fact)
        case AlertRaised() | AlertCleared():
            state = "raised" if isinstance(fact, AlertRaised) else "cleared"
            return f"{_iso(fact.at)}  {fact.subject}  {fact.kind} {state}  {fact.what}"
        case CensusCounted():
            start = _iso(fact.window_start) if fact.window_start else "time unknown"
            counts = ", ".join(f"{taxon} {n}" for taxon, n in fact.counts.items()) or "none"
            return f"{_iso(fact.updated_at)}  {fact.camera}  {start}  {counts}"
        case _:
            more = f"  {_taxon(fact)}" if isinstance(fact, TaxonChanged) else ""
            return f"{_iso(envelope.time)}  {envelope.type}  {envelope.subject}{more}"


def _taxon(taxon: TaxonChanged) -> str:
    if taxon.merged_into:
        return f"{taxon.name}, merged into {taxon.merged_into}"
    return f"{taxon.name}, {'deleted' if taxon.deleted else f'in {taxon.parent}'}"


def _image_line(fact: ImageIndexed | ImageDeleted | ImagePredicted) -> str:
    if isinstance(fact, ImagePredicted):
        return f"{_iso(fact.at)}  {fact.image_id}  {fact.taxon}? {fact.score:.0%}"
    if isinstance(fact, ImageDeleted):
        when, what = fact.at, f"deleted by {fact.who}"
    else:
        when, what = fact.indexed_at, fact.encoder
    return f"{_iso(when)}  {fact.capture.camera}  {fact.image_id}  {what}"


def _status_line(status: CameraStatus) -> str:
    reasons = ", ".join(f"{reason} {n}" for reason, n in status.dropped_because.items())
    counts = f"{status.sent} sent, {status.spooled} spooled, {status.dropped} dropped"
    because = f" ({reasons})" if reasons else ""
    rate = f"{status.rate_hz:.1f}/s"
    return f"{_iso(status.at)}  {status.camera}  {status.state}  {counts}{because}, {rate}"


def _naming(fact: LabelApplied | LabelRetracted | LabelCurrent) -> str:
    if isinstance(fact, LabelCurrent):
        return _name(fact.naming)
    return f"{_name(fact.before)} → {_name(fact.after)}"


def _name(naming: Naming) -> str:
    return f"{naming.taxon} ({naming.state})" if naming.taxon else str(naming.state)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> str:
    try:
        return _iso(datetime.fromisoformat(text))
    except ValueError:
        return text


def _headers(received: Received) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in received.headers}
