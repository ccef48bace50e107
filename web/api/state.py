"""How the system is doing."""

from flask import Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from web.answers import Alerts, Cameras, CameraView, Census, Health, Stats
from web.operations import Operation
from web.parts import Parts
from web.queries import CensusQuery


def get_health(_parts: Parts) -> Health:
    """Whether this process serves; parts that it depends on may be away meanwhile."""
    return Health()


def get_metrics(parts: Parts) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    return Response(generate_latest(parts.registry), content_type=CONTENT_TYPE_LATEST)


def get_stats(parts: Parts) -> Stats:
    """Counts, rates and lag, at most two seconds old."""
    return parts.totals.now()


def list_cameras(parts: Parts) -> Cameras:
    """Cameras by name, with what each last said about itself."""
    said = parts.live.cameras()
    names = sorted({*parts.catalog.images.cameras(), *said})
    return Cameras(cameras=[CameraView(camera=name, status=said.get(name)) for name in names])


def list_alerts(parts: Parts) -> Alerts:
    """What needs a person now: an alert is open until its cause is gone."""
    return Alerts(alerts=parts.live.alerts())


def get_census(parts: Parts, query: CensusQuery) -> Census:
    """Validated images per taxon and window; counts follow when a label changes."""
    return Census(windows=parts.live.census(query.camera))


OPERATIONS = (
    Operation("GET", "/healthz", get_health, Health, role=None),
    Operation("GET", "/metrics", get_metrics, "text/plain"),
    Operation("GET", "/api/v1/stats", get_stats, Stats),
    Operation("GET", "/api/v1/cameras", list_cameras, Cameras),
    Operation("GET", "/api/v1/alerts", list_alerts, Alerts),
    Operation("GET", "/api/v1/census", get_census, Census, query=CensusQuery),
)
