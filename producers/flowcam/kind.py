"""`plankton camera flowcam`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from plankton_stream.events.topics import ROIS
from producers.flowcam.camera import FlowcamRuns
from producers.kinds import Feed
from producers.options import CameraOption, ProjectOption, SampleOption, camera_id, check_ids


def flowcam(
    path: Annotated[Path, typer.Argument(help="A .lst file, or a folder with some.")],
    *,
    camera: CameraOption = None,
    sample: SampleOption = None,
    project: ProjectOption = None,
    pixel_size_um: Annotated[
        float | None, typer.Option(min=0.001, help="Else each particle's calibration_factor.")
    ] = None,
    volume_ml: Annotated[
        float | None, typer.Option(min=0, help="Water imaged in the run, as its summary says.")
    ] = None,
) -> Feed:
    """Publish the particles of FlowCam runs, cut out of their collages.

    Each run is a sample of its own unless --sample says otherwise.
    """
    common: dict[str, Any] = check_ids(sample=sample, project=project)
    more = {"pixel_size_um": pixel_size_um, "volume_ml": volume_ml}
    common |= {name: value for name, value in more.items() if value}
    return Feed(FlowcamRuns(path, camera=camera_id(camera, path), **common), ROIS)
