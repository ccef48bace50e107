"""Who works with the collection, and what each role may do."""

import unicodedata
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter

from plankton_stream.domain import Name, Record, UtcTime


class Role(StrEnum):
    """What somebody may do; each role may all that those before it may.

    A viewer looks; a labeller names images and takes names back; a reviewer settles what is in
    doubt; an admin edits taxonomy, people and samples.
    """

    VIEWER = "viewer"
    LABELLER = "labeller"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    @property
    def with_article(self) -> str:
        """For a sentence: a viewer, an admin."""
        return f"an {self}" if self is Role.ADMIN else f"a {self}"


_ORDER = list(Role)


class Person(Record):
    """Somebody who is asking: `name` is what the history of labels says."""

    name: Name
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this person has a role, or one above it."""
        return _ORDER.index(self.role) >= _ORDER.index(role)


_MARKS = "._-'@"


def _one_spelling(name: str) -> str:
    name = unicodedata.normalize("NFKC", name)
    if not all(one.isalnum() or unicodedata.combining(one) or one in f" {_MARKS}" for one in name):
        raise ValueError(f"a person's name has letters, digits, spaces and {' '.join(_MARKS)} only")
    if not name[0].isalnum() or "  " in name or name.endswith(" "):
        raise ValueError("a person's name begins with a letter or digit; spaces stand alone in it")
    return name


PersonName = Annotated[
    str, StringConstraints(min_length=1, max_length=64), AfterValidator(_one_spelling)
]
"""What somebody logs in as, and what the history says: one line that can stand in a URL."""

_person_name = TypeAdapter(PersonName)


def person_name(text: str) -> str:
    """A name as it is kept.

    Raises:
        ValidationError: nobody can be called so; its message says why.
    """
    return _person_name.validate_python(text)


def same_name(name: str) -> str:
    """What two names have in common that people would take for one: letter case, width."""
    return unicodedata.normalize("NFKC", name).casefold()


class Account(Person):
    """A person who can log in."""

    created_at: UtcTime
    disabled_at: UtcTime | None = Field(
        default=None, description="Since then nobody can log in as this person."
    )
    seen_at: UtcTime | None = Field(
        default=None, description="Last request, to a minute; null if there was none of late."
    )
