"""What progress and the map cost on many images: `python benchmarks/insight.py 100000`.

A catalog on SQLite: 60% of the images validated by three people, the others with a proposal, all on
a map. Prints the processor time of each question, the least of three tries: what else the machine
does is not counted.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import Capture, Image, LabelState, image_id
from plankton_stream.events.envelope import now
from plankton_stream.ports import ImageFilter
from plankton_stream.predictions import Prediction
from web.mapping import encode

Answer = TypeVar("Answer")

_START = datetime(2026, 5, 1, tzinfo=UTC)
_PAGE = 5_000
_HOUR = timedelta(hours=1)


def an_image(number: int, chance: random.Random) -> Image:
    """One of four cameras, some second, some depth."""
    seen = Capture(
        camera=f"cam-{number % 4}", captured_at=_START + timedelta(seconds=number),
        depth_m=chance.uniform(0, 300),
    )  # fmt: skip
    key = f"{number:08d}"
    return Image(
        image_id=image_id(seen, key, None), capture=seen, frame_key=key, content_type="image/png",
        byte_size=1_000, sha256="0" * 64, width_px=60, height_px=60, encoder="bench",
        indexed_at=now(),
    )  # fmt: skip


def fill(catalog: Catalog, count: int) -> str:
    """Images with labels, proposals and places; returns the map's id."""
    chance = random.Random(0)
    taxa = [taxon.key for taxon in catalog.taxa.all()]
    made = catalog.maps.begin("bench", count, {})
    for start in range(0, count, _PAGE):
        page = [an_image(n, chance) for n in range(start, min(count, start + _PAGE))]
        catalog.images.upsert(page)
        ids = [image.image_id for image in page]
        places = {i: (chance.gauss(0, 0.3), chance.gauss(0, 0.3)) for i in ids}
        catalog.maps.place(made.map_id, places)
        named = ids[: len(ids) * 6 // 10]
        for n, who in enumerate(("ann", "ben", "cat")):
            taxon = taxa[min(int(chance.expovariate(0.15)), len(taxa) - 1)]
            request = LabelRequest(tuple(named[n::3]), taxon, LabelState.VALIDATED, who=who)
            catalog.labels.apply(request)
        catalog.predictions.put(
            [
                Prediction(
                    image_id=i, taxon=chance.choice(taxa), score=chance.random(), margin=0.1,
                    nearest=0.1, crowd=1.0, evidence=(), encoder="bench", voted_at=now(),
                )
                for i in ids[len(named) :]
            ]
        )  # fmt: skip
    catalog.maps.show(made.map_id)
    return made.map_id


def timed(what: str, ask: Callable[[], Answer]) -> Answer:
    """Ask three times and print the least processor time."""
    times = []
    for _ in range(3):
        before = time.process_time()
        answer = ask()
        times.append(time.process_time() - before)
    print(f"{what:40} {min(times) * 1e3:8.1f} ms")
    return answer


def main() -> None:
    """Fill a catalog and ask it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'catalog.sqlite'}"
        upgrade(url)
        catalog = Catalog(url)
        map_id = fill(catalog, count)
        progress, maps = catalog.progress, catalog.maps
        taxa = [taxon.key for taxon in catalog.taxa.all()]
        hours = {"after": now() - 48 * _HOUR, "before": now() + _HOUR}
        timed("labels by hour and person", lambda: progress.given(_HOUR, **hours))
        timed("images by camera, taxon and state", progress.named)
        timed("proposals by taxon", catalog.predictions.expected)
        timed("all taxa over time and depth", lambda: progress.spread(taxa))
        points = timed("map: points from SQL", lambda: maps.points(map_id, most=count))
        data = timed("map: points to binary", lambda: encode(map_id, points))
        print(f"{'map: size of the answer':40} {len(data) / 1e6:8.1f} MB")
        only = ImageFilter(camera="cam-1")
        timed("map: one camera of four", lambda: maps.points(map_id, only, most=count))
        timed("map: nothing new", lambda: maps.points(map_id, most=count, since=now()))
        timed("map: looking for images without a place", lambda: maps.unplaced(map_id, 1_000))


if __name__ == "__main__":
    main()
