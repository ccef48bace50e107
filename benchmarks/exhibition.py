"""The application over a prepared set of the simulated camera's images, without Kafka and Milvus.

Catalog, workers and web are the real ones; labels were given by several people over the last days.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from prometheus_client import CollectorRegistry
from vignettes import FRAME_PX, Vignette, drawn, indexed, vectors

from plankton_stream.adapters.sql import Catalog, LabelRequest, upgrade
from plankton_stream.domain import Cut, Image, LabelState, LeftOut
from plankton_stream.events.envelope import Received, now
from plankton_stream.events.facts import CensusCounted, fact_message
from plankton_stream.events.health import CameraStatus
from plankton_stream.people import Role
from plankton_stream.review.records import Shares
from plankton_stream.settings import Settings
from plankton_stream.taxa import STARTER
from plankton_stream.testing import (
    FixedQueryEncoder,
    MemoryImageStore,
    MemoryIndex,
    MemoryLog,
    MemoryPublisher,
)
from web.app import create_app
from web.lag import Lag
from web.live import Live
from web.parts import Parts
from web.totals import Totals
from workers.mapping.projection import fit
from workers.predict import PredictWorker

ENCODER = "compact-v3"
IMAGES = 900
CAMERAS = ("mooring-1", "mooring-2", "towed")
PEOPLE = ("ines", "tomas", "yuki")
_ROLES = (Role.ADMIN, Role.REVIEWER, Role.LABELLER, Role.VIEWER)
_DIMENSION = 64
_LABELLED = 380
_DUBIOUS_EVERY = 19
_OPINIONS = 60
_ERRS = (0.04, 0.08, 0.16)  # of each person's second opinions
_SPAN = timedelta(hours=52)
_LABELLED_FOR = timedelta(hours=30)
_KEYS = {taxon.key for taxon in STARTER}


class Exhibition:
    """An application with something on every page.

    Attributes:
        app: to serve.
        app_with_login: the same where people log in.
        catalog: what is in it.
        images: all images, the last captured first.
        taxa: what was drawn, by image id.
    """

    def __init__(self, folder: Path) -> None:
        """Draw, index, label and vote.

        Args:
            folder: for the catalog.
        """
        url = f"sqlite:///{folder / 'catalog.sqlite'}"
        upgrade(url)
        self.catalog = Catalog(url)
        self.catalog.encoders.claim(ENCODER, _DIMENSION)
        self.index, store, self.live = MemoryIndex(ENCODER), MemoryImageStore(), Live()
        base = [one for one in drawn(IMAGES * 2) if one.taxon in _KEYS][:IMAGES]
        began = now() - _SPAN
        made = [_image(one, began, base[-1].frame + 1) for one in base]
        self.images = [image for image, _ in reversed(made)]
        self.taxa = {image.image_id: one.taxon for (image, _), one in zip(made, base, strict=True)}
        for image, data in made:
            store.put(image.image_id, image.content_type, data)
        rows = [image for image, _ in made]
        self.vectors = vectors([one.taxon for one in base], list(range(len(base))), _DIMENSION)
        self.catalog.images.upsert(rows)
        self._cut()
        self.index.upsert(rows, self.vectors)
        for name, role in zip((*PEOPLE, "harbour"), _ROLES, strict=True):
            self.catalog.people.add(name, role, "nobody logs in here")
        self._label()
        self._judge()
        self._report()
        self._draw_map()
        self.parts = Parts(
            catalog=self.catalog, index=lambda: self.index, store=store,
            encoder=FixedQueryEncoder(self.vectors[0]), live=self.live,
            totals=Totals(self.catalog, self.live, Lag), user=PEOPLE[0],
        )  # fmt: skip
        self.app = create_app(self.parts, Settings(auth="none", _env_file=None))
        self.app_with_login = create_app(
            replace(self.parts, registry=CollectorRegistry()),
            Settings(auth="login", _env_file=None),
        )

    def _label(self) -> None:
        """Each person names some, mostly in runs of one taxon; then the votes on the rest."""
        rng = np.random.default_rng(3)
        chosen = rng.permutation([image.image_id for image in self.images])[:_LABELLED]
        by_taxon: dict[str, list[str]] = {}
        for image_id in chosen:
            by_taxon.setdefault(self.taxa[image_id], []).append(str(image_id))
        at = now() - _LABELLED_FOR
        for number, (taxon, ids) in enumerate(sorted(by_taxon.items())):
            at += _LABELLED_FOR / (len(by_taxon) + 1)
            for start in range(0, len(ids), _DUBIOUS_EVERY + 1):
                some = ids[start : start + _DUBIOUS_EVERY + 1]
                who = PEOPLE[(number + start) % len(PEOPLE)]
                self._give(tuple(some[:_DUBIOUS_EVERY]), taxon, LabelState.VALIDATED, who, at)
                self._give(tuple(some[_DUBIOUS_EVERY:]), taxon, LabelState.DUBIOUS, who, at)
        self.index.rename(list(self.catalog.images.get(list(self.taxa)).values()))
        publisher = MemoryPublisher(MemoryLog())
        worker = PredictWorker(lambda: self.index, self.catalog, publisher)
        while worker.sweep():
            pass

    def _cut(self) -> None:
        """Say of each frame what was cut from it."""
        frames: dict[tuple[str, str], list[Image]] = {}
        for image in self.images:
            frames.setdefault((image.capture.camera, image.frame_key), []).append(image)
        for images in frames.values():
            boxes = tuple(image.box for image in images if image.box)
            self.catalog.cuts.record(Cut(
                capture=images[0].capture, frame_key=images[0].frame_key, boxes=boxes,
                width_px=FRAME_PX[0], height_px=FRAME_PX[1], left_out={LeftOut.TOO_SMALL: 3},
            ))  # fmt: skip

    def _judge(self) -> None:
        """Second opinions, some of them wrong, and objections."""
        catalog = self.catalog
        taxa = sorted(set(self.taxa.values()))
        rng = np.random.default_rng(5)
        catalog.opinions.set_shares(
            Shares(second_percent=60, self_percent=20, self_after_days=0, reference_percent=20),
            who=PEOPLE[0],
        )
        named = catalog.images.get(list(self.taxa)).values()
        sure = [image for image in named if image.naming.state is LabelState.VALIDATED]
        known = {one.image_id: self.taxa[one.image_id] for one in sure[::20]}
        catalog.references.put(known, who="admin", note="looked at under the microscope")
        for who, errs in zip(PEOPLE, _ERRS, strict=True):
            for image_id in catalog.opinions.offered(who, _OPINIONS):
                wrong = rng.random() < errs
                catalog.opinions.give(
                    image_id, str(rng.choice(taxa)) if wrong else self.taxa[image_id], who=who
                )
        copepods = [image for image in sure if image.naming.taxon == "copepod"]
        for image, who in zip(copepods, PEOPLE[1:], strict=False):
            catalog.disputes.open(
                image.image_id, who=who, taxon="copepod_cyclopoid",
                note="short antennae, egg sacs at both sides",
            )  # fmt: skip

    def _give(
        self, ids: tuple[str, ...], taxon: str, state: LabelState, who: str, at: datetime
    ) -> None:
        if ids:
            with patch("plankton_stream.adapters.sql.labels.now", return_value=at):
                self.catalog.labels.apply(
                    LabelRequest(image_ids=ids, taxon=taxon, state=state, who=who)
                )

    def _draw_map(self) -> None:
        """Give every image a place, as the map worker does."""
        ids = list(self.taxa)
        places = dict(zip(ids, map(tuple, fit(self.vectors).tolist()), strict=True))
        made = self.catalog.maps.begin(ENCODER, len(ids), places)
        self.catalog.maps.show(made.map_id)

    def _report(self) -> None:
        """What cameras and the census would have said."""
        for number, camera in enumerate(CAMERAS):
            about: dict[str, Any] = {"state": "running", "dropped": 0, "spooled": 0}
            if number == 1:
                about = {
                    "state": "waiting", "why": "Kafka is away", "dropped": 12, "spooled": 340,
                    "dropped_because": {"late": 12}, "gaps": 2, "spool_bytes": 74_000_000,
                    "spool_limit_bytes": 4_096_000_000,
                }  # fmt: skip
            seen = 128_400 + 9_311 * number
            sent = seen - about["dropped"] - about["spooled"]
            self._say(CameraStatus(
                camera=camera, at=now(), started_at=now() - timedelta(hours=6), seen=seen,
                sent=sent, rate_hz=6.0 - 0.7 * number, last_sequence=seen, **about,
            ))  # fmt: skip
        named = self.catalog.images.get(list(self.taxa))
        windows: dict[Any, dict[str, int]] = {}
        for image in named.values():
            if image.naming.state is LabelState.VALIDATED and image.capture.captured_at:
                start = image.capture.captured_at.replace(minute=0, second=0, microsecond=0)
                start = start.replace(hour=start.hour // 4 * 4)
                counts = windows.setdefault((image.capture.camera, start), {})
                taxon = str(image.naming.taxon)
                counts[taxon] = counts.get(taxon, 0) + 1
        for (camera, start), counts in windows.items():
            self._say(CensusCounted(
                camera=camera, window_start=start, window_s=14_400, counts=counts, updated_at=now()
            ))  # fmt: skip

    def _say(self, fact: Any) -> None:
        message = fact_message(fact, event_id="e", source="/exhibition")
        key = message.key.encode() if isinstance(message.key, str) else message.key
        self.live.take(Received(message.topic, 0, 0, key, message.value, message.headers))


def _image(vignette: Vignette, began: datetime, frames: int) -> tuple[Image, bytes]:
    number = vignette.frame
    at = began + _SPAN * (number + 1) / frames
    depth_m = round(float(5 + 80 * abs(np.sin(number / 5))), 1)
    camera = CAMERAS[number % len(CAMERAS)]
    return indexed(vignette, number, camera=camera, at=at, depth_m=depth_m, encoder=ENCODER)
