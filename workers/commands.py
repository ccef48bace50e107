"""`plankton worker …`: runs one worker until SIGTERM or Ctrl-C."""

import threading
from collections.abc import Callable
from typing import TypeVar

import typer

from plankton_stream.adapters.kafka import KafkaPublisher, KafkaSubscriber
from plankton_stream.adapters.sql import Catalog
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.ports import VectorIndex
from plankton_stream.settings import Settings, load_settings
from plankton_stream.stack.ready import announce_ready
from plankton_stream.telemetry import start_logging
from workers.loop import consume, insist, stop_on_signals

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Run one worker; more of a kind share the work.",
)

Part = TypeVar("Part")


@app.command()
def segment() -> None:
    """Cut frames into ROIs."""
    from workers.segment import SegmentWorker

    settings, stop = _start()
    catalog = Catalog(settings.catalog_url)
    publisher = _wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    worker = SegmentWorker(catalog, publisher)
    _consume(settings, topics.FRAMES, topics.SEGMENT_GROUP, worker.handle, stop, max_records=8)


@app.command()
def embed() -> None:
    """Turn ROIs into vectors and make them searchable."""
    from plankton_stream.adapters.files import FileImageStore
    from workers.embed import EmbedWorker
    from workers.encoders import load_encoder
    from workers.endpoint import serve

    settings, stop = _start()
    encoder = load_encoder(settings.encoder, settings.encoder_weights, settings.embed_batch)
    catalog = Catalog(settings.catalog_url)
    encoder_id, dimension = encoder.identity.id, encoder.identity.dimension
    _wait_for(lambda: catalog.encoders.claim(encoder_id, dimension), stop)
    index = _wait_for(lambda: _index(settings, encoder_id, dimension), stop)
    publisher = _wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    store = FileImageStore(settings.images_url)
    worker = EmbedWorker(encoder, index, catalog, store, publisher)
    server = serve(encoder, settings.embed_host, settings.embed_port)
    try:
        _consume(
            settings, topics.ROIS, topics.EMBED_GROUP, worker.handle, stop,
            max_records=settings.embed_batch,
        )  # fmt: skip
    finally:
        server.shutdown()


@app.command()
def labels() -> None:
    """Keep the label fields of the vector index up to date."""
    from workers.rename import LabelIndexWorker

    settings, stop = _start()
    catalog = Catalog(settings.catalog_url)
    encoder_id, dimension = _wait_for(lambda: _live_encoder(catalog), stop)
    index = _wait_for(lambda: _index(settings, encoder_id, dimension), stop)
    publisher = _wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    worker = LabelIndexWorker(index, catalog, publisher)
    _consume(settings, topics.LABELS, topics.LABELS_GROUP, worker.handle, stop, max_records=500)


@app.command()
def relay() -> None:
    """Publish label events from the catalog's outbox."""
    from workers.relay import relay as relay_outbox

    settings, stop = _start()
    catalog = Catalog(settings.catalog_url)
    publisher = _wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    announce_ready()
    relay_outbox(catalog, publisher, stop)


def _start() -> tuple[Settings, threading.Event]:
    settings = load_settings()
    start_logging(settings)
    return settings, stop_on_signals()


def _consume(
    settings: Settings,
    topic: topics.Topic,
    group: str,
    handle: Callable[..., None],
    stop: threading.Event,
    *,
    max_records: int,
) -> None:
    subscriber = _wait_for(
        lambda: KafkaSubscriber(
            settings.kafka_bootstrap, [topic], group=group, max_records=max_records
        ),
        stop,
    )
    announce_ready()
    consume(subscriber, handle, stop)


def _index(settings: Settings, encoder: str, dimension: int) -> VectorIndex:
    from plankton_stream.adapters.milvus import MilvusIndex  # heavy, and not every worker's

    return MilvusIndex(
        settings.milvus_uri, encoder=encoder, dimension=dimension, token=settings.milvus_token
    )


def _live_encoder(catalog: Catalog) -> tuple[str, int]:
    live = catalog.encoders.live()
    if live is None:
        raise RetryableError("no embed worker has started yet")
    return live


def _wait_for(part: Callable[[], Part], stop: threading.Event) -> Part:
    """A part as soon as it can be had; ends the process if it is stopped before that."""
    found: list[Part] = []
    if not insist(lambda: found.append(part()), stop):
        raise typer.Exit
    return found[0]
