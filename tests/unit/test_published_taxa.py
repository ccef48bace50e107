"""The tree of names in the log."""

from plankton_stream.events import topics
from plankton_stream.events.facts import read_fact
from plankton_stream.events.taxon import TaxonChanged
from plankton_stream.taxonomy.records import TaxonChange
from plankton_stream.testing import MemoryLog, MemoryPublisher
from tests.worker_parts import House
from workers.taxa import PublishedTaxa


def told(log: MemoryLog) -> dict[str, TaxonChanged]:
    """The last that was said of each taxon."""
    facts = [read_fact(received) for received in log.records[topics.TAXA.name]]
    return {fact.taxon: fact for fact in facts if isinstance(fact, TaxonChanged)}


def test_all_taxa_are_told_at_the_start_then_what_changes(house: House) -> None:
    catalog, log = house.catalog, MemoryLog()
    published = PublishedTaxa(catalog, MemoryPublisher(log))
    assert published.refresh() == len(catalog.taxa.all())
    assert told(log)["appendicularian"].synonyms == ("Larvacea",)
    assert published.refresh() == 0

    catalog.taxonomy.change("egg", TaxonChange(name="eggs"), who="ann")
    catalog.taxonomy.delete("bubble", who="ann")
    catalog.merges.merge("salp", "doliolid", who="ann")
    assert published.refresh() == 4
    facts = told(log)
    assert facts["egg"].name == "eggs"
    assert (facts["bubble"].deleted, facts["bubble"].name) == (True, "bubble")
    assert (facts["salp"].merged_into, facts["doliolid"].synonyms) == ("doliolid", ("Salpida",))

    again = PublishedTaxa(catalog, MemoryPublisher(log))
    assert again.refresh() == len(catalog.taxa.all()) + 2, "a relay that starts tells all"
    assert told(log) == facts
    keys = {received.key for received in log.records[topics.TAXA.name]}
    assert len(keys) == len(facts), "compaction keeps one record of each"
