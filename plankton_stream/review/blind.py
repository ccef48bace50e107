"""Which images are looked at twice, and in which order they are handed out.

An image's id ends in 80 bits of a SHA-256, written in base 32 (see `domain.image_id`), so its own
letters say, for ever and for everybody, whether it belongs to a share: those for second opinions
are the first ones in the order of their letters, those that people are shown again are the last.
"""

import hashlib
from collections.abc import Sequence

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 4

LETTERS_FROM = 11
"""The first letter of an id, counted from 1, that is of the hash; before it is the time."""


def limit(percent: float) -> str:
    """What an id's letters must be below, to belong to a share.

    Four letters are steps of a millionth; the texts sort as the numbers do.

    Args:
        percent: 0…100.
    """
    steps = len(_ALPHABET) ** _LETTERS
    number = round(steps * percent / 100)
    if number >= steps:
        return _ALPHABET[-1] * 27  # longer than an id: after all of them, in every collation
    digits = []
    for _ in range(_LETTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def mixed(
    second: Sequence[str],
    again: Sequence[str],
    references: Sequence[str],
    *,
    reference_percent: float,
    who: str,
    given: int,
    number: int,
) -> list[str]:
    """Images for somebody to name blindly, the kinds mixed as a die would.

    The die is a hash of the person and of how many opinions they gave, so the same question gets
    the same answer until something was answered. References only ever come among others: a page of
    nothing else would say what they are.

    Args:
        second: ids that somebody else named.
        again: ids that they named themselves a while ago.
        references: ids of known truth.
        reference_percent: share of references, 0…90.
        who: is asking.
        given: opinions that they gave so far.
        number: at most so many.
    """
    others = [list(second), list(again)]
    hidden = list(references)
    handed: list[str] = []
    for place in range(number):
        if not any(others):
            break
        if hidden and _die(who, given + place, "reference") < reference_percent / 100:
            handed.append(hidden.pop(0))
            continue
        left = len(others[0]) + len(others[1])
        which = 0 if _die(who, given + place, "kind") < len(others[0]) / left else 1
        handed.append(others[which].pop(0))
    return handed


def _die(who: str, place: int, what: str) -> float:
    digest = hashlib.sha256(f"{what}\0{place}\0{who}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
