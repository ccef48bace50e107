"""`plankton segment` and `plankton camera preview`."""

import csv
import time
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from plankton_stream.domain import LeftOut
from plankton_stream.errors import ConfigError
from plankton_stream.telemetry import start_command

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

    settings = start_command()
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
    source: Annotated[
        str,
        typer.Argument(
            help="An image, a folder of frames, a video (file, device or stream); or IFCB bins or "
            "FlowCam runs."
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("preview.png"),
    camera: _Camera = "",
    frames: Annotated[
        int,
        typer.Option(min=1, help="Of a folder or video: the background learns from so many."),
    ] = 20,
) -> None:
    """Draw the boxes into a frame, to set PLANKTON_SEGMENTATION by eye.

    Of a folder or video it is the last of the first frames, cut as a camera's frame would be that
    has been running for a while. An instrument that cuts for itself has no frames: its first ROIs
    are shown side by side.
    """
    from plankton_stream.segmentation import Segmenter, load_parameters
    from producers.cutting.drawing import with_boxes, write_picture
    from producers.cutting.frames import frames_of
    from producers.cutting.sheet import MOST_ROIS, rois_of, sheet

    settings = start_command()
    if (rois := rois_of(Path(source))) is not None:
        shown_rois = list(islice(rois, MOST_ROIS))
        write_picture(sheet(shown_rois), out)
        print(f"{source}: the first {len(shown_rois)} ROIs, as the instrument cut them; {out}")
        return
    segmenter = Segmenter(load_parameters(settings.segmentation).of(camera))
    shown = None
    for name, pixels in frames_of(source, frames):
        shown = name, pixels, segmenter.segment(pixels)
    if shown is None:
        raise ConfigError(f"{source!r} has no readable frame: see the log.")
    name, pixels, segmented = shown
    write_picture(with_boxes(pixels, segmented), out)
    print(f"{name}: {len(segmented.boxes)} boxes{_rest(segmented.left_out)}; {out}")


def _rest(left_out: Mapping[LeftOut, int]) -> str:
    """What was left out, for a summary line."""
    return "".join(f", {number} {why.replace('_', ' ')}" for why, number in left_out.items())
