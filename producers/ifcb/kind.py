"""`plankton camera ifcb`."""

from pathlib import Path
from typing import Annotated

import typer

from plankton_stream.events.topics import ROIS
from producers.ifcb.camera import PIXEL_SIZE_UM, IfcbCamera
from producers.kinds import Feed
from producers.options import CameraOption, ProjectOption, SampleOption, camera_id, check_ids


def ifcb(
    path: Annotated[Path, typer.Argument(help="Folder with bins: .adc, .hdr and .roi files.")],
    *,
    camera: CameraOption = None,
    sample: SampleOption = None,
    project: ProjectOption = None,
    watch: Annotated[
        bool, typer.Option("--watch/--once", help="Go on with new bins, or end after the last.")
    ] = False,
    pixel_size_um: Annotated[
        float | None, typer.Option(min=0.001, help="Of the optics; else 3.4 pixels are a µm.")
    ] = None,
) -> Feed:
    """Publish the ROIs of Imaging FlowCytobot bins, of old and new instruments.

    Each bin is a sample of its own unless --sample says otherwise.
    """
    check_ids(sample=sample, project=project)
    source = IfcbCamera(
        path, camera=camera_id(camera, path), sample=sample, project=project, watch=watch,
        pixel_size_um=pixel_size_um or PIXEL_SIZE_UM,
    )  # fmt: skip
    return Feed(source, ROIS, watches=watch)
