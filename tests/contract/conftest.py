"""What the contract suites share: images to index, and vectors for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from plankton_stream.domain import Box, Capture, Image, LabelState, Naming, image_id
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
