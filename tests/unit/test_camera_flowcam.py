"""FlowCam runs: small ones, drawn here to the layout that the program writes."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.domain import Box, Roi
from plankton_stream.errors import ConfigError
from plankton_stream.images import decode
from producers.flowcam.camera import FlowcamRuns

FIELDS = {
    "id": "int32", "esd": "double", "image_x": "int32", "image_y": "int32", "image_w": "int32",
    "image_h": "int32", "src_image": "int32", "src_x": "int32", "src_y": "int32",
    "collage_file": "string", "timestamp": "timestamp", "calibration_factor": "double",
}  # fmt: skip
COLLAGE = np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)


def particle(number: int, x: int = 2, y: int = 3, **more: object) -> dict[str, object]:
    return {
        "id": number, "esd": 12.5, "image_x": x, "image_y": y, "image_w": 6, "image_h": 4,
        "src_image": 7, "src_x": 100 * number, "src_y": 50, "collage_file": "run_000001.tif",
        "timestamp": "2023-12-20 14:03:08.199", "calibration_factor": 0.75,
    } | more  # fmt: skip


def write_run(folder: Path, *particles: dict[str, object], name: str = "Run 1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "run_000001.tif"), COLLAGE)
    head = ["029", f"num-fields|{len(FIELDS)}", *(f"{n}|{kind}" for n, kind in FIELDS.items())]
    rows = ["|".join(str(one[n]) for n in FIELDS) for one in particles]
    path = folder / f"{name}.lst"
    path.write_text("\r\n".join([*head, *rows, ""]))
    return path


def rois(path: Path, **common: object) -> tuple[list[Roi], FlowcamRuns]:
    source = FlowcamRuns(path, camera="flowcam", **common)
    return list(source), source


def test_a_run(tmp_path: Path) -> None:
    write_run(tmp_path / "a", particle(1), particle(2, x=24, y=16))
    found, source = rois(tmp_path)
    assert [roi.frame_key for roi in found] == ["a/Run 1/1", "a/Run 1/2"]
    assert [roi.box for roi in found] == [Box(100, 50, 6, 4), Box(200, 50, 6, 4)]
    assert np.array_equal(decode(found[0].data, "image/png"), COLLAGE[3:7, 2:8])
    assert np.array_equal(decode(found[1].data, "image/png"), COLLAGE[16:20, 24:30])
    capture = found[0].capture
    assert capture.captured_at == datetime(2023, 12, 20, 14, 3, 8, 199_000, UTC)
    assert (capture.pixel_size_um, capture.sample) == (0.75, "run-1")
    assert capture.source_file == "a/Run 1.lst"
    assert found[0].extra == {
        "id": 1, "esd": 12.5, "src_image": 7.0, "collage_file": "run_000001.tif",
    }  # fmt: skip
    assert (source.done, source.total, source.counts) == (1, 1, Counter(taken=1))


def test_what_is_given_wins(tmp_path: Path) -> None:
    lst = write_run(tmp_path, particle(1))
    capture = rois(lst, sample="s", pixel_size_um=1.5, volume_ml=0.2)[0][0].capture
    assert (capture.sample, capture.pixel_size_um, capture.volume_ml) == ("s", 1.5, 0.2)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"x": 25}, "line 16: x 25, y 3, 6 x 4 lies outside of collage"),
        ({"collage_file": "gone.tif"}, "'gone.tif' cannot be read"),
        ({"collage_file": "../up.tif"}, "is not beside the table"),
        ({"image_w": 0}, "its image has 0 x 4"),
        ({"image_h": 2.5}, "column image_h: 2.5 is no whole number"),
    ],
)
def test_a_particle_that_cannot_be_cut_costs_itself_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: dict[str, object], says: str
) -> None:
    write_run(tmp_path, particle(1), particle(2, **wrong), particle(3))
    found, source = rois(tmp_path)
    assert [roi.extra["id"] for roi in found] == [1, 3]
    assert source.counts == Counter(taken=1, rois_refused=1)
    assert says in caplog.text


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda text: text[:3], "line 2: num-fields"),
        (lambda text: text.replace("image_w|int32", "w|int32"), "lacks image_w"),
        (lambda text: text.replace("num-fields|12", "num-fields|90"), "line 15: name.type|lacks"),
        (lambda text: text.replace("|12.5|", "|large|"), "line 15, column esd: 'large'"),
        (lambda text: text.replace("2023-12-20", "20.12."), "line 15, column timestamp"),
        (lambda text: text.replace("2023-12-20", "1900-01-01"), "column timestamp: 1900"),
        (lambda text: text.replace("|0.75", "|-1"), "line 15, column calibration_factor"),
        (lambda text: text.replace("|2023", "~2023"), "line 15: 12 columns expected, 11"),
    ],
)
def test_a_bad_table_is_told_and_the_next_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, edit: object, says: str
) -> None:
    bad = write_run(tmp_path / "a", particle(1))
    bad.write_text(edit(bad.read_text()))  # type: ignore[operator]
    write_run(tmp_path / "b", particle(1))
    found, source = rois(tmp_path)
    assert [roi.frame_key for roi in found] == ["b/Run 1/1"]
    assert source.counts == Counter(taken=1, unreadable=1)
    assert "a/Run 1.lst" in caplog.text
    assert any(part in caplog.text for part in says.split("|"))


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no FlowCam run"):
        FlowcamRuns(tmp_path, camera="c")
