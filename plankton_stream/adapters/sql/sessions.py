"""Who is logged in, and the tokens of scripts: random numbers, of which only hashes are kept."""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading, writing
from plankton_stream.adapters.sql.schema import people, sessions
from plankton_stream.errors import NotFoundError, RetryableError
from plankton_stream.events.envelope import now
from plankton_stream.people import Person

IDLE = timedelta(hours=12)
"""A page that asked for nothing for so long is logged out."""

LONGEST = timedelta(days=7)
"""After so long somebody logs in again, however busy."""

_SEEN_EVERY = timedelta(minutes=1)  # a row is written once a minute, not at each request


class SessionKind(StrEnum):
    """A page in a browser, or a script."""

    PAGE = "page"
    SCRIPT = "script"


class Sessions:
    """Begins and ends sessions, and says whose a token is."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime] = now) -> None:
        self._engine = engine
        self._clock = clock

    def begin(
        self, person: str, *, kind: SessionKind = SessionKind.PAGE, lasts: timedelta = LONGEST
    ) -> str:
        """A new token of a person; forgets those of everybody that have run out.

        Returns:
            The token, 256 random bits that a header can carry. It is not kept: whoever loses it
            begins another one.

        Raises:
            NotFoundError: there is nobody of this name, or they are disabled.
        """
        token, at = secrets.token_urlsafe(32), self._clock()
        with writing(self._engine) as connection:
            known = sa.select(people.c.name).where(
                people.c.name == person, people.c.disabled_at.is_(None)
            )
            # The lock keeps somebody who is disabled at this moment from being let in after it.
            if connection.scalar(known.with_for_update()) is None:
                raise NotFoundError(f"there is nobody called {person!r} who can log in")
            connection.execute(sessions.delete().where(_has_run_out(at)))
            connection.execute(
                sessions.insert().values(
                    token_sha256=_hashed(token), person=person, kind=kind,
                    created_at=at, seen_at=at, expires_at=at + lasts,
                )
            )  # fmt: skip
        return token

    def person(self, token: str, kind: SessionKind) -> Person | None:
        """Whose token this is, in the role that they have now; None: nobody's (any more)."""
        at, key = self._clock(), _hashed(token)
        query = (
            sa.select(people.c.name, people.c.role, sessions.c.seen_at)
            .join(people, people.c.name == sessions.c.person)
            .where(
                sessions.c.token_sha256 == key, sessions.c.kind == kind,
                people.c.disabled_at.is_(None), sa.not_(_has_run_out(at)),
            )
        )  # fmt: skip
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if at - row.seen_at >= _SEEN_EVERY:
            # Somebody who writes for long must not keep others from looking.
            with suppress(RetryableError), writing(self._engine) as connection:
                seen = sessions.update().where(sessions.c.token_sha256 == key)
                connection.execute(seen.values(seen_at=at))
        return Person(name=row.name, role=row.role)

    def end(self, token: str) -> None:
        """A token is nobody's from now on; harmless when repeated."""
        with writing(self._engine) as connection:
            connection.execute(sessions.delete().where(sessions.c.token_sha256 == _hashed(token)))

    def end_all(self, person: str, kind: SessionKind) -> int:
        """End all tokens of a kind that a person has; how many there were."""
        with writing(self._engine) as connection:
            which = (sessions.c.person == person) & (sessions.c.kind == kind)
            return connection.execute(sessions.delete().where(which)).rowcount


def _hashed(token: str) -> str:
    # Fast, unlike a password's: nobody guesses 256 random bits.
    return hashlib.sha256(token.encode()).hexdigest()


def _has_run_out(at: datetime) -> sa.ColumnElement[bool]:
    idle = (sessions.c.kind == SessionKind.PAGE) & (sessions.c.seen_at <= at - IDLE)
    return (sessions.c.expires_at <= at) | idle
