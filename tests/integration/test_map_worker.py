"""`plankton worker map` as a process of its own on real Milvus: killed, it goes on where it was."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import new_id
from plankton_stream.maps import Place
from tests.contract.conftest import an_image
from tests.waiting import wait_until

pytestmark = pytest.mark.services

PATIENCE_S = 180.0
DIMENSION = 16
IMAGES = 300


class Process:
    """The worker, started as `plankton up` starts it."""

    def __init__(self, folder: Path, milvus: str) -> None:
        self._folder, self._milvus = folder, milvus
        self.run: subprocess.Popen[bytes] | None = None

    @property
    def catalog_url(self) -> str:
        return f"sqlite:///{self._folder / 'catalog.sqlite'}"

    def start(self) -> None:
        environment = {
            **os.environ, "PLANKTON_HOME": str(self._folder), "PLANKTON_MILVUS": self._milvus,
            "PLANKTON_CATALOG": self.catalog_url,
        }  # fmt: skip
        command = [sys.executable, "-m", "plankton_stream", "worker", "map"]
        with (self._folder / "map.log").open("ab") as log:
            self.run = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def stop(self, how: signal.Signals) -> int:
        assert self.run is not None
        self.run.send_signal(how)
        return self.run.wait(PATIENCE_S)

    def log(self) -> str:
        return (self._folder / "map.log").read_text()


@pytest.fixture
def process(tmp_path: Path, milvus: str) -> Iterator[Process]:
    process = Process(tmp_path, milvus)
    yield process
    if process.run is not None and process.run.poll() is None:
        process.stop(signal.SIGKILL)


@pytest.fixture
def catalog(process: Process) -> Iterator[Catalog]:
    upgrade(process.catalog_url)
    catalog = Catalog(process.catalog_url)
    yield catalog
    catalog.close()


@pytest.fixture
def index(milvus: str, catalog: Catalog) -> Iterator[MilvusIndex]:
    encoder = f"map-{new_id().lower()}"
    catalog.encoders.claim(encoder, DIMENSION)
    index = MilvusIndex(milvus, encoder=encoder, dimension=DIMENSION)
    yield index
    index.drop()
    index.close()


def add(catalog: Catalog, index: MilvusIndex, numbers: range) -> None:
    """Images around three directions."""
    images = [an_image(n) for n in numbers]
    noise = np.random.default_rng(numbers.start).normal(size=(len(images), DIMENSION))
    vectors = np.eye(DIMENSION)[np.arange(len(images)) % 3] + 0.05 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    catalog.images.upsert(images)
    index.upsert(images, vectors.astype(np.float32))


def places(catalog: Catalog) -> dict[str, Place]:
    live = catalog.maps.live()
    if live is None:
        return {}
    points = catalog.maps.points(live.map_id, most=10_000)
    return dict(zip(points.ids, zip(points.x, points.y, strict=True), strict=True))


def test_a_killed_worker_goes_on_and_one_that_is_asked_to_stop_stops(
    process: Process, catalog: Catalog, index: MilvusIndex
) -> None:
    add(catalog, index, range(IMAGES))
    process.start()

    def all_placed(number: int) -> bool:
        return len(places(catalog)) == number

    wait_until(lambda: all_placed(IMAGES), within_s=PATIENCE_S, what=process.log)
    process.stop(signal.SIGKILL)
    first, before = catalog.maps.live(), places(catalog)
    add(catalog, index, range(IMAGES, IMAGES + 50))
    process.start()
    wait_until(lambda: all_placed(IMAGES + 50), within_s=PATIENCE_S, what=process.log)
    assert catalog.maps.live() == first
    assert before.items() <= places(catalog).items()
    assert process.stop(signal.SIGTERM) == 0
