"""The expert: what he does, and how long it takes him.

Keystroke-level model of Card, Moran and Newell (1983): 0.28 s a key (an average typist), 1.2 s to
point and click, 1.35 s for a mental step. One mental step comes before each decision: an image that
is named alone, a page that is judged as a whole. What follows from a decision needs none of its own
(their rule 1). Every tile that is looked at costs time too, however little is done about it, and
turning to the next page, or to the next image of those that come one by one, takes a key.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

KEY_S, CLICK_S, MENTAL_S = 0.28, 1.2, 1.35
LOOKS_S = (0.15, 0.05, 0.5)
"""Seconds for a tile that is looked at: the first is the one that counts."""
RECENT = 9
"""Taxa with a number key: those that were used last."""


@dataclass
class Work:
    """Everything that was done so far."""

    keys: int = 0
    clicks: int = 0
    decisions: int = 0
    looks: int = 0

    @property
    def actions(self) -> int:
        """Keys, clicks and page turns (which are keys)."""
        return self.keys + self.clicks

    def seconds(self, look_s: float = LOOKS_S[0]) -> float:
        """How long it took."""
        return (
            self.keys * KEY_S + self.clicks * CLICK_S
            + self.decisions * MENTAL_S + self.looks * look_s
        )  # fmt: skip


@dataclass
class Expert:
    """Knows what every image shows once he looks at it.

    Attributes:
        taxa: keys of all taxa that he may name.
        truth: taxon by image id.
        tolerance: share of wrong labels that he lets pass rather than pick out one by one.
    """

    taxa: Sequence[str]
    truth: dict[str, str]
    tolerance: float
    work: Work = field(default_factory=Work)
    labelled: int = 0
    wrong: int = 0
    _recent: list[str] = field(default_factory=list)

    def look(self, ids: Iterable[str]) -> list[str]:
        """What some tiles show."""
        seen = [self.truth[image_id] for image_id in ids]
        self.work.looks += len(seen)
        return seen

    def decide(self) -> None:
        """One mental step."""
        self.work.decisions += 1

    def press(self, keys: int = 1) -> None:
        """Press keys."""
        self.work.keys += keys

    def turn(self) -> None:
        """Go on to the next page, or to the next image where images come one by one."""
        self.press()

    def click(self, clicks: int) -> None:
        """Point and click."""
        self.work.clicks += clicks

    def name(self, taxon: str) -> None:
        """Say a taxon: its number key, or `L`, the letters that find it, and Enter."""
        is_recent = taxon in self._recent[:RECENT]
        self.press(1 if is_recent else letters(taxon, tuple(self.taxa)) + 2)
        self._recent = [taxon, *(one for one in self._recent if one != taxon)]

    def note(self, ids: Sequence[str], taxon: str) -> None:
        """Count what was labelled."""
        self.labelled += len(ids)
        self.wrong += sum(self.truth[image_id] != taxon for image_id in ids)

    @property
    def may_let_pass(self) -> bool:
        """Whether one more wrong label stays within what he tolerates."""
        return self.wrong < self.tolerance * (self.labelled + 20)


@cache
def letters(taxon: str, taxa: tuple[str, ...]) -> int:
    """Fewest letters from the start of one of its words that put a taxon first in the type-ahead.

    The order is that of the page (web/static/js/combobox.js).
    """
    starts = [0, *(found.end() for found in re.finditer(r"[\s_.-]+", taxon))]
    for length in range(1, len(taxon)):
        for start in starts:
            typed = taxon[start : start + length]
            if min((_fit(one, typed), one) for one in taxa)[1] == taxon:
                return length
    return len(taxon)


def _fit(taxon: str, typed: str) -> int:
    if taxon == typed:
        return 0
    if taxon.startswith(typed):
        return 1
    if any(word.startswith(typed) for word in re.split(r"[\s_.-]+", taxon)):
        return 2
    return 3 if typed in taxon else 4


@dataclass(frozen=True)
class Selection:
    """Which tiles of a page he keeps, and the clicks that it takes.

    Attributes:
        kept: for each tile that was looked at.
    """

    kept: list[bool]
    clicks: int


def scan(right: Sequence[bool], *, at_least: int, patience: int) -> int:
    """How many tiles he looks at, in their order, before the wrong ones dominate.

    Args:
        right: whether each tile belongs.
        at_least: as many in any case.
        patience: he stops once there were as many more wrong than right ones since the best place
            to cut.
    """
    balance = best = 0
    for looked, is_right in enumerate(right, 1):
        balance += 1 if is_right else -1
        best = max(best, balance)
        if balance <= best - patience and looked >= at_least:
            return looked
    return len(right)


_LOST = 1.05  # in clicks: a right tile left out has to be found again, so never two for one click
_LET_PASS = 0.95  # in clicks: rather a single one than a run, which takes no more than two


def select(right: Sequence[bool], *, cut_clicks: int, may_let_pass: bool) -> Selection:
    """The cheapest way to keep the right tiles of a page that comes with all of them selected.

    A wrong tile is taken out by a click, a run of them by two (the second with Shift), all from one
    tile on by the cut-off. Found by dynamic programming over the tiles, with a price for a right
    tile that is lost in a run and for a wrong one that is let pass.

    Args:
        right: whether each tile belongs.
        cut_clicks: what the cut-off takes.
        may_let_pass: whether he leaves wrong ones in at all.
    """
    wrong_price = _LET_PASS if may_let_pass else float("inf")
    steps: list[dict[str, str]] = []
    cost = {"kept": 0.0}  # before the first tile
    for is_right in right:
        step, after = {}, {}
        for state, (befores, clicks) in _moves(cut_clicks).items():
            known = [(cost[b] + clicks * (b != state), b) for b in befores if b in cost]
            if not known:
                continue
            price, step[state] = min(known)
            price += _LOST * is_right if state != "kept" else (0 if is_right else wrong_price)
            after[state] = price
        steps.append(step)
        cost = after
    return _traced(cost, steps, cut_clicks)


def _moves(cut_clicks: int) -> dict[str, tuple[tuple[str, ...], int]]:
    """What a tile may be, after what, and the clicks that it takes to become so."""
    return {
        "kept": (("kept", "alone", "run"), 0),
        "alone": (("kept",), 1),  # or the first of a run
        "run": (("alone", "run"), 1),
        "rest": (("kept", "alone", "run", "rest"), cut_clicks),
    }


def _traced(cost: dict[str, float], steps: list[dict[str, str]], cut_clicks: int) -> Selection:
    """The states that led to the smallest cost, from the last tile back to the first."""
    state = min(cost, key=lambda one: cost[one])
    states: list[str] = []
    for step in reversed(steps):
        states.append(state)
        state = step[state]
    states.reverse()
    before = ["kept", *states]
    clicks = sum(
        _moves(cut_clicks)[now][1] for last, now in zip(before, states, strict=False)
        if now != last
    )  # fmt: skip
    return Selection([state == "kept" for state in states], clicks)
