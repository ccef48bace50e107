"""Fills a running stack with images past Kafka and encoder: bytes, vectors, rows, proposals."""

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
from vignettes import Vignette, drawn, indexed, varied, vectors

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog
from plankton_stream.adapters.sql.labels import LabelRequest
from plankton_stream.domain import Image, LabelState
from plankton_stream.events.envelope import now
from plankton_stream.predictions import Prediction
from plankton_stream.settings import Settings
from plankton_stream.taxa import STARTER
from plankton_stream.votes import Voter

CAMERAS = 5
_DRAWN = 2_000
_AT_ONCE = 2_000
_WRITERS = 8
_START = datetime(2026, 5, 1, tzinfo=UTC)
_EVERY = timedelta(seconds=20)
_NAMED = 50  # one of so many is labelled: without any label the worker takes all proposals back
_KEYS = {taxon.key for taxon in STARTER}


def fill(settings: Settings, images: int) -> None:
    """Add images until the catalog has so many; prints how fast.

    Raises:
        SystemExit: no embed worker has started yet, so there is no index.
    """
    catalog = Catalog(settings.catalog_url)
    live = catalog.encoders.live()
    if live is None:
        raise SystemExit("there is no live encoder yet: is the stack up?")
    encoder, dimension = live
    index = MilvusIndex(
        settings.milvus_uri, encoder=encoder, dimension=dimension, token=settings.milvus_token,
        candidates=settings.search_candidates,
    )  # fmt: skip
    store = FileImageStore(settings.images_url)
    have = catalog.images.count()
    if have >= images:
        return
    base, start = drawn(_DRAWN), time.perf_counter()
    for first in range(have, images, _AT_ONCE):
        numbers = list(range(first, min(first + _AT_ONCE, images)))
        some = [varied(base, number) for number in numbers]
        made = [_indexed(one, number, encoder) for one, number in zip(some, numbers, strict=True)]
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(lambda one: store.put(one[0].image_id, "image/png", one[1]), made))
        rows = [image for image, _ in made]
        index.upsert(rows, vectors([one.taxon for one in some], numbers, dimension))
        catalog.images.upsert(rows)
        catalog.predictions.put([_proposal(*pair) for pair in zip(rows, some, strict=True)])
        _name(catalog, rows[::_NAMED], some[::_NAMED])
    seconds = time.perf_counter() - start
    print(f"filled with {images - have:,} images in {seconds:.0f} s")


def _indexed(vignette: Vignette, number: int, encoder: str) -> tuple[Image, bytes]:
    depth_m = 5.0 + 90.0 * abs(np.sin(number / 400))
    return indexed(
        vignette, number, camera=f"cam-{number % CAMERAS + 1}", at=_START + number * _EVERY,
        depth_m=round(float(depth_m), 1), encoder=encoder,
    )  # fmt: skip


def _name(catalog: Catalog, images: list[Image], vignettes: list[Vignette]) -> None:
    by_taxon: dict[str, list[str]] = defaultdict(list)
    for image, vignette in zip(images, vignettes, strict=True):
        by_taxon[_taxon(vignette)].append(image.image_id)
    for taxon, ids in by_taxon.items():
        catalog.labels.apply(LabelRequest(tuple(ids), taxon, LabelState.VALIDATED, who="filler"))


def _taxon(vignette: Vignette) -> str:
    return vignette.taxon if vignette.taxon in _KEYS else "detritus"


def _proposal(image: Image, vignette: Vignette) -> Prediction:
    rng = np.random.default_rng(int(image.frame_key))
    score, margin = sorted(rng.uniform(0.2, 0.99, 2), reverse=True)
    taxon = _taxon(vignette)
    return Prediction(
        image_id=image.image_id, taxon=taxon, score=score, margin=margin,
        nearest=float(rng.uniform(0.01, 0.6)), crowd=float(rng.uniform(1, 20)),
        evidence=(Voter(image_id=image.image_id, taxon=taxon, distance=0.02),) * 3,
        encoder=image.encoder, voted_at=now(),
    )  # fmt: skip
