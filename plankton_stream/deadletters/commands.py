"""`plankton deadletter`: list, show, replay."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings
from plankton_stream.telemetry import start_command

if TYPE_CHECKING:  # `plankton --help` needs no Kafka
    from plankton_stream.adapters.kafka import KafkaLogReader
    from plankton_stream.deadletters.letters import DeadLetter

app = typer.Typer(
    no_args_is_help=True,
    help="Records that could never succeed: list, show, replay.",
)

Cause = Annotated[str, typer.Option(help="Only those whose cause has this in it.")]


@app.command("list")
def list_all(
    cause: Cause = "",
    topic: Annotated[str, typer.Option(help="Only those that came from this topic.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the dead letters, the oldest first: their offset, where they came from, and why."""
    from plankton_stream.deadletters.letters import list_letters

    with _log(start_command()) as log:
        found = list_letters(log, cause=cause, topic=topic)
    for letter in found:
        print(json.dumps(asdict(letter), default=str) if as_json else _line(letter))
    if not found and not as_json:
        print("there are none")


@app.command()
def show(
    offset: Annotated[int, typer.Argument(help="As `list` gives it.", min=0)],
    out: Annotated[
        Path | None, typer.Option(help="Write the record's own bytes to this file.")
    ] = None,
) -> None:
    """Show one dead letter: its cause, and the record's own key and headers."""
    from plankton_stream.deadletters.letters import get_letter, text_headers
    from plankton_stream.events.deadletters import original

    with _log(start_command()) as log:
        letter = get_letter(log, offset)
    headers, record = text_headers(letter), original(letter)
    for name, value in (
        ("cause", headers.get("ce_cause")),
        ("given up by", headers.get("ce_source")),
        ("at", headers.get("ce_time")),
        ("came from", record.origin),
        ("key", (record.key or b"").decode(errors="replace")),
        ("bytes", f"{len(record.value):,}"),
        *sorted(text_headers(record).items()),
    ):
        print(f"{name:18} {printable(str(value))}")
    if out is not None:
        _write(out, record.value)


@app.command()
def replay(
    offsets: Annotated[list[int] | None, typer.Argument(help="As `list` gives them.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All that were not sent back before.")
    ] = False,
    cause: Cause = "",
) -> None:
    """Send records back to the topics that they came from, with their own keys and headers.

    For when the cause is gone: a part was repaired, a limit raised, a newer version installed.
    What still can't succeed becomes a dead letter again.
    """
    from plankton_stream.adapters.kafka import KafkaPublisher
    from plankton_stream.deadletters.letters import list_letters, send_back

    if bool(offsets) == every or (cause and not every):
        raise ConfigError("name offsets, or --all [--cause TEXT]: `plankton deadletter list`")
    settings = start_command()
    with _log(settings) as log:
        if every:
            offsets = [x.offset for x in list_letters(log, cause=cause) if not x.replayed_at]
        publisher = KafkaPublisher(settings.kafka_bootstrap)
        try:
            print(f"{send_back(log, publisher, offsets or []):,} sent back")
        finally:
            publisher.close()


def printable(text: str) -> str:
    """What others wrote must neither break the line nor reach the terminal as a command."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _line(letter: "DeadLetter") -> str:
    again = f"  (sent back {letter.replayed_at:%Y-%m-%d %H:%M})" if letter.replayed_at else ""
    text = f"{letter.at[:19]}  {letter.origin}: {letter.cause}"
    return f"{letter.offset:>8}  {printable(text)}{again}"


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error
    print(f"{len(data):,} bytes written to {path}")


def _log(settings: Settings) -> "closing[KafkaLogReader]":
    from plankton_stream.adapters.kafka import KafkaLogReader

    return closing(KafkaLogReader(settings.kafka_bootstrap))
