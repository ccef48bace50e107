"""What happens to images, told to every page that follows it.

One thread reads it from the event log, so a page learns of a label whoever gave it, in whichever
process. What was said last is kept once for all pages in rings of bounded size; a page only knows
its place in them. Whoever falls behind a ring is told to look again instead.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pydantic import Field

from plankton_stream.domain import ImageId, LabelState, Record, Slug, UtcTime, new_id
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import (
    ImageIndexed,
    LabelApplied,
    LabelRetracted,
    read_fact,
)
from plankton_stream.events.prediction import ImagePredicted

log = logging.getLogger(__name__)

FOLLOWED = (topics.LABELS, topics.INDEXED, topics.PREDICTIONS)
"""The topics that `News` reads, from their end."""

MOST_LABELS = 20_000
"""Changes that are kept for those who come back: twice what one action may label."""

MOST_TOLD = 500
"""Most changes told at once."""

MOST_IDS = 200
"""Most arrived images named at once; the others are counted."""


class LabelChange(Record):
    """An image is called something else from now on."""

    image_id: ImageId
    version: int = Field(description="Whoever knows this version or a later one ignores it.")
    taxon: Slug | None = Field(description="Null: it has no name any more.")
    state: LabelState
    who: str = Field(description="Gave the name, or took one back.")
    at: UtcTime
    action_id: str = Field(description="Of the label that was given or taken back.")
    is_retraction: bool


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody has followed the news; its text is an event's id."""

    epoch: str
    labels: int
    images: int
    predictions: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.labels}.{self.images}.{self.predictions}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """The place that a text names; None if it names none."""
        epoch, _, rest = text.partition(".")
        numbers = rest.split(".")
        if len(numbers) != 3 or not all(n.isdecimal() and len(n) < 16 for n in numbers):
            return None
        return cls(epoch, *map(int, numbers))


@dataclass(frozen=True, slots=True)
class Told:
    """What happened after a place.

    Attributes:
        place: to go on from.
        is_gap: something was missed: whatever a page shows may be old.
        labels: changes, the first one first, as JSON objects.
        arrived: images that became searchable, the first one first, `MOST_IDS` of them at most.
        arrived_count: how many they are.
        predicted_count: proposals that were made or changed.
    """

    place: Place
    is_gap: bool
    labels: Sequence[str]
    arrived: Sequence[str]
    arrived_count: int
    predicted_count: int


class News:
    """The last of what happened; one thread writes, many read."""

    def __init__(self, *, most_labels: int = MOST_LABELS) -> None:
        self._epoch = new_id()
        self._changed = threading.Condition()
        self._labels: deque[str] = deque(maxlen=most_labels)
        self._arrived: deque[str] = deque(maxlen=MOST_IDS)
        self._label_count = self._image_count = self._prediction_count = 0
        self._gap_at = 0  # changes before this one may have been missed
        self.closed = threading.Event()

    def take(self, received: Received) -> None:
        """Tell what a record says; one that says nothing of interest is skipped."""
        try:
            fact = read_fact(received)
        except RejectedError as error:
            log.warning("%s skipped: %s", received.origin, error)
            return
        with self._changed:
            if isinstance(fact, LabelApplied | LabelRetracted):
                self._labels.append(_change(fact).model_dump_json())
                self._label_count += 1
                self._changed.notify_all()
            elif isinstance(fact, ImageIndexed):
                self._arrived.append(fact.image_id)
                self._image_count += 1
            elif isinstance(fact, ImagePredicted):
                self._prediction_count += 1

    def lose(self) -> None:
        """Something may have been missed, as the log was read anew from its end: tell everybody."""
        with self._changed:
            self._label_count += 1
            self._labels.clear()
            self._gap_at = self._label_count
            self._changed.notify_all()

    def here(self) -> Place:
        """The present end of the news."""
        with self._changed:
            return self._here()

    def since(self, place: Place, *, with_counts: bool = True) -> Told:
        """What happened after a place, `MOST_TOLD` changes at most: the place says how far.

        Args:
            place: how far it was told before.
            with_counts: tell of images and proposals as well; otherwise they are told later.
        """
        with self._changed:
            here = self._here()
            first = self._label_count - len(self._labels)  # changes that are forgotten
            known = place.epoch == here.epoch and place.labels <= here.labels
            if not known or place.labels < max(first, self._gap_at):
                return Told(here, True, (), (), 0, 0)
            behind = place.labels - first
            labels = list(islice(self._labels, behind, behind + MOST_TOLD))
            reached = replace(here if with_counts else place, labels=place.labels + len(labels))
            arrived = max(0, reached.images - place.images)
            return Told(
                reached,
                is_gap=False,
                labels=labels,
                arrived=list(self._arrived)[-arrived:] if arrived else (),
                arrived_count=arrived,
                predicted_count=max(0, reached.predictions - place.predictions),
            )

    def wait(self, place: Place, timeout_s: float) -> None:
        """Wait until a name changes after a place, or the news end."""
        with self._changed:
            if not self.closed.is_set() and place.labels == self._label_count:
                self._changed.wait(timeout_s)

    def close(self) -> None:
        """End the news: nobody waits for them any more."""
        self.closed.set()
        with self._changed:
            self._changed.notify_all()

    def _here(self) -> Place:
        return Place(self._epoch, self._label_count, self._image_count, self._prediction_count)


def _change(fact: LabelApplied | LabelRetracted) -> LabelChange:
    return LabelChange(
        image_id=fact.image_id, version=fact.version, taxon=fact.after.taxon,
        state=fact.after.state, who=fact.who, at=fact.at, action_id=fact.action_id,
        is_retraction=isinstance(fact, LabelRetracted),
    )  # fmt: skip
