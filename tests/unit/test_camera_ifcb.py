"""Imaging FlowCytobot bins: drawn ones of both generations, and real ones."""

import csv
import hashlib
import logging
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.domain import Box, Roi
from plankton_stream.errors import ConfigError
from plankton_stream.images import decode
from producers.ifcb.camera import IfcbCamera
from producers.ifcb.growing import Growing

NEW, OLD = "D20130526T095207_IFCB013", "IFCB5_2012_028_081515"
PIXELS = [np.arange(start, start + 12, dtype=np.uint8) for start in (0, 100)]
TARGETS = ((1, 3, 4, 0), (2, 0, 0, 12), (2, 4, 3, 12))  # trigger, width, height, start


def line(number: int, width: int, height: int, start: int, *, old: bool = False) -> str:
    """A line of an `.adc` whose ROI lies at (number, 7)."""
    cells = ["0.5"] * (15 if old else 24)
    x = 9 if old else 13
    cells[0], cells[1] = str(number), f"{number}.25"
    cells[x : x + 5] = map(str, (number, 7, width, height, start))
    cells[21:23] = ["60.0", "12.0"][: max(0, len(cells) - 21)]
    return ",".join(cells)


def write_bin(folder: Path, name: str = NEW, lines: list[str] | None = None, **parts: str) -> None:
    """A bin with two ROIs and a trigger without one; `parts` replaces files' text by ending."""
    old = name.startswith("IFCB")
    lines = lines or [line(*target, old=old) for target in TARGETS]
    folder.mkdir(parents=True, exist_ok=True)
    header = (
        '"Acquisition Software; 2005"' if old else "runTime: 60\ninhibitTime: 12\nhumidity: 5\n"
    )
    text = {"adc": "\n".join(lines) + "\n", "hdr": header} | parts
    for ending, content in text.items():
        (folder / f"{name}.{ending}").write_text(content)
    (folder / f"{name}.roi").write_bytes(b"".join(map(bytes, PIXELS)))


def rois(folder: Path, **options: object) -> tuple[list[Roi], IfcbCamera]:
    source = IfcbCamera(folder, camera="ifcb", **options)
    return list(source), source


def pixels(roi: Roi) -> list[int]:
    return decode(roi.data, roi.content_type).ravel().tolist()


def test_a_bin_of_the_second_generation(tmp_path: Path) -> None:
    write_bin(tmp_path / "2013")
    found, source = rois(tmp_path)
    assert [roi.box for roi in found] == [Box(1, 7, 3, 4), Box(2, 7, 4, 3)]
    assert [roi.frame_key for roi in found] == [f"{NEW}/1", f"{NEW}/2"]
    assert [pixels(roi) for roi in found] == [one.tolist() for one in PIXELS]
    assert [roi.extra["roi_id"] for roi in found] == [f"{NEW}_00001", f"{NEW}_00003"]
    assert found[0].extra["humidity"] == "5"
    capture = found[0].capture
    assert capture.captured_at == datetime(2013, 5, 26, 9, 52, 8, 250_000, UTC)
    assert (capture.instrument, capture.sample) == ("IFCB013", NEW.lower())
    assert capture.source_file == f"2013/{NEW}.roi"
    assert capture.pixel_size_um == pytest.approx(1 / 3.4)
    assert capture.volume_ml == pytest.approx(0.25 / 60 * (60 - 12))
    assert (source.done, source.total, source.counts) == (1, 1, Counter(taken=1))


def test_a_bin_of_the_first_generation(tmp_path: Path) -> None:
    write_bin(tmp_path, OLD)
    found, _ = rois(tmp_path, sample="s", project="p", pixel_size_um=0.5)
    assert [pixels(roi) for roi in found] == [one.tolist() for one in PIXELS]
    capture = found[0].capture
    assert capture.captured_at == datetime(2012, 1, 28, 8, 15, 16, 250_000, UTC)
    assert (capture.instrument, capture.sample, capture.project) == ("IFCB5", "s", "p")
    assert capture.pixel_size_um == 0.5


def test_the_first_generation_s_volume_follows_from_the_times_of_its_frames(tmp_path: Path) -> None:
    def at(trigger: int, opened: float, grabbed: float) -> str:
        cells = line(trigger, 3, 4, 0, old=True).split(",")
        cells[7:9] = [str(opened), str(grabbed)]
        return ",".join(cells)

    lines = [at(1, 0, 0.5), at(2, 1.5, 2), at(2, 9, 9), at(3, 2.01, 60)]
    write_bin(tmp_path, OLD, lines)
    look_s = 60 - (1.5 - 0.5) - 0.073 - 0.073
    assert rois(tmp_path)[0][0].capture.volume_ml == pytest.approx(look_s * 0.25 / 60)


def test_without_times_in_the_header_the_last_line_tells_the_volume(tmp_path: Path) -> None:
    write_bin(tmp_path, hdr="imagerID: 13\n")
    assert rois(tmp_path)[0][0].capture.volume_ml == pytest.approx(0.2)


def test_a_position_comes_from_the_header_if_there_is_one(tmp_path: Path) -> None:
    write_bin(tmp_path, hdr="gpsLatitude: 41.5\ngpsLongitude: -70.6\n")
    capture = rois(tmp_path)[0][0].capture
    assert (capture.latitude, capture.longitude) == (41.5, -70.6)


@pytest.mark.parametrize(
    ("name", "parts", "says"),
    [
        ("D20130526T095207_IFCB014", {"adc": ""}, "is empty"),
        ("D20130526T095207_IFCB014", {"adc": "1,2\n"}, "line 1, column 14: a number"),
        ("D20130526T095207_IFCB014", {"adc": "1," + "nan," * 22 + "\n"}, "line 1, column 2"),
        ("D20130526T095207_IFCB014", {"adc": "\x00\xff"}, "cannot be read|a number"),
        ("D20131326T095207_IFCB014", {}, "not that of a bin"),
        ("IFCB5_2012_400_081515", {}, "not that of a bin"),
        ("notes", {}, "not that of a bin"),
    ],
)
def test_a_bad_bin_is_told_and_the_next_one_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, parts: dict[str, str], says: str
) -> None:
    write_bin(tmp_path / "a", name, **parts)
    write_bin(tmp_path / "b")
    found, source = rois(tmp_path)
    assert len(found) == 2
    assert source.counts == Counter(taken=1, unreadable=1)
    (error,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"{name}.adc" in error.getMessage()
    assert any(part in error.getMessage() for part in says.split("|"))


@pytest.mark.parametrize("ending", ["roi", "hdr"])
def test_a_part_of_a_bin_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    write_bin(tmp_path)
    (tmp_path / f"{NEW}.{ending}").unlink()
    assert rois(tmp_path)[0] == []
    assert f"{NEW}.{ending} cannot be read" in caplog.text


def test_offsets_outside_of_the_file_cost_that_roi_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_bin(tmp_path, lines=[line(1, 3, 4, 0), line(2, 4, 4, 12), line(3, 3, 4, -1)])
    found, source = rois(tmp_path)
    assert [roi.frame_key for roi in found] == [f"{NEW}/1"]
    assert source.counts == Counter(taken=1, rois_refused=2)
    assert f"line 2: bytes 12 to 28 of {NEW}.roi, which has 24" in caplog.text


def test_no_bins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no bin"):
        IfcbCamera(tmp_path, camera="c")
    with pytest.raises(ConfigError, match="does not exist"):
        IfcbCamera(tmp_path / "nowhere", camera="c")


def test_real_bins_give_what_pyifcb_reads() -> None:
    data = os.environ.get("PLANKTON_TEST_DATA")
    root = next(Path(data).glob("**/ifcb_bins/expected.csv"), None) if data else None
    if root is None:
        pytest.skip("PLANKTON_TEST_DATA has no ifcb_bins")
    with root.open() as file:
        expected = Counter(tuple(row.values()) for row in csv.DictReader(file))
    found: Counter[tuple[str, ...]] = Counter()
    for roi in rois(root.parent)[0]:
        image = decode(roi.data, roi.content_type)
        height, width = image.shape
        name = str(roi.capture.source_file).removesuffix(".roi")
        digest = hashlib.sha256(image.tobytes()).hexdigest()
        found[name, str(roi.extra["roi_number"]), str(width), str(height), digest] += 1
    assert found == expected


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_new_bins_are_taken_when_they_are_whole(tmp_path: Path) -> None:
    later = "D20130526T101500_IFCB013"
    source = IfcbCamera(tmp_path, camera="ifcb", watch=True)
    items = iter(source)

    def look() -> set[str]:
        """The bins of what one look gives."""
        found = set()
        while (item := next(items)) is not None:
            found.add(item.frame_key.partition("/")[0])
        return found

    assert look() == set()
    write_bin(tmp_path / "2013")
    whole = (tmp_path / f"2013/{NEW}.roi").read_bytes()
    (tmp_path / f"2013/{NEW}.roi").write_bytes(whole[:5])  # the instrument is still at it
    write_bin(tmp_path / "2013", later)
    assert [look() for _ in range(3)] == [set()] * 3
    (tmp_path / f"2013/{NEW}.roi").write_bytes(whole)
    assert look() == set()
    assert look() == {NEW}, "whole, and the instrument has begun the next one"
    assert [look() for _ in range(3)] == [set()] * 3, "nothing says yet that the last one has ended"
    assert source.counts == Counter(taken=1)


def test_the_last_bin_is_taken_when_nothing_changes_and_a_broken_one_when_it_stays_so(
    tmp_path: Path,
) -> None:
    clock, last = Clock(), "D20130526T101500_IFCB013"
    growing = Growing(60.0, clock)
    write_bin(tmp_path, NEW)
    (tmp_path / f"{NEW}.hdr").unlink()
    write_bin(tmp_path, last)
    adcs = sorted(tmp_path.glob("*.adc"))
    assert list(growing.whole(adcs)) == []
    clock.now_s = 59.0
    assert list(growing.whole(adcs)) == []
    (tmp_path / f"{last}.roi").write_bytes(b"".join(map(bytes, PIXELS)) + b"more")
    assert list(growing.whole(adcs)) == []
    clock.now_s = 61.0
    assert list(growing.whole(adcs)) == [adcs[0]]
    clock.now_s = 120.0
    assert list(growing.whole(adcs)) == [adcs[1]]
    assert list(growing.whole(adcs)) == []
