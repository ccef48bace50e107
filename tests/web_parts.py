"""The web application over SQLite and the in-memory ports, and images to fill it with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from flask import Flask

from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import Capture, Image, image_id
from plankton_stream.images import encode_png
from plankton_stream.ports import Vector
from plankton_stream.settings import Settings
from plankton_stream.testing import FixedQueryEncoder, MemoryImageStore, MemoryIndex
from web.app import create_app
from web.lag import Lag
from web.live import Live
from web.news import News
from web.parts import Parts
from web.streaming import Streams
from web.totals import Totals

DIMENSION = 8
START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
QUERY = np.eye(DIMENSION, dtype=np.float32)[0]


@dataclass
class Web:
    """An application and what is behind it; `lag` is what Kafka would say."""

    catalog: Catalog
    index: MemoryIndex = field(default_factory=MemoryIndex)
    store: MemoryImageStore = field(default_factory=MemoryImageStore)
    live: Live = field(default_factory=Live)
    lag: Lag = field(default_factory=Lag)
    clock_s: float = 0.0
    news: News = field(default_factory=News)
    streams: Streams = field(default_factory=Streams)
    encoder: FixedQueryEncoder = field(default_factory=lambda: FixedQueryEncoder(QUERY))

    def app(self, settings: Settings | None = None, *, user: str = "ada") -> Flask:
        """The application over these parts."""
        parts = Parts(
            catalog=self.catalog,
            index=lambda: self.index,
            store=self.store,
            encoder=self.encoder,
            live=self.live,
            totals=Totals(self.catalog, self.live, lambda: self.lag, clock_s=lambda: self.clock_s),
            user=user,
            news=self.news,
            streams=self.streams,
        )
        return create_app(parts, settings or Settings(auth="none", _env_file=None))

    def add(self, images: Sequence[Image], vectors: Vector | None = None) -> list[str]:
        """Index images; their pictures are grey squares, their vectors turn away from `QUERY`."""
        if vectors is None:
            vectors = np.stack([turned(0.01 * n) for n in range(len(images))])
        self.catalog.images.upsert(images)
        self.index.upsert(images, vectors)
        for number, image in enumerate(images):
            self.store.put(image.image_id, image.content_type, picture(number))
        return [image.image_id for image in images]


def new_web(folder: Path) -> Web:
    """An application without images, with the starter taxa."""
    url = f"sqlite:///{folder / 'catalog.sqlite'}"
    upgrade(url)
    catalog = Catalog(url)
    catalog.encoders.claim("test-encoder", DIMENSION)
    return Web(catalog)


def turned(angle: float) -> Vector:
    """A unit vector at an angle (radians) from `QUERY`."""
    return np.float32([np.cos(angle), np.sin(angle), *[0] * (DIMENSION - 2)])


def picture(number: int) -> bytes:
    """A PNG of 48 by 32 pixels."""
    pixels = np.full((32, 48), 40 + (number * 7) % 180, np.uint8)
    pixels[8:24, 12:36] = 230
    return encode_png(pixels)


def image(number: int, **changes: object) -> Image:
    """The image with a number: captured `number` seconds after `START`, indexed a second later."""
    capture_fields = {k: v for k, v in changes.items() if k in Capture.model_fields}
    capture = Capture(
        **{"camera": "cam-1", "captured_at": START + timedelta(seconds=number)} | capture_fields
    )
    key = f"frame-{number:06d}"
    values = {
        "image_id": image_id(capture, key, None), "capture": capture, "frame_key": key,
        "content_type": "image/png", "byte_size": len(picture(number)), "sha256": f"{number:064x}",
        "width_px": 48, "height_px": 32, "encoder": "test-encoder",
        "indexed_at": START + timedelta(seconds=number + 1),
    }  # fmt: skip
    return Image(**values | {k: v for k, v in changes.items() if k in Image.model_fields})
