"""The CSV file beside a folder of images."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from plankton_stream.errors import ConfigError
from producers.metadata import read_metadata


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
        "a.png": {
            "captured_at": datetime(2023, 12, 20, 12, 3, 8, 500_000, tzinfo=UTC),
            "depth_m": 12.5, "latitude": 54.1, "longitude": -7.9, "pixel_size_um": 10.0,
            "sample": "st-3",
        },
        "sub/b.png": {"captured_at": datetime(2023, 12, 20, 14, 3, 8, tzinfo=UTC)},
    }  # fmt: skip


def test_an_unknown_time_is_left_out(csv: Path) -> None:
    csv.write_text("path,captured_at\na.png,\n")
    assert read_metadata(csv) == {"a.png": {}}


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
