"""A sample is deleted everywhere, also when it is broken off, and does not come back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.adapters.sql import Scope
from plankton_stream.audit.findings import Fate
from plankton_stream.curation.erase import Places, delete_sample
from plankton_stream.domain import Naming
from plankton_stream.errors import RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import again
from plankton_stream.events.facts import ImageDeleted, LabelRetracted, read_fact
from plankton_stream.samples import Deletion
from tests.pipeline import MemoryPipeline, a_frame, a_roi

BAD = Scope(sample="bad")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[MemoryPipeline]:
    """Two images and an empty frame of a bad sample, two of a good one, two of another camera."""
    line = MemoryPipeline.at(tmp_path)
    line.publish(
        a_frame("f1", camera="cam-1", sample="bad"),
        a_frame("f2", camera="cam-1", sample="bad", objects=0),
        a_frame("f3", camera="cam-1", sample="good"),
        a_roi("r1", camera="ifcb", sample="bad"),
        a_roi("r2", camera="ifcb"),
    )
    line.run()
    yield line
    line.close()


def delete(line: MemoryPipeline, scope: Scope = BAD) -> Deletion:
    places = Places(line.catalog, line.store, [line.index])
    return delete_sample(scope, places, who="ann", why="net was torn")


def everywhere(line: MemoryPipeline, sample: str = "bad") -> set[str]:
    """Ids of images of a sample that are in any place."""
    pages = line.catalog.walks.images(Scope(sample=sample))
    in_catalog = {image.image_id for page in pages for image in page}
    in_index = {i for i, (image, _) in line.index.rows.items() if image.capture.sample == sample}
    return in_catalog | in_index


def test_nothing_of_it_is_left_and_the_rest_stays(line: MemoryPipeline) -> None:
    gone = everywhere(line)
    done = delete(line)
    assert (done.images, done.frames, done.labels, len(gone)) == (3, 2, 0, 3)
    assert done.ended_at is not None
    assert not everywhere(line)
    assert not gone & set(line.store.ids())
    assert line.catalog.cuts.get("cam-1", "f1") is None
    assert len(everywhere(line, "good")) == 2
    assert (
        set(line.store.ids()) == set(line.index.rows) == set(line.ids("cam-1") + line.ids("ifcb"))
    )


def test_one_cameras_part_of_it_can_be_deleted_alone(line: MemoryPipeline) -> None:
    delete(line, Scope(camera="ifcb", sample="bad"))
    assert len(everywhere(line)) == 2
    assert line.catalog.cuts.get("cam-1", "f1") is not None


def test_downstream_is_told_and_labels_are_counted_down(line: MemoryPipeline) -> None:
    labelled = [i for i in line.ids("ifcb") if i in everywhere(line)]
    line.label(*labelled)
    line.name()
    done = delete(line)
    line.name()
    facts = [read_fact(record) for record in line.records(topics.INDEXED)]
    deleted = [fact for fact in facts if isinstance(fact, ImageDeleted)]
    assert {(fact.who, fact.why) for fact in deleted} == {("ann", "net was torn")}
    assert len(deleted) == 3
    last = read_fact(line.records(topics.LABELS)[-1])
    assert isinstance(last, LabelRetracted)
    assert (last.image_id, last.after) == (labelled[0], Naming())
    assert done.labels == 1


def test_what_is_in_the_topics_or_comes_later_is_left_out(line: MemoryPipeline) -> None:
    line.publish(
        a_frame("f9", camera="cam-1", sample="bad"), a_roi("r9", camera="ifcb", sample="bad")
    )
    delete(line)
    for record in (*line.records(topics.FRAMES)[:1], *line.records(topics.ROIS)[:1]):
        line.log.append(again(record))
    line.run()
    assert not everywhere(line)
    found = line.audit()
    assert (found.missing, found.waiting) == (0, 0)
    assert found.cameras["cam-1"].frames == {Fate.PRESENT: 1, Fate.DELETED: 3}
    assert not line.records(topics.DEADLETTER)


def test_broken_off_it_goes_on_and_counts_on(
    line: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = line.store.remove

    def fail_at_the_second(image_id: str, content_type: str) -> None:
        monkeypatch.setattr(line.store, "remove", failing)
        removed(image_id, content_type)

    def failing(*_image: str) -> None:
        raise RetryableError("killed here")

    monkeypatch.setattr(line.store, "remove", fail_at_the_second)
    with pytest.raises(RetryableError):
        delete(line)
    assert line.catalog.deletions.all()[0].ended_at is None
    assert line.audit().missing == 0  # half deleted is deleted
    monkeypatch.setattr(line.store, "remove", removed)
    done = delete(line)
    assert (done.images, len(line.catalog.deletions.all())) == (3, 1)
    assert not everywhere(line)
    assert set(line.store.ids()) == set(line.ids("cam-1") + line.ids("ifcb"))


def test_a_sample_that_is_deleted_while_a_worker_writes_it_does_not_stay(
    line: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert = line.catalog.images.upsert

    def deleted_before(images: list[object]) -> None:
        delete(line)
        upsert(images)  # type: ignore[arg-type]

    monkeypatch.setattr(line.catalog.images, "upsert", deleted_before)
    line.publish(a_roi("late", camera="ifcb", sample="bad"))
    line.embed()
    assert not everywhere(line)
    assert set(line.store.ids()) == set(line.ids("cam-1") + line.ids("ifcb"))


def test_a_label_that_comes_late_brings_no_vector_back(
    line: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    (image_id,) = set(line.ids("ifcb")) & everywhere(line)
    kept = line.index.rows[image_id]
    rename = line.index.rename

    def replaced_after_it_was_deleted(images: list[object]) -> None:
        if images:
            delete(line)
            line.index.rows[image_id] = kept  # Milvus replaces whole rows
        rename(images)  # type: ignore[arg-type]

    line.label(image_id)
    monkeypatch.setattr(line.index, "rename", replaced_after_it_was_deleted)
    line.name()
    assert image_id not in line.index.rows


def test_deleting_it_again_finds_nothing_and_is_recorded(line: MemoryPipeline) -> None:
    delete(line)
    assert delete(line).images == 0
    assert len(line.catalog.deletions.all()) == 2


def test_what_a_killed_worker_left_of_it_goes_when_its_roi_comes_again(
    line: MemoryPipeline,
) -> None:
    """Killed between vector and row: no row is left to find the vector by."""
    roi = a_roi("late", camera="ifcb", sample="bad")
    (image, vector) = next(iter(line.index.rows.values()))
    delete(line)
    line.store.put(roi.image_id, roi.content_type, roi.data)
    line.index.rows[roi.image_id] = (image, vector)
    line.publish(roi)
    line.embed()
    assert roi.image_id not in line.index.rows
    assert line.store.size(roi.image_id, roi.content_type) is None
