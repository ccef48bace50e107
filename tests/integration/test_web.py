"""What the web process reads from a real Kafka."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher
from plankton_stream.domain import Roi
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.facts import CensusCounted, fact_message
from plankton_stream.events.images import roi_message
from plankton_stream.settings import Settings
from tests.label_events import Labelling
from tests.web_parts import START, image, picture
from web.lag import LagProbe
from web.live import Live, follow
from web.news import News
from web.wiring import open_news, open_reader

pytestmark = pytest.mark.services

_PATIENCE_S = 60.0
_TICK_S = 0.05


@pytest.fixture
def publisher(kafka: str) -> Iterator[KafkaPublisher]:
    publisher = KafkaPublisher(kafka)
    yield publisher
    publisher.close()


def wait_until(condition: Callable[[], bool]) -> None:
    ticks = threading.Event()
    for _ in range(int(_PATIENCE_S / _TICK_S)):
        if condition():
            return
        ticks.wait(_TICK_S)
    pytest.fail(f"not within {_PATIENCE_S} s")


def test_topics_that_come_later_are_followed_and_lag_is_measured(
    kafka: str, publisher: KafkaPublisher, tmp_path: Path
) -> None:
    settings = Settings(kafka=kafka, home=tmp_path, _env_file=None)
    admin = KafkaAdmin(kafka)
    if topics.CENSUS.name not in admin.topic_names():
        with pytest.raises(RetryableError, match="do not exist yet"):
            open_reader(settings)
    live, stop = Live(), threading.Event()
    thread = threading.Thread(target=follow, args=(live, partial(open_reader, settings), stop))
    thread.start()
    try:
        admin.ensure_topics(topics.ALL)
        census = CensusCounted(
            camera="web-test", window_start=START, window_s=300, counts={"egg": 4}, updated_at=START
        )
        publisher.send(fact_message(census, event_id="e", source="/test"))
        publisher.flush()
        wait_until(lambda: live.census("web-test") == [census])
    finally:
        stop.set()
        thread.join()

    probe = LagProbe(partial(KafkaAdmin, kafka))

    def waiting() -> int | None:
        probe.read()
        return probe().waiting(topics.EMBED_GROUP) if probe().is_current else None

    # A fresh broker needs a moment before it knows who looks after groups.
    wait_until(lambda: waiting() is not None)
    before = waiting() or 0
    publisher.send(roi_message(Roi(image(1).capture, "f", None, "image/png", picture(1))))
    publisher.flush()
    assert waiting() == before + 1
    probe.close()
    admin.close()


def test_what_others_label_is_told_from_the_end_of_the_log(
    kafka: str, publisher: KafkaPublisher, tmp_path: Path
) -> None:
    """Two web processes: each tells every label, whoever gave it, within a second of the relay."""
    admin = KafkaAdmin(kafka)
    admin.ensure_topics(topics.ALL)
    admin.close()
    labelling = Labelling()

    def publish(number: int) -> list[str]:
        facts = list(labelling.events(images=number, changes=0))
        for fact in facts:
            publisher.send(fact_message(fact, event_id="e", source="/test"))
        publisher.flush()
        return [fact.key for fact in facts]

    publish(3)  # before anybody listens
    settings, stop = Settings(kafka=kafka, home=tmp_path, _env_file=None), threading.Event()
    all_news = [News(), News()]
    places = [news.here() for news in all_news]
    threads = [
        threading.Thread(target=follow, args=(news, partial(open_news, settings, news), stop))
        for news in all_news
    ]
    for thread in threads:
        thread.start()
    try:
        for number, news in enumerate(all_news):
            wait_until(lambda n=news, p=places[number]: n.since(p).is_gap)  # it listens
            places[number] = news.since(places[number]).place
        published = publish(5)
        began_s = time.monotonic()
        for number, news in enumerate(all_news):
            wait_until(lambda n=news, p=places[number]: len(n.since(p).labels) == 5)
            told = [json.loads(text)["image_id"] for text in news.since(places[number]).labels]
            assert sorted(told) == sorted(published)
        assert time.monotonic() - began_s < 1.0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
