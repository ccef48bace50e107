"""Weights of encoder versions: kept in the store, found again, never mistaken for others."""

import errno
import os
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from plankton_stream.adapters.embedding import HttpQueryEncoder
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.adapters.weights import WeightsStore
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.testing import MemoryIndex
from plankton_stream.versions import EncoderSpec
from tests.services import some_free_port
from workers.encoders import load_encoder
from workers.endpoint import serve
from workers.versions import weights
from workers.versions.loaded import LoadedVersions, Version
from workers.versions.publishing import publish


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(f"file://{tmp_path / 'encoders'}")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    return Catalog(url)


def test_a_file_is_stored_once_and_found_by_its_name(tmp_path: Path, store: WeightsStore) -> None:
    file = tmp_path / "mine.keras"
    file.write_bytes(b"weights")
    name = store.put(file)
    assert name.endswith(".keras")
    assert store.put(file) == name
    file.unlink()
    assert store.fetch(name).read_bytes() == b"weights"
    assert files_in(tmp_path / "encoders") == [name]


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_has_its_name_only_when_it_is_safe_on_the_disk(
    tmp_path: Path, store: WeightsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.keras"
    file.write_bytes(b"weights")
    on_disk: list[str] = []

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    def noted(descriptor: int) -> None:
        on_disk.append(Path(f"/proc/self/fd/{descriptor}").resolve().parent.name)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RetryableError, match="no space left"):
            store.put(file)
    assert not [name for name in files_in(tmp_path / "encoders") if name.endswith(".keras")]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", noted)
        store.put(file)
    assert on_disk == [".parts", tmp_path.name], "the file, then the folder with its name"


def test_what_a_killed_writer_left_is_swept_and_what_is_being_written_stays(tmp_path: Path) -> None:
    parts = tmp_path / "encoders" / ".parts"
    parts.mkdir(parents=True)
    for name, age_s in (("old", 3_600), ("new", 0)):
        (parts / name).write_bytes(b"half")
        at_s = time.time() - age_s
        os.utime(parts / name, (at_s, at_s))
    WeightsStore(f"file://{tmp_path / 'encoders'}")
    assert files_in(parts) == ["new"]


def test_a_store_elsewhere_gives_a_copy(tmp_path: Path) -> None:
    store = WeightsStore("memory://encoders")
    file = tmp_path / "mine.keras"
    file.write_bytes(b"model")
    copy = store.fetch(store.put(file))
    assert (copy.suffix, copy.read_bytes()) == (".keras", b"model")


def test_a_stored_file_that_is_gone_or_changed_is_said(tmp_path: Path, store: WeightsStore) -> None:
    file = tmp_path / "a.keras"
    file.write_bytes(b"model")
    name = store.put(file)
    store.fetch(name).write_bytes(b"other")
    with pytest.raises(ConfigError, match="changed"):
        store.fetch(name)
    with pytest.raises(ConfigError, match="PLANKTON_ENCODER_STORE"):
        store.fetch("nothing.keras")
    with pytest.raises(ConfigError, match="PLANKTON_ENCODER_STORE"):
        WeightsStore("nosuch://x")


def test_a_published_encoder_outlives_its_file_and_answers_for_its_version(
    catalog: Catalog, store: WeightsStore, tmp_path: Path
) -> None:
    """Published by the path of its weights, loaded by a worker, asked over HTTP."""
    shipped = load_encoder("compact", "shipped", 4)
    spec = weights.keep_copy(shipped, "compact", "shipped", store)
    catalog.encoders.claim(shipped.identity.id, 256, spec)
    file = tmp_path / "mine.weights.h5"
    load_encoder("compact", "random", 4).model.save_weights(file)  # type: ignore[attr-defined]
    new = publish(
        "compact", str(file), catalog=catalog, store=store, batch_size=4, who="ann"
    )  # fmt: skip
    file.unlink()
    versions = LoadedVersions(
        catalog, lambda v: Version(weights.load(v, store, 4), MemoryIndex(v.encoder))
    )
    versions.refresh()
    assert [version.id for version in versions.written()] == [shipped.identity.id, new.encoder]
    port = some_free_port()
    server = serve(versions, "127.0.0.1", port)
    url = f"http://127.0.0.1:{port}"
    picture = np.full((20, 30), 200, np.uint8)
    cv2.circle(picture, (15, 10), 6, 60, -1)
    png = cv2.imencode(".png", picture)[1].tobytes()
    try:
        for version in versions.written():
            vector = HttpQueryEncoder(url).encode(png, "image/png", version.id)
            assert np.allclose(vector, version.encoder.encode([picture])[0], atol=1e-4)
        with pytest.raises(RetryableError, match="503"):
            HttpQueryEncoder(url).encode(png, "image/png", "unknown")
        assert httpx.get(f"{url}/healthz").text == shipped.identity.id
        plain = httpx.post(f"{url}/embed", content=png, headers={"Content-Type": "image/png"})
        assert plain.headers["Encoder"] == shipped.identity.id
    finally:
        server.shutdown()
        server.server_close()


def test_weights_that_give_another_version_are_refused(
    catalog: Catalog, store: WeightsStore
) -> None:
    encoder = load_encoder("compact", "random", 4)
    spec = weights.keep_copy(encoder, "compact", "random", store)
    version = catalog.encoders.claim("compact-v0-12345678", 256, spec)
    with pytest.raises(ConfigError, match=r"compact-v3.*compact-v0-12345678"):
        weights.load(version, store, 4)
    with pytest.raises(ConfigError, match="never stored"):
        weights.load(version.model_copy(update={"file": ""}), store, 4)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("compact", "nowhere.weights.h5", "no encoder weights"),
        ("nothing", "shipped", "no encoder 'nothing'"),
        ("compact", "imagenet", "no ImageNet weights"),
    ],
)
def test_a_bad_encoder_changes_nothing(
    catalog: Catalog, store: WeightsStore, name: str, given: str, said: str
) -> None:
    catalog.encoders.claim("live", 256, EncoderSpec(file="x"))
    with pytest.raises(ConfigError, match=said):
        publish(name, given, catalog=catalog, store=store, batch_size=4, who="ann")
    assert [version.encoder for version in catalog.encoders.all()] == ["live"]


def test_weights_of_another_architecture_change_nothing(
    catalog: Catalog, store: WeightsStore, tmp_path: Path
) -> None:
    from workers.encoders.runtime import keras

    catalog.encoders.claim("live", 256, EncoderSpec(file="x"))
    file = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save_weights(file)
    with pytest.raises(ConfigError, match="another architecture"):
        publish("compact", str(file), catalog=catalog, store=store, batch_size=4, who="ann")
    assert [version.encoder for version in catalog.encoders.all()] == ["live"]


def test_the_live_encoder_can_not_be_published(catalog: Catalog, store: WeightsStore) -> None:
    encoder = load_encoder("compact", "random", 4)
    spec = weights.keep_copy(encoder, "compact", "random", store)
    catalog.encoders.claim(encoder.identity.id, 256, spec)
    with pytest.raises(ConfigError, match="live already"):
        publish("compact", "random", catalog=catalog, store=store, batch_size=4, who="ann")
