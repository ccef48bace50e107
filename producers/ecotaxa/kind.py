"""`plankton camera ecotaxa`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from plankton_stream.events.topics import ROIS
from producers.ecotaxa.camera import EcotaxaImport
from producers.kinds import Feed
from producers.options import CameraOption, ProjectOption, SampleOption, camera_id, check_ids


def ecotaxa(
    path: Annotated[Path, typer.Argument(help="Zip or folder with ecotaxa*.tsv and its images.")],
    *,
    camera: CameraOption = None,
    sample: SampleOption = None,
    project: ProjectOption = None,
    pixel_size_um: Annotated[
        float | None, typer.Option(min=0.001, help="Of all images, whatever the table says.")
    ] = None,
) -> Feed:
    """Publish the objects of an EcoTaxa import with all their metadata and names.

    Everything is checked first: a wrong column or value is told with its line, and nothing is sent.
    """
    common: dict[str, Any] = check_ids(sample=sample, project=project)
    if pixel_size_um is not None:
        common["pixel_size_um"] = pixel_size_um
    return Feed(EcotaxaImport(path, camera=camera_id(camera, path), **common), ROIS)
