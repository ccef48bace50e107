"""Four ways to label the same images.

Each is a generator that works through the page until it has nothing to do, and yields after every
step, so that whoever runs it measures as it goes and stops it where he likes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from oracle.bench import Bench, Item
from oracle.expert import Expert, scan, select

Way = Callable[[Bench, Expert], Iterator[None]]

PAGE = 60
_PROBE = 8  # tiles that he looks at before he says what a group is
_PATIENCE = 4
_SMALLEST_GROUP = 3


def one_by_one(bench: Bench, expert: Expert) -> Iterator[None]:
    """The newest image, alone: look, decide, name, go on."""
    while bench.queue("newest", limit=1):
        yield from _some_alone(bench, expert, 100)


def classifier_pages(bench: Bench, expert: Expert) -> Iterator[None]:
    """EcoTaxa's way: name some, let a classifier sort the rest, validate page by page.

    The first images are named one by one. Then the taxon with most to validate, a page of its best,
    the wrong ones taken out, until a page is mostly wrong. When no taxon has a page worth looking
    at, more are named one by one.
    """
    yield from _some_alone(bench, expert, len(bench.truth) // 20)
    while bench.queue("newest", limit=1):
        bench.settle(expert.work.seconds())
        tired: set[str] = set()
        before = expert.labelled
        while taxon := next((one["taxon"] for one in bench.expected() if one["taxon"] not in tired
                             and one["images"] >= _SMALLEST_GROUP), None):  # fmt: skip
            page = bench.queue("predicted", taxon=taxon, limit=100)
            got = _judge_in_order(bench, expert, _ids(page), taxon, named=True)
            expert.turn()
            if 2 * got < min(len(page), _PROBE):
                tired.add(taxon)
            bench.settle(expert.work.seconds())
            yield
        if expert.labelled - before < len(bench.truth) // 50:
            yield from _some_alone(bench, expert, max(10, len(bench.truth) // 50))


def clusters(bench: Bench, expert: Expert) -> Iterator[None]:
    """MorphoCluster's way: the densest cluster of what has no name, named, then grown.

    Look-alikes come nearest first; he cuts where the wrong ones begin to dominate, takes out those
    before, names the rest, and grows on from there until a page is mostly wrong. Nothing is
    predicted. Where there is no cluster he names the specimen alone.
    """
    while seeds := bench.queue("clusters", limit=1):
        seed, taxon = seeds[0]["image_id"], None
        while True:
            page = [*([] if taxon else [seed]), *_ids(bench.neighbours(seed, 50))]
            first = taxon is None
            taxon = taxon or _commonest(expert, page)
            got = _judge_in_order(bench, expert, page, taxon, named=not first)
            bench.settle(expert.work.seconds())
            if first and not got:
                _name_alone(bench, expert, seed, looked=True)
                bench.settle(expert.work.seconds())
            expert.turn()
            yield
            if 2 * got < len(page):
                break


def ours(bench: Bench, expert: Expert) -> Iterator[None]:
    """Groups that are grown, and pages of sure proposals, whichever gave more per second of late.

    A new group makes new proposals, so after two groups he looks at proposals again.
    """
    pace = _Pace()
    while True:
        began_s, had = expert.work.seconds(), expert.labelled
        sure = [one for one in bench.queue("predicted", limit=PAGE)
                if one["score"] >= pace.floor]  # fmt: skip
        if pace.wants_proposals(len(sure)):
            _judge_proposals(bench, expert, sure)
            pace.proposals(expert.work.seconds() - began_s, expert.labelled - had)
        elif seeds := bench.queue("clusters", limit=1):
            _judge_group(bench, expert, bench.group(seeds[0]["image_id"], PAGE))
            pace.group(expert.work.seconds() - began_s, expert.labelled - had)
        else:
            return
        expert.turn()
        bench.settle(expert.work.seconds())
        yield


class _Pace:
    """How many seconds an image took of late, in groups and in proposals."""

    _ENOUGH, _GROUPS_BETWEEN = 24, 2
    _SLOW_S, _SURE, _FAIR = 0.7, 0.3, 0.25

    def __init__(self) -> None:
        self._group_s, self._proposals_s = 0.3, 0.0
        self._groups_since = 0

    @property
    def floor(self) -> float:
        """The score that a proposal needs to be looked at; less once groups have become slow."""
        return self._SURE if self._group_s < self._SLOW_S else self._FAIR

    def wants_proposals(self, waiting: int) -> bool:
        """Whether proposals are worth a look now."""
        is_faster = self._proposals_s <= self._group_s
        return waiting >= self._ENOUGH and (is_faster or self._groups_since >= self._GROUPS_BETWEEN)

    def proposals(self, seconds: float, images: int) -> None:
        """A page of proposals took so long."""
        self._proposals_s, self._groups_since = seconds / max(images, 0.5), 0

    def group(self, seconds: float, images: int) -> None:
        """A group took so long."""
        self._group_s = (self._group_s + min(seconds / max(images, 0.5), 3.0)) / 2
        self._groups_since += 1


def _judge_proposals(bench: Bench, expert: Expert, page: list[Item]) -> None:
    """A page under the proposed taxa, taxon by taxon: the wrong ones out, one key for the rest."""
    page = sorted(page, key=lambda one: (one["predicted"], -one["score"]))
    seen = expert.look(_ids(page))
    expert.decide()
    right = [one["predicted"] == shown for one, shown in zip(page, seen, strict=True)]
    choice = select(right, cut_clicks=2, may_let_pass=expert.may_let_pass)
    expert.click(choice.clicks)
    expert.press()
    kept: dict[str, list[str]] = defaultdict(list)
    out: dict[str, list[str]] = defaultdict(list)
    for one, is_kept in zip(page, choice.kept, strict=True):
        (kept if is_kept else out)[one["predicted"]].append(one["image_id"])
    for taxon, ids in kept.items():
        bench.label(ids, taxon)
        expert.note(ids, taxon)
    for taxon, ids in out.items():
        bench.reject(ids, taxon)


def _judge_group(bench: Bench, expert: Expert, group: list[Item]) -> None:
    """A group: name it, or accept what the page proposes for it; or leave it for later."""
    ids = _ids(group)
    taxon = _commonest(expert, ids)
    said = Counter(one["predicted"] for one in group[:_PROBE] if one["predicted"])
    is_proposed = bool(said) and said.most_common(1)[0][0] == taxon
    if not _judge_in_order(bench, expert, ids, taxon, named=is_proposed, reject=True):
        _name_alone(bench, expert, ids[0], looked=True)


def _judge_in_order(
    bench: Bench, expert: Expert, ids: list[str], taxon: str, *, named: bool, reject: bool = False
) -> int:
    """Cut where the wrong ones dominate, take out those before, label the rest; returns how many.

    Args:
        bench: the page.
        expert: looks, in the order of the tiles.
        ids: of the tiles.
        taxon: what they are going to be called.
        named: whether one key says so, because the page proposes it.
        reject: whether what is taken out before the cut is remembered.
    """
    right = [expert.truth[image_id] == taxon for image_id in ids]
    looked = scan(right, at_least=_PROBE, patience=_PATIENCE)
    expert.look(ids[:looked])
    expert.decide()
    choice = select(right[:looked], cut_clicks=1, may_let_pass=expert.may_let_pass)
    clicks = choice.clicks + (looked < len(ids) and choice.kept[-1])
    kept = [i for i, is_kept in zip(ids, choice.kept, strict=False) if is_kept]
    if len(kept) < _SMALLEST_GROUP or clicks > len(kept):
        return 0
    expert.click(clicks)
    if named:
        expert.press()
    else:
        expert.name(taxon)
    bench.label(kept, taxon)
    expert.note(kept, taxon)
    if reject:
        judged = ids[: ids.index(kept[-1])]
        bench.reject([i for i in judged if i not in kept], taxon)
    return len(kept)


def _commonest(expert: Expert, ids: list[str]) -> str:
    """What most of the first tiles show; he looks at them when he judges the page."""
    return Counter(expert.truth[i] for i in ids[:_PROBE]).most_common(1)[0][0]


def _name_alone(bench: Bench, expert: Expert, image_id: str, *, looked: bool = False) -> None:
    if not looked:
        expert.look([image_id])
    expert.decide()
    taxon = expert.truth[image_id]
    expert.name(taxon)
    bench.label([image_id], taxon)
    expert.note([image_id], taxon)


def _some_alone(bench: Bench, expert: Expert, number: int) -> Iterator[None]:
    for image_id in _ids(bench.queue("newest", limit=max(1, min(number, 1_000)))):
        _name_alone(bench, expert, image_id)
        expert.turn()
        yield


def _ids(items: list[Item]) -> list[str]:
    return [item["image_id"] for item in items]


WAYS: dict[str, Way] = {
    "one_by_one": one_by_one,
    "classifier_pages": classifier_pages,
    "clusters": clusters,
    "ours": ours,
}
