"""The composition root: real parts from the settings, made in the process that serves."""

import threading
from functools import partial

from plankton_stream.adapters.embedding import HttpQueryEncoder
from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.kafka import KafkaAdmin, KafkaReader
from plankton_stream.adapters.milvus import MilvusIndex
from plankton_stream.adapters.sql import Catalog
from plankton_stream.errors import RetryableError
from plankton_stream.events.topics import Topic
from plankton_stream.ports import VectorIndex
from plankton_stream.settings import Settings
from web import background
from web.lag import LagProbe
from web.live import FOLLOWED, Live, Reader, follow
from web.news import FOLLOWED as NEWS
from web.news import News
from web.parts import LiveIndex, Parts
from web.streaming import Streams
from web.totals import Totals

_LAG_EVERY_S = 1.0
_TOTALS_EVERY_S = 1.0
_INDEX_EVERY_S = 1.0
_MERGES_EVERY_S = 5.0


def connect(settings: Settings, stop: threading.Event) -> Parts:
    """Everything that requests need, and the threads that keep it current until `stop` is set.

    Kafka, Milvus and the embed worker may be away: they are found when they come.
    """
    catalog = Catalog(settings.catalog_url)
    live, news = Live(), News()
    lag = LagProbe(partial(KafkaAdmin, settings.kafka_bootstrap))
    totals = Totals(catalog, live, lag)
    index = LiveIndex(catalog.encoders.live, partial(_open_index, settings))
    for name, call, every_s in (
        ("lag", lag.read, _LAG_EVERY_S),
        ("totals", totals.now, _TOTALS_EVERY_S),
        ("index", index.refresh, _INDEX_EVERY_S),
        ("merges", catalog.merges.go_on, _MERGES_EVERY_S),
    ):
        background.start(name, partial(background.repeat, call, every_s), stop)
    background.start("live", partial(follow, live, partial(open_reader, settings)), stop)
    background.start("news", partial(follow, news, partial(open_news, settings, news)), stop)
    background.start("end of news", partial(_end, news), stop)
    return Parts(
        catalog=catalog,
        index=index,
        store=FileImageStore(settings.images_url),
        encoder=HttpQueryEncoder(settings.embed_endpoint),
        live=live,
        totals=totals,
        user=settings.user,
        news=news,
        streams=Streams(settings.web_streams),
    )


def _open_index(settings: Settings, encoder: str, dimension: int) -> VectorIndex:
    return MilvusIndex(
        settings.milvus_uri, encoder=encoder, dimension=dimension, token=settings.milvus_token,
        candidates=settings.search_candidates,
    )  # fmt: skip


def open_reader(settings: Settings) -> Reader:
    """A reader of `FOLLOWED` from the first record.

    Raises:
        RetryableError: Kafka does not answer, or has not got the topics yet; a reader that was
            opened before them would never see them.
    """
    _require(settings, FOLLOWED)
    return KafkaReader(settings.kafka_bootstrap, FOLLOWED)


def open_news(settings: Settings, news: News) -> Reader:
    """A reader of what happens from now on; whatever happened before may have been missed.

    Raises:
        RetryableError: see `open_reader`.
    """
    _require(settings, NEWS)
    reader = KafkaReader(settings.kafka_bootstrap, NEWS, from_end=True)
    # The first poll finds the end. Only then may pages look again: what comes later is told.
    for received in reader.poll(0.1):
        news.take(received)
    news.lose()
    return reader


def _require(settings: Settings, followed: tuple[Topic, ...]) -> None:
    admin = KafkaAdmin(settings.kafka_bootstrap)
    try:
        missing = {topic.name for topic in followed} - admin.topic_names()
    finally:
        admin.close()
    if missing:
        raise RetryableError(f"topics {', '.join(sorted(missing))} do not exist yet")


def _end(news: News, stop: threading.Event) -> None:
    stop.wait()
    news.close()
