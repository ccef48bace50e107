"""What happens, told as it happens."""

from flask import Response, request
from pydantic import Field

from web.api.encoders import list_encoders
from web.api.queues import list_queues
from web.api.state import get_stats, list_alerts, list_cameras
from web.board import Reading
from web.news import Place
from web.operations import Operation
from web.parts import Parts
from web.queries import Query
from web.streaming import MEDIA_TYPE, stream


class EventsQuery(Query):
    """Where to go on."""

    since: str | None = Field(
        default=None, max_length=120, description="Id of the last event that was seen."
    )


class LastEventHeader(Query):
    """What a browser sends when it comes back."""

    last_event_id: str | None = Field(
        default=None, alias="Last-Event-ID", max_length=120,
        description="Id of the last event that was seen; goes before `since`.",
    )  # fmt: skip


def get_events(parts: Parts, query: EventsQuery, headers: LastEventHeader) -> Response:
    """What happens as server-sent events, see docs/consume.md: one JSON object each.

    `labels`, `images`, `predictions` and `resync` (look again: something was missed) have an id to
    come back with; `stats`, `cameras`, `alerts`, `encoders`, `queues` and `trouble` say how things
    stand when that changes; `beat` comes every few seconds.
    """
    answer = Response(mimetype=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
    if request.method == "HEAD":
        return answer
    last = headers.last_event_id or query.since
    # A place that can't be read is not here: the page is told to look again.
    place = (Place.parse(last) or Place("", 0, 0, 0)) if last else parts.news.here()
    answer.call_on_close(parts.streams.enter())
    answer.response = stream(parts.news, parts.board, _readings(parts), place)
    return answer


def _readings(parts: Parts) -> dict[str, Reading]:
    return {
        "stats": Reading(lambda: get_stats(parts), 1.0),
        "alerts": Reading(lambda: list_alerts(parts), 1.0),
        "cameras": Reading(lambda: list_cameras(parts), 1.0),
        "encoders": Reading(lambda: list_encoders(parts), 3.0),
        "queues": Reading(lambda: list_queues(parts), 5.0),
    }


OPERATIONS = (
    Operation(
        "GET", "/api/v1/events", get_events, MEDIA_TYPE, query=EventsQuery, headers=LastEventHeader
    ),
)
