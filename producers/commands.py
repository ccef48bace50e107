"""`plankton camera …`: publishes a camera until it ends, or until SIGTERM or Ctrl-C."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer

from plankton_stream.errors import ConfigError
from plankton_stream.events.topics import FRAMES, ROIS
from plankton_stream.retrying import stop_on_signals
from plankton_stream.settings import Settings
from plankton_stream.telemetry import start_command
from producers.archive import Archive
from producers.backfill import Backfill, is_complete, summary
from producers.cutting.commands import preview
from producers.folder import FolderCamera
from producers.journal import Journal, JournallingPublisher
from producers.kinds import Feed, kinds
from producers.metadata import read_metadata
from producers.options import CameraOption, ProjectOption, SampleOption, camera_id, check_ids
from producers.running import publish_camera

log = logging.getLogger(__name__)

app = typer.Typer(
    cls=kinds(lambda make, rate, again: _publish_kind(make, rate, again=again)),
    no_args_is_help=True,
    add_completion=False,
    help="Publish frames or ROIs of a camera, an instrument's archive or an import.",
)
app.command()(preview)


class Light(StrEnum):
    """How the simulated camera is lit."""

    BRIGHT = "bright"
    DARK = "dark"


@app.command()
def simulated(
    *,
    camera: Annotated[
        str | None, typer.Option(help="Its id; else that of PLANKTON_CAMERA.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Frames a second; else PLANKTON_CAMERA_RATE.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of what it sees; else PLANKTON_CAMERA_SEED.")
    ] = None,
    field: Annotated[
        Light, typer.Option(help="Dark on bright (shadowgraph) or bright on dark.")
    ] = Light.BRIGHT,
    rois_per_frame: Annotated[float, typer.Option(help="Specimens in a frame, on average.")] = 6.0,
    width: Annotated[int, typer.Option(help="Of a frame, pixels.")] = 1280,
    height: Annotated[int, typer.Option(help="Of a frame, pixels.")] = 960,
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    first_frame: Annotated[
        int | None, typer.Option(min=0, help="Number of the first; else a new one at each start.")
    ] = None,
    sample: Annotated[str | None, typer.Option(help="Sample id of all frames.")] = None,
) -> None:
    """Run a camera above a drawn sea: copepods, diatoms, jellies and what else drifts."""
    from producers.simulated.camera import SimulatedCamera
    from producers.simulated.scene import SimulatedScene

    settings, stop = start_command(), stop_on_signals()
    ids = check_ids(camera=camera or settings.camera, sample=sample)
    rate_hz = settings.camera_rate if rate is None else rate
    if not 0 < rate_hz <= 1000:
        raise ConfigError(
            f"The rate of a camera is above 0 and at most 1000 a second, not {rate_hz}."
        )
    scene = SimulatedScene(
        settings.camera_seed if seed is None else seed, width, height, field.value, rois_per_frame
    )
    source = SimulatedCamera(
        ids["camera"], scene, frames=frames, first_frame=first_frame, sample=sample
    )
    publish_camera(settings, source, FRAMES, rate_hz, stop)


@app.command()
def folder(
    path: Annotated[Path, typer.Argument(help="Folder of PNG, JPEG, TIFF or BMP files.")],
    *,
    camera: CameraOption = None,
    roi: Annotated[
        bool, typer.Option("--roi", help="The files are cut-out ROIs, not frames.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch/--once", help="Go on with new files, or end after the last.")
    ] = False,
    metadata: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns path, captured_at and, if wanted, others: see "
            "docs/cameras.md."
        ),
    ] = None,
    sample: SampleOption = None,
    project: ProjectOption = None,
    rate: Annotated[float, typer.Option(min=0, help="Files a second; 0: as they go.")] = 0.0,
    again: Annotated[
        bool, typer.Option("--again", help="Send what was confirmed in an earlier run as well.")
    ] = False,
) -> None:
    """Publish the images of a folder, in the order of their paths, bytes as they are.

    Capture times come from the metadata, else from EXIF, else from the file's name; times without
    a zone are UTC.
    """
    settings, stop = start_command(), stop_on_signals()
    known = read_metadata(metadata, rois=roi) if metadata else {}
    source = FolderCamera(
        path, camera=camera_id(camera, path), rois=roi, watch=watch, metadata=known,
        **check_ids(sample=sample, project=project),
    )  # fmt: skip
    feed = Feed(source, ROIS if roi else FRAMES)
    complete = _publish_archive(settings, feed, rate, stop, again=again)
    if source.unmatched:
        log.warning(
            "%d metadata rows name no file here, e.g. %r",
            len(source.unmatched),
            source.unmatched[0],
        )
    if not complete and not watch:
        raise typer.Exit(1)


def _publish_kind(make: Callable[[], Feed], rate_hz: float, *, again: bool) -> None:
    """Publish what an entry point makes.

    Raises:
        typer.Exit: with code 1, an archive had something that could not be sent.
    """
    settings, stop = start_command(), stop_on_signals()
    feed = make()
    if not feed.source.keeps:
        publish_camera(settings, feed.source, feed.topic, rate_hz, stop)
    elif not _publish_archive(settings, feed, rate_hz, stop, again=again) and not feed.watches:
        raise typer.Exit(1)


def _publish_archive(
    settings: Settings, feed: Feed, rate_hz: float, stop: threading.Event, *, again: bool
) -> bool:
    """Publish what the journal does not know, or all of it again; a line tells what became of it.

    Returns:
        Whether all that the archive has is in Kafka.
    """
    archive = cast("Archive", feed.source)
    with closing(_journal(settings, archive.camera, again=again)) as journal:
        began = time.monotonic()
        wrap = partial(JournallingPublisher, journal=journal)
        source = Backfill(archive, journal)
        totals = publish_camera(settings, source, feed.topic, rate_hz, stop, wrap=wrap)
        print(summary(archive, journal, totals, time.monotonic() - began))
    return is_complete(archive, totals)


def _journal(settings: Settings, camera: str, *, again: bool) -> Journal:
    path = settings.home.resolve() / "journal" / f"{camera}.sqlite"
    journal = Journal(path, log_address=settings.kafka_bootstrap)
    if again:
        journal.forget()
    return journal
