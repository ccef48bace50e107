"""What pages are told as it happens: nothing lost unsaid, nothing kept without limit."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from flask.testing import FlaskClient

from plankton_stream.errors import RetryableError
from plankton_stream.events.facts import ImageIndexed
from tests.label_events import Labelling
from tests.news_parts import relayed, tell
from tests.waiting import wait_until
from tests.web_parts import START, Web, image
from web.answers import Health
from web.board import Board, Reading
from web.news import MOST_IDS, MOST_TOLD, News, Place
from web.streaming import Streams, stream

NOWHERE = Place("", 0, 0, 0)


def indexed(number: int) -> ImageIndexed:
    one = image(number)
    return ImageIndexed(
        image_id=one.image_id, capture=one.capture, frame_key="f", encoder="e", indexed_at=START
    )


def read(texts: Iterator[str], number: int) -> list[tuple[str, str, Any]]:
    """The next events: kind, id, data."""
    found = []
    for text in islice((t for t in texts if t.startswith("event:")), number):
        fields = dict(line.split(": ", 1) for line in text.strip().split("\n"))
        found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


# -- the news ------------------------------------------------------------------------------------


def test_what_happened_after_a_place_is_told_in_order_and_once() -> None:
    news, labelling = News(), Labelling()
    start = news.here()
    facts = list(labelling.events(images=3, changes=4))
    tell(news, *facts[:5])
    first = news.since(start)
    assert [json.loads(text)["image_id"] for text in first.labels] == [
        f.image_id for f in facts[:5]
    ]
    assert not first.is_gap
    tell(news, *facts[5:])
    rest = news.since(first.place)
    assert [json.loads(text)["version"] for text in rest.labels] == [f.version for f in facts[5:]]
    assert news.since(rest.place).labels == []


def test_arrivals_are_counted_and_the_last_are_named() -> None:
    news = News()
    start = news.here()
    tell(news, *(indexed(n) for n in range(MOST_IDS + 10)))
    told = news.since(start)
    assert told.arrived_count == MOST_IDS + 10
    assert len(told.arrived) == MOST_IDS
    assert told.arrived[-1] == image(MOST_IDS + 9).image_id
    assert news.since(told.place).arrived_count == 0


def test_counts_that_are_not_wanted_now_are_told_later() -> None:
    news = News()
    start = news.here()
    tell(news, indexed(0))
    later = news.since(start, with_counts=False)
    assert later.arrived_count == 0
    assert news.since(later.place).arrived_count == 1


def test_many_changes_are_told_in_parts() -> None:
    news = News()
    start = news.here()
    tell(news, *Labelling().events(images=MOST_TOLD + 1, changes=0))
    first = news.since(start)
    second = news.since(first.place)
    assert (len(first.labels), len(second.labels)) == (MOST_TOLD, 1)


def test_who_falls_behind_is_told_to_look_again_and_nothing_piles_up() -> None:
    news = News(most_labels=10)
    start = news.here()
    tell(news, *Labelling().events(images=11, changes=0))
    late = news.since(start)
    assert late.is_gap
    assert late.labels == ()
    tell(news, *Labelling().events(images=1, changes=0))
    assert len(news.since(late.place).labels) == 1  # from then on as usual


def test_a_place_of_another_process_is_a_gap() -> None:
    assert News().since(News().here()).is_gap
    assert News().since(NOWHERE).is_gap


def test_a_log_that_is_read_anew_from_its_end_is_a_gap() -> None:
    news = News()
    start = news.here()
    tell(news, *Labelling().events(images=2, changes=0))
    news.lose()
    told = news.since(start)
    assert told.is_gap
    assert not news.since(told.place).is_gap


@pytest.mark.parametrize(
    "text", ["", "a", "a.1.2", "a.1.2.3.4", "a.1.-2.3", "a.1.2.x", "a.1.2." + "9" * 40]
)
def test_an_id_that_is_none_is_no_place(text: str) -> None:
    assert Place.parse(text) is None


def test_an_id_names_its_place() -> None:
    place = News().here()
    assert Place.parse(str(place)) == place


# -- the stream ----------------------------------------------------------------------------------


def test_readings_come_at_first_and_when_they_change() -> None:
    said = {"status": "ok"}
    clock = iter(range(1000))
    board = Board(clock_s=lambda: float(next(clock)))
    readings = {"health": Reading(lambda: Health(**said), 1.0)}
    news = News()
    texts = stream(news, board, readings, news.here())
    kinds = [kind for kind, _, _ in read(texts, 2)]
    assert kinds == ["health", "trouble"]
    tell(news, *Labelling().events(images=1, changes=0))
    ((kind, place, data),) = read(texts, 1)
    assert (kind, len(data["labels"])) == ("labels", 1)
    assert Place.parse(place) == news.here()


def test_a_reading_that_fails_is_said_and_the_last_one_stays() -> None:
    answers: list[Health | RetryableError] = [
        Health(),
        RetryableError("the catalog is away"),
        Health(),
    ]
    clock = iter(range(1000))

    def ask() -> Health:
        answer = answers.pop(0)
        if isinstance(answer, RetryableError):
            raise answer
        return answer

    board = Board(clock_s=lambda: float(next(clock)))
    readings = {"health": Reading(ask, 1.0)}
    first = board.read(readings)
    assert (first, board.trouble) == ({"health": '{"status":"ok"}'}, None)
    assert (board.read(readings), board.trouble) == (first, "the catalog is away")
    assert (board.read(readings), board.trouble) == (first, None)


def test_a_board_asks_once_however_many_read_it() -> None:
    asked = []
    now = [0.0]
    board = Board(clock_s=lambda: now[0])
    readings = {"health": Reading(lambda: asked.append(1) or Health(), 2.0)}
    for now[0] in (0.0, 0.5, 1.9, 2.0, 3.0):
        board.read(readings)
    assert len(asked) == 2


def test_a_stream_beats_ends_after_a_while_and_when_the_news_do() -> None:
    now = [0.0]

    def clock_s() -> float:
        now[0] += 1.0
        return now[0]

    news = News()
    tell(news, *Labelling().events(images=1, changes=0))
    texts = stream(news, Board(), {}, NOWHERE, longest_s=20, clock_s=clock_s)
    kinds = [kind for kind, _, _ in read(texts, 1_000)]
    assert kinds[0] == "resync"
    assert "beat" in kinds
    news.close()
    assert read(stream(news, Board(), {}, NOWHERE), 1) == []


def test_streams_are_limited_and_given_back_once() -> None:
    streams = Streams(2)
    leave = streams.enter()
    streams.enter()
    with pytest.raises(RetryableError, match="PLANKTON_WEB_STREAMS"):
        streams.enter()
    leave()
    leave()
    streams.enter()
    with pytest.raises(RetryableError):
        streams.enter()


# -- over HTTP -----------------------------------------------------------------------------------


def events(answer: Any) -> Iterator[str]:
    for part in answer.iter_encoded():
        yield part.decode()


def test_a_label_is_told_over_http(web: Web, client: FlaskClient) -> None:
    (added,) = web.add([image(0)])
    answer = client.get("/api/v1/events")
    assert answer.mimetype == "text/event-stream"
    texts = events(answer)
    now = {kind: data for kind, _, data in read(texts, 6)}
    assert now["stats"]["indexed"] == 1
    assert {"alerts", "cameras", "encoders", "queues"} <= set(now)
    body = {"image_ids": [added], "taxon": "copepod"}
    with relayed(web):
        client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": "k"})
        place, data = next(e[1:] for e in iter(lambda: read(texts, 1)[0], None) if e[0] == "labels")
    (change,) = data["labels"]
    assert (change["image_id"], change["taxon"], change["who"]) == (added, "copepod", "ada")
    assert (change["version"], change["is_retraction"]) == (1, False)
    answer.close()
    again = client.get("/api/v1/events", headers={"Last-Event-ID": place})
    assert read(events(again), 1)[0][0] != "resync"
    again.close()


@pytest.mark.parametrize("last", ["nonsense", "another-epoch.1.2.3"])
def test_who_comes_back_from_elsewhere_looks_again(client: FlaskClient, last: str) -> None:
    for answer in (
        client.get("/api/v1/events", headers={"Last-Event-ID": last}),
        client.get(f"/api/v1/events?since={last}"),
    ):
        assert read(events(answer), 1)[0][0] == "resync"
        answer.close()


def test_one_stream_too_many_is_refused_and_room_is_made_again(web: Web) -> None:
    web.streams = Streams(1)
    client = web.app().test_client()
    assert client.head("/api/v1/events").status_code == 200
    first = client.get("/api/v1/events")
    refused = client.get("/api/v1/events")
    assert refused.status_code == 503
    assert "PLANKTON_WEB_STREAMS" in refused.json["detail"]
    first.close()
    wait_until(lambda: client.get("/api/v1/events").status_code == 200, within_s=5, what="no room")
