"""Merging taxa: what they name follows, history stays; over SQLite and PostgreSQL."""

import pytest

from plankton_stream.adapters.sql import Catalog, merges
from plankton_stream.domain import GivenName, Image, LabelState, Naming, Taxon
from plankton_stream.errors import NotFoundError, RejectedError, RetryableError
from plankton_stream.ports import ImageFilter
from plankton_stream.taxonomy.records import Did, TaxonChange
from tests.contract.conftest import an_image, asked, events, named, naming, together
from tests.contract.test_taxonomy import predicted


@pytest.fixture
def eggs(catalog: Catalog, images: list[Image]) -> list[Image]:
    """Three images called egg, one of them dubious; and two that are not."""
    catalog.labels.apply(asked(*images[:2], taxon="egg"))
    catalog.labels.apply(asked(images[2], taxon="egg", state=LabelState.DUBIOUS))
    return images


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merges, "_CHUNK", 2)


@pytest.mark.usefixtures("small_steps")
def test_images_follow_and_their_history_stays(catalog: Catalog, eggs: list[Image]) -> None:
    before = len(events(catalog))
    done = catalog.merges.merge("egg", "nauplius", who="ann")
    assert (done.labelled, done.left, done.undone) == (3, 0, False)
    assert [naming(catalog, image) for image in eggs[:4]] == [
        named("nauplius"), named("nauplius"), named("nauplius", LabelState.DUBIOUS), Naming(),
    ]  # fmt: skip
    history = catalog.labels.history(eggs[0].image_id)
    assert [(label.taxon, label.retracted_at) for label in history] == [
        ("egg", None), ("nauplius", None),
    ]  # fmt: skip
    assert (history[1].who, history[1].source, history[1].why) == (
        "ann", "human", "merged egg into nauplius",
    )  # fmt: skip
    assert len({catalog.labels.history(image.image_id)[1].action_id for image in eggs[:3]}) == 1
    told = events(catalog)[before:]
    assert {event.image_id for event in told} == {image.image_id for image in eggs[:3]}
    assert {(event.before.taxon, event.after.taxon) for event in told} == {("egg", "nauplius")}


def test_the_merged_taxon_becomes_a_synonym_and_is_given_no_more(
    catalog: Catalog, eggs: list[Image]
) -> None:
    catalog.taxonomy.change("egg", TaxonChange(synonyms=("ovum",)), who="ann")
    catalog.taxa.add(Taxon(key="egg_of_fish", name="egg of a fish", parent="egg"))
    catalog.merges.merge("egg", "nauplius", who="ann")
    have = catalog.taxa.by_key()
    assert have["nauplius"].synonyms == ("egg", "ovum")
    assert have["egg"] == have["nauplius"], "an old key leads to the valid taxon"
    assert have["egg_of_fish"].parent == "nauplius"
    assert "egg" not in {one.key for one in catalog.taxa.all()}
    assert catalog.taxa.merged() == {"egg": "nauplius"}
    for refused in (
        lambda: catalog.labels.apply(asked(eggs[3], taxon="egg")),
        lambda: catalog.predictions.reject([eggs[3].image_id], "egg", who="ann"),
        lambda: catalog.taxa.below("egg"),
    ):
        with pytest.raises(RejectedError, match="merged into 'nauplius': use that"):
            refused()
    with pytest.raises(NotFoundError):
        catalog.taxonomy.delete("egg", who="ann")
    with pytest.raises(RejectedError, match="another key"):
        catalog.taxa.add(Taxon(key="egg", name="Egg"))
    (line, *_) = catalog.taxonomy.history("egg")
    assert (line.kind, line.after, line.who) == (Did.MERGED, {"merged_into": "nauplius"}, "ann")


def test_names_that_come_with_images_find_the_valid_taxon(
    catalog: Catalog, eggs: list[Image]
) -> None:
    catalog.merges.merge("egg", "nauplius", who="ann")
    names = ("egg", "Egg", "Larvacea")
    given = {
        i.image_id: GivenName(taxon=n, origin="EcoTaxa")
        for i, n in zip(eggs[3:], names, strict=False)
    }
    catalog.given_names.adopt(given)
    assert [naming(catalog, image).taxon for image in eggs[3:]] == ["nauplius", "nauplius"]
    image = an_image(9)
    catalog.images.upsert([image])
    catalog.given_names.adopt({image.image_id: GivenName(taxon=names[2], origin="EcoTaxa")})
    assert naming(catalog, image) == named("appendicularian")


def test_proposals_follow(catalog: Catalog, eggs: list[Image]) -> None:
    predicted(catalog, eggs[3], "egg")
    catalog.merges.merge("egg", "nauplius", who="ann")
    predicted(catalog, eggs[4], "egg")  # a vote from before comes late
    said = catalog.predictions.get([image.image_id for image in eggs[3:]])
    assert {vote.taxon for vote in said.values()} == {"nauplius"}


@pytest.mark.usefixtures("small_steps")
def test_a_merge_that_was_broken_off_goes_on(
    catalog: Catalog, eggs: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []

    def die(*_: object) -> None:
        steps.append(1)
        if len(steps) > 1:
            raise RetryableError("killed")
        append(*_)

    append = merges.append
    monkeypatch.setattr(merges, "append", die)
    with pytest.raises(RetryableError):
        catalog.merges.merge("egg", "nauplius", who="ann")
    left = catalog.images.count(ImageFilter(taxon="egg"))
    assert left == 1
    assert set(catalog.taxa.below("nauplius")) == {"nauplius", "egg"}, "it has not followed yet"
    counts = {one.taxon: one for one in catalog.taxonomy.counts()}
    assert (counts["nauplius"].validated_below, counts["nauplius"].dubious_below) == (2, 1)
    monkeypatch.setattr(merges, "append", append)
    assert catalog.merges.go_on() == 1
    assert catalog.images.count(ImageFilter(taxon="nauplius")) == 3
    assert {len(catalog.labels.history(image.image_id)) for image in eggs[:3]} == {2}
    assert catalog.merges.go_on() == 0
    again = catalog.merges.merge("egg", "nauplius", who="bob")
    assert (again.labelled, again.left, again.who) == (3, 0, "ann"), "done once"


@pytest.mark.usefixtures("small_steps", "eggs")
def test_a_large_merge_comes_back_in_time_and_the_same_call_goes_on(catalog: Catalog) -> None:
    first = catalog.merges.merge("egg", "nauplius", who="ann", within_s=0)
    assert (first.labelled, first.left) == (2, 1)
    second = catalog.merges.merge("egg", "nauplius", who="ann", within_s=60)
    assert (second.labelled, second.left, second.action_id) == (3, 0, first.action_id)


def test_an_older_label_that_holds_again_holds_as_the_valid_taxon(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.labels.apply(asked(images[0], taxon="egg"))
    later = catalog.labels.apply(asked(images[0], taxon="salp"))
    catalog.merges.merge("egg", "nauplius", who="ann")
    assert naming(catalog, images[0]) == named("salp"), "it is not called egg"
    catalog.labels.retract_action(later.action_id, who="ann")
    assert naming(catalog, images[0]) == named("nauplius")
    assert events(catalog)[-1].after == named("nauplius")
    (label, _) = catalog.labels.history(images[0].image_id)
    assert label.taxon == "egg"


@pytest.mark.usefixtures("small_steps")
def test_a_merge_is_taken_back(catalog: Catalog, eggs: list[Image]) -> None:
    catalog.taxonomy.change("egg", TaxonChange(synonyms=("ovum",)), who="ann")
    catalog.taxa.add(Taxon(key="egg_of_fish", name="egg of a fish", parent="egg"))
    before = catalog.taxa.by_key()
    catalog.merges.merge("egg", "nauplius", who="ann")
    catalog.labels.apply(asked(eggs[0], taxon="salp"))
    done = catalog.merges.undo("egg", who="bob")
    assert (done.undone, done.left) == (True, 0)
    assert catalog.taxa.by_key() == before
    assert [naming(catalog, image) for image in eggs[:3]] == [
        named("salp"), named("egg"), named("egg", LabelState.DUBIOUS),
    ]  # fmt: skip
    assert [label.retracted_by for label in catalog.labels.history(eggs[1].image_id)] == [
        None, "bob",
    ]  # fmt: skip
    assert catalog.taxonomy.history("egg")[0].kind is Did.UNMERGED
    with pytest.raises(NotFoundError, match="not merged"):
        catalog.merges.undo("egg", who="bob")
    assert catalog.merges.merge("egg", "salp", who="ann").left == 0


def test_merges_of_merged_taxa(catalog: Catalog, eggs: list[Image]) -> None:
    catalog.merges.merge("egg", "nauplius", who="ann")
    catalog.merges.merge("nauplius", "salp", who="ann")
    assert catalog.taxa.merged() == {"egg": "salp", "nauplius": "salp"}
    assert naming(catalog, eggs[0]) == named("salp")
    with pytest.raises(RejectedError, match="itself merged into 'salp': take that back first"):
        catalog.merges.undo("egg", who="ann")
    catalog.merges.undo("nauplius", who="ann")
    assert catalog.taxa.merged() == {"egg": "nauplius"}
    assert naming(catalog, eggs[0]) == named("nauplius")
    catalog.merges.undo("egg", who="ann")
    assert naming(catalog, eggs[0]) == named("egg")


def test_a_taxon_may_be_merged_into_one_below_it(catalog: Catalog) -> None:
    catalog.taxa.add(Taxon(key="calanus", name="Calanus", parent="copepod_calanoid"))
    before = catalog.taxa.by_key()
    catalog.merges.merge("copepod", "calanus", who="ann")
    have = catalog.taxa.by_key()
    assert have["calanus"].parent == "crustacean"
    assert have["copepod_calanoid"].parent == "calanus"
    catalog.merges.undo("copepod", who="ann")
    assert catalog.taxa.by_key() == before


@pytest.mark.parametrize(
    ("pair", "error", "says"),
    [
        (("egg", "egg"), RejectedError, "into itself"),
        (("egg", "kraken"), NotFoundError, "kraken"),
        (("kraken", "egg"), NotFoundError, "kraken"),
        (("fibre", "egg"), RejectedError, "merged into 'bubble' before"),
        (("egg", "fibre"), RejectedError, "merged into 'bubble': use that"),
    ],
)
def test_what_can_t_be_merged(
    catalog: Catalog, pair: tuple[str, str], error: type[Exception], says: str
) -> None:
    catalog.merges.merge("fibre", "bubble", who="ann")
    with pytest.raises(error, match=says):
        catalog.merges.merge(*pair, who="ann")


def test_a_label_given_while_a_merge_begins_follows_or_is_refused(catalog: Catalog) -> None:
    many = [an_image(n) for n in range(60)]
    catalog.images.upsert(many)

    def work(number: int) -> None:
        if number == 0:
            catalog.merges.merge("egg", "nauplius", who="ann")
            return
        for image in many[number::3]:
            try:
                catalog.labels.apply(asked(image, taxon="egg"))
            except RejectedError as error:
                assert "nauplius" in str(error)  # noqa: PT017
                return

    together(3, work)
    assert catalog.images.count(ImageFilter(taxon="egg")) == 0
