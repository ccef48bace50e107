"""Ids made of names that people wrote."""

import re


def slug(name: str, *, otherwise: str = "") -> str:
    """A name as an id: `Cruise 7` is `cruise-7`. An id stays as it is.

    Args:
        name: any text.
        otherwise: what to call it if nothing of the name can be part of an id.

    Returns:
        At most 64 of `a-z 0-9 . _ -`, the first one a letter or digit; see `domain.Slug`.
    """
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).lstrip("._-")[:64].rstrip("-") or otherwise
