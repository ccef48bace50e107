"""Sheets of small pictures over the API, and what is kept of them."""

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

from plankton_stream import images as pixels
from plankton_stream.images import Pixels, fitted, sheet
from plankton_stream.testing import MemoryImageStore
from tests.web_parts import Web, image, picture
from web.thumbnails import Thumbnails

UNKNOWN = "01AN4Z07BY79KA1307SR9X4MV3"


def cells(data: bytes, size: int, columns: int) -> list[Pixels]:
    """The cells of a sheet, row by row."""
    whole = pixels.decode(data, "image/jpeg")
    return [
        whole[top : top + size, left : left + size]
        for top in range(0, whole.shape[0], size)
        for left in range(0, columns * size, size)
    ]


def test_a_sheet_has_each_picture_in_its_cell(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(5)])
    asked = ",".join(reversed(added))
    answer = client.get(f"/api/v1/thumbnails?ids={asked}&size=64&columns=3")
    assert answer.mimetype == "image/jpeg"
    found = cells(answer.data, 64, 3)
    assert len(found) == 6
    for number, cell in zip(range(4, -1, -1), found, strict=False):
        wanted = pixels.decode(picture(number), "image/png").astype(int)
        assert np.abs(cell[:32, :48].astype(int) - wanted).mean() < 3, "not enlarged, at the corner"
        assert np.abs(cell[40:].astype(int) - 128).max() < 12, "nothing beside it"


def test_large_pictures_are_scaled_down_and_colours_stay(web: Web, client: FlaskClient) -> None:
    grey, red = web.add([image(0), image(1, content_type="image/tiff")])
    tiff = cv2.imencode(".tiff", np.full((300, 500, 3), (0, 0, 200), np.uint8))[1].tobytes()
    web.store.put(red, "image/tiff", tiff)
    answer = client.get(f"/api/v1/thumbnails?ids={red},{grey}&size=96&columns=2")
    first, second = cells(answer.data, 96, 2)
    assert first[:48].reshape(-1, 3).mean(axis=0) == pytest.approx([0, 0, 200], abs=6)
    assert first[70:].mean() == pytest.approx(128, abs=4)
    assert np.ptp(second[:32, :48].astype(int), axis=2).max() < 12, "grey stays grey"


def test_missing_pictures_are_numbered(web: Web, client: FlaskClient) -> None:
    first, second, third = web.add([image(n) for n in range(3)])
    web.store.remove(first, "image/png")
    web.store.put(third, "image/png", b"no picture")
    answer = client.get(f"/api/v1/thumbnails?ids={first},{second},{UNKNOWN},{third}")
    assert answer.status_code == 200
    assert answer.headers["Missing"] == "0,2,3"
    refused = client.get(f"/api/v1/thumbnails?ids={first},{second}&whole=true")
    assert refused.status_code == 404
    assert "1 of 2 pictures are missing" in refused.text
    web.store.put(first, "image/png", picture(0))
    answer = client.get(f"/api/v1/thumbnails?ids={first},{second}&whole=true")
    assert "Missing" not in answer.headers, "found once it is there"


def test_a_sheet_that_is_known_is_not_sent_again(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(2)])
    url = f"/api/v1/thumbnails?ids={','.join(added)}"
    answer = client.get(url)
    assert "max-age" in answer.headers["Cache-Control"]
    known = {"If-None-Match": answer.headers["ETag"]}
    again = client.get(url, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    web.catalog.images.upsert([image(0, sha256="f" * 64)])
    assert client.get(url, headers=known).status_code == 200, "other bytes under the same id"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "ids"),
        ("ids=", "ids"),
        ("ids=nonsense", "ids"),
        (f"ids={UNKNOWN},{UNKNOWN}", "given twice"),
        (f"ids={UNKNOWN}&size=2000", "less than or equal to 256"),
        ("ids=" + ",".join(f"01AN4Z07BY79KA1307SR9X{n:04d}" for n in range(101)), "2699"),
    ],
)
def test_bad_sheets_say_what_is_allowed(client: FlaskClient, query: str, says: str) -> None:
    answer = client.get(f"/api/v1/thumbnails?{query}")
    assert answer.status_code == 422
    assert says in answer.text


class CountingStore(MemoryImageStore):
    """Counts what is read."""

    reads = 0

    def get(self, image_id: str, content_type: str) -> bytes:
        self.reads += 1
        return super().get(image_id, content_type)


def test_what_is_kept_is_bounded_and_the_last_used_stay() -> None:
    store = CountingStore()
    sources = {str(n): ("image/png", f"{n:064x}") for n in range(6)}
    for number in range(6):
        store.put(str(number), "image/png", picture(number))
    kept = Thumbnails(most_bytes=4 * 48 * 32)
    assert set(kept.get(store, sources, 64)) == set(sources)
    assert store.reads == 6
    kept.get(store, {n: sources[n] for n in "2345"}, 64)
    assert store.reads == 6, "the last four are kept"
    kept.get(store, {"2": sources["2"]}, 64)
    kept.get(store, {"0": sources["0"]}, 64)  # takes the place of 3, not of 2
    kept.get(store, {"2": sources["2"]}, 64)
    assert store.reads == 7
    kept.get(store, {"2": sources["2"]}, 32)
    assert store.reads == 8, "another size is another picture"


@pytest.mark.parametrize(
    ("size", "expected"), [((48, 32), (48, 32)), ((500, 300), (100, 60)), ((1, 3000), (1, 100))]
)
def test_where_a_picture_ends(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted(*size, 100) == expected


def test_a_sheet_of_nothing_readable_is_grey() -> None:
    assert sheet([None, None, None], 16, 2).shape == (32, 32)
