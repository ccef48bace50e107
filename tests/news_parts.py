"""What pages are told, without Kafka: the real relay, whose records go straight to the news."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import fact_message
from tests.web_parts import Web
from web.news import News
from workers.relay import relay


def record(message: Message) -> Received:
    """A record as the log would give it."""
    return Received(message.topic, 0, 0, message.key.encode(), message.value, message.headers)


def tell(news: News, *facts: Fact) -> None:
    """Tell facts."""
    for fact in facts:
        news.take(record(fact_message(fact, event_id="e", source="/test")))


class NewsPublisher:
    """`Publisher` of a log that only the news read."""

    def __init__(self, news: News) -> None:
        self._news = news

    def send(self, message: Message) -> None:
        """See `Publisher.send`."""
        self._news.take(record(message))

    def flush(self, timeout_s: float = 30.0) -> None:
        """See `Publisher.flush`."""

    def close(self) -> None:
        """See `Publisher.close`."""


@contextmanager
def relayed(web: Web) -> Iterator[None]:
    """Relay the outbox to the news until the block ends."""
    stop = threading.Event()
    work = threading.Thread(target=relay, args=(web.catalog, NewsPublisher(web.news), stop))
    work.start()
    try:
        yield
    finally:
        stop.set()
        work.join()
