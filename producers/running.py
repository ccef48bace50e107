"""The composition root of a camera: real parts from the settings, and the loop that fits it."""

import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from plankton_stream.adapters.kafka import bounded_publisher
from plankton_stream.events.topics import Topic
from plankton_stream.ports import Publisher
from plankton_stream.retrying import wait_for
from plankton_stream.settings import Settings
from plankton_stream.stack.ready import announce_ready
from producers import spool
from producers.live import publish_live
from producers.loop import publish
from producers.numbering import Numbers, owned
from producers.source import Source
from producers.totals import Totals


def publish_camera(
    settings: Settings,
    source: Source,
    topic: Topic,
    rate_hz: float,
    stop: threading.Event,
    *,
    wrap: Callable[[Publisher], Publisher] = lambda publisher: publisher,
) -> Totals:
    """Publish a source until it ends or `stop` is set.

    Args:
        settings: of this process.
        source: what to publish.
        topic: of its items: frames or ROIs.
        rate_hz: items a second; 0: as they come.
        stop: set it to end.
        wrap: what comes between the loop of a source that keeps its items, and Kafka: a journal.

    Returns:
        What became of the items.

    Raises:
        ConfigError: another process publishes this camera, or its folder can't be used.
        SystemExit: stopped before Kafka answered, for a source that keeps its items.
    """
    connect = partial(
        bounded_publisher,
        settings.kafka_bootstrap,
        topic,
        disk_mb=settings.kafka_disk_mb,
        client_id="plankton-camera",
    )
    folder = spool_folder(settings, source.camera)
    if not source.keeps:
        limit_bytes = settings.spool_mb * 1_000_000
        with spool.opened(folder, source.camera, limit_bytes=limit_bytes) as spooled:
            announce_ready()
            return publish_live(source, connect, spooled, rate_hz=rate_hz, stop=stop)
    with owned(folder, source.camera), closing(Numbers(folder / "place")) as numbers:
        publisher = wait_for(connect, stop)
        try:
            announce_ready()
            return publish(source, wrap(publisher), numbers, rate_hz=rate_hz, stop=stop)
        finally:
            publisher.close()


def spool_folder(settings: Settings, camera: str) -> Path:
    """Where a camera's spool and numbers lie."""
    return settings.home.resolve() / "spool" / camera
