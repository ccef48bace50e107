"""EcoTaxa imports written by hand to its published rules, and what is said about wrong ones."""

import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.domain import GivenName, LabelState, Roi
from plankton_stream.errors import ConfigError
from producers.ecotaxa.camera import EcotaxaImport

COLUMNS = {
    "img_file_name": "[t]", "img_rank": "[f]", "object_id": "[t]", "object_lat": "[f]",
    "object_lon": "[f]", "object_date": "[f]", "object_time": "[f]", "object_depth_min": "[f]",
    "object_depth_max": "[f]", "object_annotation_category": "[t]",
    "object_annotation_status": "[t]", "object_annotation_person_name": "[t]",
    "object_annotation_date": "[f]", "object_annotation_time": "[f]", "object_area": "[f]",
    "object_link": "[t]", "sample_id": "[t]", "sample_ship": "[t]", "acq_id": "[t]",
    "acq_instrument": "[t]", "process_pixel": "[f]",
}  # fmt: skip
Row = dict[str, object]


def a_row(number: int, **more: object) -> Row:
    return {
        "img_file_name": f"{number}.png", "img_rank": 0, "object_id": f"tara_{number}",
        "object_lat": 43.5, "object_lon": 7.25, "object_date": 20231220, "object_time": 90503,
        "object_depth_min": 10, "object_depth_max": 20,
        "object_annotation_category": "Calanoida<Copepoda", "object_annotation_status": "validated",
        "object_annotation_person_name": "Ann Ó", "object_annotation_date": 20240102,
        "object_annotation_time": "030405", "object_area": 12.5, "object_link": "",
        "sample_id": "Tara St. 7", "sample_ship": "Tara", "acq_id": "a7",
        "acq_instrument": "Zooscan", "process_pixel": 10.6,
    } | more  # fmt: skip


def picture(number: int) -> bytes:
    return cv2.imencode(".png", np.full((4, 5), number, np.uint8))[1].tobytes()


def write(folder: Path, *rows: Row, columns: dict[str, str] = COLUMNS) -> Path:
    """A folder with a table and its images."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [list(columns), list(columns.values())]
    lines += [[str(row.get(column, "")) for column in columns] for row in rows]
    table = folder / "ecotaxa_tara.tsv"
    table.write_text("\n".join("\t".join(line) for line in lines) + "\n", encoding="utf-8")
    for number, row in enumerate(rows, 1):
        (folder / str(row["img_file_name"])).write_bytes(picture(number))
    return table


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path("inner") / file.relative_to(folder))
    return path


def rois(path: Path, **common: object) -> tuple[list[Roi], EcotaxaImport]:
    source = EcotaxaImport(path, camera="net", **common)
    return list(source), source


@pytest.mark.parametrize("pack", [lambda folder: folder, zipped])
def test_all_metadata_come_in(tmp_path: Path, pack: Callable[[Path], Path]) -> None:
    write(tmp_path / "in", a_row(1), a_row(2))
    found, source = rois(pack(tmp_path / "in"), project="tara")
    assert [roi.frame_key for roi in found] == ["tara_1", "tara_2"]
    assert [roi.data for roi in found] == [picture(1), picture(2)]
    capture = found[0].capture
    assert capture.captured_at == datetime(2023, 12, 20, 9, 5, 3, tzinfo=UTC)
    assert (capture.latitude, capture.longitude, capture.depth_m) == (43.5, 7.25, 15)
    assert (capture.pixel_size_um, capture.instrument) == (10.6, "Zooscan")
    assert (capture.project, capture.sample, capture.source_file) == ("tara", "tara-st.-7", "1.png")
    assert found[0].extra == {
        "area": 12.5, "sample_ship": "Tara", "acq_id": "a7", "sample_id": "Tara St. 7",
        "depth_min": 10, "depth_max": 20,
    }  # fmt: skip
    assert found[0].name == GivenName(
        taxon="Calanoida<Copepoda", state=LabelState.VALIDATED, who="Ann Ó", origin="EcoTaxa",
        at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    )  # fmt: skip
    assert (source.done, source.total, source.counts) == (2, 2, Counter(taken=2))


def test_what_is_unknown_stays_so(tmp_path: Path) -> None:
    columns = {"object_id": "[t]", "img_file_name": "[t]", "object_lat": "[f]"}
    rows = [{"object_id": "o", "img_file_name": "a.png", "object_lat": "NaN"}]
    write(tmp_path, *rows, columns=columns)
    (roi,) = rois(tmp_path)[0]
    assert (roi.capture.captured_at, roi.capture.latitude, roi.name) == (None, None, None)
    assert roi.extra == {}


@pytest.mark.parametrize(
    ("status", "state"),
    [("", LabelState.PREDICTED), ("dubious", LabelState.DUBIOUS), ("V", LabelState.VALIDATED)],
)
def test_a_status_is_a_state(tmp_path: Path, status: str, state: LabelState) -> None:
    write(tmp_path, a_row(1, object_annotation_status=status))
    name = rois(tmp_path)[0][0].name
    assert name is not None
    assert name.state is state


def test_an_object_with_several_images_gets_the_first(tmp_path: Path) -> None:
    write(tmp_path, a_row(1), a_row(2, object_id="tara_1", img_rank=1))
    found, source = rois(tmp_path)
    assert [roi.data for roi in found] == [picture(1)]
    assert source.counts == Counter(taken=1, skipped=1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"object_lat": "north"}, "column object_lat: 'north' is no number"),
        ({"object_lat": "43,5"}, "column object_lat: '43,5' is no number"),
        ({"object_lat": 91}, "column object_lat: .*less than or equal to 90"),
        ({"object_lon": ""}, "column object_lon: .* both"),
        ({"object_date": 20231320}, "column object_date: '20231320'"),
        ({"object_date": 29990101}, "column object_date: .* in the future"),
        ({"object_date": "19000101"}, "column object_date: .* before 1901"),
        ({"object_date": ""}, "column object_date: it is empty, but there is a time"),
        ({"object_time": 250000}, "column object_time: '250000'"),
        ({"object_depth_min": 30}, "column object_depth_max: 20 m is above"),
        ({"object_depth_max": "deep"}, "column object_depth_max: 'deep'"),
        ({"object_area": "big"}, "column object_area: 'big'"),
        ({"object_id": ""}, "column object_id: it is empty"),
        ({"object_id": "tara_3"}, "column object_frame_key|column object_id"),
        ({"object_annotation_status": "sure"}, "column object_annotation_status: 'sure'"),
        ({"object_annotation_date": "May"}, "column object_annotation_date: 'May'"),
        ({"process_pixel": -1}, "column acq_pixel: .*greater than 0"),
        ({"img_file_name": "55.txt"}, "column img_file_name: '55.txt' is no image"),
        ({"img_file_name": "../55.png"}, "column img_file_name: there is no file"),
        ({"sample_id": "***"}, r"column sample_id: '\*\*\*'"),
    ],
)
def test_one_error_in_line_57_is_told_as_line_57(tmp_path: Path, wrong: Row, says: str) -> None:
    rows = [a_row(number) for number in range(1, 61)]
    folder = tmp_path / "in"
    rows[54] |= wrong  # after the two lines of the header
    if wrong == {"object_id": "tara_3"}:
        rows[54]["img_file_name"] = "3.png"
    write(folder, *rows)
    with pytest.raises(ConfigError, match=f"ecotaxa_tara.tsv, line 57, ({says})"):
        EcotaxaImport(folder, camera="net")


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, a_row(1))
    (tmp_path / "1.png").unlink()
    with pytest.raises(
        ConfigError, match=r"line 3, column img_file_name: there is no file '1\.png'"
    ):
        EcotaxaImport(tmp_path, camera="net")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("object_id", "object_name", "line 1: columns missing: 'object_id'"),
        ("object_area", "area", r"line 1, column 15 \('area'\): a name begins with"),
        ("object_area", "object_lat", "line 1, column 15: 'object_lat' is there twice"),
        ("[f]", "[x]", r"line 2, column img_rank: '\[x\]' is no type"),
        ("43.5\t", "", "line 3: 21 columns expected, 20 are there"),
    ],
)
def test_wrong_headers(tmp_path: Path, old: str, new: str, says: str) -> None:
    table = write(tmp_path, a_row(1))
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=says):
        EcotaxaImport(tmp_path, camera="net")


def test_no_table_no_zip(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no table ecotaxa\*.tsv"):
        EcotaxaImport(tmp_path, camera="net")
    (tmp_path / "a.zip").write_text("no zip")
    with pytest.raises(ConfigError, match="neither a folder nor a readable zip"):
        EcotaxaImport(tmp_path / "a.zip", camera="net")


def test_a_damaged_image_in_a_zip_costs_itself_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "in", a_row(1), a_row(2))
    path = zipped(tmp_path / "in")
    path.write_bytes(path.read_bytes().replace(picture(1), b"x" * len(picture(1))))
    found, source = rois(path)
    assert [roi.frame_key for roi in found] == ["tara_2"]
    assert source.counts == Counter(taken=1, unreadable=1)
    assert "line 3: 1.png cannot be read" in caplog.text
