"""`plankton camera …`: publishes a camera until it ends, or until SIGTERM or Ctrl-C."""

import logging
import re
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from plankton_stream.adapters.kafka import bounded_publisher
from plankton_stream.domain import Capture
from plankton_stream.errors import ConfigError
from plankton_stream.events.topics import FRAMES, ROIS, Topic
from plankton_stream.retrying import stop_on_signals, wait_for
from plankton_stream.settings import Settings, load_settings
from plankton_stream.stack.ready import announce_ready
from plankton_stream.telemetry import start_logging
from producers.cutting.commands import preview
from producers.folder import FolderCamera
from producers.loop import Totals, publish
from producers.metadata import read_metadata
from producers.source import Source

log = logging.getLogger(__name__)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Publish frames or ROIs: a simulated camera, a folder. Or preview how they are cut.",
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

    settings, stop = _start()
    camera, sample = _checked(camera or settings.camera, sample)
    rate_hz = settings.camera_rate if rate is None else rate
    if not 0 < rate_hz <= 1000:
        raise ConfigError(
            f"The rate of a camera is above 0 and at most 1000 a second, not {rate_hz}."
        )
    scene = SimulatedScene(
        settings.camera_seed if seed is None else seed, width, height, field.value, rois_per_frame
    )
    source = SimulatedCamera(camera, scene, frames=frames, first_frame=first_frame, sample=sample)
    _publish(settings, source, FRAMES, rate_hz, stop)


@app.command()
def folder(
    path: Annotated[Path, typer.Argument(help="Folder of PNG, JPEG, TIFF or BMP files.")],
    *,
    camera: Annotated[
        str | None,
        typer.Option(
            help="Id of the camera; else the folder's name. A file is known again by camera and "
            "path: give two archives two ids."
        ),
    ] = None,
    roi: Annotated[
        bool, typer.Option("--roi", help="The files are cut-out ROIs, not frames.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch/--once", help="Go on with new files, or end after the last.")
    ] = False,
    metadata: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns path, captured_at and, if wanted, depth_m, latitude, "
            "longitude, pixel_size_um, sample."
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="Files a second; 0: as they go.")] = 0.0,
) -> None:
    """Publish the images of a folder, in the order of their paths, bytes as they are.

    Capture times come from the metadata, else from EXIF, else from the file's name; times without
    a zone are UTC.
    """
    settings, stop = _start()
    camera, _ = _checked(camera or _slug(path.resolve().name), None)
    known = read_metadata(metadata) if metadata else {}
    source = FolderCamera(path, camera=camera, rois=roi, watch=watch, metadata=known)
    began = time.monotonic()
    totals = _publish(settings, source, ROIS if roi else FRAMES, rate, stop)
    if source.unmatched:
        log.warning(
            "%d metadata rows name no file here, e.g. %r",
            len(source.unmatched),
            source.unmatched[0],
        )
    print(_summary(source, totals, time.monotonic() - began))
    lost = source.counts["unreadable"] + source.counts["refused"] + totals.seen - totals.sent
    if lost and not watch:
        raise typer.Exit(1)


def _start() -> tuple[Settings, threading.Event]:
    settings = load_settings()
    start_logging(settings)
    return settings, stop_on_signals()


def _checked(camera: str, sample: str | None) -> tuple[str, str | None]:
    try:
        capture = Capture(camera=camera, sample=sample)
    except ValidationError as error:
        issue = error.errors()[0]
        raise ConfigError(
            f"{issue['loc'][0]} {issue['input']!r}: an id has lower-case letters, digits, "
            "points, dashes and underscores, at most 64, and starts with a letter or digit."
        ) from error
    return capture.camera, capture.sample


def _slug(name: str) -> str:
    """A folder's name as an id."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).lstrip("._-")[:64] or "folder"


def _publish(
    settings: Settings, source: Source, topic: Topic, rate_hz: float, stop: threading.Event
) -> Totals:
    publisher = wait_for(
        lambda: bounded_publisher(
            settings.kafka_bootstrap,
            topic,
            disk_mb=settings.kafka_disk_mb,
            client_id="plankton-camera",
        ),
        stop,
    )
    try:
        announce_ready()
        return publish(source, publisher, rate_hz=rate_hz, stop=stop)
    finally:
        publisher.close()


def _summary(source: FolderCamera, totals: Totals, seconds: float) -> str:
    """One line on what became of the files."""
    counts = source.counts
    not_sent = {
        "skipped (no images)": counts["skipped"],
        "unreadable": counts["unreadable"],
        "refused": counts["refused"] + totals.refused,
        "not confirmed": totals.seen - totals.sent - totals.dropped,
    }
    rest = "".join(f", {number} {what}" for what, number in not_sent.items() if number)
    files = counts["taken"] + counts["skipped"] + counts["unreadable"] + counts["refused"]
    per_s = totals.sent / seconds if seconds > 0 else 0.0
    return f"{files} files: {totals.sent} sent{rest}; {seconds:.1f} s, {per_s:.1f} images/s"
