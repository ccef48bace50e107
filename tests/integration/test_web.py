"""What the web process reads from a real Kafka."""

import threading
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
from tests.web_parts import START, image, picture
from web.lag import LagProbe
from web.live import Live, follow
from web.wiring import open_reader

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
