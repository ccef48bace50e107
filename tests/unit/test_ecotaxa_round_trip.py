"""EcoTaxa: what the project exports comes in again with all that was known."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import (
    Box,
    Capture,
    GivenName,
    Image,
    LabelState,
    Measurements,
    Roi,
    image_id,
)
from plankton_stream.errors import ConfigError
from plankton_stream.exporting import export_ecotaxa
from plankton_stream.images import decode
from plankton_stream.ports import ImageFilter
from plankton_stream.testing import MemoryImageStore
from producers.ecotaxa.camera import EcotaxaImport

CAPTURE = Capture(
    camera="cam-1", instrument="UVP6 000129LP", project="tara", sample="station-7",
    captured_at=datetime(2023, 12, 20, 14, 3, 8, 199123, UTC), depth_m=12.25, latitude=43.685,
    longitude=-7.31, pixel_size_um=10.6, volume_ml=0.7, source_file="a/b.png",
)  # fmt: skip
BARE = Capture(camera="cam-1")


def picture(value: int, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, np.full((5, 7), value, np.uint8))[1].tobytes()


def an_image(capture: Capture, key: str, **more: object) -> Image:
    box = more.pop("box", None)
    return Image.model_validate({
        "image_id": image_id(capture, key, box), "capture": capture, "frame_key": key, "box": box,
        "content_type": "image/png", "byte_size": 9, "sha256": "0" * 64, "width_px": 7,
        "height_px": 5, "encoder": "e", "indexed_at": datetime(2024, 1, 1, tzinfo=UTC),
    } | more)  # fmt: skip


class House:
    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/catalog.sqlite"
        upgrade(url)
        self.catalog, self.store = Catalog(url), MemoryImageStore()

    def add(self, image: Image, data: bytes) -> Image:
        self.catalog.images.upsert([image])
        self.store.put(image.image_id, image.content_type, data)
        return image


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def rois(path: Path, **common: object) -> list[Roi]:
    return list(EcotaxaImport(path, camera="cam-1", **common))


def test_everything_comes_back(house: House, tmp_path: Path) -> None:
    extra = {"area": 31.5, "comment": "a 'b' \"c\"", "sample_id": "Station 7", "trigger": 4}
    full = house.add(an_image(CAPTURE, "frame/1", box=Box(4, 5, 7, 5), extra=extra), picture(10))
    bare = house.add(an_image(BARE, "frame-2"), picture(20))
    house.catalog.labels.apply(
        LabelRequest((full.image_id,), "copepod", LabelState.VALIDATED, "Ann Ó"),
    )
    out = tmp_path / "out.zip"
    done = export_ecotaxa(out, house.catalog, house.store, ImageFilter())
    assert (done.images, done.labelled, done.without_bytes) == (2, 1, 0)
    back = {roi.frame_key: roi for roi in rois(out)}
    assert back["frame/1"].capture == CAPTURE
    assert back["frame/1"].image_id == full.image_id
    assert back["frame/1"].box == full.box
    assert back["frame/1"].data == picture(10)
    assert back["frame/1"].extra == extra | {"acq_id": "cam-1"}
    name = back["frame/1"].name
    assert name is not None
    assert (name.taxon, name.state, name.who) == ("Copepoda", LabelState.VALIDATED, "Ann Ó")
    assert back["frame-2"].image_id == bare.image_id
    assert back["frame-2"].name is None


def test_when_a_name_was_given_survives_the_round_trip(house: House, tmp_path: Path) -> None:
    given = datetime(2019, 5, 6, 7, 8, 9, tzinfo=UTC)
    name = GivenName(taxon="Salpida", who="Ann", origin="EcoTaxa", at=given)
    image = house.add(an_image(BARE, "a"), picture(1))
    house.catalog.given_names.adopt({image.image_id: name})
    export_ecotaxa(tmp_path / "out.zip", house.catalog, house.store, ImageFilter())
    (roi,) = rois(tmp_path / "out.zip")
    assert roi.name == name
    house.catalog.given_names.adopt({image.image_id: name})
    assert len(house.catalog.labels.history(image.image_id)) == 1


MEASURED = Measurements(
    area_px=412.0, esd_px=22.904, major_px=30.5, minor_px=17.25, perimeter_px=81.7, solidity=0.9123,
    mean_grey=101.25, sharpness=7.5, area_um2=46292.32, esd_um=242.782, major_um=323.3,
    minor_um=182.85, perimeter_um=866.02,
)  # fmt: skip


def test_what_was_measured_comes_back_under_ecotaxas_names(house: House, tmp_path: Path) -> None:
    known = house.add(an_image(CAPTURE, "a", measurements=MEASURED), picture(1))
    bare = house.add(an_image(BARE, "b"), picture(2))
    out = tmp_path / "out.zip"
    export_ecotaxa(out, house.catalog, house.store, ImageFilter())
    with zipfile.ZipFile(out) as archive:
        names, types, *_ = archive.read("ecotaxa_export.tsv").decode().splitlines()
    kinds = dict(zip(names.split("\t"), types.split("\t"), strict=True))
    wanted = ("object_area", "object_major", "object_minor", "object_perim.", "object_mean")
    assert [kinds[name] for name in wanted] == ["[f]"] * 5
    back = {roi.image_id: roi for roi in rois(out)}
    assert back[known.image_id].measurements == MEASURED
    assert back[known.image_id].extra == {"acq_id": "cam-1"}
    assert back[bare.image_id].measurements is None


def test_another_programs_area_stays_what_it_was(house: House, tmp_path: Path) -> None:
    house.add(an_image(BARE, "a", extra={"area": 31.5, "major": 8.0}), picture(1))
    export_ecotaxa(tmp_path / "out.zip", house.catalog, house.store, ImageFilter())
    (roi,) = rois(tmp_path / "out.zip")
    assert roi.measurements is None
    assert roi.extra == {"area": 31.5, "major": 8.0, "acq_id": "cam-1"}


def test_a_filter_and_images_without_bytes(house: House, tmp_path: Path) -> None:
    kept = house.add(an_image(CAPTURE, "a"), picture(1))
    house.add(an_image(BARE, "b"), picture(2))
    lost = house.add(an_image(CAPTURE, "c"), picture(3))
    del house.store.data[lost.image_id, "image/png"]
    out = tmp_path / "out.zip"
    done = export_ecotaxa(out, house.catalog, house.store, ImageFilter(project="tara"))
    assert (done.images, done.without_bytes) == (1, 1)
    assert [roi.image_id for roi in rois(out)] == [kept.image_id]


def test_nothing_to_export_leaves_what_is_there(house: House, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    out.write_text("precious")
    with pytest.raises(ConfigError, match="No image matches"):
        export_ecotaxa(out, house.catalog, house.store, ImageFilter())
    with pytest.raises(ConfigError, match="cannot be written"):
        export_ecotaxa(tmp_path / "no" / "a.zip", house.catalog, house.store, ImageFilter())
    assert out.read_text() == "precious"
    assert list(tmp_path.glob("*.part")) == []


def test_a_tiff_is_exported_as_png_of_the_same_pixels(house: House, tmp_path: Path) -> None:
    image = an_image(BARE, "a", content_type="image/tiff")
    house.add(image, picture(9, ".tiff"))
    export_ecotaxa(tmp_path / "out.zip", house.catalog, house.store, ImageFilter())
    (roi,) = rois(tmp_path / "out.zip")
    assert roi.data.startswith(b"\x89PNG")
    assert decode(roi.data, "image/png").tolist() == np.full((5, 7), 9).tolist()
