"""`plankton audit`: proves where every frame went."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from plankton_stream.errors import ConfigError
from plankton_stream.events import topics
from plankton_stream.settings import Settings
from plankton_stream.telemetry import start_command

if TYPE_CHECKING:  # `plankton --help` needs neither SQL nor arrays
    from plankton_stream.audit.parts import Parts, Progress
    from plankton_stream.ports import Publisher

app = typer.Typer()

_SAY_EVERY_S = 0.5


@app.command()
def audit(
    camera: Annotated[str, typer.Option(help="Only this camera.")] = "",
    sample: Annotated[str, typer.Option(help="Only this sample.")] = "",
    since: Annotated[
        str, typer.Option(help="Only what was taken in since then, ISO 8601 (UTC unless it says).")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Send again what is missing, as far as it is there.")
    ] = False,
) -> None:
    """Prove where every frame went; exit code 1 if anything is missing.

    Compares what cameras sent, the log, outcomes and images in the catalog, image bytes, vectors
    and names. What has not been worked on yet is waiting, not missing. Changes nothing without
    --repair.
    """
    from plankton_stream.audit.look import audit as look
    from plankton_stream.audit.repair import repair as bring_back
    from plankton_stream.audit.table import repair_table, table

    settings = start_command()
    with _parts(settings, camera, sample, _moment(since)) as parts:
        findings = look(parts)
        done = None
        if repair and findings.missing:
            with _publisher(settings) as publisher:
                done = bring_back(parts, findings, publisher, threading.Event())
    if as_json:
        print(json.dumps(findings.as_json() | {"repaired": asdict(done) if done else None}))
    else:
        print("\n".join([*table(findings), *(repair_table(done) if done else ())]))
    if findings.missing:
        raise typer.Exit(1)


@contextmanager
def _parts(
    settings: Settings, camera: str, sample: str, since: datetime | None
) -> Iterator["Parts"]:
    from plankton_stream.adapters.files import FileImageStore
    from plankton_stream.adapters.kafka import KafkaLogReader
    from plankton_stream.adapters.sql import Scope
    from plankton_stream.audit.parts import Parts
    from plankton_stream.connections import index_opener, open_catalog

    log = KafkaLogReader(settings.kafka_bootstrap)
    with closing(log), open_catalog(settings) as catalog:
        yield Parts(
            log=log, catalog=catalog, store=FileImageStore(settings.images_url),
            open_index=index_opener(settings), scope=Scope(camera or None, sample or None, since),
            silent_s=settings.camera_silent_s, progress=_progress(),
        )  # fmt: skip


@contextmanager
def _publisher(settings: Settings) -> Iterator["Publisher"]:
    """Holds back while the workers are behind, as a camera's does."""
    from plankton_stream.adapters.kafka import bounded_publisher

    publisher = bounded_publisher(
        settings.kafka_bootstrap, topics.FRAMES, topics.ROIS, disk_mb=settings.kafka_disk_mb
    )
    try:
        yield publisher
    finally:
        publisher.close()


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--since {text!r} is not an ISO 8601 time, e.g. 2026-05-01T12:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _progress() -> "Progress":
    """Says on a terminal's stderr how far it is."""
    said_s = time.monotonic()

    def say(what: str, count: int) -> None:
        nonlocal said_s
        if sys.stderr.isatty() and time.monotonic() - said_s > _SAY_EVERY_S:
            said_s = time.monotonic()
            print(f"\r{count:>12,} {what}\033[K", end="", file=sys.stderr, flush=True)

    return say
