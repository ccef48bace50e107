"""What Prometheus reads: the system's totals, and how requests were answered."""

import logging
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from plankton_stream.errors import RetryableError
from plankton_stream.stack.disk import Outlook
from web.answers import Stats
from web.totals import Totals

log = logging.getLogger(__name__)

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def instrument(
    app: Flask, totals: Totals, registry: CollectorRegistry, disk: Callable[[], Outlook | None]
) -> None:
    """Count an app's requests, the totals, and what the disk holds, into a registry."""
    registry.register(_TotalsCollector(totals))
    registry.register(_DiskCollector(disk))
    answered = Counter(
        "plankton_web_requests", "Requests answered.", ["operation", "status"], registry=registry
    )
    seconds = Histogram(
        "plankton_web_request_seconds", "Time to answer.", ["operation"],
        buckets=_BUCKETS_S, registry=registry,
    )  # fmt: skip

    @app.before_request
    def start() -> None:
        g.started_s = time.perf_counter()

    @app.after_request
    def count(answer: Response) -> Response:
        # The rule, not the path: an id would make a series of its own.
        operation = f"{request.method} {request.url_rule}" if request.url_rule else "unknown"
        answered.labels(operation, answer.status_code).inc()
        seconds.labels(operation).observe(time.perf_counter() - g.started_s)
        return answer


class _TotalsCollector(Collector):
    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            stats = self._totals.now()
        except RetryableError as error:
            log.warning("metrics without totals: %s", error)
            return
        yield from _gauges(stats)

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # registering must not ask the catalog


class _DiskCollector(Collector):
    def __init__(self, disk: Callable[[], Outlook | None]) -> None:
        self._disk = disk

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What `plankton up` saw last; nothing where there is no local stack."""
        found = self._disk()
        if found is None:
            return
        parts = GaugeMetricFamily("plankton_disk_bytes", "Disk taken.", labels=["part"])
        for name, size in found.parts.items():
            parts.add_metric([name], size)
        yield parts
        yield GaugeMetricFamily(
            "plankton_disk_budget_bytes", "Disk that may be taken.", value=found.budget_bytes
        )
        if found.seconds_left is not None:
            yield GaugeMetricFamily(
                "plankton_disk_left_seconds", "Until the budget is spent at the present rate.",
                value=found.seconds_left,
            )  # fmt: skip

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # registering must not read files


def _gauges(stats: Stats) -> Iterator[GaugeMetricFamily]:
    for name, value, about in (
        ("frames", stats.frames, "Frames since the state began."),
        ("rois", stats.rois, "ROIs since the state began."),
        ("indexed", stats.indexed, "Images that can be searched."),
        ("labelled", stats.labelled, "Images that have a label."),
        ("dead_letters", stats.dead_letters, "Records that could never succeed."),
    ):
        yield GaugeMetricFamily(f"plankton_{name}", about, value=value)
    lag = GaugeMetricFamily("plankton_lag", "Records that wait.", labels=["group"])
    for group, waiting in stats.lag.items():
        if waiting is not None:
            lag.add_metric([group], waiting)
    yield lag
    latency = GaugeMetricFamily(
        "plankton_capture_to_searchable_seconds",
        "Live images of the last ten minutes.",
        labels=["quantile"],
    )
    for quantile, seconds in (
        ("0.5", stats.capture_to_searchable_s.p50),
        ("0.95", stats.capture_to_searchable_s.p95),
    ):
        if seconds is not None:
            latency.add_metric([quantile], seconds)
    yield latency
