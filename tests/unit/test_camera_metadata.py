"""The CSV file beside a folder of images."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from plankton_stream.domain import GivenName, LabelState
from plankton_stream.errors import ConfigError
from producers.metadata import Known, read_metadata


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "meta.csv"


def test_all_columns(csv: Path) -> None:
    csv.write_text(
        "\ufeffpath,captured_at,depth_m,latitude,longitude,pixel_size_um,sample\n"
        "a.png,2023-12-20T14:03:08.5+02:00,12.5,54.1,-7.9,10,st-3\n"
        "./sub/b.png,2023-12-20 14:03:08,,,,,\n",
        encoding="utf-8",
    )
    assert read_metadata(csv) == {
        "a.png": Known({
            "captured_at": datetime(2023, 12, 20, 12, 3, 8, 500_000, tzinfo=UTC),
            "depth_m": 12.5, "latitude": 54.1, "longitude": -7.9, "pixel_size_um": 10.0,
            "sample": "st-3",
        }),
        "sub/b.png": Known({"captured_at": datetime(2023, 12, 20, 14, 3, 8, tzinfo=UTC)}),
    }  # fmt: skip


def test_an_unknown_time_is_left_out(csv: Path) -> None:
    csv.write_text("path,captured_at\na.png,\n")
    assert read_metadata(csv) == {"a.png": Known()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: columns missing: 'path', 'captured_at'"),
        ("path,time\na,b\n", r"line 1: columns missing: 'captured_at'; unknown: 'time'"),
        ("path,captured_at,path\n", r"line 1: columns twice: 'path'"),
        ("path,captured_at\n\na,yesterday\n", r"line 3, column captured_at: 'yesterday'"),
        ("path,captured_at,depth_m\na,,deep\n", r"line 2, column depth_m: .*'deep'"),
        ("path,captured_at,depth_m\na,,nan\n", r"line 2, column depth_m"),
        ("path,captured_at,latitude\na,,91\n", r"line 2, column latitude: .*'91'"),
        ("path,captured_at,longitude\na,,-181\n", r"line 2, column longitude"),
        ("path,captured_at,pixel_size_um\na,,0\n", r"line 2, column pixel_size_um"),
        ("path,captured_at,sample\na,,St 3\n", r"line 2, column sample: .*'St 3'"),
        ("path,captured_at\na,\nb,\na,\n", r"line 4, column path: 'a' stands in line 2 too"),
        ("path,captured_at\n,\n", r"line 2, column path: it is empty"),
        ("path,captured_at\na\n", r"line 2: 2 columns expected"),
        ("path,captured_at\na,,1\n", r"line 2: 2 columns expected"),
        ("path,captured_at\na,1900-01-01\n", r"line 2, column captured_at: 1900-01-01 is before"),
        ("path,captured_at\na,2999-01-01\n", r"line 2, column captured_at: .* in the future"),
        ("path,captured_at,latitude\na,,5\n", r"line 2, column longitude: .* needs both"),
        ("path,captured_at,latitude,longitude\na,,0,0\n", r"line 2, column latitude: 0, 0"),
        ("path,captured_at,volume_ml\na,,-1\n", r"line 2, column volume_ml"),
        ("path,captured_at,label,label_state\na,,x,sure\n", r"line 2, column label_state: "),
        ("path,captured_at,label,labelled_by\na,,,ann\n", r"line 2, column labelled_by"),
        ("path,captured_at,label,labelled_at\na,,x,May\n", r"line 2, column labelled_at: 'May'"),
    ],
)
def test_errors_name_line_and_column(csv: Path, text: str, message: str) -> None:
    csv.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_metadata(csv)


def test_a_file_that_cannot_be_read(csv: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_metadata(csv)
    csv.write_bytes(b"path,captured_at\n\xff\xfe,\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_metadata(csv)


def test_a_label_is_the_name_that_a_cut_out_came_with(csv: Path) -> None:
    csv.write_text(
        "path,captured_at,project,instrument,volume_ml,label,label_state,labelled_by,labelled_at\n"
        "a.png,,tara,UVP 6,0.7,Copepoda<Maxillopoda,dubious,Ann Ó,2024-01-02T03:04:05Z\n"
        "b.png,,,,,Salpida,,,\n",
        encoding="utf-8",
    )
    known = read_metadata(csv)
    assert known["a.png"].capture == {"project": "tara", "instrument": "UVP 6", "volume_ml": 0.7}
    assert known["a.png"].name == GivenName(
        taxon="Copepoda<Maxillopoda", state=LabelState.DUBIOUS, who="Ann Ó", origin="CSV",
        at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    )  # fmt: skip
    assert known["b.png"].name == GivenName(taxon="Salpida", origin="CSV")


def test_a_frame_has_no_label(csv: Path) -> None:
    csv.write_text("path,captured_at,label\na,,x\n")
    with pytest.raises(ConfigError, match=r"unknown: 'label'.* cut-outs only \(--roi\)"):
        read_metadata(csv, rois=False)
