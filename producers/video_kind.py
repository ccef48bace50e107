"""`plankton camera video`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from plankton_stream.slugs import slug
from producers.kinds import Feed
from producers.options import CameraOption, ProjectOption, SampleOption, check_ids
from producers.video import VideoCamera


def video(
    place: Annotated[str, typer.Argument(help="Device number, file, or URL such as rtsp://…")],
    *,
    camera: CameraOption = None,
    sample: SampleOption = None,
    project: ProjectOption = None,
    pixel_size_um: Annotated[float | None, typer.Option(min=0.001, help="Of the optics.")] = None,
    instrument: Annotated[str | None, typer.Option(help="Make and number.")] = None,
    started_at: Annotated[
        datetime | None, typer.Option(help="When a file's first frame was taken, UTC.")
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEG that travels.")] = 95,
) -> Feed:
    """Publish the frames of a video device, a video file or an RTSP stream.

    A device or stream is opened again when it fails; a file ends.
    """
    common: dict[str, Any] = check_ids(sample=sample, project=project)
    more = {"pixel_size_um": pixel_size_um, "instrument": instrument}
    common |= {name: value for name, value in more.items() if value is not None}
    ids = check_ids(camera=camera or slug(_name(place), otherwise="video"))
    source = VideoCamera(
        place, camera=ids["camera"], quality=quality,
        started_at=started_at and started_at.replace(tzinfo=UTC), **common,
    )  # fmt: skip
    return Feed(source)


def _name(place: str) -> str:
    """What to call a camera by its place: a device's number, a file's name, a stream's host."""
    if place.isdecimal():
        return f"video-{place}"
    return (urlsplit(place).hostname or "video") if "://" in place else Path(place).stem
