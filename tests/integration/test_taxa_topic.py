"""The tree of names on a real broker, sent by the relay beside the labels."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin, KafkaPublisher, KafkaReader
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import Taxon, new_id
from plankton_stream.events import topics
from plankton_stream.events.facts import read_fact
from plankton_stream.events.taxon import TaxonChanged
from tests.contract.conftest import an_image, asked
from tests.waiting import wait_until
from workers.relay import relay

pytestmark = pytest.mark.services

PATIENCE_S = 60.0


@pytest.fixture
def catalog(tmp_path: Path, kafka: str) -> Iterator[Catalog]:
    """A catalog whose relay runs."""
    admin = KafkaAdmin(kafka)
    admin.ensure_topics(topics.ALL)
    admin.close()
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    catalog, publisher, stop = Catalog(url), KafkaPublisher(kafka), threading.Event()
    thread = threading.Thread(target=relay, args=(catalog, publisher, stop))
    thread.start()
    yield catalog
    stop.set()
    thread.join(PATIENCE_S)
    publisher.close()
    catalog.close()


def test_a_consumer_of_labels_learns_what_taxa_are_called(catalog: Catalog, kafka: str) -> None:
    key = f"t{new_id().lower()}"
    reader = KafkaReader(kafka, [topics.TAXA])
    known: dict[str, TaxonChanged] = {}

    def told(of: str) -> TaxonChanged | None:
        for received in reader.poll(0.2):
            fact = read_fact(received)
            assert isinstance(fact, TaxonChanged)
            known[fact.taxon] = fact
        return known.get(of)

    wait_until(lambda: told("copepod"), within_s=PATIENCE_S, what="starters")
    catalog.taxa.add(Taxon(key=key, name="Oithona", parent="copepod_cyclopoid"))
    fact = wait_until(lambda: told(key), within_s=PATIENCE_S, what="a new one")
    assert (fact.name, fact.parent) == ("Oithona", "copepod_cyclopoid")
    image = an_image(1, camera=key)
    catalog.images.upsert([image])
    catalog.labels.apply(asked(image, taxon=key))
    catalog.merges.merge(key, "copepod", who="ann")

    def merged() -> bool:
        fact = told(key)
        return fact is not None and fact.merged_into == "copepod"

    wait_until(merged, within_s=PATIENCE_S, what="that it was merged")
    assert "Oithona" in known["copepod"].synonyms
    wait_until(lambda: not catalog.outbox.count(), within_s=PATIENCE_S, what="labels are sent too")
    reader.close()
