"""Blind opinions, shares and references: over SQLite and PostgreSQL."""

from typing import Any

import pytest

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image, LabelState
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.review import blind
from plankton_stream.review.records import CaseKind, OpinionKind, Shares, VoiceKind
from tests.contract.conftest import an_image, asked, named, naming, together


def label(catalog: Catalog, *images: Image, who: str = "ann", **more: Any) -> None:
    catalog.labels.apply(asked(*images, who=who, **more))


def set_shares(catalog: Catalog, **shares: float) -> None:
    catalog.opinions.set_shares(Shares(**shares), who="root")


def give_back(catalog: Catalog, who: str) -> None:
    """What happens after a while."""
    catalog.claims.release(f"{who}/second opinion")


def ids(*images: Image) -> list[str]:
    return [image.image_id for image in images]


def test_nothing_is_looked_at_twice_until_somebody_says_how_much(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, *images)
    assert catalog.opinions.shares() == Shares()
    assert catalog.opinions.offered("ben", 10) == []
    set_shares(catalog, second_percent=100)
    assert set(catalog.opinions.offered("ben", 10)) == set(ids(*images))
    set_shares(catalog, second_percent=0, self_percent=3.5)
    assert catalog.opinions.shares() == Shares(self_percent=3.5)
    assert catalog.opinions.offered("ben", 10) == []


def test_a_share_is_that_share_and_always_the_same_images(catalog: Catalog) -> None:
    many = [an_image(n) for n in range(600)]
    catalog.images.upsert(many)
    label(catalog, *many)
    set_shares(catalog, second_percent=25)
    quarter = set(catalog.opinions.offered("ben", 600))
    assert 110 < len(quarter) < 190  # 150 and four standard deviations
    set_shares(catalog, second_percent=50)
    half = set(catalog.opinions.offered("ben", 600))
    assert quarter < half
    assert catalog.opinions.offered("ben", 5) == catalog.opinions.offered("ben", 5)
    set_shares(catalog, second_percent=25)
    give_back(catalog, "ben")
    assert set(catalog.opinions.offered("cem", 600)) == quarter


def test_it_goes_to_somebody_else_and_only_once(catalog: Catalog, images: list[Image]) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, images[0], images[1])
    label(catalog, images[2], state=LabelState.DUBIOUS)
    assert catalog.opinions.offered("ann", 10) == []
    assert set(catalog.opinions.offered("ben", 10)) == set(ids(images[0], images[1]))
    catalog.opinions.give(images[0].image_id, "copepod", who="ben")
    assert catalog.opinions.offered("ben", 10) == ids(images[1])
    give_back(catalog, "ben")
    assert catalog.opinions.offered("cem", 10) == ids(images[1])


def test_nobody_is_offered_what_somebody_else_is_looking_at(
    catalog: Catalog, images: list[Image]
) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, *images)
    people = ("ben", "cem", "dan", "eve")
    offered = together(4, lambda number: catalog.opinions.offered(people[number], 2))
    handed = [image_id for some in offered for image_id in some]
    assert len(handed) == len(set(handed)) > 0
    left = set(ids(*images)) - set(handed)
    assert set(catalog.opinions.offered("fay", 10)) == left


def test_who_ever_named_an_image_is_no_second_opinion(
    catalog: Catalog, images: list[Image]
) -> None:
    set_shares(catalog, second_percent=100)
    action = catalog.labels.apply(asked(images[0], who="ben", taxon="egg")).action_id
    catalog.labels.retract_action(action, who="ben")
    label(catalog, images[0])
    assert catalog.opinions.offered("ben", 10) == []
    with pytest.raises(RejectedError, match="does not wait for ben"):
        catalog.opinions.give(images[0].image_id, "egg", who="ben")


def test_the_same_name_is_agreement_and_changes_nothing(
    catalog: Catalog, images: list[Image]
) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, images[0])
    given = catalog.opinions.give(images[0].image_id, "copepod", who="ben")
    assert (given.kind, given.compared_who, given.agrees) == (OpinionKind.SECOND, "ann", True)
    assert catalog.opinions.all() == [given]
    assert catalog.cases.page().found == []
    assert naming(catalog, images[0]) == named("copepod")
    assert (len(catalog.labels.history(images[0].image_id)), catalog.outbox.count()) == (1, 1)


def test_another_name_disputes_the_label(catalog: Catalog, images: list[Image]) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, images[0])
    catalog.opinions.give(images[0].image_id, "egg", who="ben", note="no legs")
    assert naming(catalog, images[0]) == named("copepod")
    (case,) = catalog.cases.page().found
    assert case.kind is CaseKind.DISPUTED
    said = [(one.kind, one.who, one.taxon, one.note) for one in case.voices]
    assert said == [
        (VoiceKind.LABEL, "ann", "copepod", None),
        (VoiceKind.SECOND, "ben", "egg", "no legs"),
    ]
    catalog.disputes.settle(asked(images[0], who="rita", taxon="egg"))
    assert catalog.cases.page().found == []
    (kept,) = catalog.opinions.all()
    assert (kept.taxon, kept.compared_taxon) == ("egg", "copepod")


def test_an_opinion_counts_once_and_can_be_taken_back(
    catalog: Catalog, images: list[Image]
) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, images[0], images[1])
    one = images[0].image_id
    given = together(4, lambda _: catalog.opinions.give(one, "egg", who="ben"))
    assert len({opinion.opinion_id for opinion in given}) == 1
    assert len(catalog.cases.page().found[0].disputes) == 1
    with pytest.raises(RejectedError, match="called this image egg before"):
        catalog.opinions.give(one, "fibre", who="ben")
    with pytest.raises(NotFoundError):
        catalog.opinions.withdraw(given[0].opinion_id, who="cem")
    for _ in range(2):
        catalog.opinions.withdraw(given[0].opinion_id, who="ben")
    assert (catalog.opinions.all(), catalog.cases.page().found) == ([], [])
    assert one in catalog.opinions.offered("ben", 10)
    catalog.opinions.give(one, "copepod", who="ben")


def test_what_was_settled_is_not_taken_back(catalog: Catalog, images: list[Image]) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, images[0])
    given = catalog.opinions.give(images[0].image_id, "egg", who="ben")
    catalog.disputes.settle(asked(images[0], who="rita"))
    with pytest.raises(RejectedError, match="settled"):
        catalog.opinions.withdraw(given.opinion_id, who="ben")


def test_two_who_were_offered_the_same_image_both_count(
    catalog: Catalog, images: list[Image]
) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, images[0])
    for who in ("ben", "cem"):
        assert images[0].image_id in catalog.opinions.offered("ben", 1) or who == "cem"
        catalog.opinions.give(images[0].image_id, "copepod", who=who)
    assert [one.who for one in catalog.opinions.all()] == ["ben", "cem"]


def test_after_a_while_people_see_their_own_again(catalog: Catalog, images: list[Image]) -> None:
    set_shares(catalog, self_percent=100, self_after_days=30)
    label(catalog, *images)
    assert catalog.opinions.offered("ann", 10) == []
    set_shares(catalog, self_percent=100, self_after_days=0)
    assert set(catalog.opinions.offered("ann", 10)) == set(ids(*images))
    assert catalog.opinions.offered("ben", 10) == []
    given = catalog.opinions.give(images[0].image_id, "egg", who="ann")
    assert (given.kind, given.compared_who) == (OpinionKind.SELF, "ann")
    assert catalog.cases.page().found == []  # whoever contradicts themselves disputes nobody
    assert images[0].image_id not in catalog.opinions.offered("ann", 10)


def test_references_come_hidden_among_others_and_are_scored(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, *images[:3])
    catalog.references.put({images[4].image_id: "egg"}, who="rita", note="dissected")
    set_shares(catalog, reference_percent=90)
    assert catalog.opinions.offered("ben", 10) == []  # alone they would be no secret
    set_shares(catalog, second_percent=100, reference_percent=90)
    assert images[4].image_id in catalog.opinions.offered("ben", 10)
    assert images[4].image_id not in catalog.opinions.offered("rita", 10)
    given = catalog.opinions.give(images[4].image_id, "fibre", who="ben")
    assert (given.kind, given.compared_taxon, given.compared_who) == (
        OpinionKind.REFERENCE, "egg", None,
    )  # fmt: skip
    assert catalog.cases.page().found == []
    assert images[4].image_id not in catalog.opinions.offered("ben", 10)
    give_back(catalog, "ben")
    assert images[4].image_id in catalog.opinions.offered("cem", 10)


def test_a_corrected_truth_scores_old_answers_anew(catalog: Catalog, images: list[Image]) -> None:
    one = images[0].image_id
    catalog.references.put({one: "egg"}, who="rita")
    catalog.opinions.give(one, "fibre", who="ben")
    catalog.references.put({one: "fibre"}, who="rita")
    assert [opinion.agrees for opinion in catalog.opinions.all()] == [True]
    assert [(known.taxon, known.note) for known in catalog.references.all()] == [("fibre", None)]
    assert catalog.references.remove([one, "unknown"]) == 1
    assert catalog.opinions.all() == []


def test_references_are_of_known_images_and_taxa_all_or_none(
    catalog: Catalog, images: list[Image]
) -> None:
    dragon = dict.fromkeys(ids(*images), "egg") | {images[4].image_id: "dragon"}
    with pytest.raises(RejectedError, match="dragon"):
        catalog.references.put(dragon, who="r")
    with pytest.raises(NotFoundError, match="NOWHERE"):
        catalog.references.put({images[0].image_id: "egg", "NOWHERE": "egg"}, who="r")
    catalog.references.put({}, who="r")
    assert catalog.references.all() == []


def test_what_is_disputed_is_not_handed_out(catalog: Catalog, images: list[Image]) -> None:
    set_shares(catalog, second_percent=100, self_percent=100, self_after_days=0)
    label(catalog, images[0])
    catalog.disputes.open(images[0].image_id, who="cem", note="?")
    assert (catalog.opinions.offered("ben", 9), catalog.opinions.offered("ann", 9)) == ([], [])


def test_opinions_of_a_time(catalog: Catalog, images: list[Image]) -> None:
    set_shares(catalog, second_percent=100)
    label(catalog, *images)
    first, then = (catalog.opinions.give(i.image_id, "egg", who="ben") for i in images[:2])
    assert catalog.opinions.all(after=then.at) == [then]
    assert catalog.opinions.all(before=then.at) == [first]


def test_letters_of_an_id_are_limits_of_any_share() -> None:
    assert (blind.limit(0), blind.limit(100)) == ("0000", "Z" * 27)
    assert (blind.limit(50), blind.limit(25)) == ("G000", "8000")
    limits = [blind.limit(percent / 10) for percent in range(1001)]
    assert limits == sorted(limits)
