"""Who is asking, and whether they may."""

from http import HTTPStatus
from typing import Any

from flask import Response, g, make_response, render_template

from plankton_stream.people import Person, Role
from web.parts import Parts
from web.problems import ForbiddenError, UnauthorizedError


def asking(_parts: Parts) -> Person:
    """Who sends the current request. Without a login: this machine's user, who may do all.

    Raises:
        UnauthorizedError: nobody has logged in.
    """
    person: Person | None = g.get("asking")  # see web.accounts.sessions
    if person is None:
        raise UnauthorizedError("log in first")
    return person


def require(parts: Parts, role: Role) -> None:
    """Refuse a request of somebody who has not got a role.

    Raises:
        UnauthorizedError: nobody has logged in.
        ForbiddenError: they may not.
    """
    person = asking(parts)
    if not person.may(role):
        raise ForbiddenError(
            f"{person.name} is {person.role.with_article}: this takes {role.with_article}"
        )


def page_for(role: Role, template: str, **values: Any) -> Response:
    """A page for those who have a role, or one that says to others that it is not for them."""
    person: Person = g.asking
    if person.may(role):
        return make_response(render_template(template, **values))
    refused = render_template("forbidden.html", page="", role=role)
    return make_response(refused, HTTPStatus.FORBIDDEN)
