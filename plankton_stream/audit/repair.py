"""Brings back what an audit found missing, by sending again what is still there of it.

Everything downstream knows what it has seen before, so sending too much does no harm. A ROI is
embedded again from its record in the log, else from its frame, which is cut where its recorded
outcome says; a vector is asked for from the image's bytes.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from plankton_stream.audit.arrivals import Arrival, read_arrival
from plankton_stream.audit.findings import MAX_WANTED, Findings, FrameId, Where
from plankton_stream.audit.parts import Parts
from plankton_stream.events import topics
from plankton_stream.events.envelope import again
from plankton_stream.events.facts import embedding_request
from plankton_stream.events.topics import Topic
from plankton_stream.ports import Publisher
from plankton_stream.retrying import insist

_SOURCE = "/audit"
_BATCH = 1_000
_FLUSH_BYTES = 32 * 1024 * 1024


@dataclass
class Repaired:
    """What was sent again, and what can't be brought back.

    Attributes:
        rois: ROI records sent again, to be embedded.
        frames: frame records sent again, to be cut.
        vectors: vectors asked for.
        names: names written to the index.
        hopeless: why the rest stays missing, each reason with its count.
    """

    rois: int = 0
    frames: int = 0
    vectors: int = 0
    names: int = 0
    hopeless: dict[str, int] = field(default_factory=dict)


def repair(
    parts: Parts, findings: Findings, publisher: Publisher, stop: threading.Event
) -> Repaired:
    """Send again what is missing; the workers do the rest, and the next audit tells.

    Args:
        parts: as the audit had them.
        findings: of that audit.
        publisher: may hold back while the workers are behind; then this waits.
        stop: ends the waiting.

    Raises:
        RetryableError: a part does not answer; what was sent so far stays sent.
    """
    done, wanted = Repaired(), findings.wanted
    sender = _Sender(parts, publisher, stop)
    sent_rois = sender.send(topics.ROIS, wanted.rois, lambda arrival: arrival.key)
    without_roi = {i: frame for i, frame in wanted.rois.items() if i not in sent_rois}
    frames: set[FrameId] = {*wanted.frames, *without_roi.values()}
    sent_frames = sender.send(topics.FRAMES, frames, lambda arrival: arrival.frame)
    done.rois, done.frames = len(sent_rois), len(sent_frames)
    for encoder, ids in wanted.vectors.items():
        done.vectors += _ask(publisher, encoder, sorted(ids - wanted.rois.keys()))
    done.names = _rename(parts, sorted(wanted.stale))
    lost_rois = [i for i, frame in without_roi.items() if frame not in sent_frames]
    done.hopeless = _explain(findings, frames=len(wanted.frames - sent_frames), rois=len(lost_rois))
    return done


class _Sender:
    """Publishes records of the log once more, with their own keys and headers."""

    def __init__(self, parts: Parts, publisher: Publisher, stop: threading.Event) -> None:
        self._parts, self._publisher, self._stop = parts, publisher, stop

    def send(
        self, topic: Topic, wanted: Iterable[Hashable], key: Callable[[Arrival], Hashable]
    ) -> set[Hashable]:
        """Send the records that are wanted, each once; returns the keys that were found."""
        left, found = set(wanted), set[Hashable]()
        if not left:
            return found
        ranges = {n: span.done for n, span in self._parts.log.spans(topic).items()}
        unconfirmed_bytes = 0
        for page in self._parts.log.read(topic, ranges):
            for record in page:
                if (name := key(read_arrival(record))) in left:
                    insist(partial(self._publisher.send, again(record)), self._stop)
                    left.discard(name)
                    found.add(name)
                    unconfirmed_bytes += len(record.value)
            if unconfirmed_bytes > _FLUSH_BYTES:
                self._publisher.flush()
                unconfirmed_bytes = 0
            self._parts.progress(f"sent again to {topic.name}", len(found))
            if not left or self._stop.is_set():
                break
        self._publisher.flush()
        return found


def _ask(publisher: Publisher, encoder: str, ids: Sequence[str]) -> int:
    for start in range(0, len(ids), _BATCH):
        for image_id in ids[start : start + _BATCH]:
            publisher.send(embedding_request(image_id, encoder, source=_SOURCE))
        publisher.flush()
    return len(ids)


def _rename(parts: Parts, ids: Sequence[str]) -> int:
    live = parts.catalog.encoders.live()
    if live is None or not ids:
        return 0
    index = parts.open_index(*live)
    for start in range(0, len(ids), _BATCH):
        images = parts.catalog.images.get(ids[start : start + _BATCH])
        index.rename(list(images.values()))
    return len(ids)


def _explain(findings: Findings, *, frames: int, rois: int) -> dict[str, int]:
    """Why some of it stays missing."""
    kinds = dict(findings.kinds())
    sent = kinds.get(Where.LOG, 0) + kinds.get(Where.SEQUENCE, 0)
    wanted = findings.wanted
    too_many = sum(
        max(0, kinds.get(where, 0) - MAX_WANTED) for where in (Where.OUTCOME, Where.ROIS)
    ) + max(0, kinds.get(Where.VECTORS, 0) - sum(map(len, wanted.vectors.values())))
    reasons = {
        "the log has no record of them: only the camera's own files can be sent again": sent,
        "the frame is no longer in the log": frames,
        "neither the ROI nor its frame is in the log any more": rois,
        f"more than {MAX_WANTED:,} at once: run it again when the workers are done": too_many,
    }
    return {reason: count for reason, count in reasons.items() if count}
