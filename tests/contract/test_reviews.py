"""Disputes, their settlement, and what waits for a reviewer: over SQLite and PostgreSQL."""

from typing import Any

import pytest

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image, LabelState, Naming
from plankton_stream.errors import ConflictError, NotFoundError, RejectedError
from plankton_stream.review.records import CaseKind, VoiceKind
from tests.contract.conftest import asked, events, named, naming, together

NOWHERE = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def label(catalog: Catalog, *images: Image, who: str = "ann", **more: Any) -> str:
    return catalog.labels.apply(asked(*images, who=who, **more)).action_id


def settle(
    catalog: Catalog, image: Image, taxon: str, *, seen: int | None = None, **more: Any
) -> str:
    request = asked(image, **{"taxon": taxon, "who": "rita", "why": "looked again"} | more)
    return catalog.disputes.settle(request, seen=seen).action_id


def waiting(catalog: Catalog, kind: CaseKind | None = None) -> list[str]:
    return [case.image.image_id for case in catalog.cases.page(kind).found]


def test_a_disputed_name_stays_and_waits_for_a_reviewer(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0])
    opened = catalog.disputes.open(images[0].image_id, who="ben", taxon="egg", note="round")
    assert naming(catalog, images[0]) == named("copepod")
    (case,) = catalog.cases.page().found
    assert (case.image.image_id, case.kind, case.since) == (
        images[0].image_id, CaseKind.DISPUTED, opened.at,
    )  # fmt: skip
    said = [(one.kind, one.who, one.taxon, one.note, one.stands) for one in case.voices]
    assert said == [
        (VoiceKind.LABEL, "ann", "copepod", None, True),
        (VoiceKind.DISPUTE, "ben", "egg", "round", False),
    ]
    assert len(events(catalog)) == 1  # of the label: an objection changes nothing outside


def test_dubious_images_wait_too_and_what_waits_longest_comes_first(
    catalog: Catalog, images: list[Image]
) -> None:
    for image in (images[3], images[1]):
        label(catalog, image, state=LabelState.DUBIOUS)
    label(catalog, images[0], images[2])
    catalog.disputes.open(images[2].image_id, who="ben", note="no")
    catalog.disputes.open(images[3].image_id, who="ben", note="not even that")
    expected = [images[n].image_id for n in (1, 2, 3)]
    assert waiting(catalog) == expected
    assert waiting(catalog, CaseKind.DUBIOUS) == expected[:1]
    assert waiting(catalog, CaseKind.DISPUTED) == expected[1:]
    assert catalog.cases.waiting() == {CaseKind.DISPUTED: 2, CaseKind.DUBIOUS: 1}
    first = catalog.cases.page(limit=2)
    rest = catalog.cases.page(limit=2, cursor=first.next_cursor)
    assert [c.image.image_id for c in (*first.found, *rest.found)] == expected
    assert rest.next_cursor is None


def test_a_settlement_is_a_label_and_closes_the_dispute_with_it(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0])
    for who in ("ben", "cem"):
        catalog.disputes.open(images[0].image_id, who=who, taxon="egg", note="round")
    settle(catalog, images[0], "egg")
    assert naming(catalog, images[0]) == named("egg")
    assert waiting(catalog) == []
    assert catalog.labels.history(images[0].image_id)[-1].why == "looked again"
    told = events(catalog)[-1]
    assert (told.who, told.before, told.after) == ("rita", named("copepod"), named("egg"))


def test_a_settlement_that_is_taken_back_opens_the_dispute_again(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0])
    opened = catalog.disputes.open(images[0].image_id, who="ben", note="round")
    action = settle(catalog, images[0], "egg")
    assert catalog.disputes.get(opened.dispute_id).settled_by == "rita"
    catalog.labels.retract_action(action, who="rita")
    assert naming(catalog, images[0]) == named("copepod")
    assert waiting(catalog) == [images[0].image_id]
    assert catalog.disputes.get(opened.dispute_id).settled_by is None
    settle(catalog, images[0], "copepod", who="ria")
    assert waiting(catalog) == []
    assert catalog.disputes.get(opened.dispute_id).settled_by == "ria"


def test_a_dubious_name_is_settled_and_back_after_an_undo(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0], state=LabelState.DUBIOUS)
    action = settle(catalog, images[0], "copepod")
    assert (naming(catalog, images[0]), waiting(catalog)) == (named("copepod"), [])
    catalog.labels.retract_action(action, who="rita")
    assert waiting(catalog) == [images[0].image_id]


def test_what_was_settled_or_changed_meanwhile_is_not_settled_again(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0])
    with pytest.raises(ConflictError, match=r"not in doubt.*copepod, validated by ann"):
        settle(catalog, images[0], "egg")
    catalog.disputes.open(images[0].image_id, who="ben", note="round")
    seen = catalog.images.get([images[0].image_id])[images[0].image_id].label_version
    label(catalog, images[0], who="cem", taxon="fibre")
    with pytest.raises(ConflictError, match=r"changed meanwhile.*fibre, validated by cem"):
        settle(catalog, images[0], "egg", seen=seen)
    settle(catalog, images[0], "egg", seen=seen + 1)
    with pytest.raises(ConflictError, match="egg, validated by rita"):
        settle(catalog, images[0], "fibre", who="ria")
    assert len(catalog.labels.history(images[0].image_id)) == 3


def test_a_repeated_settlement_is_done_once(catalog: Catalog, images: list[Image]) -> None:
    label(catalog, images[0])
    catalog.disputes.open(images[0].image_id, who="ben", note="round")
    actions = together(4, lambda _: settle(catalog, images[0], "egg", idempotency_key="k"))
    assert len(set(actions)) == 1
    assert len(catalog.labels.history(images[0].image_id)) == 2
    with pytest.raises(RejectedError, match="Idempotency-Key"):
        settle(catalog, images[0], "fibre", idempotency_key="k")


def test_of_two_reviewers_one_settles(catalog: Catalog, images: list[Image]) -> None:
    label(catalog, images[0])
    catalog.disputes.open(images[0].image_id, who="ben", note="round")

    def attempt(number: int) -> str:
        try:
            settle(catalog, images[0], ("egg", "fibre")[number], who=f"rita-{number}")
        except ConflictError:
            return "late"
        return "settled"

    assert sorted(together(2, attempt)) == ["late", "settled"]
    assert len(catalog.labels.history(images[0].image_id)) == 2


def test_an_objection_is_one_a_person_and_can_be_withdrawn(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0])
    one = catalog.disputes.open(images[0].image_id, who="ben", note="round")
    same = catalog.disputes.open(images[0].image_id, who="ben", taxon="egg", note="an egg")
    assert (one.dispute_id, same.taxon) == (same.dispute_id, "egg")
    (only,) = catalog.disputes.of_images([images[0].image_id])
    assert only == same
    for _ in range(2):
        catalog.disputes.withdraw(one.dispute_id)
    assert waiting(catalog) == []
    fresh = catalog.disputes.open(images[0].image_id, who="ben", note="still")
    assert fresh.dispute_id != one.dispute_id


def test_what_can_not_be_disputed_says_why(catalog: Catalog, images: list[Image]) -> None:
    with pytest.raises(RejectedError, match="label it"):
        catalog.disputes.open(images[0].image_id, who="ben", note="?")
    label(catalog, images[0])
    with pytest.raises(RejectedError, match="dragon"):
        catalog.disputes.open(images[0].image_id, who="ben", taxon="dragon")
    with pytest.raises(RejectedError, match="copepod already"):
        catalog.disputes.open(images[0].image_id, who="ben", taxon="copepod")
    with pytest.raises(NotFoundError):
        catalog.disputes.open(NOWHERE, who="ben")
    with pytest.raises(NotFoundError):
        catalog.disputes.get("nothing")
    assert waiting(catalog) == []


def test_a_settlement_of_nonsense_changes_nothing(catalog: Catalog, images: list[Image]) -> None:
    label(catalog, images[0], state=LabelState.DUBIOUS)
    with pytest.raises(RejectedError, match="dragon"):
        settle(catalog, images[0], "dragon")
    with pytest.raises(RejectedError, match="validated"):
        settle(catalog, images[0], "egg", state=LabelState.DUBIOUS)
    nowhere = images[0].model_copy(update={"image_id": NOWHERE})
    with pytest.raises(NotFoundError):
        settle(catalog, nowhere, "egg")
    assert naming(catalog, images[0]) == Naming(taxon="copepod", state=LabelState.DUBIOUS)
    with pytest.raises(RejectedError, match="next_cursor"):
        catalog.cases.page(cursor="x-y")


def test_a_deleted_image_takes_all_that_was_said_along(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0])
    catalog.disputes.open(images[0].image_id, who="ben", note="round")
    catalog.references.put({images[0].image_id: "egg"}, who="rita")
    catalog.opinions.give(images[0].image_id, "egg", who="cem")
    catalog.deletions.forget_images([images[0].image_id], who="root", why=None)
    assert (waiting(catalog), catalog.references.all(), catalog.opinions.all()) == ([], [], [])
