"""The audit on in-memory parts: every kind of loss is planted, found, and nothing else is."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plankton_stream.audit.findings import Fate, Findings, Where
from plankton_stream.audit.look import audit
from plankton_stream.audit.repair import Repaired, repair
from plankton_stream.audit.table import repair_table, table
from plankton_stream.domain import Frame, Naming
from plankton_stream.events import topics
from plankton_stream.events.envelope import Message, Received
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


def number(line: MemoryPipeline, *numbers: int) -> None:
    """Frames with these numbers arrive and are cut."""
    for sequence in numbers:
        message = frame_message(a_frame(f"f{sequence}", camera=CAMERA))
        headers = (*message.headers, ("ce_sequence", str(sequence).encode()))
        line.log.append(Message(message.topic, message.key, message.value, headers))
    line.run()


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


def test_all_counts_are_of_one_moment_while_camera_and_workers_run(
    line: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.publish(*(a_frame(key, camera=CAMERA) for key in ("f1", "f2")), a_roi("r1", camera="i"))
    line.run()
    line.publish(a_frame("f3", camera=CAMERA), a_roi("r2", camera="i"))
    line.say(CAMERA, sent=3)
    line.say("i", sent=2)
    read = line.reader.read

    def work_goes_on(topic: topics.Topic, ranges: dict[int, range]) -> Iterator[list[Received]]:
        if topic is topics.FRAMES:  # the snapshot is taken
            monkeypatch.setattr(line.reader, "read", read)
            line.publish(a_frame("f4", camera=CAMERA), a_roi("r3", camera="i"))
            line.run()
            line.say(CAMERA, sent=4)
        return read(topic, ranges)

    monkeypatch.setattr(line.reader, "read", work_goes_on)
    found = line.audit()
    frames, rois = found.cameras[CAMERA], found.cameras["i"]
    assert found.missing == 0
    assert (frames.sent, frames.arrived, frames.frames.total()) == (3, 3, 3)
    assert frames.frames == {Fate.PRESENT: 2, Fate.WAITING: 1}
    assert frames.rois == {Fate.PRESENT: 4}
    assert (rois.sent, rois.arrived) == (2, 2)
    assert rois.rois == {Fate.PRESENT: 1, Fate.WAITING: 1}


def test_a_frame_that_the_log_lost_is_missing(filled: MemoryPipeline) -> None:
    filled.say(CAMERA, sent=5)
    found = filled.audit()
    assert lost(found) == {Where.LOG: 2}
    done, after = repaired(filled)
    assert sum(done.hopeless.values()) == 2
    assert after.missing == 2
    filled.say(CAMERA, sent=23)
    text = table(filled.audit())
    assert text[-2] == "MISSING 20 frames sent, not in the log"
    assert text[-1].startswith(f"    {CAMERA} 20 since "), "and no more: they are all of them"


def test_a_gap_in_the_numbers_is_missing_unless_the_camera_says_that_it_dropped_it(
    line: MemoryPipeline,
) -> None:
    number(line, 7, 8, 11)
    assert lost(line.audit()) == {Where.SEQUENCE: 2}
    line.say(CAMERA, sent=3, dropped=2, last_sequence=11)
    assert line.audit().missing == 0
    line.say(CAMERA, sent=3, dropped=1, last_sequence=11)
    assert lost(line.audit()) == {Where.SEQUENCE: 1}


def test_what_a_camera_dropped_before_it_was_restarted_is_not_missing(
    line: MemoryPipeline,
) -> None:
    number(line, 1, 3, 6, 8)
    line.say(CAMERA, sent=2, lost_before=3, dropped=1, last_sequence=8)
    assert line.audit().missing == 0
    line.say(CAMERA, sent=2, lost_before=2, dropped=1, last_sequence=8)
    assert lost(line.audit()) == {Where.SEQUENCE: 1}


def test_what_a_camera_drops_after_its_last_status_waits_for_the_next(
    line: MemoryPipeline,
) -> None:
    number(line, 1, 3, 6, 8)
    line.say(CAMERA, sent=2, dropped=2, last_sequence=4)
    found = line.audit()
    assert (found.missing, found.waiting) == (0, 2)  # 5 and 7
    assert "numbers   2 too new to be judged" in "\n".join(table(found))
    line.say(CAMERA, sent=2, dropped=1, last_sequence=4)
    assert lost(line.audit()) == {Where.SEQUENCE: 1}


def test_numbers_that_a_camera_still_holds_are_not_missing(line: MemoryPipeline) -> None:
    number(line, 1, 3)
    line.say(CAMERA, sent=2, spooled=1, last_sequence=3)
    assert line.audit().missing == 0


@pytest.mark.parametrize("ends", ["stopped", "silent"])
def test_a_camera_that_does_not_run_any_more_is_judged_whole(
    line: MemoryPipeline, ends: str
) -> None:
    number(line, 1, 3, 6)
    line.say(
        CAMERA, sent=3, dropped=1, last_sequence=3,
        state="stopped" if ends == "stopped" else "running",
    )  # fmt: skip
    parts = replace(line.parts(), silent_s=0.0 if ends == "silent" else 60.0)
    found = audit(parts)
    assert lost(found) == {Where.SEQUENCE: 2}
    assert found.waiting == 0


def test_gaps_are_named_from_the_newest_on_and_fit_their_number(line: MemoryPipeline) -> None:
    number(line, *range(1, 28, 2), 30)
    text = table(line.audit())
    assert text[-2:] == [
        "MISSING 15 numbers missing in the sequence",
        f"    {CAMERA} 28…29, 26, 24, 22, 20, 18, 16, 14, 12, 10 and 4 older",
    ]
    line.say(CAMERA, sent=15, dropped=12, last_sequence=30)
    assert table(line.audit())[-2:] == [
        "MISSING 3 numbers missing in the sequence",
        f"    {CAMERA} 3 of these 15 numbers are not accounted for: "
        "28…29, 26, 24, 22, 20, 18, 16, 14, 12, 10 and 4 older",
    ]


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
