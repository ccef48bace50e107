"""The map worker on in-memory ports and SQLite, and what it projects with."""

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.maps import LEAST_IMAGES
from plankton_stream.testing import MemoryIndex
from tests.waiting import wait_until
from tests.web_parts import DIMENSION, START, Web, image, new_web
from workers.mapping.projection import Landmarks, StoppedError, fit
from workers.mapping.worker import MapWorker, keep_current


def groups(number: int, kinds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around `kinds` axes, and the kind of each."""
    random = np.random.default_rng(1)
    kind = np.arange(number) % kinds
    vectors = np.eye(DIMENSION)[kind] + 0.05 * random.normal(size=(number, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), kind


def neighbours_alike(places: np.ndarray, kind: np.ndarray) -> float:
    """Share of points whose nearest other point is of the same kind."""
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((kind[apart.argmin(axis=1)] == kind).mean())


def worker(web: Web, **more: object) -> MapWorker:
    return MapWorker(lambda: web.index, web.catalog, **more)  # type: ignore[arg-type]


def work(worker: MapWorker) -> None:
    for _ in range(1_000):
        if worker.step() == 0:
            return
    raise AssertionError("it never comes to rest")


def places(web: Web) -> dict[str, tuple[float, float]]:
    live = web.catalog.maps.live()
    assert live is not None
    points = web.catalog.maps.points(live.map_id, most=10_000)
    return dict(zip(points.ids, zip(points.x, points.y, strict=True), strict=True))


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return new_web(tmp_path)


# --- projection -----------------------------------------------------------------------------------


def test_look_alikes_lie_together() -> None:
    vectors, kind = groups(120)
    fitted = fit(vectors)
    assert fitted.shape == (120, 2)
    assert np.abs(fitted).max() == pytest.approx(1.0)
    assert neighbours_alike(fitted, kind) > 0.95
    assert np.array_equal(fit(vectors), fitted)


def test_a_new_fit_looks_like_the_one_before() -> None:
    vectors, kind = groups(200)
    before = fit(vectors[:100])
    after = fit(vectors, Landmarks(vectors[:100], before).place(vectors))
    for one in range(3):
        for other in range(one):
            old, new = (
                places[kind[: len(places)] == one].mean(axis=0)
                - places[kind[: len(places)] == other].mean(axis=0)
                for places in (before, after)
            )
            assert old @ new / np.linalg.norm(old) / np.linalg.norm(new) > 0.8


def test_others_are_placed_among_those_that_they_look_like() -> None:
    vectors, kind = groups(240)
    landmarks = Landmarks(vectors[:120], fit(vectors[:120]))
    placed = landmarks.place(vectors[120:])
    assert neighbours_alike(placed, kind[120:]) > 0.95
    same = landmarks.place(vectors[:1])
    assert np.isfinite(same).all()
    assert Landmarks(vectors[:1], np.zeros((1, 2))).place(vectors).tolist() == [[0.0, 0.0]] * 240


def test_images_that_are_all_the_same_have_a_place_too() -> None:
    assert np.isfinite(fit(np.repeat(groups(1)[0], 60, axis=0))).all()


def test_a_fit_can_be_stopped() -> None:
    with pytest.raises(StoppedError):
        fit(groups(60)[0], should_stop=lambda: True)


def test_the_worker_loads_neither_tensorflow_nor_what_fits_maps() -> None:
    code = (
        "import sys, workers.mapping.worker; "
        "sys.exit(bool({'tensorflow', 'openTSNE', 'sklearn', 'scipy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- worker ---------------------------------------------------------------------------------------


def test_there_is_no_map_of_few_images(web: Web) -> None:
    web.add([image(n) for n in range(LEAST_IMAGES - 1)])
    work(worker(web))
    assert web.catalog.maps.live() is None


def test_all_images_get_a_place_whether_they_were_fitted_or_not(web: Web) -> None:
    vectors, kind = groups(300)
    ids = web.add([image(n) for n in range(300)], vectors)
    work(worker(web, landmarks=100))
    live = web.catalog.maps.live()
    assert live is not None
    assert (live.encoder, live.images) == (web.index.encoder, 300)
    assert 50 <= len(web.catalog.maps.landmarks(live.map_id)) <= 100
    found = places(web)
    assert sorted(found) == sorted(ids)
    assert neighbours_alike(np.array([found[i] for i in ids]), kind) > 0.95


def test_what_arrives_is_placed_and_the_rest_stays(web: Web) -> None:
    vectors, _ = groups(80)
    web.add([image(n) for n in range(60)], vectors[:60])
    mapping = worker(web)
    work(mapping)
    before = places(web)
    late = web.add([image(n) for n in range(60, 80)], vectors[60:])
    work(mapping)
    after = places(web)
    assert sorted(after.keys() - before.keys()) == sorted(late)
    assert before.items() <= after.items()


def test_an_image_that_comes_late_is_placed_when_its_vector_is_there(web: Web) -> None:
    vectors, _ = groups(61)
    web.add([image(n) for n in range(60)], vectors[:60])
    mapping = worker(web)
    work(mapping)
    late = image(60, indexed_at=START + timedelta(seconds=30))  # before others that have a place
    web.catalog.images.upsert([late])
    work(mapping)
    assert late.image_id not in places(web)
    web.index.upsert([late], vectors[60:])
    work(mapping)
    assert late.image_id in places(web)


def test_a_restart_fits_nothing_again_and_goes_on(web: Web) -> None:
    vectors, _ = groups(150)
    web.add([image(n) for n in range(100)], vectors[:100])
    first = worker(web, landmarks=60)
    first.step()  # fitted, and killed before anything else was placed
    filling = web.catalog.maps.filling()
    assert filling is not None
    second = worker(web, landmarks=60)
    work(second)
    live = web.catalog.maps.live()
    assert live is not None
    assert live.map_id == filling.map_id
    before = places(web)
    assert len(before) == 100
    web.add([image(n) for n in range(100, 150)], vectors[100:])
    work(worker(web, landmarks=60))
    assert before.items() <= places(web).items()
    assert len(places(web)) == 150


def test_a_collection_that_doubled_is_fitted_again(web: Web) -> None:
    vectors, _ = groups(120)
    web.add([image(n) for n in range(60)], vectors[:60])
    mapping = worker(web)
    work(mapping)
    first = web.catalog.maps.live()
    web.add([image(n) for n in range(60, 120)], vectors[60:])
    work(mapping)
    second = web.catalog.maps.live()
    assert first is not None
    assert second is not None
    assert (first.images, second.images) == (60, 120)
    assert web.catalog.maps.count(first.map_id) == 0
    assert len(places(web)) == 120


def test_another_encoder_gets_a_map_of_its_own_while_the_old_one_is_shown(web: Web) -> None:
    vectors, _ = groups(60)
    images = [image(n) for n in range(60)]
    web.add(images, vectors)
    mapping = worker(web)
    work(mapping)
    web.index = MemoryIndex("another")
    mapping.step()
    live = web.catalog.maps.live()
    assert live is not None
    assert live.encoder != "another"
    web.index.upsert(images, vectors[::-1])
    work(mapping)
    live = web.catalog.maps.live()
    assert live is not None
    assert live.encoder == "another"
    assert len(places(web)) == 60


def test_it_works_on_until_it_is_stopped_also_while_the_index_is_away(web: Web) -> None:
    web.add([image(n) for n in range(60)], groups(60)[0])
    web.index.available = False
    stop = threading.Event()
    thread = threading.Thread(target=keep_current, args=(worker(web), stop))
    thread.start()
    try:
        web.index.available = True
        wait_until(web.catalog.maps.live, within_s=60, what="no map is shown")
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
