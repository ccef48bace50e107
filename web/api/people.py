"""Who is logged in, who can log in, and what each person labelled."""

from typing import Annotated

from flask import Response
from pydantic import Field, StringConstraints

from plankton_stream.adapters.sql.logbook import MAX_LABELS, Done
from plankton_stream.domain import Label, LabelState, Record, UtcTime
from plankton_stream.errors import RejectedError
from plankton_stream.people import Account, PersonName, Role
from web.accounts import passwords, sessions
from web.accounts.login import check_password
from web.operations import JSON, Operation
from web.parts import Parts
from web.people import asking
from web.problems import UnauthorizedError
from web.queries import Query

Password = Annotated[str, StringConstraints(max_length=1_000)]


class LoginBody(Query):
    """A name and its password."""

    name: Annotated[str, StringConstraints(max_length=200)]
    password: Password


class PasswordBody(Query):
    """One's own password, and the next one."""

    old: Password
    new: Password = Field(description=f"{passwords.MIN_LENGTH} characters or more.")


class PersonBody(Query):
    """Somebody who can log in from now on."""

    name: PersonName
    role: Role = Role.LABELLER
    password: Password


class PersonChange(Query):
    """What is different from now on; what is left out stays."""

    role: Role | None = None
    disabled: bool | None = None
    password: Password | None = None


class LogbookQuery(Query):
    """A page of what somebody did."""

    limit: int = Field(default=100, ge=1, le=MAX_LABELS)
    cursor: str | None = Field(
        default=None, pattern=r"^[0-9A-HJKMNP-TV-Z]{1,26}$",
        description="next_cursor of the page before.",
    )  # fmt: skip


class Asking(Record):
    """Who is asking."""

    name: str
    role: Role


class People(Record):
    """Everybody who can log in, and who could."""

    people: list[Account]


class LabelsOf(Record):
    """What somebody labelled, newest first."""

    labels: list[Label]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")


class ActionView(Record):
    """Labels that somebody gave at once."""

    action_id: str
    who: str
    at: UtcTime
    taxon: str
    state: LabelState
    why: str | None
    images: int
    standing: int = Field(description="Labels of it that were not taken back.")
    sample: list[str] = Field(description="Ids of some of its images.")

    @classmethod
    def of(cls, done: Done) -> "ActionView":
        """The view of an action."""
        return cls.model_validate({name: getattr(done, name) for name in cls.model_fields})


class ActionsOf(Record):
    """What somebody did, newest first."""

    actions: list[ActionView]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")


def post_session(parts: Parts, body: LoginBody) -> Response:
    """Log in: the answer sets the cookies of a session."""
    name = check_password(parts, body.name, body.password)
    account = parts.catalog.people.get(name)
    return sessions.begin(parts, _answer(account.name, account.role), name)


def get_session(parts: Parts) -> Asking:
    """Who is asking, and in which role; without a login this machine's user."""
    person = asking(parts)
    return Asking(name=person.name, role=person.role)


def delete_session(parts: Parts) -> Response:
    """Log out. Harmless when repeated."""
    person = asking(parts)
    return sessions.end(parts, _answer(person.name, person.role))


def post_password(parts: Parts, body: PasswordBody) -> Response:
    """Change one's own password; whoever is logged in as the same person elsewhere is no more."""
    person = asking(parts)
    try:
        name = check_password(parts, person.name, body.old)
    except UnauthorizedError as error:  # the session is good, so this is not about logging in
        raise RejectedError("the password now is another one") from error
    parts.catalog.people.change(name, password_hash=passwords.hashed(body.new, of=name))
    return sessions.begin(parts, _answer(name, person.role), name)


def list_people(parts: Parts) -> People:
    """Everybody by name, also those who are disabled."""
    return People(people=parts.catalog.people.all())


def post_person(parts: Parts, body: PersonBody) -> Account:
    """Let somebody in from now on, with a password for the first time."""
    return parts.catalog.people.add(
        body.name, body.role, passwords.hashed(body.password, of=body.name)
    )


def patch_person(parts: Parts, name: str, body: PersonChange) -> Account:
    """Change somebody's role or password, disable them or let them in again.

    Whoever is disabled or gets another password is logged out everywhere.
    """
    kept = None if body.password is None else passwords.hashed(body.password, of=name)
    return parts.catalog.people.change(
        name, role=body.role, disabled=body.disabled, password_hash=kept
    )


def list_labels_of(parts: Parts, name: str, query: LogbookQuery) -> LabelsOf:
    """What somebody labelled, newest first, also what was taken back."""
    page = parts.catalog.logbook.labels(name, limit=query.limit, cursor=query.cursor)
    return LabelsOf(labels=page.found, next_cursor=page.next_cursor)


def list_actions_of(parts: Parts, name: str, query: LogbookQuery) -> ActionsOf:
    """What somebody labelled, by action, newest first: DELETE /api/v1/actions takes one back."""
    page = parts.catalog.logbook.actions(name, limit=query.limit, cursor=query.cursor)
    return ActionsOf(actions=[ActionView.of(one) for one in page.found],
                     next_cursor=page.next_cursor)  # fmt: skip


def _answer(name: str, role: Role) -> Response:
    return Response(Asking(name=name, role=role).model_dump_json(), mimetype=JSON)


_PERSON = "/api/v1/people/<path:name>"  # names from elsewhere may have a slash

OPERATIONS = (
    Operation(
        "POST", "/api/v1/session", post_session, Asking,
        body=LoginBody, role=None, problems=(401, 429),
    ),
    Operation("GET", "/api/v1/session", get_session, Asking),
    Operation("DELETE", "/api/v1/session", delete_session, Asking),
    Operation(
        "POST", "/api/v1/session/password", post_password, Asking,
        body=PasswordBody, problems=(429,),
    ),
    Operation("GET", "/api/v1/people", list_people, People, role=Role.ADMIN),
    Operation(
        "POST", "/api/v1/people", post_person, Account, 201, body=PersonBody, role=Role.ADMIN
    ),
    Operation(
        "PATCH", _PERSON, patch_person, Account,
        body=PersonChange, role=Role.ADMIN, problems=(404,),
    ),
    Operation("GET", f"{_PERSON}/labels", list_labels_of, LabelsOf, query=LogbookQuery),
    Operation("GET", f"{_PERSON}/actions", list_actions_of, ActionsOf, query=LogbookQuery),
)  # fmt: skip
