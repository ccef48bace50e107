"""How the frames of a camera are cut: the numbers, and the file that sets them per camera."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from plankton_stream.domain import Record
from plankton_stream.errors import ConfigError


class Parameters(Record):
    """How frames are cut. Lengths are pixels of the frame unless the name says µm."""

    field: Literal["auto", "bright", "dark"] = Field(
        default="auto",
        description="What counts: bright: darker than the background; dark: brighter; auto: both.",
    )
    colour: bool = Field(
        default=True,
        description="Compare each channel of a colour frame; false: its grey levels only.",
    )
    illumination: Literal["auto", "divide", "subtract"] = Field(
        default="auto",
        description="How uneven light is taken out; auto: divide, but subtract where the "
        "background is dark.",
    )
    memory_frames: int = Field(
        default=50, ge=1, le=10_000, description="Frames that the background is averaged over."
    )
    min_contrast: float = Field(
        default=12.0, gt=0, le=255, description="Grey levels that a pixel of an object differs."
    )
    noise_factor: float = Field(
        default=6.0, gt=0, le=100, description="And standard deviations of the noise."
    )
    seed_contrast: float = Field(
        default=20.0, gt=0, le=255, description="Grey levels that its strongest pixel differs."
    )
    seed_noise_factor: float = Field(
        default=15.0, gt=0, le=100, description="And standard deviations of the noise."
    )
    texture_factor: float = Field(
        default=2.3,
        ge=0,
        le=100,
        description="A faint object is this many times as rough as the background; 0: look for "
        "none.",
    )
    min_texture_area_px: float = Field(
        default=256.0, ge=0, description="Least area of a faint object, px²."
    )
    join_px: int = Field(
        default=0, ge=0, le=200, description="Parts with a gap up to this are one object."
    )
    margin_px: int = Field(default=4, ge=0, le=500, description="Kept around each object.")
    min_esd_px: float = Field(
        default=7.1, ge=0, description="Least equivalent spherical diameter (40 px²)."
    )
    max_esd_px: float | None = Field(default=None, gt=0, description="Greatest; none: no limit.")
    min_esd_um: float | None = Field(default=None, gt=0, description="Least, µm.")
    max_esd_um: float | None = Field(default=None, gt=0, description="Greatest, µm.")
    pixel_size_um: float | None = Field(
        default=None, gt=0, le=100_000, description="Where the frames don't tell it, µm."
    )
    border: Literal["keep", "drop"] = Field(
        default="keep", description="What becomes of objects that touch the frame's edge."
    )
    min_sharpness: float = Field(
        default=0.0, ge=0, description="Least sharpness (see Measurements); 0: any."
    )
    max_rois: int = Field(
        default=500, ge=1, le=10_000, description="Most ROIs of a frame; the largest are kept."
    )

    @model_validator(mode="after")
    def _limits_in_order(self) -> "Parameters":
        for unit in ("px", "um"):
            least, most = getattr(self, f"min_esd_{unit}"), getattr(self, f"max_esd_{unit}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_esd_{unit} {least} is above max_esd_{unit} {most}")
        return self


class CameraParameters:
    """The parameters of every camera: its own section, over the defaults of the file, over ours."""

    def __init__(
        self, defaults: Mapping[str, Any] | None = None, cameras: Mapping[str, Any] | None = None
    ) -> None:
        self._defaults = Parameters.model_validate(defaults or {})
        self._cameras = {
            camera: Parameters.model_validate({**(defaults or {}), **section})
            for camera, section in (cameras or {}).items()
        }

    def of(self, camera: str) -> Parameters:
        """Those of one camera."""
        return self._cameras.get(camera, self._defaults)


def load_parameters(path: str) -> CameraParameters:
    """Read a TOML file: `[defaults]` and one `[cameras.ID]` for each camera that differs.

    Args:
        path: empty for the built-in defaults.

    Raises:
        ConfigError: the file can't be read, or a key or value is not allowed; the message names
            the file, the section, the key, and what is allowed.
    """
    if not path:
        return CameraParameters()
    given = _read(path)
    for name in given:
        if name not in {"defaults", "cameras"}:
            raise ConfigError(
                f"{path}: [{name}] is no section; allowed are [defaults] and [cameras.ID], with "
                "the id of a camera."
            )
    sections = {"[defaults]": given.get("defaults", {})}
    cameras = given.get("cameras", {})
    if not isinstance(cameras, dict):
        raise ConfigError(f"{path}: cameras is not a section; write [cameras.ID] for each camera.")
    sections |= {f"[cameras.{camera}]": section for camera, section in cameras.items()}
    for name, section in sections.items():
        _check(path, name, section, sections["[defaults]"])
    return CameraParameters(given.get("defaults"), cameras)


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"PLANKTON_SEGMENTATION: {path} can't be read: {error}") from error
    except tomllib.TOMLDecodeError as error:  # its text has line and column
        raise ConfigError(f"{path}: not TOML: {error}") from error


def _check(path: str, name: str, section: object, defaults: Any) -> None:
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {name} is {section!r}, not a section with keys and values.")
    for key in section:
        if key not in Parameters.model_fields:
            (nearest,) = get_close_matches(key, Parameters.model_fields, n=1, cutoff=0)
            raise ConfigError(f"{path}: {name} {key}: no parameter; do you mean {nearest}?")
    try:
        Parameters.model_validate({**defaults, **section})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, issue['loc'])) or 'limits'}: {issue['msg']} "
            f"(got {issue['input']!r})"
            if issue["loc"]
            else issue["msg"]
            for issue in error.errors()
        )
        raise ConfigError(f"{path}: {name} {problems}") from error
