"""Maps and the places of images on them, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image, LabelState
from plankton_stream.maps import Map, MapState, Unplaced
from plankton_stream.ports import ImageFilter
from plankton_stream.predictions import Prediction
from tests.contract.conftest import NOON, an_image, asked


def ids(images: list[Image]) -> list[str]:
    return [image.image_id for image in images]


def unplaced(catalog: Catalog, made: Map, limit: int = 100) -> list[str]:
    return [one.image_id for one in catalog.maps.unplaced(made.map_id, limit)]


@pytest.fixture
def made(catalog: Catalog, images: list[Image]) -> Map:
    """A map of five images that was fitted to the first two."""
    one, two = ids(images)[:2]
    return catalog.maps.begin("enc-1", 5, {one: (0.0, 0.5), two: (1.0, -0.5)})


def test_a_map_is_filled_beside_the_one_that_is_shown(
    catalog: Catalog, images: list[Image], made: Map
) -> None:
    maps = catalog.maps
    assert (maps.live(), maps.filling()) == (None, made)
    assert unplaced(catalog, made) == ids(images)[2:]
    maps.place(made.map_id, dict.fromkeys(ids(images)[2:], (0.25, 0.25)))
    assert unplaced(catalog, made) == []
    maps.show(made.map_id)
    assert (maps.live(), maps.filling()) == (replace(made, state=MapState.LIVE), None)
    second = maps.begin("enc-2", 5, {})
    assert maps.live() is not None
    assert unplaced(catalog, second) == ids(images)
    maps.show(second.map_id)
    live = maps.live()
    assert live is not None
    assert live.map_id == second.map_id


def test_an_old_map_is_cleared_in_steps(catalog: Catalog, images: list[Image], made: Map) -> None:
    maps = catalog.maps
    assert maps.clear(10) == 0
    maps.place(made.map_id, dict.fromkeys(ids(images), (0.0, 0.0)))
    maps.show(made.map_id)
    second = maps.begin("enc-2", 5, {ids(images)[0]: (0.0, 0.0)})
    third = maps.begin("enc-2", 5, {ids(images)[1]: (0.0, 0.0)})  # the second is given up
    steps = []
    while gone := maps.clear(3):
        steps.append(gone)
    assert steps == [1, 1]
    assert maps.count(second.map_id) == 0
    assert (maps.count(made.map_id), maps.count(third.map_id)) == (5, 1)
    maps.give_up(made.map_id)
    assert [maps.clear(3) for _ in range(4)] == [3, 2, 1, 0]
    assert maps.live() is None


def test_landmarks_are_what_a_map_was_fitted_to(
    catalog: Catalog, images: list[Image], made: Map
) -> None:
    catalog.maps.place(made.map_id, {ids(images)[2]: (0.1, 0.1)})
    assert catalog.maps.landmarks(made.map_id) == {
        ids(images)[0]: (0.0, 0.5), ids(images)[1]: (1.0, -0.5),
    }  # fmt: skip


def test_a_walk_goes_on_behind_the_last_one(
    catalog: Catalog, images: list[Image], made: Map
) -> None:
    first = catalog.maps.unplaced(made.map_id, 2)
    assert first == [Unplaced(i.image_id, i.indexed_at) for i in images[2:4]]
    (last,) = catalog.maps.unplaced(made.map_id, 2, after=first[-1])
    assert last.image_id == images[4].image_id
    assert catalog.maps.unplaced(made.map_id, 2, after=last) == []


def test_points_come_with_what_they_are_called_now(
    catalog: Catalog, images: list[Image], made: Map
) -> None:
    one, two, three = ids(images)[:3]
    catalog.maps.place(made.map_id, {three: (0.25, 0.75)})
    catalog.labels.apply(asked(images[0], state=LabelState.DUBIOUS))
    vote = Prediction(
        image_id=two, taxon="copepod", score=0.8, margin=0.5, nearest=0.1, crowd=1.0,
        evidence=(), encoder="enc-1", voted_at=NOON,
    )  # fmt: skip
    catalog.predictions.put([vote, vote.model_copy(update={"image_id": one})])
    points = catalog.maps.points(made.map_id, most=100)
    assert points.ids == (one, two, three)
    assert points.x == pytest.approx((0.0, 1.0, 0.25))
    assert points.y == pytest.approx((0.5, -0.5, 0.75))
    assert points.taxa == ("copepod", None, None)
    assert points.states == ("dubious", "unlabelled", "unlabelled")
    assert points.versions == (1, 0, 0)
    assert points.predicted == (None, "copepod", None)  # what has a name needs no proposal
    assert set(points.cameras) == {"cam-1"}
    assert points.total == 3


def test_points_by_filter_and_since(catalog: Catalog, made: Map) -> None:
    other = an_image(9, camera="cam-2")
    catalog.images.upsert([other])
    maps = catalog.maps
    before = maps.points(made.map_id, most=100)
    assert before.newest is not None
    maps.place(made.map_id, {other.image_id: (0.0, 0.0)})
    since = before.newest + timedelta(microseconds=1)
    assert maps.points(made.map_id, most=100, since=since).ids == (other.image_id,)
    only = maps.points(made.map_id, ImageFilter(camera="cam-2"), most=100)
    assert (only.ids, only.total) == ((other.image_id,), 1)
    nothing = maps.points(made.map_id, ImageFilter(camera="cam-3"), most=100)
    assert (nothing.ids, nothing.newest, nothing.total) == ((), None, 0)


def test_of_many_points_a_sample_is_given_that_stays_the_same(catalog: Catalog) -> None:
    many = [an_image(n) for n in range(2_000)]
    catalog.images.upsert(many)
    made = catalog.maps.begin("enc-1", 2_000, dict.fromkeys(ids(many), (0.0, 0.0)))
    points = catalog.maps.points(made.map_id, most=500)
    assert points.total == 2_000
    assert 400 < len(points.ids) < 600
    assert points.ids == catalog.maps.points(made.map_id, most=500).ids
    assert set(points.ids) < set(catalog.maps.points(made.map_id, most=1_000).ids)


def test_a_deleted_image_leaves_the_map_and_does_not_come_back(
    catalog: Catalog, images: list[Image], made: Map
) -> None:
    catalog.deletions.forget_images(ids(images)[:1], who="ann", why=None)
    assert list(catalog.maps.landmarks(made.map_id)) == ids(images)[1:2]
    catalog.maps.place(made.map_id, {ids(images)[0]: (0.0, 0.0)})
    assert catalog.maps.count(made.map_id) == 1
