"""Counts, rates and lag of the whole system, as the page's header shows them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from plankton_stream.adapters.sql import Catalog
from plankton_stream.events import topics
from web.answers import Percentiles, Rates, Stats
from web.lag import Lag
from web.live import Live

_KEPT_S = 1.0
_RATES_OVER_S = 10.0
_LATENCIES_OVER = timedelta(minutes=10)


class _Sample(NamedTuple):
    at_s: float
    frames: int
    images: int


class Totals:
    """Counts since the state began; a result is kept for a second, so many pages cost as one."""

    def __init__(
        self,
        catalog: Catalog,
        live: Live,
        lag: Callable[[], Lag],
        *,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog, self._live, self._lag, self._clock_s = catalog, live, lag, clock_s
        self._lock = threading.Lock()
        self._samples: deque[_Sample] = deque()
        self._stats: Stats | None = None

    def now(self) -> Stats:
        """The present counts, at most a second old.

        Raises:
            RetryableError: the catalog does not answer.
        """
        with self._lock:
            at_s = self._clock_s()
            if self._stats is None or at_s - self._samples[-1].at_s >= _KEPT_S:
                self._stats = self._count(at_s)
            return self._stats

    def _count(self, at_s: float) -> Stats:
        images, cuts, lag = self._catalog.images, self._catalog.cuts.count(), self._lag()
        indexed = images.count()
        rates = self._rates(_Sample(at_s, cuts, indexed))
        since = datetime.now(UTC) - _LATENCIES_OVER
        rejected_rois = self._live.dead_letters(topics.ROIS.name)
        return Stats(
            frames=cuts + lag.waiting(topics.SEGMENT_GROUP),
            rois=indexed + rejected_rois + lag.waiting(topics.EMBED_GROUP),
            indexed=indexed,
            labelled=images.count_labelled(),
            capture_to_searchable_s=percentiles(images.latencies_s(since)),
            lag=lag.groups,
            rates=rates,
            dead_letters=self._live.dead_letters(),
            kafka="up" if lag.is_current else "away",
        )

    def _rates(self, sample: _Sample) -> Rates:
        samples = self._samples
        samples.append(sample)
        # One sample is kept that is at least as old as the span, so that the span is covered.
        while len(samples) > 2 and samples[1].at_s <= sample.at_s - _RATES_OVER_S:
            samples.popleft()
        first, span_s = samples[0], sample.at_s - samples[0].at_s
        if span_s <= 0:
            return Rates(frames_per_s=None, images_per_s=None)
        return Rates(
            frames_per_s=(sample.frames - first.frames) / span_s,
            images_per_s=(sample.images - first.images) / span_s,
        )


def percentiles(ascending: Sequence[float]) -> Percentiles:
    """Median and 95th percentile by nearest rank; None of nothing."""
    if not ascending:
        return Percentiles(p50=None, p95=None)
    last = len(ascending) - 1
    return Percentiles(p50=ascending[round(last * 0.5)], p95=ascending[round(last * 0.95)])
