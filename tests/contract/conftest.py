"""What the contract suites share: images to index, vectors for them, an empty catalog."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import Box, Capture, Image, LabelState, Naming, image_id, new_id
from plankton_stream.ports import Vector

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def an_image(number: int, *, naming: Naming | None = None, **capture: Any) -> Image:
    """Image number so-and-so of a camera; `capture` says what is known about it."""
    seen = Capture(**{"camera": "cam-1", "captured_at": NOON + timedelta(seconds=number)} | capture)
    box = Box(number, 0, 10, 20)
    return Image(
        image_id=image_id(seen, f"frame-{number}", box), capture=seen, frame_key=f"frame-{number}",
        box=box, content_type="image/png", byte_size=100 + number, sha256=f"{number:064x}",
        width_px=10, height_px=20, encoder="enc-1", indexed_at=NOON + timedelta(seconds=number),
        naming=naming or Naming(),
    )  # fmt: skip


def named(taxon: str, state: LabelState = LabelState.VALIDATED) -> Naming:
    return Naming(taxon=taxon, state=state)


@pytest.fixture(scope="session")
def vectors() -> Vector:
    """200 unit vectors, float32 (200, 16)."""
    some = np.random.default_rng(7).normal(size=(200, 16)).astype(np.float32)
    return some / np.linalg.norm(some, axis=1, keepdims=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/catalog.sqlite"
        return
    server = sa.make_url(request.getfixturevalue("postgres"))
    name = f"t{new_id().lower()}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def url(empty_url: str) -> str:
    """A new database with tables."""
    upgrade(empty_url)
    return empty_url


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    catalog = Catalog(url)
    yield catalog
    catalog.close()


@pytest.fixture
def images(catalog: Catalog) -> list[Image]:
    """Five indexed images."""
    images = [an_image(n) for n in range(5)]
    catalog.images.upsert(images)
    return images


def asked(*images: Image, taxon: str = "copepod", **more: Any) -> LabelRequest:
    ids = tuple(image.image_id for image in images)
    return LabelRequest(**{"image_ids": ids, "taxon": taxon, "state": LabelState.VALIDATED, "who": "ann"} | more)  # fmt: skip  # noqa: E501


def naming(catalog: Catalog, image: Image) -> Naming:
    return catalog.images.get([image.image_id])[image.image_id].naming


def events(catalog: Catalog) -> list[Any]:
    return [row.fact for row in catalog.outbox.waiting(100_000)]


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do something in several threads at the same moment."""
    barrier = threading.Barrier(count)

    def start(number: int) -> Any:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))
