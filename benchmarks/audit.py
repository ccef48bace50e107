"""How long an audit of many images takes and how much memory: `python benchmarks/audit.py 100000`.

The catalog is real (SQLite on this disk); log, image store and vector index answer from memory at
once and remember nothing, so what is measured is the audit itself. Every hundredth vector is
missing.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.audit.look import audit
from plankton_stream.audit.parts import Parts
from plankton_stream.domain import Box, Capture, Cut, Image, Naming, image_id
from plankton_stream.events.envelope import now
from plankton_stream.testing import MemoryImageStore, MemoryLog, MemoryLogReader

_ROIS_A_FRAME = 10
_PAGE = 5_000


class HundredthMissing:
    """A vector index that has all images but every hundredth."""

    encoder = "bench"

    def namings(self, ids: Sequence[str]) -> dict[str, Naming]:
        """What it calls the images that it has."""
        return {one: Naming() for one in ids if hash(one) % 100}


class FullStore(MemoryImageStore):
    """An image store that has every image."""

    def size(self, image_id: str, content_type: str) -> int | None:
        """Of any image."""
        del image_id, content_type
        return 1_000


def fill(catalog: Catalog, count: int) -> None:
    """Frames with ten ROIs each, all of them indexed."""
    page: list[Image] = []
    for number in range(count // _ROIS_A_FRAME):
        seen = Capture(camera=f"cam-{number % 4}", sample=f"s-{number % 50}", captured_at=now())
        key, boxes = f"{number:08d}", tuple(Box(n, 0, 9, 9) for n in range(_ROIS_A_FRAME))
        catalog.cuts.record(Cut(capture=seen, frame_key=key, boxes=boxes))
        page += [an_image(seen, key, box) for box in boxes]
        if len(page) >= _PAGE:
            catalog.images.upsert(page)
            page = []
    catalog.images.upsert(page)


def an_image(seen: Capture, key: str, box: Box) -> Image:
    """As an embed worker would have made it."""
    return Image(
        image_id=image_id(seen, key, box), capture=seen, frame_key=key, box=box,
        content_type="image/png", byte_size=1_000, sha256="0" * 64, width_px=9, height_px=9,
        encoder="bench", indexed_at=now(),
    )  # fmt: skip


def main(count: int) -> None:
    """Fill a catalog, and audit it."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'catalog.sqlite'}"
        upgrade(url)
        catalog = Catalog(url)
        catalog.encoders.claim("bench", 16)
        fill(catalog, count)
        before_mb = peak_mb()
        index: Any = HundredthMissing()
        parts = Parts(
            log=MemoryLogReader(MemoryLog()), catalog=catalog,
            store=FullStore(), open_index=lambda _encoder, _dimension: index,
        )  # fmt: skip
        began_s = time.monotonic()
        found = audit(parts)
        took_s = time.monotonic() - began_s
        print(
            f"{count:,} images: {took_s:.0f} s, {count / took_s:,.0f} images/s; "
            f"{found.missing:,} missing; memory {before_mb:.0f} MB before, at most "
            f"{peak_mb():.0f} MB"
        )


def peak_mb() -> float:
    """Most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
