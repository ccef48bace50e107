"""The audit on in-memory parts: every kind of loss is planted, found, and nothing else is."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.audit.findings import Fate, Findings, Where
from plankton_stream.audit.repair import Repaired, repair
from plankton_stream.audit.table import repair_table, table
from plankton_stream.domain import Frame, Naming
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message
from plankton_stream.events.images import frame_message
from tests.pipeline import MemoryPipeline, a_frame, a_roi

CAMERA = "cam-1"


@pytest.fixture
def line(tmp_path: Path) -> Iterator[MemoryPipeline]:
    line = MemoryPipeline.at(tmp_path)
    yield line
    line.close()


@pytest.fixture
def filled(line: MemoryPipeline) -> MemoryPipeline:
    """Three frames with two, no and three objects, and two ROIs of an instrument; all indexed."""
    line.publish(
        a_frame("f1", camera=CAMERA),
        a_frame("f2", camera=CAMERA, objects=0),
        a_frame("f3", camera=CAMERA, objects=3),
        a_roi("r1", camera="ifcb", grey=10),
        a_roi("r2", camera="ifcb", grey=20),
    )
    line.say(CAMERA, sent=3)
    line.say("ifcb", sent=2)
    line.run()
    return line


def lost(found: Findings) -> dict[Where, int]:
    return dict(found.kinds())


def forget(line: MemoryPipeline, *ids: str) -> None:
    """Take images out of the catalog behind everybody's back."""
    with line.catalog.engine.begin() as connection:
        for image_id in ids:
            connection.exec_driver_sql(f"DELETE FROM images WHERE image_id = '{image_id}'")


def drop_records(line: MemoryPipeline, topic: topics.Topic) -> None:
    """The log has deleted a topic's records by their age; offsets go on."""
    line.log.forget(topic.name)


def repaired(line: MemoryPipeline) -> tuple[Repaired, Findings]:
    """Repair, let the workers work, and look again."""
    done = repair(line.parts(), line.audit(), line.publisher, threading.Event())
    line.run()
    return done, line.audit()


def test_all_that_was_sent_is_accounted_for(filled: MemoryPipeline) -> None:
    found = filled.audit()
    frames, rois = found.cameras[CAMERA], found.cameras["ifcb"]
    assert (found.missing, found.waiting) == (0, 0)
    assert (frames.sent, frames.arrived) == (3, 3)
    assert frames.outcomes == {"cut": 2, "empty": 1}
    assert frames.rois == {Fate.PRESENT: 5}
    assert (rois.sent, rois.arrived, rois.rois) == (2, 2, {Fate.PRESENT: 2})
    for counts in (frames, rois):
        (vectors,) = counts.vectors.values()
        assert counts.bytes == vectors == counts.rois


def test_what_no_worker_has_finished_with_waits(line: MemoryPipeline) -> None:
    line.publish(a_frame("f1", camera=CAMERA), a_roi("r1", camera="ifcb"))
    found = line.audit()
    assert found.missing == 0
    assert found.cameras[CAMERA].frames == {Fate.WAITING: 1}
    assert found.cameras["ifcb"].rois == {Fate.WAITING: 1}
    line.segment()
    found = line.audit()
    assert found.missing == 0
    assert found.cameras[CAMERA].frames == {Fate.PRESENT: 1}
    assert found.cameras[CAMERA].rois == {Fate.WAITING: 2}


def test_a_frame_that_the_log_lost_is_missing(filled: MemoryPipeline) -> None:
    filled.say(CAMERA, sent=5)
    found = filled.audit()
    assert lost(found) == {Where.LOG: 2}
    done, after = repaired(filled)
    assert sum(done.hopeless.values()) == 2
    assert after.missing == 2


def test_a_gap_in_the_numbers_is_missing_unless_the_camera_says_that_it_dropped_it(
    line: MemoryPipeline,
) -> None:
    for number in (7, 8, 11):
        message = frame_message(a_frame(f"f{number}", camera=CAMERA))
        sequence = ("ce_sequence", str(number).encode())
        line.log.append(
            Message(message.topic, message.key, message.value, (*message.headers, sequence))
        )
    line.run()
    assert lost(line.audit()) == {Where.SEQUENCE: 2}
    line.say(CAMERA, sent=3, dropped=2)
    assert line.audit().missing == 0


def test_what_the_log_deleted_by_its_age_is_not_taken_for_lost(filled: MemoryPipeline) -> None:
    drop_records(filled, topics.FRAMES)
    drop_records(filled, topics.ROIS)
    found = filled.audit()
    assert found.missing == 0
    assert found.cameras[CAMERA].arrived == 3, "the catalog has their outcomes"
    assert found.cameras["ifcb"].arrived == 2
    filled.say(CAMERA, sent=5)
    found = filled.audit()
    assert found.missing == 0
    assert found.cameras[CAMERA].arrived is None, "nobody can tell any more"


def test_a_frame_that_was_worked_off_without_an_outcome_is_found_and_cut(
    line: MemoryPipeline,
) -> None:
    line.publish(a_frame("f1", camera=CAMERA))
    line.log.committed[topics.SEGMENT_GROUP, topics.FRAMES.name] = 1  # and nothing was done
    assert lost(line.audit()) == {Where.OUTCOME: 1}
    done, after = repaired(line)
    assert done.frames == 1
    assert after.missing == 0
    assert after.cameras[CAMERA].rois == {Fate.PRESENT: 2}


def test_a_roi_lost_before_its_topic_is_cut_again_from_its_frame(line: MemoryPipeline) -> None:
    line.publish(a_frame("f1", camera=CAMERA))
    line.segment()
    line.log.records[topics.ROIS.name].clear()
    assert lost(line.audit()) == {Where.ROIS: 2}
    done, after = repaired(line)
    assert (done.rois, done.frames) == (0, 1)
    assert after.missing == 0
    assert after.cameras[CAMERA].rois == {Fate.PRESENT: 2}


def test_an_image_lost_from_the_catalog_comes_back_from_the_roi_topic(
    filled: MemoryPipeline,
) -> None:
    forget(filled, filled.ids(CAMERA)[0], *filled.ids("ifcb"))
    assert lost(filled.audit()) == {Where.ROIS: 3}
    done, after = repaired(filled)
    assert (done.rois, done.frames) == (3, 0)
    assert after.missing == 0
    assert len(filled.ids("ifcb")) == 2


def test_lost_and_damaged_bytes_come_back(filled: MemoryPipeline) -> None:
    first, second = filled.ids(CAMERA)[:2]
    data = filled.store.get(second, "image/png")
    filled.store.remove(first, "image/png")
    filled.store.put(second, "image/png", data[:-1])
    assert lost(filled.audit()) == {Where.BYTES: 2}
    _, after = repaired(filled)
    assert after.missing == 0
    assert filled.store.get(second, "image/png") == data


def test_a_lost_vector_is_asked_for(filled: MemoryPipeline) -> None:
    (gone, *_) = filled.ids(CAMERA)
    filled.index.remove([gone])
    assert lost(filled.audit()) == {Where.VECTORS: 1}
    done, after = repaired(filled)
    assert done.vectors == 1
    assert after.missing == 0
    assert filled.index.known([gone]) == {gone}


def test_a_vector_that_was_asked_for_waits(filled: MemoryPipeline) -> None:
    filled.index.remove(filled.ids("ifcb"))
    repair(filled.parts(), filled.audit(), filled.publisher, threading.Event())
    found = filled.audit()
    assert (found.missing, found.waiting) == (0, 2)


def test_a_stale_name_is_written_again_and_one_on_its_way_waits(filled: MemoryPipeline) -> None:
    first, second = filled.ids(CAMERA)[:2]
    filled.label(first)
    assert filled.audit().cameras[CAMERA].names == {Fate.WAITING: 1}  # in the outbox
    filled.name()
    image, vector = filled.index.rows[second]
    filled.index.rows[second] = (
        image.model_copy(update={"naming": Naming(taxon="salp", state="validated")}),
        vector,
    )
    assert lost(filled.audit()) == {Where.NAMES: 1}
    done, after = repaired(filled)
    assert done.names == 1
    assert after.missing == 0
    assert filled.index.namings([second])[second] == Naming()


def test_what_was_given_up_is_rejected_with_its_cause(line: MemoryPipeline) -> None:
    broken = frame_message(a_frame("f1", camera=CAMERA))
    line.log.append(Message(broken.topic, broken.key, b"no image", broken.headers))
    line.log.append(Message(broken.topic, broken.key, b"", a_headers(a_frame("f2", camera=CAMERA))))
    line.publish(a_roi("r1", camera="ifcb"))
    record = line.log.records[topics.ROIS.name][0]
    line.log.records[topics.ROIS.name][0] = type(record)(
        record.topic, 0, 0, record.key, b"no image", record.headers
    )
    line.run()
    found = line.audit()
    assert found.missing == 0
    assert found.cameras[CAMERA].outcomes == {"rejected": 1}
    assert found.cameras[CAMERA].frames == {Fate.PRESENT: 1, Fate.REJECTED: 1}
    assert found.cameras["ifcb"].rois == {Fate.REJECTED: 1}
    assert any("empty" in reason for reason in found.cameras[CAMERA].reasons)


def a_headers(frame: Frame) -> tuple[tuple[str, bytes], ...]:
    return frame_message(frame).headers


def test_what_is_nowhere_any_more_is_said_with_its_reason(filled: MemoryPipeline) -> None:
    forget(filled, *filled.ids(CAMERA)[:2])
    drop_records(filled, topics.FRAMES)
    drop_records(filled, topics.ROIS)
    done, after = repaired(filled)
    assert after.missing == 2
    assert list(done.hopeless.values()) == [2]
    assert "NOT REPAIRED 2: neither the ROI nor its frame is in the log" in "\n".join(
        repair_table(done)
    )


def test_only_the_camera_that_was_asked_for_is_looked_at(filled: MemoryPipeline) -> None:
    forget(filled, *filled.ids("ifcb"))
    assert filled.audit(camera=CAMERA).missing == 0
    assert set(filled.audit(camera="ifcb").cameras) == {"ifcb"}
    assert filled.audit(camera="ifcb").missing == 2


def test_people_read_what_is_missing_and_scripts_too(filled: MemoryPipeline) -> None:
    (gone, *_) = filled.ids(CAMERA)
    filled.index.remove([gone])
    found = filled.audit()
    text = "\n".join(table(found))
    assert "MISSING 1 images without a vector" in text
    assert gone in text
    assert found.as_json()["cameras"][CAMERA]["lost"] == {"images without a vector": 1}
