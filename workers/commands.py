"""`plankton worker …`: runs one worker until SIGTERM or Ctrl-C."""

import threading
from collections.abc import Callable
from functools import partial

import typer

from plankton_stream.adapters.kafka import (
    KafkaAdmin,
    KafkaPublisher,
    KafkaSubscriber,
    bounded_publisher,
)
from plankton_stream.adapters.sql import Catalog
from plankton_stream.events import topics
from plankton_stream.ports import Publisher, VectorIndex
from plankton_stream.priorities import stay_behind, step_back
from plankton_stream.retrying import stop_on_signals, wait_for
from plankton_stream.settings import Settings
from plankton_stream.stack.ready import announce_ready
from plankton_stream.telemetry import start_command
from workers.loop import Queue, Worker, consume, consume_beside

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Run one worker; more of a kind share the work.",
)


@app.command()
def segment() -> None:
    """Cut frames into ROIs."""
    from plankton_stream.segmentation import CameraSegmenters, load_parameters
    from workers.segment import SegmentWorker

    settings, stop = start_command(), stop_on_signals()
    catalog = Catalog(settings.catalog_url)
    cameras = CameraSegmenters(
        load_parameters(settings.segmentation), settings.home / "backgrounds"
    )
    # The encoder may be slower than the cameras, or down.
    publisher = wait_for(
        lambda: bounded_publisher(
            settings.kafka_bootstrap, topics.ROIS, disk_mb=settings.kafka_disk_mb
        ),
        stop,
    )
    worker = SegmentWorker(catalog, publisher, cameras)
    subscribe = _subscribe(settings, topics.FRAMES, topics.SEGMENT_GROUP, max_records=8)
    _consume(subscribe, worker, publisher, stop)


@app.command()
def embed() -> None:
    """Turn ROIs into vectors and make them searchable."""
    from plankton_stream.adapters.files import FileImageStore
    from workers.embed import EmbedWorker
    from workers.endpoint import serve
    from workers.versions.reembed import ReembedWorker
    from workers.versions.starting import start_versions

    settings, stop = start_command(), stop_on_signals()
    catalog = Catalog(settings.catalog_url)
    versions = start_versions(settings, catalog, partial(_index, settings), stop)
    publisher = wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    store = FileImageStore(settings.images_url)
    roi_worker = EmbedWorker(versions, catalog, store, publisher)
    reembed_worker = ReembedWorker(versions, catalog, store, publisher)
    server = serve(versions, settings.embed_host, settings.embed_port)
    most = settings.embed_batch
    rois = _subscribe(settings, topics.ROIS, topics.EMBED_GROUP, max_records=most)
    requests = _subscribe(settings, topics.REEMBED, topics.REEMBED_GROUP, max_records=most)
    try:
        urgent = Queue(wait_for(rois, stop), roi_worker, most)
        background = Queue(wait_for(requests, stop), reembed_worker, most)
        announce_ready()
        consume_beside(urgent, background, publisher, stop, may_work=versions.are_complete)
    finally:
        server.shutdown()


@app.command()
def labels() -> None:
    """Keep the label fields of the vector indexes up to date."""
    from workers.rename import LabelIndexWorker
    from workers.versions.indexes import KeptIndexes

    settings, stop = start_command(), stop_on_signals()
    step_back()
    catalog = Catalog(settings.catalog_url)
    indexes = KeptIndexes(catalog, partial(_index, settings))
    wait_for(indexes, stop)
    publisher = wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    worker = LabelIndexWorker(indexes, catalog, publisher)
    subscribe = _subscribe(settings, topics.LABELS, topics.LABELS_GROUP, max_records=500)
    _consume(subscribe, worker, publisher, stop)


@app.command()
def predict() -> None:
    """Propose names for unlabelled images, from the labels so far."""
    from workers.predict import BATCH, PredictWorker
    from workers.versions.indexes import SearchedIndex

    settings, stop = start_command(), stop_on_signals()
    stay_behind()
    catalog = Catalog(settings.catalog_url)
    index = SearchedIndex(catalog, partial(_index, settings))
    wait_for(index, stop)
    publisher = wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    worker = PredictWorker(index, catalog, publisher, rest=stop.wait)
    subscriber = wait_for(
        lambda: KafkaSubscriber(
            settings.kafka_bootstrap, [topics.LABELS, topics.INDEXED],
            group=topics.PREDICT_GROUP, max_records=BATCH,
        ),
        stop,
    )  # fmt: skip
    announce_ready()
    consume(subscriber, worker, publisher, stop, idle=worker.sweep)


@app.command(name="map")
def keep_map() -> None:
    """Keep the map of all images: a projection of their vectors. Run one."""
    from threadpoolctl import threadpool_limits

    from workers.mapping.worker import MapWorker, keep_current
    from workers.versions.indexes import SearchedIndex

    settings, stop = start_command(), stop_on_signals()
    announce_ready()  # nobody waits for a map: it must not hold up the others' start
    stay_behind()
    catalog = Catalog(settings.catalog_url)
    index = SearchedIndex(catalog, partial(_index, settings))
    wait_for(index, stop)
    with threadpool_limits(1):
        keep_current(MapWorker(index, catalog, stop.is_set), stop)


@app.command()
def relay() -> None:
    """Publish label events from the catalog's outbox."""
    from workers.relay import relay as relay_outbox

    settings, stop = start_command(), stop_on_signals()
    step_back()
    catalog = Catalog(settings.catalog_url)
    publisher = wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    announce_ready()
    relay_outbox(catalog, publisher, stop)


@app.command()
def versions() -> None:
    """Fill encoder versions that are published or rolled back to, then let them go live."""
    from workers.versions.filling import Filling

    settings, stop = start_command(), stop_on_signals()
    catalog = Catalog(settings.catalog_url)
    publisher = wait_for(lambda: KafkaPublisher(settings.kafka_bootstrap), stop)
    admin = wait_for(lambda: KafkaAdmin(settings.kafka_bootstrap), stop)
    unread = partial(admin.lag, topics.REEMBED_GROUP, topics.REEMBED)
    announce_ready()
    open_index, drop = partial(_index, settings), partial(_drop_index, settings)
    Filling(catalog, open_index, publisher, unread, stop, drop=drop).run()


def _subscribe(
    settings: Settings, topic: topics.Topic, group: str, *, max_records: int
) -> Callable[[], KafkaSubscriber]:
    return partial(
        KafkaSubscriber, settings.kafka_bootstrap, [topic], group=group, max_records=max_records
    )


def _consume(
    subscribe: Callable[[], KafkaSubscriber],
    worker: Worker,
    publisher: Publisher,
    stop: threading.Event,
) -> None:
    subscriber = wait_for(subscribe, stop)
    announce_ready()
    consume(subscriber, worker, publisher, stop)


def _drop_index(settings: Settings, encoder: str) -> None:
    from plankton_stream.adapters.milvus import drop_index

    drop_index(settings.milvus_uri, encoder, token=settings.milvus_token)


def _index(settings: Settings, encoder: str, dimension: int) -> VectorIndex:
    from plankton_stream.adapters.milvus import MilvusIndex  # heavy, and not every worker's

    return MilvusIndex(
        settings.milvus_uri, encoder=encoder, dimension=dimension, token=settings.milvus_token,
        candidates=settings.search_candidates,
    )  # fmt: skip
