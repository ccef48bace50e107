"""The two image topics: a record waits, has left its traces, was given up, or is lost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plankton_stream.adapters.sql import Scope
from plankton_stream.audit.findings import SHOWN, CameraCounts, Fate, Findings, FrameId, Where
from plankton_stream.audit.parts import Parts
from plankton_stream.audit.snapshot import Snapshot, Spans
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received, to_text
from plankton_stream.events.health import CameraStatus
from plankton_stream.events.topics import Topic
from plankton_stream.gaps import Arrived, Gap, count, up_to
from plankton_stream.samples import DeletedSamples

UNREADABLE = "?"
"""Stands for the camera of a record that does not say which."""

_CLOCKS_AGREE = timedelta(seconds=1)

Keys = set[Hashable]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record of an image topic, without its bytes.

    Attributes:
        key: tells doubles: (camera, frame key) of a frame, the image id of a ROI.
        frame: the frame that it is, or was cut from.
        sequence: its number in what its camera gave.
    """

    key: Hashable
    frame: FrameId
    sample: str | None
    origin: str
    partition: int
    appended_at: datetime | None
    sequence: int | None

    @property
    def camera(self) -> str:
        """Who sent it, or the frame that it was cut from."""
        return self.frame[0]


def read_arrival(record: Received) -> Arrival:
    """What a record says of itself; one that says nothing is known by its place in the log."""
    try:
        headers = to_text(record.headers)
    except RejectedError:
        headers = {}
    frame = headers.get("ce_camera", UNREADABLE), headers.get("ce_framekey", record.origin)
    is_roi = record.topic == topics.ROIS.name
    return Arrival(
        key=headers.get("ce_subject", record.origin) if is_roi else frame,
        frame=frame,
        sample=headers.get("ce_sample"),
        origin=record.origin,
        partition=record.partition,
        appended_at=record.appended_at,
        sequence=int(number) if (number := headers.get("ce_sequence", "")).isdecimal() else None,
    )


@dataclass(frozen=True, slots=True)
class Traces:
    """What some records left in the catalog.

    Attributes:
        known: keys of those that had left their traces when the snapshot was taken.
        late: of those that did so later; they waited then.
        cut_here: of those that no camera sent: ROIs of a frame, which are judged with it.
    """

    known: Keys
    late: Keys
    cut_here: Keys


@dataclass
class Side:
    """One of the two topics.

    Attributes:
        traces: of some records, in the catalog.
        counts: where its records are counted.
        lose: called for each that is lost.
        waiting: keys of what no worker has finished with, about 0.1 KB each.
        sent: hashes of the keys that cameras sent since their last start.
        unfinished: of those, the ones that left no traces in the catalog so far.
        numbers: those that cameras gave to what is in the log.
        oldest: when the first record that is left in each partition was taken.
    """

    topic: Topic
    spans: Spans
    traces: Callable[[Sequence[Arrival]], Traces]
    counts: Callable[[CameraCounts], Counter[Fate]]
    lose: Callable[[Arrival], None]
    waiting: Keys = field(default_factory=set)
    sent: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    unfinished: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    numbers: dict[str, Arrived] = field(default_factory=lambda: defaultdict(Arrived))
    oldest: dict[int, datetime] = field(default_factory=dict)

    def holds_all_since(self, moment: datetime) -> bool:
        """Whether nothing that the log took since then was deleted by its age or by the cap."""
        return all(
            span.start == 0 or (n in self.oldest and self.oldest[n] <= moment)
            for n, span in self.spans.items()
        )


class Arrivals:
    """Walks through both topics, frames first, and notes what it finds."""

    def __init__(
        self, parts: Parts, snapshot: Snapshot, deleted: DeletedSamples, findings: Findings
    ) -> None:
        self._parts, self._snapshot = parts, snapshot
        self._deleted, self._findings = deleted, findings
        self._started = {
            camera: _start(status, at) for camera, (status, at) in snapshot.statuses.items()
        }
        self.frames = Side(
            topics.FRAMES, snapshot.frames, self._traces_of_frames, lambda counts: counts.frames,
            lambda arrival: findings.lose_frame(arrival.frame),
        )  # fmt: skip
        self.rois = Side(
            topics.ROIS, snapshot.rois, self._traces_of_rois, lambda counts: counts.rois,
            lambda arrival: findings.lose_roi(Where.ROIS, arrival.frame, str(arrival.key)),
        )  # fmt: skip

    def walk(self) -> None:
        """Look at every record that the log holds of the two topics."""
        for side in (self.frames, self.rois):
            # What waits comes first: it may be what was sent again of something lost.
            seen: set[int] = set()
            self._walk(side, {n: span.waiting for n, span in side.spans.items()}, seen)
            self._walk(side, {n: span.done for n, span in side.spans.items()}, seen)
        scope = self._parts.scope
        if scope.sample is None and scope.since is None:  # what cameras count is all of it
            self._compare_with_statuses()
            self._look_for_gaps()

    def _walk(self, side: Side, ranges: dict[int, range], seen: set[int]) -> None:
        is_waiting = any(r and r == side.spans[n].waiting for n, r in ranges.items())
        looked_at = 0
        for page in self._parts.log.read(side.topic, ranges):
            arrivals = [a for a in map(read_arrival, page) if self._is_in_scope(a)]
            traces = side.traces(arrivals)
            for arrival in arrivals:
                is_known = arrival.key in traces.known
                if arrival.key not in traces.cut_here:
                    self._note_sent(side, arrival, is_known=is_known)
                if is_waiting:
                    side.waiting.add(arrival.key)
                if not is_known and hash(arrival.key) not in seen:
                    seen.add(hash(arrival.key))
                    waits = is_waiting or arrival.key in traces.late
                    self._judge(side, arrival, is_waiting=waits)
            looked_at += len(page)
            self._parts.progress(f"records of {side.topic.name}", looked_at)

    def _judge(self, side: Side, arrival: Arrival, *, is_waiting: bool) -> None:
        since = self._parts.scope.since
        if since and arrival.appended_at and arrival.appended_at < since:
            return
        counts = self._findings.cameras[arrival.camera]
        given_up = self._snapshot.given_up
        cause = given_up.origins.get(arrival.origin) or given_up.images.get(str(arrival.key))
        if self._deleted.has(arrival.sample, arrival.camera):
            fate = Fate.DELETED
        elif is_waiting:
            fate = Fate.WAITING
        elif cause is not None:
            fate = Fate.REJECTED
            counts.reasons[cause] += 1
        else:
            fate = Fate.MISSING
            side.lose(arrival)
        side.counts(counts)[fate] += 1

    def _note_sent(self, side: Side, arrival: Arrival, *, is_known: bool) -> None:
        at, started_at = arrival.appended_at, self._started.get(arrival.camera)
        if arrival.sequence is not None:
            side.numbers[arrival.camera].add(arrival.sequence)
        if at is None:
            return
        side.oldest[arrival.partition] = min(at, side.oldest.get(arrival.partition, at))
        if started_at and at >= started_at:
            side.sent[arrival.camera].add(hash(arrival.key))
            if not is_known:
                side.unfinished[arrival.camera].add(hash(arrival.key))

    def _traces_of_frames(self, arrivals: Sequence[Arrival]) -> Traces:
        decided = self._decided(arrivals)
        known: Keys = {key for key, at in decided.items() if at < self._snapshot.taken_at}
        late: Keys = {key for key in decided if key not in known}
        return Traces(known, late, set())

    def _traces_of_rois(self, arrivals: Sequence[Arrival]) -> Traces:
        decided = self._decided(arrivals)
        cut_here: Keys = {a.key for a in arrivals if a.frame in decided}
        own = [str(a.key) for a in arrivals if a.key not in cut_here]
        indexed = self._parts.catalog.walks.indexed_at(own)
        known: Keys = {key for key, at in indexed.items() if at < self._snapshot.taken_at}
        late: Keys = {key for key in indexed if key not in known}
        return Traces(known | cut_here, late, cut_here)

    def _decided(self, arrivals: Sequence[Arrival]) -> dict[FrameId, datetime]:
        by_camera: dict[str, set[str]] = defaultdict(set)
        for arrival in arrivals:
            by_camera[arrival.camera].add(arrival.frame[1])
        return {
            (camera, key): at
            for camera, keys in by_camera.items()
            for key, at in self._parts.catalog.walks.recorded_at(camera, sorted(keys)).items()
        }

    def _is_in_scope(self, arrival: Arrival) -> bool:
        scope = self._parts.scope
        return scope.camera in (None, arrival.camera) and scope.sample in (None, arrival.sample)

    def _compare_with_statuses(self) -> None:
        """What a camera says Kafka confirmed must be in the log, or have been in it."""
        for camera, (status, _) in self._snapshot.statuses.items():
            if self._parts.scope.camera not in (None, camera):
                continue
            counts = self._findings.cameras[camera]
            counts.sent, counts.dropped = status.sent, status.dropped
            counts.dropped_because.update(status.dropped_because)
            both = self.frames, self.rois
            sides = [side for side in both if camera in side.sent][:1] or both
            is_whole = all(side.holds_all_since(self._started[camera]) for side in sides)
            arrived = max(
                sum(len(side.sent.get(camera, ())) for side in sides), self._traces(camera)
            )
            lost = max(0, status.sent - arrived)
            if is_whole or not lost:
                counts.arrived = arrived
            if is_whole and lost:
                since = f"{lost} since {status.started_at:%Y-%m-%dT%H:%M:%SZ}"
                self._findings.lose(Where.LOG, camera, since, lost)

    def _traces(self, camera: str) -> int:
        """What a camera sent since its start, by the catalog and by what it lacks so far.

        Less than all where something that was known before was sent again.
        """
        walks = self._parts.catalog.walks
        scope = Scope(camera=camera, since=self._started[camera], before=self._snapshot.taken_at)
        finished = walks.count_frames(scope) or walks.count_images(scope)
        unfinished = (side.unfinished.get(camera, ()) for side in (self.frames, self.rois))
        return finished + sum(map(len, unfinished))

    def _look_for_gaps(self) -> None:
        """Numbers that are not in the log, between the first and the last that are.

        As many as a camera says that it dropped are not missing; which ones, it does not say.
        Frames of a camera lie on one partition, so age takes the first of them only; ROIs lie on
        all.
        """
        is_whole = all(span.start == 0 for span in self.rois.spans.values())
        for side in (self.frames, self.rois) if is_whole else (self.frames,):
            for camera, numbers in side.numbers.items():
                gaps = numbers.gaps()
                told, known = self._told(camera, gaps)
                if new := count(gaps) - count(told):
                    self._findings.cameras[camera].numbers[Fate.WAITING] += new
                if (missing := count(told) - known) > 0:
                    self._findings.lose(Where.SEQUENCE, camera, _named(told, missing), missing)

    def _told(self, camera: str, gaps: list[Gap]) -> tuple[list[Gap], int]:
        """Gaps that a camera's last status covers, and how many of their numbers it explains.

        A camera that runs goes on dropping after its status, which tells nothing of that.
        """
        status, at = self._snapshot.statuses.get(camera, (None, None))
        if status is None:
            return gaps, 0
        silent = self._snapshot.taken_at - (at or status.at)
        dropped = status.lost_before + status.dropped
        if status.state == "stopped" or silent.total_seconds() > self._parts.silent_s:
            return gaps, dropped
        on_its_way = max(0, status.seen + status.recovered - status.sent - status.dropped)
        return up_to(gaps, status.last_sequence), dropped + on_its_way


def _named(gaps: list[Gap], missing: int) -> str:
    """The newest of some gaps; how many of their numbers are missing, if those are not all."""
    shown, numbers = gaps[: -SHOWN - 1 : -1], count(gaps)
    text = ", ".join(map(str, shown))
    if older := numbers - count(shown):
        text += f" and {older:,} older"
    if missing == numbers:
        return text
    return f"{missing:,} of these {numbers:,} numbers are not accounted for: {text}"


def _start(status: CameraStatus, taken_at: datetime | None) -> datetime:
    """When a camera's process started, by the log's clock or earlier.

    The camera's clock may be ahead of the log's; how far, its last status tells.
    """
    ahead = max(timedelta(0), status.at - taken_at) if taken_at else timedelta(0)
    return status.started_at - ahead - _CLOCKS_AGREE
