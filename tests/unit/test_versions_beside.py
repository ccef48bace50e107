"""What is published never stops what arrives: versions that fail, and two queues in one thread."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from plankton_stream.adapters.embedding import HttpQueryEncoder
from plankton_stream.errors import PlanktonError, RejectedError, RetryableError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import embedding_request
from plankton_stream.events.images import roi_message
from plankton_stream.images import Pixels
from plankton_stream.testing import MemoryLog, MemoryPublisher, MemorySubscriber
from plankton_stream.versions import EncoderVersion, VersionState
from tests.services import some_free_port
from tests.unit.test_versions import V1, V2, Lab
from tests.worker_parts import Scripted, roi
from workers.endpoint import serve
from workers.loop import Queue, consume, consume_beside


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.catalog.close()


def fails(lab: Lab, encoder: str, error: Exception, *, grey: int | None = None) -> None:
    """From now on an encoder fails on images of a grey level, or on all."""
    version = lab.versions.get(encoder)
    assert version is not None
    encode = version.encoder.encode

    def sometimes(images: Sequence[Pixels], pixel_um: object = None) -> np.ndarray:  # noqa: ARG001
        if any(grey in (None, image[0, 0]) for image in images):
            raise error
        return encode(images)

    version.encoder.encode = sometimes  # type: ignore[method-assign]


def version(lab: Lab, encoder: str) -> EncoderVersion:
    return next(v for v in lab.catalog.encoders.all() if v.encoder == encoder)


@pytest.mark.parametrize("error", [RejectedError("NaN"), ValueError("no such shape")])
def test_a_candidate_that_fails_on_an_image_is_given_up_and_images_go_on_arriving(
    lab: Lab, error: Exception
) -> None:
    lab.publish()
    fails(lab, V2, error)
    ids = lab.arrive("a", "b")
    assert lab.indexes[V1].known(ids) == set(ids)
    assert lab.indexes[V2].count() == 0
    assert version(lab, V2).state is VersionState.FAILED
    assert str(error) in str(version(lab, V2).reason)
    assert lab.causes() == []
    assert lab.log.records[topics.REEMBED.name] == []
    lab.versions.refresh()
    assert [version.id for version in lab.versions.written()] == [V1]


def test_an_image_that_the_live_version_refuses_is_a_dead_letter_and_the_others_are_done(
    lab: Lab,
) -> None:
    lab.publish()
    fails(lab, V1, RejectedError(f"encoder {V1} gives NaN"), grey=7)
    for one in (roi("a"), roi("black", grey=7), roi("b")):
        lab.log.append(roi_message(one))

    def handle(batch: Sequence[Received]) -> None:
        lab.stop.set()
        lab.embed.handle(batch)

    subscriber = MemorySubscriber(lab.log, [topics.ROIS], group="g")
    consume(subscriber, Scripted(handle), lab.publisher, lab.stop)
    assert set(lab.indexes[V1].ids()) == {roi("a").image_id, roi("b").image_id}
    assert lab.causes() == [f"encoder {V1} gives NaN"]
    assert version(lab, V2).state is VersionState.CANDIDATE, "it did nothing wrong"


def test_an_image_that_has_no_vector_is_counted_and_holds_nothing_up(lab: Lab) -> None:
    ids = lab.arrive(*(f"r{number}" for number in range(20)))
    black = roi("black", grey=7)
    lab.log.append(roi_message(black))
    lab.embed.handle(lab.log.records[topics.ROIS.name][-1:])
    lab.publish()
    fails(lab, V2, RejectedError("NaN"), grey=7)
    lab.fill()
    assert lab.live() == V2
    assert set(lab.indexes[V2].ids()) == set(ids)
    assert lab.causes() == ["NaN"]
    assert version(lab, V2).failed == 1


def test_a_candidate_that_fails_while_it_is_filled_is_given_up(lab: Lab) -> None:
    lab.arrive("a")
    lab.publish()
    fails(lab, V2, ValueError("no such shape"))
    lab.fill()
    assert lab.live() == V1
    assert version(lab, V2).state is VersionState.FAILED
    lab.catalog.encoders.repair()
    fails(lab, V1, ValueError("out of memory"))
    request = embedding_request(roi("a").image_id, V1, source="/tests")
    lab.log.append(request)
    with pytest.raises(ValueError, match="out of memory"):
        lab.work()


class Counting:
    """A worker that remembers whose turn it was."""

    def __init__(self, name: str, turns: list[str], stop: threading.Event, last: int) -> None:
        self.name, self._turns, self._stop, self._last = name, turns, stop, last

    def handle(self, batch: Sequence[Received]) -> None:
        self._turns += [self.name] * bool(batch)
        if len(self._turns) >= self._last:
            self._stop.set()


@pytest.mark.parametrize(
    ("urgent", "allowed", "turns"),
    [
        # One batch that is not full: nothing more waits, so the background is next.
        (1, True, ["urgent", "background", "background", "background"]),
        # Many wait: nine turns are theirs.
        (99, True, ["urgent"] * 10 + ["background", "urgent"]),
        (1, False, ["urgent"]),
    ],
)
def test_the_background_gets_what_is_not_urgent(
    urgent: int, allowed: bool, turns: list[str]
) -> None:
    log, stop, seen = MemoryLog(), threading.Event(), []  # type: ignore[var-annotated]
    for number in range(urgent):
        log.append(roi_message(roi(str(number))))
    for _ in range(9):
        log.append(embedding_request(roi("x").image_id, V1, source="/tests"))

    def queue(name: str, topic: topics.Topic) -> Queue:
        subscriber = MemorySubscriber(log, [topic], group=name, max_records=3)
        return Queue(subscriber, Counting(name, seen, stop, len(turns)), full=3)

    consume_beside(
        queue("urgent", topics.ROIS), queue("background", topics.REEMBED), MemoryPublisher(log),
        stop, may_work=lambda: allowed,
    )  # fmt: skip
    assert seen == turns


def beside(lab: Lab, background: Callable[[Sequence[Received]], None]) -> None:
    """The embed worker's loop, with something around its work in the background."""
    rois = MemorySubscriber(lab.log, [topics.ROIS], group="rois")
    requests = MemorySubscriber(lab.log, [topics.REEMBED], group="requests", max_records=1)
    consume_beside(
        Queue(rois, lab.embed, 64), Queue(requests, Scripted(background), 64), lab.publisher,
        lab.stop, may_work=lab.versions.are_complete,
    )  # fmt: skip


def test_a_request_whose_version_is_being_loaded_waits_and_rois_do_not(lab: Lab) -> None:
    ids = lab.arrive("a", "b")
    lab.publish(seen=False)
    for image_id in ids:
        lab.log.append(embedding_request(image_id, V2, source="/tests"))
    late = roi("late")
    tries: list[str] = []

    def reembed(batch: Sequence[Received]) -> None:
        try:
            lab.reembed.handle(batch)
            tries.append("done")
        except PlanktonError as error:
            tries.append(type(error).__name__)
            raise
        finally:
            if len(tries) == 1:
                lab.log.append(roi_message(late))
            elif lab.indexes[V1].known([late.image_id]):
                lab.versions.refresh()  # it is loaded only when the ROI has been done
            if lab.indexes[V2].known(ids) == set(ids) or len(tries) > 5:
                lab.stop.set()

    beside(lab, reembed)
    assert tries == [RetryableError.__name__] * 2 + ["done"] * 2
    assert lab.indexes[V2].known(ids) == set(ids)
    assert lab.log.committed["requests", topics.REEMBED.name] == 2


def test_a_request_that_waits_when_the_worker_stops_is_not_committed(lab: Lab) -> None:
    (image_id,) = lab.arrive("a")
    lab.publish(seen=False)
    lab.log.append(embedding_request(image_id, V2, source="/tests"))

    def reembed(batch: Sequence[Received]) -> None:
        lab.stop.set()
        lab.reembed.handle(batch)

    beside(lab, reembed)
    assert ("requests", topics.REEMBED.name) not in lab.log.committed


def test_a_picture_that_has_no_vector_is_refused_by_the_endpoint(lab: Lab) -> None:
    fails(lab, V1, RejectedError(f"encoder {V1} gives NaN"))
    port = some_free_port()
    server = serve(lab.versions, "127.0.0.1", port)
    try:
        with pytest.raises(RejectedError, match="NaN"):
            HttpQueryEncoder(f"http://127.0.0.1:{port}").encode(roi("a").data, "image/png", V1)
    finally:
        server.shutdown()
        server.server_close()
