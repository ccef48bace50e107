"""The outbox relay: events that were decided in SQL, published to the log in order."""

import threading
import time

from plankton_stream.adapters.sql import Catalog
from plankton_stream.events.facts import fact_message
from plankton_stream.ports import Publisher
from plankton_stream.retrying import insist
from workers.taxa import PublishedTaxa

_SOURCE = "/catalog"
_BATCH = 500
_IDLE_S = 0.1
_STANDBY_S = 1.0
_TAXA_EVERY_S = 1.0


def relay(catalog: Catalog, publisher: Publisher, stop: threading.Event) -> None:
    """Publish what waits in the outbox, and taxa that changed, until `stop` is set.

    At least once: a crash between publishing and clearing publishes again, with the same event id.
    On PostgreSQL a second relay stands by until the first one is gone.
    """
    while not stop.is_set():
        insist(lambda: _hold_and_relay(catalog, publisher, stop), stop)


def _hold_and_relay(catalog: Catalog, publisher: Publisher, stop: threading.Event) -> None:
    with catalog.outbox.sole_relay() as held:
        if not held:
            stop.wait(_STANDBY_S)
            return
        taxa, looked_at_s = PublishedTaxa(catalog, publisher), -_TAXA_EVERY_S
        while not stop.is_set():
            if relay_once(catalog, publisher):
                continue  # what people wait for comes first
            if time.monotonic() - looked_at_s >= _TAXA_EVERY_S:
                taxa.refresh()
                looked_at_s = time.monotonic()
            stop.wait(_IDLE_S)


def relay_once(catalog: Catalog, publisher: Publisher) -> int:
    """Publish one batch and clear it; returns its size.

    Raises:
        RetryableError: the catalog or the log does not answer; the batch stays in the outbox.
    """
    rows = catalog.outbox.waiting(_BATCH)
    if rows:
        for row in rows:
            publisher.send(fact_message(row.fact, event_id=row.event_id, source=_SOURCE))
        publisher.flush()
        catalog.outbox.remove(rows)
    return len(rows)
