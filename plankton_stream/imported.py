"""How a label says that it came with its image: in its reason, so that it needs no field."""

import re
from datetime import UTC, datetime

from plankton_stream.domain import GivenName, Label

PREFIX = "import: "
_WHEN = "%Y-%m-%dT%H:%M:%SZ"
_WITH_TIME = re.compile(re.escape(PREFIX) + r".*, (\S+Z)")


def reason(name: GivenName) -> str:
    """Why an image is labelled with a name that it came with: `import: EcoTaxa, <when>`."""
    when = f", {name.at:{_WHEN}}" if name.at else ""
    return f"{PREFIX}{name.origin}{when}"


def is_imported(label: Label) -> bool:
    """Whether a label came with its image."""
    return (label.why or "").startswith(PREFIX)


def given_at(label: Label) -> datetime:
    """When somebody gave a name: before it was imported, if it was and that is known."""
    match = _WITH_TIME.fullmatch(label.why or "")
    if match is None:
        return label.at
    try:
        return datetime.strptime(match[1], _WHEN).replace(tzinfo=UTC)
    except ValueError:  # somebody's own words
        return label.at
