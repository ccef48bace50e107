"""`ImageStore`: one suite over a folder, fsspec's memory and the in-memory store."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.domain import new_id
from plankton_stream.errors import ConfigError, NotFoundError, RejectedError, RetryableError
from plankton_stream.ports import ImageStore
from plankton_stream.testing import MemoryImageStore

PNG = "image/png"


@pytest.fixture(params=["dictionary", "folder", "fsspec memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ImageStore:
    if request.param == "dictionary":
        return MemoryImageStore()
    url = f"file://{tmp_path}/images" if request.param == "folder" else f"memory://{new_id()}"
    return FileImageStore(url)


def test_bytes_come_back_as_they_were(store: ImageStore) -> None:
    ids = [new_id() for _ in range(20)]
    for number, image_id in enumerate(ids):
        store.put(image_id, ("image/png", "image/jpeg", "image/tiff")[number % 3], bytes([number]))
    assert store.get(ids[4], "image/jpeg") == b"\4"
    assert sorted(store.ids()) == sorted(ids)


def test_storing_again_replaces(store: ImageStore) -> None:
    image_id = new_id()
    store.put(image_id, PNG, b"a longer one")
    store.put(image_id, PNG, b"short")
    assert store.get(image_id, PNG) == b"short"
    assert list(store.ids()) == [image_id]


def test_an_empty_store_has_no_ids(store: ImageStore) -> None:
    assert list(store.ids()) == []


def test_an_unknown_image_is_not_found(store: ImageStore) -> None:
    store.put(new_id(), PNG, b"x")
    with pytest.raises(NotFoundError, match="01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        store.get("01ARZ3NDEKTSV4RRFFQ69G5FAV", PNG)


def test_other_types_are_rejected(store: ImageStore) -> None:
    with pytest.raises(RejectedError, match="text/html"):
        store.put(new_id(), "text/html", b"x")
    with pytest.raises(RejectedError, match="text/html"):
        store.get(new_id(), "text/html")


def test_a_reader_never_sees_part_of_an_image_however_many_write_it(store: ImageStore) -> None:
    """Two workers write the same image at once after a rebalance."""
    image_id, whole = new_id(), b"p" * 3_000_000
    store.put(image_id, PNG, whole)
    done = threading.Event()

    def write(_: int) -> None:
        for _ in range(30):
            store.put(image_id, PNG, whole)

    def read() -> set[int]:
        sizes = set()
        while not done.is_set():
            sizes.add(len(store.get(image_id, PNG)))
            assert set(store.ids()) == {image_id}
        return sizes

    with ThreadPoolExecutor(4) as pool:
        reader = pool.submit(read)
        try:
            list(pool.map(write, range(3)))
        finally:
            done.set()
        assert reader.result() == {len(whole)}


def test_what_a_killed_writer_left_is_no_image(tmp_path: Path) -> None:
    store = FileImageStore(f"file://{tmp_path}")
    image_id = new_id()
    store.put(image_id, PNG, b"whole")
    left = tmp_path / ".parts" / new_id()
    left.write_bytes(b"who")
    assert list(store.ids()) == [image_id]
    os.utime(left, (0, 0))
    FileImageStore(f"file://{tmp_path}")
    assert not left.exists()


def test_a_store_that_takes_nothing_is_retried(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where a folder should be")
    with pytest.raises(RetryableError, match="not written"):
        FileImageStore(f"file://{tmp_path}/images").put(new_id(), PNG, b"x")


def test_an_unknown_kind_of_store_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="PLANKTON_IMAGES"):
        FileImageStore("nonsense://bucket")


def test_a_size_needs_no_bytes_and_a_removed_image_has_none(store: ImageStore) -> None:
    image_id, other = new_id(), new_id()
    for one in (image_id, other):
        store.put(one, PNG, b"12345")
    assert store.size(image_id, PNG) == 5
    for _ in range(2):  # harmless when repeated
        store.remove(image_id, PNG)
    assert store.size(image_id, PNG) is None
    assert list(store.ids()) == [other]
    with pytest.raises(NotFoundError):
        store.get(image_id, PNG)
