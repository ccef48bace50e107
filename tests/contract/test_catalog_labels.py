"""The catalog: labels, taxa, given names and the outbox; over SQLite and PostgreSQL."""

import itertools
from typing import Any

import pytest
import sqlalchemy as sa

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import (
    GivenName,
    Image,
    LabelState,
    Naming,
    Taxon,
    new_id,
)
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.facts import LabelApplied, LabelRetracted
from tests.contract.conftest import NOON, asked, events, named, naming, together


def test_a_label_names_images_and_says_so_in_the_outbox(
    catalog: Catalog, images: list[Image]
) -> None:
    action = catalog.labels.apply(asked(*images[:2], why="antennae"))
    assert naming(catalog, images[0]) == named("copepod")
    assert catalog.labels.history(images[1].image_id) == [action.labels[1]]
    assert catalog.images.count_labelled() == 2
    first, second = events(catalog)
    assert isinstance(first, LabelApplied)
    assert (first.image_id, second.image_id) == (images[0].image_id, images[1].image_id)
    assert (first.before, first.after, first.version) == (Naming(), named("copepod"), 1)
    assert (first.action_id, first.label_id) == (action.action_id, action.labels[0].label_id)
    assert (first.who, first.why, first.capture) == ("ann", "antennae", images[0].capture)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"image_ids": ("01ARZ3NDEKTSV4RRFFQ69G5FAV",)}, NotFoundError),
        ({"taxon": "unicorn"}, RejectedError),
        ({"taxon": "nul\0"}, RejectedError),
        ({"state": LabelState.UNLABELLED}, RejectedError),
        ({"image_ids": ()}, RejectedError),
        ({"why": "half a surrogate \ud800"}, RejectedError),
        ({"who": "\ud800"}, RejectedError),
    ],
)
def test_a_request_is_done_whole_or_not_at_all(
    catalog: Catalog, images: list[Image], wrong: dict[str, Any], error: type[Exception]
) -> None:
    if wrong.get("image_ids"):
        wrong = {"image_ids": (images[0].image_id, *wrong["image_ids"])}
    with pytest.raises(error):
        catalog.labels.apply(asked(images[0], **wrong))
    assert naming(catalog, images[0]) == Naming()
    assert catalog.labels.history(images[0].image_id) == []
    assert catalog.outbox.count() == 0


def test_what_has_a_name_is_not_unlabelled(catalog: Catalog, images: list[Image]) -> None:
    first, second, third = (image.image_id for image in images[:3])
    assert catalog.images.unlabelled([first, second, new_id()]) == {first, second}
    action = catalog.labels.apply(asked(images[0], state=LabelState.DUBIOUS))
    assert catalog.images.unlabelled([first, third]) == {third}
    catalog.labels.retract_action(action.action_id, who="ann")
    assert catalog.images.unlabelled([first]) == {first}
    assert catalog.images.unlabelled([]) == set()


def test_an_image_named_twice_in_a_request_gets_one_label(
    catalog: Catalog, images: list[Image]
) -> None:
    assert len(catalog.labels.apply(asked(images[0], images[0])).labels) == 1
    assert catalog.outbox.count() == 1


def test_a_transaction_that_fails_leaves_no_event(catalog: Catalog, images: list[Image]) -> None:
    """Every step before the last one was done, the outbox row among them."""

    def fail(*arguments: Any) -> None:
        if "INSERT INTO outbox" in arguments[2]:
            raise RuntimeError("power cut")

    sa.event.listen(catalog.engine, "after_cursor_execute", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        catalog.labels.apply(asked(images[0]))
    sa.event.remove(catalog.engine, "after_cursor_execute", fail)
    assert catalog.outbox.count() == 0
    assert naming(catalog, images[0]) == Naming()
    assert catalog.labels.history(images[0].image_id) == []


def test_a_repeated_request_is_done_once(catalog: Catalog, images: list[Image]) -> None:
    first = catalog.labels.apply(asked(*images, idempotency_key="k"))
    assert catalog.labels.apply(asked(*images, idempotency_key="k")) == first
    assert catalog.outbox.count() == 5
    with pytest.raises(RejectedError, match="Idempotency-Key"):
        catalog.labels.apply(asked(*images, taxon="diatom", idempotency_key="k"))
    assert catalog.labels.apply(asked(*images)) != first


def test_the_same_request_at_the_same_moment_is_done_once(
    catalog: Catalog, images: list[Image]
) -> None:
    request = asked(*images, idempotency_key="k")
    actions = together(8, lambda _: catalog.labels.apply(request))
    assert all(action == actions[0] for action in actions)
    assert catalog.outbox.count() == 5


def test_one_key_for_two_requests_at_the_same_moment_does_one(
    catalog: Catalog, images: list[Image]
) -> None:
    def label(number: int) -> str:
        try:
            catalog.labels.apply(asked(images[number], idempotency_key="k"))
        except RejectedError:
            return "rejected"
        return "done"

    assert sorted(together(4, label)) == ["done", "rejected", "rejected", "rejected"]
    assert catalog.outbox.count() == 1


def test_taking_a_label_back_restores_the_one_before(catalog: Catalog, images: list[Image]) -> None:
    image = images[0]
    first = catalog.labels.apply(asked(image)).labels[0]
    second = catalog.labels.apply(asked(image, taxon="diatom", state=LabelState.DUBIOUS)).labels[0]
    (now,) = catalog.labels.retract(second.label_id, who="bob")
    assert (now.naming, now.label_id, now.label_version) == (named("copepod"), first.label_id, 3)
    (now,) = catalog.labels.retract(first.label_id, who="bob")
    assert (now.naming, now.label_id, now.label_version) == (Naming(), None, 4)
    retracted = events(catalog)[-1]
    assert isinstance(retracted, LabelRetracted)
    assert (retracted.before, retracted.after, retracted.who) == (named("copepod"), Naming(), "bob")
    assert [label.retracted_by for label in catalog.labels.history(image.image_id)] == ["bob"] * 2


def test_taking_an_older_label_back_leaves_the_current_one(
    catalog: Catalog, images: list[Image]
) -> None:
    older = catalog.labels.apply(asked(images[0])).labels[0]
    current = catalog.labels.apply(asked(images[0], taxon="diatom")).labels[0]
    (now,) = catalog.labels.retract(older.label_id, who="bob")
    assert (now.naming, now.label_id) == (named("diatom"), current.label_id)
    assert events(catalog)[-1].taxon == "copepod"
    (now,) = catalog.labels.retract(current.label_id, who="bob")
    assert now.naming == Naming()


def test_taking_a_label_back_twice_is_once(catalog: Catalog, images: list[Image]) -> None:
    label = catalog.labels.apply(asked(images[0])).labels[0]
    (once,) = catalog.labels.retract(label.label_id, who="ann")
    (twice,) = catalog.labels.retract(label.label_id, who="bob")
    assert once == twice
    assert catalog.outbox.count() == 2
    assert catalog.labels.history(images[0].image_id)[0].retracted_by == "ann"


def test_taking_an_action_back_takes_its_labels_back_those_gone_excepted(
    catalog: Catalog, images: list[Image]
) -> None:
    action = catalog.labels.apply(asked(*images[:3]))
    catalog.labels.retract(action.labels[0].label_id, who="ann")
    catalog.labels.apply(asked(images[1], taxon="diatom"))
    now = catalog.labels.retract_action(action.action_id, who="bob")
    names = {image.image_id: image.naming for image in now}
    assert names == {
        images[0].image_id: Naming(),
        images[1].image_id: named("diatom"),
        images[2].image_id: Naming(),
    }
    assert len([e for e in events(catalog) if isinstance(e, LabelRetracted)]) == 3


def test_what_is_not_there_cannot_be_taken_back(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="label"):
        catalog.labels.retract("nobody", who="ann")
    with pytest.raises(NotFoundError, match="action"):
        catalog.labels.retract_action("nobody", who="ann")


def test_many_people_label_the_same_images_at_once(catalog: Catalog, images: list[Image]) -> None:
    """Versions rise by one per image, the outbox has them in order, and nobody sees a lock."""
    taxa = ("copepod", "diatom", "egg", "salp", "bubble", "fibre")

    def label(number: int) -> None:
        for _ in range(5):
            chosen = images if number % 2 else images[::-1]
            action = catalog.labels.apply(asked(*chosen, taxon=taxa[number]))
            if number % 3 == 0:
                catalog.labels.retract_action(action.action_id, who="ann")

    together(6, label)
    for image in images:
        own = [event for event in events(catalog) if event.image_id == image.image_id]
        assert [event.version for event in own] == list(range(1, 5 * (6 + 2) + 1))
        assert all(a.after == b.before for a, b in itertools.pairwise(own))
        assert naming(catalog, image) == own[-1].after


def test_embedding_and_labelling_at_once_wait_for_each_other(
    catalog: Catalog, images: list[Image]
) -> None:
    def work(number: int) -> None:
        for _ in range(10):
            if number % 2:
                catalog.images.upsert(images if number % 4 == 1 else images[::-1])
            else:
                catalog.labels.apply(asked(*images))

    together(6, work)
    assert {image.label_version for image in catalog.images.page().images} == {30}


# --- outbox, encoders, taxa


def test_the_outbox_forgets_only_what_was_published(catalog: Catalog, images: list[Image]) -> None:
    catalog.labels.apply(asked(*images))
    oldest = catalog.outbox.waiting(2)
    assert [row.fact.image_id for row in oldest] == [image.image_id for image in images[:2]]
    assert catalog.outbox.waiting(2) == oldest, "reading changes nothing, ids included"
    catalog.outbox.remove(oldest)
    catalog.outbox.remove(oldest)
    assert catalog.outbox.count() == 3
    assert catalog.outbox.waiting(1)[0].fact.image_id == images[2].image_id


def test_one_relay_publishes(catalog: Catalog, url: str) -> None:
    other = Catalog(url)
    with catalog.outbox.sole_relay() as mine:
        assert mine
        if catalog.engine.dialect.name == "postgresql":
            with other.outbox.sole_relay() as theirs:
                assert not theirs
    with other.outbox.sole_relay() as theirs:
        assert theirs
    other.close()


def test_a_taxon_is_added_once_and_needs_its_parent(catalog: Catalog) -> None:
    new = Taxon(key="oithona", name="Oithona", rank="genus", parent="copepod_cyclopoid")
    assert catalog.taxa.add(new) == new
    assert catalog.taxa.add(new) == new
    assert new in catalog.taxa.all()
    with pytest.raises(RejectedError, match="another key"):
        catalog.taxa.add(new.model_copy(update={"name": "Oithonidae"}))
    with pytest.raises(RejectedError, match="add it first"):
        catalog.taxa.add(Taxon(key="x", name="X", parent="nobody"))


EARLIER = GivenName(taxon="Calanoida<Copepoda", who="Ann", origin="EcoTaxa", at=NOON)


def test_a_name_that_an_image_came_with_becomes_a_label_and_an_event(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.given_names.adopt({images[0].image_id: EARLIER, new_id(): EARLIER})
    assert naming(catalog, images[0]) == named("calanoida-copepoda")
    (event,) = events(catalog)
    assert (event.image_id, event.who) == (images[0].image_id, "Ann")
    assert event.why == "import: EcoTaxa, 2024-05-01T12:00:00Z"
    (made,) = [taxon for taxon in catalog.taxa.all() if taxon.key == "calanoida-copepoda"]
    assert made.name == "Calanoida<Copepoda"


def test_a_name_finds_the_taxon_that_has_it(catalog: Catalog, images: list[Image]) -> None:
    names = ["copepoda", "COPEPOD", "detritus", "artefact<not-living"]
    ids = [image.image_id for image in images]
    given = [EARLIER.model_copy(update={"taxon": name}) for name in names]
    catalog.given_names.adopt(dict(zip(ids, given, strict=False)))
    expected = ["copepod", "copepod", "detritus", "artefact-not-living"]
    assert [naming(catalog, image).taxon for image in images[:4]] == expected
    kinds = {taxon.key: taxon.kind for taxon in catalog.taxa.all()}
    assert kinds["artefact-not-living"] == "non-living"


def test_a_predicted_name_is_a_machine_s(catalog: Catalog, images: list[Image]) -> None:
    name = EARLIER.model_copy(update={"state": LabelState.PREDICTED, "who": None})
    catalog.given_names.adopt({images[0].image_id: name})
    (label,) = catalog.labels.history(images[0].image_id)
    assert (label.source, label.who, label.state) == ("machine", "EcoTaxa", LabelState.PREDICTED)


def test_what_was_said_here_stands_and_a_replay_brings_nothing_back(
    catalog: Catalog, images: list[Image]
) -> None:
    fresh, taken_back, corrected = (image.image_id for image in images[:3])
    given = dict.fromkeys((fresh, taken_back, corrected), EARLIER)
    catalog.given_names.adopt(given)
    (label,) = catalog.labels.history(taken_back)
    catalog.labels.retract(label.label_id, who="bea")
    catalog.labels.apply(asked(images[2], taxon="diatom"))
    before = len(events(catalog))
    catalog.given_names.adopt(given)
    assert len(events(catalog)) == before
    assert naming(catalog, images[1]) == Naming()
    later = EARLIER.model_copy(update={"taxon": "Salpida"})
    catalog.given_names.adopt(dict.fromkeys(given, later))
    assert naming(catalog, images[0]) == named("salp"), "a corrected import replaces an import"
    assert naming(catalog, images[2]) == named("diatom"), "what was said here stands"
    catalog.given_names.adopt(given)
    assert naming(catalog, images[0]) == named("salp"), "the older record of the log came again"


def test_labels_by_id(catalog: Catalog, images: list[Image]) -> None:
    done = catalog.labels.apply(asked(*images[:2]))
    ids = [label.label_id for label in done.labels]
    assert catalog.labels.get([*ids, new_id()]) == {label.label_id: label for label in done.labels}
    assert catalog.labels.get([]) == {}
