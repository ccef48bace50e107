"""Totals, lag, and what is followed from the log."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from plankton_stream.domain import Cut
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import dead_letter
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import CensusCounted, fact_message
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus
from plankton_stream.testing import MemoryLog
from tests.web_parts import START, Web, image
from web.lag import Lag, LagProbe
from web.live import Live, follow
from web.parts import LiveIndex
from web.totals import percentiles


def received(message: Message, offset: int = 0) -> Received:
    key = message.key.encode()
    return Received(message.topic, 0, offset, key, message.value, message.headers)


def published(fact: Fact) -> Received:
    return received(fact_message(fact, event_id="e", source="/test"))


def census(camera: str = "cam-1", minute: int | None = 0, **counts: int) -> CensusCounted:
    start = None if minute is None else START + timedelta(minutes=minute)
    return CensusCounted(
        camera=camera, window_start=start, window_s=300, counts=counts, updated_at=START
    )


def status(camera: str = "cam-1", state: str = "running") -> CameraStatus:
    return CameraStatus(
        camera=camera, at=START, started_at=START, state=state, seen=9, sent=8, dropped=1, rate_hz=6
    )


def given_up(topic: topics.Topic, offset: int) -> Received:
    lost = Received(topic.name, 0, offset, b"k", b"bytes", ())
    return received(dead_letter(lost, cause="no image", consumer="/workers/embed"))


# -- totals ------------------------------------------------------------------------------------


def test_an_empty_system_counts_nothing(client: FlaskClient) -> None:
    stats = client.get("/api/v1/stats").json
    assert [stats[name] for name in ("frames", "rois", "indexed", "labelled")] == [0] * 4
    assert stats["capture_to_searchable_s"] == {"p50": None, "p95": None}
    assert stats["kafka"] == "away"
    assert set(stats["lag"].values()) == {None}
    assert topics.REEMBED_GROUP in stats["lag"]


def test_what_waits_and_what_was_refused_counts(web: Web, client: FlaskClient) -> None:
    web.add([image(n) for n in range(3)])
    web.catalog.cuts.record(Cut(capture=image(0).capture, frame_key="f"))
    web.live.take(given_up(topics.ROIS, 0))
    web.live.take(given_up(topics.FRAMES, 0))
    web.lag = Lag({topics.SEGMENT_GROUP: 10, topics.EMBED_GROUP: 20}, is_current=True)
    stats = client.get("/api/v1/stats").json
    assert (stats["frames"], stats["rois"], stats["indexed"]) == (11, 24, 3)
    assert (stats["dead_letters"], stats["kafka"]) == (2, "up")


def test_labelled_counts_images(web: Web, client: FlaskClient) -> None:
    added = web.add([image(n) for n in range(3)])
    for key in "ab":
        client.post(
            "/api/v1/labels",
            json={"image_ids": added[:2], "taxon": "copepod"},
            headers={"Idempotency-Key": key},
        )
    assert client.get("/api/v1/stats").json["labelled"] == 2


def test_seconds_to_searchable_are_of_recent_live_images(web: Web, client: FlaskClient) -> None:
    now = datetime.now(UTC)
    ages = {"recent": now - timedelta(minutes=1), "old": now - timedelta(minutes=11)}
    web.add(
        [
            image(n, live=live, captured_at=ages[age] - timedelta(seconds=n), indexed_at=ages[age])
            for n, live, age in [(1, True, "recent"), (3, True, "recent"), (50, False, "recent"),
                                 (60, True, "old")]
        ]
    )  # fmt: skip
    assert client.get("/api/v1/stats").json["capture_to_searchable_s"] == {"p50": 1.0, "p95": 3.0}


def test_percentiles() -> None:
    assert percentiles([]).p50 is None
    assert percentiles([7.0]).p95 == 7.0
    found = percentiles([float(n) for n in range(101)])
    assert (found.p50, found.p95) == (50.0, 95.0)


def test_rates_are_over_the_last_ten_seconds(web: Web, client: FlaskClient) -> None:
    def images_per_s() -> float | None:
        rate: float | None = client.get("/api/v1/stats").json["rates"]["images_per_s"]
        return rate

    assert images_per_s() is None
    number = 0
    for second in range(1, 31):
        web.clock_s = float(second)
        arriving = 4 if second <= 15 else 2
        web.add([image(number + n) for n in range(arriving)])
        number += arriving
        rate = images_per_s()
        assert rate is not None
        if second == 15:
            assert rate == pytest.approx(4)
    assert rate == pytest.approx(2)


def test_totals_are_kept_for_a_second(web: Web, client: FlaskClient) -> None:
    assert client.get("/api/v1/stats").json["indexed"] == 0
    web.add([image(0)])
    web.clock_s = 0.9
    assert client.get("/api/v1/stats").json["indexed"] == 0
    web.clock_s = 1.0
    assert client.get("/api/v1/stats").json["indexed"] == 1


def test_metrics_show_totals_and_requests(web: Web, client: FlaskClient) -> None:
    (added,) = web.add([image(0)])
    web.lag = Lag({topics.EMBED_GROUP: 7}, is_current=True)
    client.get(f"/api/v1/images/{added}")
    text = client.get("/metrics").text
    assert "plankton_indexed 1.0" in text
    assert 'plankton_lag{group="plankton-embed"} 7.0' in text
    route = 'operation="GET /api/v1/images/<image_id>",status="200"'
    assert f"plankton_web_requests_total{{{route}}} 1.0" in text


def test_health(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


# -- lag ---------------------------------------------------------------------------------------


class Broker:
    """Says what waits, while it is there."""

    def __init__(self) -> None:
        self.waiting, self.is_up, self.connections = 5, True, 0

    def connect(self) -> "Broker":
        self.connections += 1
        return self

    def lag(self, _group: str, _topic: topics.Topic) -> int:
        if not self.is_up:
            raise RetryableError("away")
        return self.waiting

    def close(self) -> None:
        pass


def test_the_last_known_lag_stays_while_the_log_is_away() -> None:
    broker = Broker()
    probe = LagProbe(broker.connect)
    assert probe().waiting(topics.EMBED_GROUP) == 0
    probe.read()
    assert (probe().is_current, probe().waiting(topics.EMBED_GROUP)) == (True, 5)
    broker.is_up, broker.waiting = False, 9
    probe.read()
    assert (probe().is_current, probe().waiting(topics.EMBED_GROUP)) == (False, 5)
    broker.is_up = True
    probe.read()
    assert (probe().is_current, probe().waiting(topics.EMBED_GROUP)) == (True, 9)
    assert broker.connections == 2


# -- what is followed --------------------------------------------------------------------------


def test_a_census_replaces_the_one_before(web: Web, client: FlaskClient) -> None:
    for fact in (
        census(minute=5, copepod=1), census(minute=0, diatom=3), census(minute=5, copepod=2),
        census("cam-2", None, egg=1), census(minute=10, copepod=1), census(minute=10),
    ):  # fmt: skip
        web.live.take(published(fact))
    windows = client.get("/api/v1/census").json["windows"]
    assert [one["counts"] for one in windows] == [{"diatom": 3}, {"copepod": 2}, {"egg": 1}]
    only = client.get("/api/v1/census?camera=cam-2").json["windows"]
    assert [(one["camera"], one["window_start"]) for one in only] == [("cam-2", None)]


def test_alerts_are_open_until_they_are_cleared(web: Web, client: FlaskClient) -> None:
    about = {"kind": "silent", "since": START, "at": START, "what": "says nothing"}
    for subject in ("camera/a", "camera/b", "camera/a"):
        web.live.take(published(AlertRaised(subject=subject, **about)))
    web.live.take(published(AlertCleared(subject="camera/b", **about)))
    alerts = client.get("/api/v1/alerts").json["alerts"]
    assert [(alert["subject"], alert["what"]) for alert in alerts] == [("camera/a", "says nothing")]


def test_cameras_with_images_or_a_status(web: Web, client: FlaskClient) -> None:
    web.add([image(0, camera="archive")])
    web.live.take(published(status(state="running")))
    web.live.take(published(status(state="waiting")))
    cameras = client.get("/api/v1/cameras").json["cameras"]
    assert [(c["camera"], c["status"] and c["status"]["state"]) for c in cameras] == [
        ("archive", None),
        ("cam-1", "waiting"),
    ]


def test_a_dead_letter_counts_once_however_often_it_is_published() -> None:
    live = Live()
    for offset in (3, 4, 3, 4, 7):
        live.take(given_up(topics.ROIS, offset))
    assert (live.dead_letters(topics.ROIS.name), live.dead_letters()) == (3, 3)


def test_what_is_not_valid_is_skipped_and_what_is_deleted_is_forgotten() -> None:
    live = Live()
    good = published(census(copepod=1))
    live.take(good)
    live.take(Received(good.topic, 0, 1, good.key, b"{", good.headers))
    live.take(Received(topics.DEADLETTER.name, 0, 1, b"", b"", ()))
    assert [one.counts for one in live.census()] == [{"copepod": 1}]
    live.take(Received(good.topic, 0, 2, good.key, b"", ()))
    assert live.census() == []


class LogReader:
    """Reads a log from its start; ends the test's loop when there is no more."""

    def __init__(self, log: MemoryLog, stop: threading.Event) -> None:
        self._log, self._stop, self._place = log, stop, 0

    def poll(self, _timeout_s: float) -> list[Received]:
        if not self._log.available:
            self._log.available = True  # back before the next connection
            raise ConnectionError("broken")
        records = self._log.records[topics.CENSUS.name][self._place :]
        self._place += len(records)
        if not records:
            self._stop.set()
        return records

    def close(self) -> None:
        pass


def test_following_survives_a_log_that_is_away_at_start_and_later() -> None:
    log, live, stop = MemoryLog(), Live(), threading.Event()
    log.append(fact_message(census(copepod=1), event_id="e", source="/test"))
    log.available = False  # the first reader breaks in the middle
    tries: list[str] = []

    def open_reader() -> LogReader:
        tries.append("open")
        if len(tries) == 1:
            raise RetryableError("no broker")
        return LogReader(log, stop)

    stop.wait = lambda _s=None: False  # type: ignore[method-assign]  # no sleeping here
    follow(live, open_reader, stop)
    assert len(tries) == 3
    assert [one.counts for one in live.census()] == [{"copepod": 1}]


# -- which index -------------------------------------------------------------------------------


def test_the_live_index_is_opened_once_and_follows_the_live_encoder(web: Web) -> None:
    now: list[tuple[str, int] | None] = [None]
    opened: list[str] = []

    def open_index(encoder: str, _dimension: int):
        opened.append(encoder)
        return web.index

    index = LiveIndex(lambda: now[0], open_index)
    with pytest.raises(RetryableError, match="no embed worker"):
        index()
    now[0] = ("a", 8)
    index(), index(), index.refresh()
    assert opened == ["a"]
    now[0] = ("b", 8)
    index()
    assert opened == ["a"]
    index.refresh(), index()
    assert opened == ["a", "b"]
