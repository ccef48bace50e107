"""The tree of names: edited, counted, taken in from files; over SQLite and PostgreSQL."""

import pytest

from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.domain import Image, LabelState, Taxon, TaxonKind, new_id
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.ports import ImageFilter
from plankton_stream.predictions import Prediction
from plankton_stream.taxonomy.plan import plan
from plankton_stream.taxonomy.reading import read_bytes
from plankton_stream.taxonomy.records import Did, TaxonChange, TaxonCounts
from tests.contract.conftest import NOON, asked, together


def taxon(catalog: Catalog, key: str) -> Taxon:
    return catalog.taxa.by_key()[key]


def changed(catalog: Catalog, key: str, **values: object) -> Taxon:
    return catalog.taxonomy.change(key, TaxonChange(**values), who="ann")


def test_a_taxon_is_renamed_and_moved_and_its_key_stays(catalog: Catalog) -> None:
    new = changed(catalog, "salp", name="Salpidae", rank="family", parent="doliolid")
    assert (new.key, new.name, new.rank, new.parent) == ("salp", "Salpidae", "family", "doliolid")
    assert taxon(catalog, "salp") == new
    (line,) = catalog.taxonomy.history("salp", limit=1)
    assert (line.kind, line.who) == (Did.CHANGED, "ann")
    assert line.before == {"name": "Salpida", "rank": "order", "parent": "tunicate"}
    assert line.after == {"name": "Salpidae", "rank": "family", "parent": "doliolid"}


def test_what_is_not_given_stays_and_null_takes_away(catalog: Catalog) -> None:
    before = taxon(catalog, "copepod")
    assert changed(catalog, "copepod", rank=None).model_dump() == before.model_dump() | {
        "rank": None
    }
    assert changed(catalog, "copepod", kind=None, name=None).kind is TaxonKind.LIVING
    lines = len(catalog.taxonomy.history("copepod"))
    assert changed(catalog, "copepod", rank=None) == taxon(catalog, "copepod")
    assert len(catalog.taxonomy.history("copepod")) == lines, "nothing changed, nothing is said"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"parent": "copepod"}, "copepod in copepod"),
        ({"parent": "copepod_calanoid"}, "copepod in copepod_calanoid in copepod"),
        ({"parent": "kraken"}, "add it first"),
        ({"aphia_id": 1267}, "AphiaID 1267 is that of taxon 'cnidarian'"),
        ({"synonyms": ("Larvacea",)}, "'Larvacea' is a synonym of taxon 'appendicularian'"),
        ({"synonyms": ("SALPIDA",)}, "the name of taxon 'salp'"),
        ({"synonyms": ("a", "A")}, "twice"),
        ({"name": "larvacea"}, "is a synonym of taxon 'appendicularian'"),
    ],
)
def test_what_would_break_the_tree_is_refused(
    catalog: Catalog, values: dict[str, object], says: str
) -> None:
    before = catalog.taxa.all()
    with pytest.raises(RejectedError, match=says):
        changed(catalog, "copepod", **values)
    assert catalog.taxa.all() == before
    with pytest.raises(NotFoundError, match="kraken"):
        changed(catalog, "kraken", name="Kraken")


def test_two_moves_at_once_make_no_circle(catalog: Catalog) -> None:
    def move(number: int) -> bool:
        one, other = ("salp", "doliolid") if number else ("doliolid", "salp")
        try:
            changed(catalog, one, parent=other)
        except RejectedError:
            return False
        return True

    assert sorted(together(2, move)) == [False, True]


def test_synonyms_come_and_go(catalog: Catalog) -> None:
    changed(catalog, "egg", synonyms=("ovum", "Ei"))
    assert taxon(catalog, "egg").synonyms == ("Ei", "ovum")
    changed(catalog, "egg", synonyms=("ovum",))
    changed(catalog, "salp", synonyms=("Ei",))
    assert (taxon(catalog, "egg").synonyms, taxon(catalog, "salp").synonyms) == (("ovum",), ("Ei",))


def test_every_edit_changes_the_revision(catalog: Catalog) -> None:
    revisions = [catalog.taxa.revision()]
    catalog.taxa.add(Taxon(key="oithona", name="Oithona"))
    revisions.append(catalog.taxa.revision())
    changed(catalog, "oithona", synonyms=("Oithonina",))
    revisions.append(catalog.taxa.revision())
    catalog.taxonomy.delete("oithona", who="ann")
    revisions.append(catalog.taxa.revision())
    assert len(set(revisions)) == len(revisions)
    assert catalog.taxa.revision() == revisions[-1]


def test_what_was_never_used_is_deleted_and_stays_away(catalog: Catalog, url: str) -> None:
    changed(catalog, "egg", synonyms=("ovum",))
    assert catalog.taxonomy.delete("egg", who="ann").name == "egg"
    assert "egg" not in catalog.taxa.by_key()
    upgrade(url)
    assert "egg" not in catalog.taxa.by_key(), "a starter that was deleted does not come back"
    (line, *_) = catalog.taxonomy.history("egg")
    assert (line.kind, line.before) == (
        Did.DELETED,
        {"name": "egg", "rank": "morphotype", "kind": "living", "synonyms": ["ovum"]},
    )
    with pytest.raises(NotFoundError):
        catalog.taxonomy.delete("egg", who="ann")
    catalog.taxa.add(Taxon(key="roe", name="roe", synonyms=("ovum",)))  # the name is free again


def test_what_is_in_use_is_not_deleted(catalog: Catalog, images: list[Image]) -> None:
    catalog.labels.apply(asked(*images[:2], taxon="egg"))
    catalog.labels.apply(asked(images[0], taxon="salp"))
    with pytest.raises(RejectedError, match=r"1 images are called by it, .* 2 times\. Merge"):
        catalog.taxonomy.delete("egg", who="ann")
    with pytest.raises(RejectedError, match="3 taxa lie below"):
        catalog.taxonomy.delete("copepod", who="ann")
    assert {"egg", "copepod"} <= catalog.taxa.by_key().keys()


def test_a_deleted_taxon_s_proposals_and_rejections_go(
    catalog: Catalog, images: list[Image]
) -> None:
    predicted(catalog, images[0], "egg")
    catalog.predictions.reject([images[1].image_id], "egg", who="ann")
    catalog.taxonomy.delete("egg", who="ann")
    assert catalog.predictions.get([images[0].image_id])[images[0].image_id].taxon is None
    assert catalog.predictions.rejected([images[1].image_id]) == {}


def predicted(catalog: Catalog, image: Image, key: str) -> None:
    said = {"score": 0.9, "margin": 0.8, "nearest": 0.1, "crowd": 1.0, "evidence": ()}
    vote = Prediction(image_id=image.image_id, taxon=key, encoder="e", voted_at=NOON, **said)
    catalog.predictions.put([vote])


def test_counts_roll_up_the_tree(catalog: Catalog, images: list[Image]) -> None:
    catalog.labels.apply(asked(images[0], taxon="copepod"))
    catalog.labels.apply(asked(images[1], taxon="copepod_calanoid"))
    catalog.labels.apply(asked(images[2], taxon="nauplius", state=LabelState.DUBIOUS))
    catalog.labels.apply(asked(images[3], taxon="salp", state=LabelState.PREDICTED))
    for image in images[3:]:  # one of them has a name: its proposal is hidden
        predicted(catalog, image, "copepod_calanoid")
    counts = {one.taxon: one for one in catalog.taxonomy.counts()}
    assert counts["copepod"] == TaxonCounts(
        taxon="copepod", validated=1, validated_below=2, proposed_below=1
    )
    assert counts["copepod_calanoid"] == TaxonCounts(
        taxon="copepod_calanoid", validated=1, validated_below=1, proposed=1, proposed_below=1
    )
    assert counts["crustacean"] == TaxonCounts(
        taxon="crustacean", validated_below=2, dubious_below=1, proposed_below=1
    )
    assert (counts["tunicate"].predicted, counts["tunicate"].predicted_below) == (0, 1)
    assert "diatom" not in counts


def test_below_is_the_taxon_and_all_under_it(catalog: Catalog, images: list[Image]) -> None:
    below = catalog.taxa.below("copepod")
    assert set(below) == {
        "copepod",
        "copepod_calanoid",
        "copepod_cyclopoid",
        "copepod_harpacticoid",
    }
    assert set(below) < set(catalog.taxa.below("crustacean"))
    assert catalog.taxa.below("egg") == ("egg",)
    catalog.labels.apply(asked(images[0], taxon="copepod"))
    catalog.labels.apply(asked(images[1], taxon="copepod_calanoid"))
    catalog.labels.apply(asked(images[2], taxon="salp"))
    where = ImageFilter(taxa=below)
    assert catalog.images.count(where) == 2
    assert all(where.matches(image) for image in catalog.images.page(where).images)
    assert catalog.images.count(ImageFilter(taxa=())) == 0
    with pytest.raises(RejectedError, match="kraken"):
        catalog.taxa.below("kraken")


FILE = b"""key,name,rank,parent,aphia_id,synonyms
oithona,Oithona,genus,copepod_cyclopoid,,Cyclopina|Oithonina
oithona_similis,Oithona similis,species,oithona,106656,
copepod,Copepoda,,,,copepods
"""


def take_in(catalog: Catalog, file: bytes) -> tuple[int, int]:
    have = {one.key: one for one in catalog.taxa.all()}
    todo = plan(read_bytes(file, "mine.csv"), have, catalog.taxa.merged())
    catalog.taxonomy.take_in(todo, who="ann", why="import: mine.csv")
    return len(todo.new), len(todo.changed)


def test_a_file_is_taken_in_once(catalog: Catalog) -> None:
    before = catalog.taxa.by_key()
    assert take_in(catalog, FILE) == (2, 1)
    after = catalog.taxa.by_key()
    assert after.keys() - before.keys() == {"oithona", "oithona_similis"}
    assert after["oithona"].synonyms == ("Cyclopina", "Oithonina")
    assert after["oithona_similis"].parent == "oithona"
    assert after["copepod"] == before["copepod"].model_copy(update={"synonyms": ("copepods",)})
    (line,) = catalog.taxonomy.history("oithona")
    assert (line.kind, line.who, line.why) == (Did.ADDED, "ann", "import: mine.csv")
    revision = catalog.taxa.revision()
    assert take_in(catalog, FILE) == (0, 0)
    assert (catalog.taxa.by_key(), catalog.taxa.revision()) == (after, revision)


def test_a_plan_that_is_out_of_date_does_nothing(catalog: Catalog) -> None:
    have = {one.key: one for one in catalog.taxa.all()}
    todo = plan(read_bytes(FILE, "mine.csv"), have, {})
    changed(catalog, "copepod", rank="class")
    before = catalog.taxa.all()
    with pytest.raises(RejectedError, match="copepod: changed meanwhile"):
        catalog.taxonomy.take_in(todo, who="ann", why="import")
    taken = plan(read_bytes(FILE, "mine.csv"), {one.key: one for one in before}, {})
    catalog.taxa.add(Taxon(key="other", name="Other", synonyms=("cyclopina",)))
    with pytest.raises(RejectedError, match="a name was given meanwhile"):
        catalog.taxonomy.take_in(taken, who="ann", why="import")
    assert "oithona" not in catalog.taxa.by_key()


def test_the_history_comes_in_pages(catalog: Catalog) -> None:
    for name in ("a", "b", "c"):
        changed(catalog, "egg", name=name)
    first = catalog.taxonomy.history("egg", limit=2)
    assert [line.after for line in first] == [{"name": "c"}, {"name": "b"}]
    rest = catalog.taxonomy.history("egg", before=first[-1].sequence)
    assert [line.kind for line in rest] == [Did.CHANGED, Did.ADDED]
    assert catalog.taxonomy.history(limit=1)[0] == first[0]
    assert catalog.taxonomy.history(new_id().lower()) == []


def test_starters_give_way_to_what_people_made(catalog: Catalog) -> None:
    catalog.taxa.add(Taxon(key="mine", name="Appendix", aphia_id=77, synonyms=("appendage",)))
    catalog.taxa.add_missing(
        [
            Taxon(key="same-name", name="appendix"),
            Taxon(key="same-id", name="Other", aphia_id=77),
            Taxon(key="new", name="New", parent="same-id", synonyms=("Appendage", "fresh")),
        ]
    )
    have = catalog.taxa.by_key()
    assert not {"same-name", "same-id"} & have.keys()
    assert (have["new"].parent, have["new"].synonyms) == (None, ("fresh",))
