"""The map of all images: look-alikes lie together."""

import hashlib

from flask import Response, request

from plankton_stream.domain import from_microseconds
from plankton_stream.maps import LEAST_IMAGES, MapPoints
from web.api.taxa import filter_of
from web.mapping import MapView, PointsQuery, encode
from web.operations import Operation
from web.parts import Parts

BINARY = "application/octet-stream"
_NOTHING = MapPoints((), (), (), (), (), (), (), (), None, 0)


def get_map(parts: Parts) -> MapView:
    """Which map is shown, and how far the next one is."""
    return parts.kept.get("map", lambda: _view(parts))


def get_points(parts: Parts, query: PointsQuery) -> Response:
    """Images on the map as binary columns, see web/mapping.py; the same again costs nothing."""
    live = parts.catalog.maps.live()
    if live is None:
        return _answer(encode(None, _NOTHING))
    if query.since is not None and query.map_id == live.map_id:
        return _answer(_points(parts, live.map_id, query, since=query.since))
    whole = query.model_copy(update={"since": None, "map_id": None})
    data = parts.kept.get(
        ("points", live.map_id, whole), lambda: _points(parts, live.map_id, whole, since=None)
    )
    return _answer(data)


def _view(parts: Parts) -> MapView:
    maps = parts.catalog.maps
    live, filling = maps.live(), maps.filling()
    return MapView(
        map_id=live and live.map_id,
        encoder=live and live.encoder,
        fitted_at=live and live.fitted_at,
        placed=maps.count(live.map_id) if live else 0,
        filling=maps.count(filling.map_id) if filling else None,
        images=parts.catalog.images.count(),
        least=LEAST_IMAGES,
    )


def _points(parts: Parts, map_id: str, query: PointsQuery, *, since: int | None) -> bytes:
    after = None if since is None else from_microseconds(since)
    where = filter_of(parts, query)
    return encode(map_id, parts.catalog.maps.points(map_id, where, most=query.most, since=after))


def _answer(data: bytes) -> Response:
    tag = hashlib.blake2b(data, digest_size=16).hexdigest()
    answer = Response(status=304) if tag in request.if_none_match else Response(data)
    answer.mimetype = BINARY
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"  # kept, but asked for again
    return answer


OPERATIONS = (
    Operation("GET", "/api/v1/map", get_map, MapView),
    Operation("GET", "/api/v1/map/points", get_points, BINARY, query=PointsQuery),
)
