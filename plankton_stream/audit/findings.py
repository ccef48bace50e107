"""What an audit found: per camera how much is where, and what is nowhere."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FrameId = tuple[str, str]
"""Camera and frame key."""

SHOWN = 10
"""Losses of a kind that are named; the rest is counted."""

MAX_WANTED = 200_000
"""Losses of a kind that one repair sends again; the next run does the rest. Bounds memory."""


class Where(StrEnum):
    """Between which two places something got lost."""

    LOG = "frames sent, not in the log"
    SEQUENCE = "numbers missing in the sequence"
    OUTCOME = "frames without an outcome"
    ROIS = "ROIs not in the catalog"
    BYTES = "images without their bytes"
    VECTORS = "images without a vector"
    NAMES = "names stale in the index"


class Fate(StrEnum):
    """Where something is. All but `missing` are accounted for."""

    PRESENT = "present"
    WAITING = "waiting"
    REJECTED = "rejected"
    DELETED = "deleted"
    MISSING = "missing"


@dataclass
class CameraCounts:
    """What there is of one camera.

    Attributes:
        sent: frames or ROIs that its last status says Kafka confirmed since `started_at`.
        dropped: what that status says was lost before Kafka.
        dropped_because: the same by reason.
        arrived: since then, found in the log, or by its traces in the catalog; None if that can't
            be told, because the log has deleted some.
        outcomes: frames by outcome (cut, empty, rejected), recorded in the catalog.
        frames: frames by fate; the present ones have an outcome.
        rois: ROIs by fate; the present ones are images in the catalog.
        bytes: images in the catalog by the fate of their bytes.
        vectors: the same by encoder version, for their vectors.
        names: the same for what the live index calls them.
        numbers: of frames that did not arrive, those that are newer than its last status.
        reasons: why frames and ROIs were rejected.
    """

    sent: int | None = None
    dropped: int | None = None
    dropped_because: Counter[str] = field(default_factory=Counter)
    arrived: int | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    frames: Counter[Fate] = field(default_factory=Counter)
    rois: Counter[Fate] = field(default_factory=Counter)
    bytes: Counter[Fate] = field(default_factory=Counter)
    vectors: dict[str, Counter[Fate]] = field(default_factory=lambda: defaultdict(Counter))
    names: Counter[Fate] = field(default_factory=Counter)
    numbers: Counter[Fate] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lost: Counter[Where] = field(default_factory=Counter)

    @property
    def waiting(self) -> int:
        """Pieces of work that are still to be done."""
        places = (self.numbers, self.frames, self.rois, self.bytes, self.names)
        return sum(counts[Fate.WAITING] for counts in (*places, *self.vectors.values()))


@dataclass
class Wanted:
    """What a repair has to bring back; each of the three is bounded by `MAX_WANTED`.

    Attributes:
        frames: to be segmented again.
        rois: image id to the frame that it was cut from: to be embedded again.
        stale: images whose names in the index are old.
    """

    frames: set[FrameId] = field(default_factory=set)
    rois: dict[str, FrameId] = field(default_factory=dict)
    vectors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stale: set[str] = field(default_factory=set)


@dataclass
class Findings:
    """The result of an audit."""

    cameras: dict[str, CameraCounts] = field(default_factory=lambda: defaultdict(CameraCounts))
    examples: dict[Where, list[str]] = field(default_factory=lambda: defaultdict(list))
    named: Counter[Where] = field(default_factory=Counter)
    wanted: Wanted = field(default_factory=Wanted)

    def lose(self, where: Where, camera: str, name: str, count: int = 1) -> None:
        """Count what is missing, and name it if few have been named so far.

        Args:
            where: between which two places.
            camera: whose it is.
            name: of all that is counted here.
            count: how much that is.
        """
        self.cameras[camera].lost[where] += count
        if len(self.examples[where]) < SHOWN:
            self.examples[where].append(f"{camera} {name}")
            self.named[where] += count

    def lose_roi(self, where: Where, frame: FrameId, image_id: str) -> None:
        """The same of a ROI, or of an image whose bytes are gone."""
        self.lose(where, frame[0], f"{image_id} (frame {frame[1]})")
        if len(self.wanted.rois) < MAX_WANTED:
            self.wanted.rois[image_id] = frame

    def lose_frame(self, frame: FrameId) -> None:
        """The same of a frame that nobody decided about."""
        self.lose(Where.OUTCOME, *frame)
        if len(self.wanted.frames) < MAX_WANTED:
            self.wanted.frames.add(frame)

    def lose_vector(self, encoder: str, frame: FrameId, image_id: str) -> None:
        """The same of an image's vector of an encoder version."""
        self.lose(Where.VECTORS, frame[0], f"{image_id} ({encoder})")
        if len(self.wanted.vectors[encoder]) < MAX_WANTED:
            self.wanted.vectors[encoder].add(image_id)

    def lose_name(self, camera: str, image_id: str) -> None:
        """The same of an image's name in the index."""
        self.lose(Where.NAMES, camera, image_id)
        if len(self.wanted.stale) < MAX_WANTED:
            self.wanted.stale.add(image_id)

    @property
    def missing(self) -> int:
        """How much is missing in all; 0: every frame is accounted for."""
        return sum(counts.lost.total() for counts in self.cameras.values())

    @property
    def waiting(self) -> int:
        """Pieces of work that are still to be done."""
        return sum(counts.waiting for counts in self.cameras.values())

    def as_json(self) -> dict[str, Any]:
        """All of it, for scripts."""
        return {
            "missing": self.missing,
            "waiting": self.waiting,
            "cameras": {name: _json(counts) for name, counts in sorted(self.cameras.items())},
            "examples": {str(where): names for where, names in self.examples.items()},
        }

    def kinds(self) -> Iterator[tuple[Where, int]]:
        """What is missing where, over all cameras."""
        for where in Where:
            if count := sum(counts.lost[where] for counts in self.cameras.values()):
                yield where, count


def _json(counts: CameraCounts) -> dict[str, Any]:
    return {
        "sent": counts.sent,
        "dropped": counts.dropped,
        "dropped_because": dict(counts.dropped_because),
        "arrived": counts.arrived,
        "outcomes": dict(counts.outcomes),
        "frames": dict(counts.frames),
        "rois": dict(counts.rois),
        "bytes": dict(counts.bytes),
        "vectors": {encoder: dict(each) for encoder, each in counts.vectors.items()},
        "names": dict(counts.names),
        "numbers": dict(counts.numbers),
        "rejected_because": dict(counts.reasons.most_common(SHOWN)),
        "lost": dict(counts.lost),
    }
