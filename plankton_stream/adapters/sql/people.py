"""People who can log in. Nobody is ever removed: the history of labels names them."""

from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, reading, writing
from plankton_stream.adapters.sql.schema import people, sessions
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.people import Account, Role, person_name, same_name


class People:
    """Accounts: who there is, in which role. Passwords come and go as hashes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: Role, password_hash: str) -> Account:
        """Let somebody in from now on.

        Raises:
            RejectedError: somebody is called so, or so nearly that people would take them for one.
        """
        name = person_name(name)
        values = {
            "name": name, "same_name": same_name(name), "role": role,
            "password_hash": password_hash, "created_at": now(),
        }  # fmt: skip
        with writing(self._engine) as connection:
            new = insert(connection, people).values(values).on_conflict_do_nothing()
            if connection.scalar(new.returning(people.c.name)) is None:
                raise RejectedError(f"there is somebody called {name!r} already")
            return _account(connection, name)

    def all(self) -> list[Account]:
        """Everybody by name, those who are disabled too."""
        with reading(self._engine) as connection:
            return [_to_account(row) for row in connection.execute(_ACCOUNTS)]

    def get(self, name: str) -> Account:
        """An account by its exact name.

        Raises:
            NotFoundError: there is none.
        """
        with reading(self._engine) as connection:
            return _account(connection, name)

    def password_hash(self, name: str) -> tuple[str, str] | None:
        """The name as it is kept and the hash of the password; None: nobody can log in so.

        Args:
            name: as somebody typed it, letters large or small.
        """
        query = sa.select(people.c.name, people.c.password_hash).where(
            people.c.same_name == same_name(name), people.c.disabled_at.is_(None)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.name, row.password_hash)

    def change(
        self, name: str, *, role: Role | None = None, disabled: bool | None = None,
        password_hash: str | None = None,
    ) -> Account:  # fmt: skip
        """Change what is given; harmless when repeated.

        Whoever is disabled, or gets another password, is logged out everywhere; being disabled
        ends the tokens of scripts as well.

        Raises:
            NotFoundError: there is nobody of this name.
            RejectedError: nobody would be left who may do this.
        """
        with writing(self._engine) as connection:
            admins = _locked_admins(connection, name)
            before = _account(connection, name)
            stays = before.disabled_at is None if disabled is None else not disabled
            if admins == {name} and not (role in (None, Role.ADMIN) and stays):
                raise RejectedError(f"{name} is the only admin: make somebody else an admin first")
            values: dict[str, Any] = {"role": role or before.role}
            if stays is not (before.disabled_at is None):
                values["disabled_at"] = None if stays else now()
            if password_hash is not None:
                values["password_hash"] = password_hash
            connection.execute(people.update().where(people.c.name == name).values(values))
            if not stays:
                connection.execute(sessions.delete().where(sessions.c.person == name))
            elif password_hash is not None:
                pages = (sessions.c.person == name) & (sessions.c.kind == "page")
                connection.execute(sessions.delete().where(pages))
            return _account(connection, name)


_SEEN = (
    sa.select(sessions.c.person, sa.func.max(sessions.c.seen_at).label("seen_at"))
    .group_by(sessions.c.person)
    .subquery()
)
_ACCOUNTS = (
    sa.select(
        people.c.name, people.c.role, people.c.created_at, people.c.disabled_at, _SEEN.c.seen_at
    )
    .select_from(people.outerjoin(_SEEN, _SEEN.c.person == people.c.name))
    .order_by(people.c.name)
)


def _account(connection: sa.Connection, name: str) -> Account:
    row = connection.execute(_ACCOUNTS.where(people.c.name == name)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is nobody called {name!r}")
    return _to_account(row)


def _to_account(row: Any) -> Account:
    return Account.model_validate(row._asdict())


def _locked_admins(connection: sa.Connection, name: str) -> set[str]:
    """Who is an admin and can log in; locked, as is the person of a name.

    Without the lock two admins who demote each other at once would leave none.
    """
    is_admin = (people.c.role == Role.ADMIN) & people.c.disabled_at.is_(None)
    query = sa.select(people.c.name, is_admin.label("is_admin")).order_by(people.c.name)
    rows = connection.execute(query.where(is_admin | (people.c.name == name)).with_for_update())
    return {row.name for row in rows if row.is_admin}
