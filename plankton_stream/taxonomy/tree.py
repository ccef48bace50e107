"""What makes a tree of parents."""

from collections.abc import Iterable, Mapping

from plankton_stream.errors import RejectedError


def require_tree(parents: Mapping[str, str | None], changed: Iterable[str]) -> None:
    """Refuse parents that are unknown, and circles.

    Args:
        parents: of all taxa, by key; None: at the top.
        changed: keys whose parents are new; nothing else can have made a circle.

    Raises:
        RejectedError: a parent is unknown, or a taxon would lie below itself.
    """
    for key in changed:
        parent = parents[key]
        if parent is not None and parent not in parents:
            raise RejectedError(f"parent {parent!r} of taxon {key!r} is unknown: add it first")
        circle = find_circle(parents, key)
        if circle:
            raise RejectedError(
                f"taxon {key!r} can't lie below {parent!r}, which lies below it: "
                f"{' in '.join(circle)}"
            )


def find_circle(parents: Mapping[str, str | None], key: str) -> list[str]:
    """The way up from a key and back to it; empty if it ends at the top or elsewhere."""
    way = [key]
    above = parents.get(key)
    seen = {key}
    while above is not None and above not in seen:
        way.append(above)
        seen.add(above)
        above = parents.get(above)
    return [*way, key] if above == key else []


def parents_first(keys: Iterable[str], parents: Mapping[str, str | None]) -> list[str]:
    """Keys in an order in which each comes after its parent, if that is among them.

    Args:
        keys: of a tree: see `require_tree`.
        parents: of at least these keys.
    """
    depths: dict[str, int] = {}
    wanted = list(keys)
    among = set(wanted)

    def depth(key: str) -> int:
        way = []
        above: str | None = key
        while above in among and above not in depths:
            way.append(above)
            above = parents.get(above)
        level = depths.get(above or "", -1)
        for one in reversed(way):
            level += 1
            depths[one] = level
        return depths[key]

    return sorted(wanted, key=depth)
