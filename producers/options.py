"""Options that several kinds of cameras have, checked where they come in."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from plankton_stream.domain import Capture
from plankton_stream.errors import ConfigError
from plankton_stream.slugs import slug

CameraOption = Annotated[
    str | None,
    typer.Option(
        help="Id of the camera; else the folder's or file's name. An image is known again by "
        "camera and name: give two archives two ids."
    ),
]
SampleOption = Annotated[str | None, typer.Option(help="Sample id of all images.")]
ProjectOption = Annotated[str | None, typer.Option(help="Project id of all images.")]


def camera_id(given: str | None, path: Path) -> str:
    """The id that was given, checked, or one made of a path's name.

    Raises:
        ConfigError: it is no id.
    """
    where = path.resolve()
    return check_ids(
        camera=given or slug(where.name if where.is_dir() else where.stem, otherwise="folder")
    )["camera"]


def check_ids(**ids: str | None) -> dict[str, str]:
    """Ids that are given, by their name in `Capture`.

    Raises:
        ConfigError: one is not an id; the message says what an id is.
    """
    given = {name: value for name, value in ids.items() if value is not None}
    try:
        Capture(**{"camera": "any"} | given)
    except ValidationError as error:
        issue = error.errors()[0]
        raise ConfigError(
            f"{issue['loc'][0]} {issue['input']!r}: an id has lower-case letters, digits, "
            "points, dashes and underscores, at most 64, and starts with a letter or digit."
        ) from error
    return given
