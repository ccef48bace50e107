"""Label events as the relay would publish them, made up, and what they add up to."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from plankton_stream.domain import Capture, LabelSource, LabelState, Naming, image_id
from plankton_stream.events.envelope import Message, Received
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import LabelApplied, LabelRetracted, fact_message, read_fact

START = datetime(2026, 5, 1, tzinfo=UTC)
TAXA = ("copepod", "diatom-chain", "radiolarian")
CAMERAS = ("cam-a", "cam-b", "cam-c")

Counts = dict[tuple[str, datetime | None], dict[str, int]]


@dataclass
class Labelling:
    """People who name images, change their minds and take names back."""

    window_s: int = 300
    seed: int = 0
    prefix: str = ""
    now: dict[str, tuple[Capture, Naming, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def events(self, images: int, changes: int) -> Iterator[Fact]:
        """Each image's first name, then changes to any of them."""
        ids = [self._new_image(number) for number in range(images)]
        yield from (self.change(one) for one in ids)
        yield from (self.change(self._random.choice(ids)) for _ in range(changes))

    def change(self, one: str) -> Fact:
        """The next event of an image."""
        _, before, _ = self.now[one]
        if before.taxon is not None and self._random.random() < 0.25:
            return self._event(LabelRetracted, one, Naming())
        state = self._random.choice(
            (LabelState.VALIDATED, LabelState.VALIDATED, LabelState.DUBIOUS)
        )
        after = Naming(taxon=self._random.choice(TAXA), state=state)
        return self._event(LabelApplied, one, after)

    def counts(self) -> Counts:
        """The recount: from the naming that each image has now."""
        cells: dict[tuple[str, datetime | None], Counter[str]] = defaultdict(Counter)
        for capture, naming, _ in self.now.values():
            if naming.state is LabelState.VALIDATED and naming.taxon:
                cells[capture.camera, self._window(capture)][naming.taxon] += 1
        return {cell: dict(counts) for cell, counts in cells.items()}

    def cell_keys(self) -> set[str]:
        """Record keys of all cells that have or had an image."""
        starts = {(c.camera, self._window(c)) for c, _, _ in self.now.values()}
        return {f"{camera}|{at.isoformat() if at else 'unknown'}" for camera, at in starts}

    def _event(
        self, kind: type[LabelApplied] | type[LabelRetracted], one: str, after: Naming
    ) -> Fact:
        capture, before, version = self.now[one]
        self.now[one] = (capture, after, version + 1)
        named = after if kind is LabelApplied else before
        assert named.taxon is not None
        return kind(
            image_id=one, version=version + 1, label_id=f"{one}-{version + 1}", action_id="action",
            taxon=named.taxon, state=named.state, source=LabelSource.HUMAN, who="ana",
            at=START, before=before, after=after, capture=capture,
        )  # fmt: skip

    def _new_image(self, number: int) -> str:
        seconds = self._random.randrange(0, 4 * self.window_s)
        at = None if number % 10 == 0 else START + timedelta(seconds=seconds)
        capture = Capture(camera=self.prefix + self._random.choice(CAMERAS), captured_at=at)
        one = image_id(capture, f"frame-{self.seed}-{number}", None)
        self.now[one] = (capture, Naming(), 0)
        return one

    def _window(self, capture: Capture) -> datetime | None:
        if capture.captured_at is None:
            return None
        passed = (capture.captured_at - START) // timedelta(seconds=self.window_s)
        return START + passed * timedelta(seconds=self.window_s)


def label_message(fact: Fact) -> Message:
    """The record that the relay publishes."""
    return fact_message(fact, event_id=f"{fact.label_id}", source="/relay")  # type: ignore[attr-defined]


def as_received(message: Message, *, partition: int = 0, offset: int = 0) -> Received:
    """The record as a consumer reads it."""
    return Received(
        message.topic, partition, offset, message.key.encode(), message.value, message.headers
    )


def census_of(records: Mapping[str, Received] | list[Received]) -> Counts:
    """The last count of each cell; cells that have become empty are left out."""
    cells: Counts = {}
    for received in records.values() if isinstance(records, Mapping) else records:
        fact = read_fact(received)
        cells[fact.camera, fact.window_start] = fact.counts  # type: ignore[attr-defined]
    return {cell: counts for cell, counts in cells.items() if counts}
