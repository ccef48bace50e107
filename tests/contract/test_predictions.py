"""Predictions, rejections and queues: one suite over SQLite and PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest

from plankton_stream.adapters.sql import Catalog, LabelRequest
from plankton_stream.domain import Image, LabelState, Taxon
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.ports import ImageFilter
from plankton_stream.predictions import Expected, Prediction, Queue
from plankton_stream.votes import Voter
from tests.contract.conftest import NOON, an_image


@pytest.fixture
def images(catalog: Catalog) -> list[Image]:
    """Five indexed images, in the order of their ids."""
    images = sorted((an_image(n) for n in range(5)), key=lambda image: image.image_id)
    catalog.images.upsert(images)
    return images


def voted(image: Image, taxon: str | None = "copepod", **more: Any) -> Prediction:
    values = {
        "image_id": image.image_id, "taxon": taxon, "score": 0.5, "margin": 0.1, "nearest": 0.1,
        "crowd": 1.0, "evidence": (), "encoder": "enc-1", "voted_at": NOON,
    }  # fmt: skip
    return Prediction(**values | more)


def label(catalog: Catalog, *images: Image, taxon: str = "copepod") -> None:
    ids = tuple(image.image_id for image in images)
    catalog.labels.apply(
        LabelRequest(image_ids=ids, taxon=taxon, state=LabelState.VALIDATED, who="ann")
    )


def order(catalog: Catalog, queue: Queue, **more: Any) -> list[str]:
    return [one.image.image_id for one in catalog.queues.page(queue, **more).found]


def test_a_prediction_comes_back_as_it_was_and_is_replaced(
    catalog: Catalog, images: list[Image]
) -> None:
    voter = Voter(image_id=images[1].image_id, taxon="copepod", distance=0.25)
    full = voted(images[0], score=0.123456789, evidence=(voter,))
    bare = voted(images[2], None, nearest=None)
    catalog.predictions.put([full, bare])
    ids = [image.image_id for image in images]
    assert catalog.predictions.get(ids) == {full.image_id: full, bare.image_id: bare}
    later = voted(images[0], "egg", voted_at=NOON + timedelta(1))
    catalog.predictions.put([later])
    catalog.predictions.put([])
    assert catalog.predictions.get(ids[:1]) == {later.image_id: later}


def test_predictions_and_rejections_leave_labels_alone(
    catalog: Catalog, images: list[Image]
) -> None:
    label(catalog, images[0], taxon="egg")
    before = catalog.images.get([image.image_id for image in images])
    catalog.predictions.put([voted(image) for image in images])
    catalog.predictions.reject([image.image_id for image in images], "copepod", who="ann")
    assert catalog.images.get([image.image_id for image in images]) == before
    assert len(catalog.labels.history(images[0].image_id)) == 1
    assert catalog.outbox.count() == 1


def test_what_waits_for_a_vote_comes_oldest_first(catalog: Catalog, images: list[Image]) -> None:
    ids = [image.image_id for image in images]
    label(catalog, images[0])
    for number, image in enumerate(images[2:]):
        catalog.predictions.put([voted(image, voted_at=NOON - timedelta(minutes=number))])
    before = NOON - timedelta(seconds=30)
    assert catalog.predictions.waiting(10, before=before) == [ids[1], ids[4], ids[3]]
    assert catalog.predictions.waiting(2, before=before) == [ids[1], ids[4]]


def test_a_rejection_is_remembered_once_and_withdraws_the_proposal(
    catalog: Catalog, images: list[Image]
) -> None:
    one, other = images[0].image_id, images[1].image_id
    catalog.predictions.put([voted(images[0]), voted(images[1], "egg")])
    for _ in range(2):
        catalog.predictions.reject([one, other, one], "copepod", who="ann")
    said = catalog.predictions.get([one, other])
    assert (said[one].taxon, said[other].taxon) == (None, "egg")
    assert catalog.predictions.rejected([one, other, "unknown"]) == {
        one: {"copepod"},
        other: {"copepod"},
    }
    assert catalog.predictions.waiting(10, before=NOON)[-1:] == [one]


def test_a_rejection_is_of_known_images_and_taxa(catalog: Catalog, images: list[Image]) -> None:
    one = images[0].image_id
    with pytest.raises(NotFoundError, match="01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        catalog.predictions.reject([one, "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "egg", who="ann")
    with pytest.raises(RejectedError, match="dragon"):
        catalog.predictions.reject([one], "dragon", who="ann")
    assert catalog.predictions.rejected([one]) == {}


def test_what_is_expected_of_each_taxon(catalog: Catalog, images: list[Image]) -> None:
    catalog.predictions.put(
        [voted(images[0], score=0.25), voted(images[1], score=0.5), voted(images[2], None),
         voted(images[3], "egg", score=0.5), voted(images[4], "egg", score=1.0)]
    )  # fmt: skip
    label(catalog, images[4])
    assert catalog.predictions.expected() == [
        Expected("copepod", 2, 0.75),
        Expected("egg", 1, 0.5),
    ]


@pytest.mark.parametrize(
    ("queue", "field", "values", "expected"),
    [
        (Queue.PREDICTED, "score", (0.2, 0.9, 0.5), (1, 2, 0)),
        (Queue.DOUBTFUL, "score", (0.2, 0.9, 0.5), (0, 2, 1)),
        (Queue.UNCERTAIN, "margin", (0.2, 0.01, 0.5), (1, 0, 2)),
        (Queue.NOVEL, "nearest", (0.2, None, 0.5), (1, 2, 0)),
        (Queue.CLUSTERS, "crowd", (3.0, 1.0, 7.0), (2, 0, 1)),
    ],
)
def test_a_queue_has_its_order_in_pages_of_any_size(
    catalog: Catalog, images: list[Image], queue: Queue, field: str,
    values: tuple[float | None, ...], expected: tuple[int, ...],
) -> None:  # fmt: skip
    for image, value in zip(images, values, strict=False):
        catalog.predictions.put([voted(image, **{field: value})])
    wanted = [images[n].image_id for n in expected]
    assert order(catalog, queue) == wanted
    first = catalog.queues.page(queue, limit=2)
    assert [one.image.image_id for one in first.found] == wanted[:2]
    assert order(catalog, queue, limit=2, cursor=first.next_cursor) == wanted[2:]


def test_newest_comes_in_pages_and_needs_no_votes(catalog: Catalog, images: list[Image]) -> None:
    label(catalog, images[3])
    wanted = [images[n].image_id for n in (4, 2, 1, 0)]
    first = catalog.queues.page(Queue.NEWEST, limit=3)
    assert [one.image.image_id for one in first.found] == wanted[:3]
    assert [one.standing for one in first.found] == [None] * 3
    assert order(catalog, Queue.NEWEST, cursor=first.next_cursor) == wanted[3:]


def test_rare_taxa_come_first_and_of_equals_the_surest(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.taxa.add(Taxon(key="rarity", name="Rarity"))
    label(catalog, images[0])
    catalog.predictions.put(
        [voted(images[1], score=0.9), voted(images[2], "rarity", score=0.1),
         voted(images[3], "rarity", score=0.3)]
    )  # fmt: skip
    assert order(catalog, Queue.RARE) == [images[n].image_id for n in (3, 2, 1)]


def test_a_queue_is_filtered_by_taxon_and_by_image(catalog: Catalog, images: list[Image]) -> None:
    (elsewhere,) = [an_image(9, camera="cam-2")]
    catalog.images.upsert([elsewhere])
    catalog.predictions.put([voted(images[0]), voted(images[1], "egg"), voted(elsewhere)])
    assert order(catalog, Queue.PREDICTED, taxa=("egg",)) == [images[1].image_id]
    where = ImageFilter(camera="cam-2")
    assert order(catalog, Queue.PREDICTED, where=where) == [elsewhere.image_id]


def test_a_deleted_image_takes_what_was_said_of_it_along(
    catalog: Catalog, images: list[Image]
) -> None:
    ids = [image.image_id for image in images]
    catalog.predictions.put([voted(image) for image in images])
    catalog.predictions.reject(ids[:2], "egg", who="ann")
    catalog.deletions.forget_images(ids[:1], who="ann", why=None)
    assert set(catalog.predictions.get(ids)) == set(ids[1:])
    assert set(catalog.predictions.rejected(ids)) == {ids[1]}
    catalog.predictions.put([voted(image, "egg") for image in images[:2]])  # a vote that comes late
    assert catalog.predictions.get(ids[:2]) == {ids[1]: voted(images[1], "egg")}


def test_a_seed_that_is_passed_over_stays_back_after_a_new_vote(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.predictions.put([voted(images[0], crowd=5.0), voted(images[1], crowd=4.0)])
    catalog.predictions.pass_over([images[0].image_id])
    catalog.predictions.put([voted(images[0], crowd=6.0)])
    assert order(catalog, Queue.CLUSTERS) == [images[1].image_id, images[0].image_id]


@pytest.mark.parametrize("cursor", ["", "x", "~", "nan", "1.5.2~01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_a_cursor_that_no_page_gave_is_refused(catalog: Catalog, cursor: str) -> None:
    with pytest.raises(RejectedError, match="next_cursor"):
        catalog.queues.page(Queue.NOVEL, cursor=cursor)
    with pytest.raises(RejectedError, match="limit"):
        catalog.queues.page(Queue.NOVEL, limit=0)


def test_a_predicted_taxon_is_found_until_somebody_names_the_image(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.predictions.put([voted(one) for one in images[:3]] + [voted(images[3], "egg")])
    label(catalog, images[1], taxon="copepod")
    ids = [image.image_id for image in images]
    wanted = {ids[0], ids[2]}
    assert catalog.predictions.proposed(ids, "copepod") == wanted
    assert catalog.predictions.proposed(ids[:1], "copepod") == {ids[0]}
    assert catalog.predictions.proposed([], "copepod") == set()
    assert {i.image_id for i in catalog.images.page(predicted="copepod").images} == wanted
    page = catalog.images.page(ImageFilter(camera="cam-2"), predicted="copepod")
    assert page.images == []


def test_where_the_bytes_of_images_are(catalog: Catalog, images: list[Image]) -> None:
    asked = [images[0].image_id, images[3].image_id, "01AN4Z07BY79KA1307SR9X4MV3"]
    assert catalog.images.sources(asked) == {
        one.image_id: (one.content_type, one.sha256) for one in (images[0], images[3])
    }
