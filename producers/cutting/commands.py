"""`plankton segment` and `plankton camera preview`."""

import csv
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from plankton_stream.domain import LeftOut
from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings, load_settings
from plankton_stream.telemetry import start_logging

segment_app = typer.Typer(add_completion=False)

_Camera = Annotated[
    str, typer.Option(help="Id whose section of PLANKTON_SEGMENTATION counts; else the defaults.")
]
_COLUMNS = ("frame", "x", "y", "width", "height")


@segment_app.command()
def segment(
    folder: Annotated[Path, typer.Argument(help="Frames: PNG, JPEG, TIFF or BMP files.")],
    *,
    out: Annotated[Path, typer.Option(help="The CSV file to write: frame,x,y,width,height.")],
    camera: _Camera = "",
) -> None:
    """Write the boxes of what is in a folder's frames, in the order of their paths.

    The background is carried along from frame to frame, as with a camera. Pixels count from the
    upper left corner. An unreadable file is logged, has no line, and makes the exit code 1.
    """
    from plankton_stream.segmentation import Segmenter, load_parameters
    from producers.cutting.frames import FolderFrames

    settings = _start()
    segmenter = Segmenter(load_parameters(settings.segmentation).of(camera))
    frames = FolderFrames(folder)
    left_out: Counter[LeftOut] = Counter()
    boxes, began = 0, time.monotonic()
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_COLUMNS)
            for name, pixels in frames:
                segmented = segmenter.segment(pixels)
                rows.writerows([name, *box] for box in segmented.boxes)
                boxes += len(segmented.boxes)
                left_out.update(segmented.left_out)
        part.replace(out)
    except OSError as error:
        raise ConfigError(f"--out {str(out)!r} can't be written: {error}") from error
    seconds = time.monotonic() - began
    print(f"{frames.read} frames, {boxes} boxes{_rest(left_out)}; {seconds:.1f} s; {out}")
    if frames.lost:
        print(f"{frames.lost} files are missing in it: see the log")
        raise typer.Exit(1)


def preview(
    source: Annotated[Path, typer.Argument(help="An image, or a folder of frames.")],
    *,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("preview.png"),
    camera: _Camera = "",
    frames: Annotated[
        int, typer.Option(min=1, help="Of a folder: the background learns from so many.")
    ] = 20,
) -> None:
    """Draw the boxes into a frame, to set PLANKTON_SEGMENTATION by eye.

    Of a folder it is the last of the first frames, cut as a camera's frame would be that has been
    running for a while.
    """
    from plankton_stream.segmentation import Segmenter, load_parameters
    from producers.cutting.drawing import with_boxes, write_picture
    from producers.cutting.frames import frames_of

    settings = _start()
    segmenter = Segmenter(load_parameters(settings.segmentation).of(camera))
    shown = None
    for name, pixels in frames_of(source, frames):
        shown = name, pixels, segmenter.segment(pixels)
    if shown is None:
        raise ConfigError(f"{str(source)!r} has no readable frame: see the log.")
    name, pixels, segmented = shown
    write_picture(with_boxes(pixels, segmented), out)
    print(f"{name}: {len(segmented.boxes)} boxes{_rest(segmented.left_out)}; {out}")


def _start() -> Settings:
    settings = load_settings()
    start_logging(settings)
    return settings


def _rest(left_out: Mapping[LeftOut, int]) -> str:
    """What was left out, for a summary line."""
    return "".join(f", {number} {why.replace('_', ' ')}" for why, number in left_out.items())
