"""Samples, projects, deletions and walks of the catalog: one suite over SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from plankton_stream.adapters.sql import Catalog, Scope
from plankton_stream.domain import Box, Capture, Cut, Image
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.events.facts import ImageDeleted, LabelApplied, LabelRetracted
from plankton_stream.ports import ImageFilter
from plankton_stream.samples import Project, project_of, sample_of
from tests.contract.conftest import an_image, asked, events

CRUISE = Project(project="cruise-7", name="Cruise 7")


def a_cut(number: int, *, camera: str = "cam-1", sample: str | None = None) -> Cut:
    seen = Capture(camera=camera, sample=sample)
    return Cut(capture=seen, frame_key=f"frame-{number:04d}", boxes=(Box(1, 2, 3, 4),))


@pytest.fixture
def images(catalog: Catalog) -> list[Image]:
    """Two of sample s-1, one of s-2, one of none."""
    samples = ("s-1", "s-1", "s-2", None)
    images = [an_image(n, sample=sample) for n, sample in enumerate(samples)]
    catalog.images.upsert(images)
    return images


def test_samples_are_listed_with_what_there_is_of_each(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.labels.apply(asked(images[0]))
    catalog.samples.create_project(CRUISE)
    catalog.samples.assign("s-1", "cruise-7", name="Station 12", note=None)
    catalog.samples.assign("s-later", "cruise-7", name=None, note=None)
    first, second, later = catalog.samples.all()
    assert (first.sample, first.name, first.project) == ("s-1", "Station 12", "cruise-7")
    assert (first.images, first.labelled, first.image_bytes) == (2, 1, 201)
    assert (second.sample, second.name, second.project, second.images) == ("s-2", "s-2", None, 1)
    assert (later.sample, later.images) == ("s-later", 0)
    assert catalog.samples.all("cruise-7") == [first, later]
    assert catalog.samples.get("s-2") == second


def test_a_sample_that_is_put_into_a_project_takes_its_images_there(catalog: Catalog) -> None:
    images = [
        an_image(n, sample=sample, project=project)
        for n, (sample, project) in enumerate(
            [("s-1", None), ("s-1", "tara"), ("s-2", "tara"), (None, "tara"), (None, None)]
        )
    ]
    catalog.images.upsert(images[1:])
    tara, cruise = ImageFilter(project="tara"), ImageFilter(project="cruise-7")
    assert catalog.images.count(tara) == 3
    catalog.samples.create_project(CRUISE)
    catalog.samples.assign("s-1", "cruise-7", name=None, note=None)
    catalog.images.upsert(images)  # the first one comes later, the others come again
    for where, expected in ((tara, images[2:4]), (cruise, images[:2])):
        found = catalog.images.page(where).images
        assert {i.image_id for i in found} == {i.image_id for i in expected}
        assert {i.capture.project for i in found} == {where.project}
        resolved = catalog.samples.resolved(where)
        assert [i for i in images if resolved.matches(i)] == expected, "as an index has them"
    assert catalog.samples.resolved(ImageFilter(sample="s-1")) == ImageFilter(sample="s-1")


def test_a_sample_keeps_what_is_not_said_again(catalog: Catalog) -> None:
    catalog.samples.create_project(CRUISE)
    catalog.samples.create_project(Project(project="other", name="Other"))
    catalog.samples.assign("s-1", "cruise-7", name="Station 12", note="torn")
    catalog.samples.assign("s-1", "other", name=None, note=None)
    found = catalog.samples.get("s-1")
    assert (found.name, found.note, found.project) == ("Station 12", "torn", "other")


def test_what_is_not_there_is_said(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="plankton project create"):
        catalog.samples.assign("s-1", "nowhere", name=None, note=None)
    with pytest.raises(NotFoundError, match="plankton sample list"):
        catalog.samples.get("nothing")
    catalog.samples.create_project(CRUISE)
    catalog.samples.create_project(CRUISE)
    with pytest.raises(RejectedError, match="another"):
        catalog.samples.create_project(Project(project="cruise-7", name="Another"))
    assert catalog.samples.projects() == [CRUISE]


@pytest.mark.parametrize("text", ["", "Übung", "a b", "-x", "x" * 65])
def test_an_id_that_is_none_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(RejectedError, match="lower-case letters"):
        sample_of(text)
    with pytest.raises(RejectedError, match="lower-case letters"):
        project_of(text, "name", None)


def test_deleted_images_leave_with_their_labels_and_are_announced(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.labels.apply(asked(images[0], images[1]))
    deletion = catalog.deletions.begin(Scope(sample="s-1"), who="ann", why="torn")
    catalog.deletions.forget_images(
        [images[0].image_id, images[1].image_id, "0" * 26], who="ann", why="torn",
        deletion_id=deletion.deletion_id,
    )  # fmt: skip
    done = catalog.deletions.end(deletion)
    assert (done.images, done.labels, done.image_bytes) == (2, 2, 201)
    kinds = [LabelApplied, LabelApplied, LabelRetracted, LabelRetracted, ImageDeleted, ImageDeleted]
    assert [type(fact) for fact in events(catalog)] == kinds
    assert catalog.walks.indexed_at([image.image_id for image in images]) == {
        image.image_id: image.indexed_at for image in images[2:]
    }
    assert catalog.labels.history(images[0].image_id) == []


def test_a_deletion_that_was_broken_off_is_gone_on_with(catalog: Catalog) -> None:
    scope = Scope(sample="s-1")
    first = catalog.deletions.begin(scope, who="ann", why="torn")
    assert catalog.deletions.begin(scope, who="bob", why=None) == first
    assert catalog.deletions.begin(Scope(camera="c", sample="s-1"), who="a", why=None) != first
    catalog.deletions.end(first)
    assert catalog.deletions.begin(scope, who="bob", why=None) != first


def test_what_was_deleted_is_known_by_sample_and_camera(catalog: Catalog) -> None:
    catalog.deletions.begin(Scope(sample="s-1"), who="a", why=None)
    catalog.deletions.begin(Scope(camera="cam-1", sample="s-2"), who="a", why=None)
    deleted = catalog.deletions.deleted()
    assert deleted.covers(Capture(camera="any", sample="s-1"))
    assert deleted.covers(Capture(camera="cam-1", sample="s-2"))
    assert not deleted.covers(Capture(camera="cam-2", sample="s-2"))
    assert not deleted.covers(Capture(camera="cam-1"))


def test_outcomes_of_a_samples_frames_are_deleted(catalog: Catalog) -> None:
    for cut in (a_cut(1, sample="s-1"), a_cut(2, sample="s-1", camera="cam-2"), a_cut(3)):
        catalog.cuts.record(cut)
    one = catalog.deletions.begin(Scope(camera="cam-2", sample="s-1"), who="a", why=None)
    catalog.deletions.forget_frames(one)
    assert catalog.deletions.end(one).frames == 1
    every = catalog.deletions.begin(Scope(sample="s-1"), who="a", why=None)
    catalog.deletions.forget_frames(every)
    assert catalog.deletions.end(every).frames == 1
    assert [c.cut.frame_key for page in catalog.walks.cuts(Scope()) for c in page] == ["frame-0003"]


def test_walks_give_everything_once_in_pages(catalog: Catalog) -> None:
    images = [an_image(n, sample=f"s-{n % 2}") for n in range(25)]
    catalog.images.upsert(images)
    pages = list(catalog.walks.images(Scope(), page=10))
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [i for page in pages for i in page] == sorted(images, key=lambda i: i.image_id)
    own = [i for page in catalog.walks.images(Scope(sample="s-1"), page=10) for i in page]
    assert {i.capture.sample for i in own} == {"s-1"}
    for number in range(25):
        catalog.cuts.record(a_cut(number, camera=f"cam-{number % 3}", sample=f"s-{number % 2}"))
    cuts = [c.cut for page in catalog.walks.cuts(Scope(), page=10) for c in page]
    assert len({(c.capture.camera, c.frame_key) for c in cuts}) == len(cuts) == 25
    scope = Scope(camera="cam-1", sample="s-0", since=now() - timedelta(hours=1))
    some = [c.cut for page in catalog.walks.cuts(scope) for c in page]
    assert {(c.capture.camera, c.capture.sample) for c in some} == {("cam-1", "s-0")}
    later = Scope(since=now() + timedelta(hours=1))
    assert list(catalog.walks.cuts(later)) == list(catalog.walks.images(later)) == []
    recorded = catalog.walks.recorded_at("cam-1", ["frame-0001", "frame-0002"])
    assert set(recorded) == {"frame-0001"}
    (at,) = recorded.values()
    camera, next_moment = Scope(camera="cam-1"), at + timedelta(microseconds=1)
    both = catalog.walks.count_frames(replace(camera, since=at, before=next_moment))
    assert both + catalog.walks.count_frames(replace(camera, before=at)) + (
        catalog.walks.count_frames(replace(camera, since=next_moment))
    ) == catalog.walks.count_frames(camera)
    assert both >= 1
    assert catalog.walks.count_images(Scope(camera="cam-1", sample="s-0")) == 13
