"""The file that says how each camera's frames are cut."""

from pathlib import Path

import pytest

from plankton_stream.errors import ConfigError
from plankton_stream.segmentation import Parameters, load_parameters


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cut.toml"


def test_without_a_file_all_cameras_have_the_defaults() -> None:
    assert load_parameters("").of("any") == Parameters()


def test_a_camera_has_its_section_over_the_defaults(file: Path) -> None:
    file.write_text('[defaults]\nmargin_px = 9\nmax_rois = 5\n[cameras."isiis-1"]\nmargin_px = 2\n')
    known = load_parameters(str(file))
    assert known.of("other") == Parameters(margin_px=9, max_rois=5)
    assert known.of("isiis-1") == Parameters(margin_px=2, max_rois=5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[cameras.c]\nmargin = 3\n", r"\[cameras.c\] margin: .*margin_px"),
        ("[cameras.c]\nmargin_px = -3\n", r"\[cameras.c\] margin_px: .*greater than or equal to 0"),
        ('[defaults]\nfield = "grey"\n', r"\[defaults\] field: .*'auto', 'bright' or 'dark'"),
        ("[defaults]\nmin_esd_um = 9\nmax_esd_um = 3\n", "min_esd_um 9.0 is above max_esd_um 3.0"),
        ("[camera.c]\n", r"\[camera\] is no section"),
        ("cameras = 3\n", "cameras is not a section"),
        ("defaults = 3\n", r"\[defaults\] is 3, not a section"),
        ("[defaults\n", "not TOML.*line 1"),
    ],
)
def test_a_wrong_file_is_told_by_section_and_key(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"cut.toml: .*{told}"):
        load_parameters(str(file))


def test_a_missing_file_is_told(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"PLANKTON_SEGMENTATION: .*cut.toml can't be read"):
        load_parameters(str(file))


def test_the_documentation_names_every_parameter_and_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "segmentation.md").read_text(encoding="utf-8")
    for name, field in Parameters.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        shown = "" if default is None else f" `{default}`"
        assert f"| `{name}` |{shown} | {field.description} |" in text
