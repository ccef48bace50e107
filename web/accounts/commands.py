"""`plankton people`: who can log in, and in which role."""

import sys
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import ValidationError

from plankton_stream.connections import open_catalog
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.people import Account, Role, person_name
from plankton_stream.settings import load_settings
from plankton_stream.telemetry import start_command

app = typer.Typer(
    no_args_is_help=True, help="People who can log in: add, list, change, disable, script tokens."
)

FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


@app.command()
def add(
    name: str,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.LABELLER,
    from_stdin: FromStdin = False,
) -> None:
    """Let somebody log in from now on. Brings a new catalog to this version first."""
    from plankton_stream.adapters.sql import upgrade

    name = _checked(name)
    password = _password(from_stdin=from_stdin)
    upgrade(load_settings().catalog_url)
    with open_catalog(start_command()) as catalog:
        catalog.people.add(name, role, _hashed(password, name))
    print(f"{name} can log in as {role.with_article}")


@app.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List everybody, with their role and when they were last seen."""
    with open_catalog(start_command()) as catalog:
        found = catalog.people.all()
    if not as_json:
        print(f"{'name':32} {'role':10} {'last seen':17} {'since':11}")
    for one in found:
        print(one.model_dump_json() if as_json else _line(one))
    if not found and not as_json:
        print("nobody yet: `plankton people add NAME --role admin`")


@app.command()
def role(name: str, role: Role) -> None:
    """Change what somebody may do; it holds from their next request."""
    with open_catalog(start_command()) as catalog:
        catalog.people.change(name, role=role)
    print(f"{name} is {role.with_article} now")


@app.command()
def password(name: str, from_stdin: FromStdin = False) -> None:
    """Give somebody another password, and log them out everywhere."""
    new = _password(from_stdin=from_stdin)
    with open_catalog(start_command()) as catalog:
        catalog.people.get(name)
        catalog.people.change(name, password_hash=_hashed(new, name))
    print(f"{name} has a new password and is logged out everywhere")


@app.command()
def disable(
    name: str,
    again: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
) -> None:
    """Let somebody in no more: pages and tokens end now, what they labelled stays."""
    with open_catalog(start_command()) as catalog:
        catalog.people.change(name, disabled=not again)
    print(f"{name} can log in again" if again else f"{name} can't log in any more")


@app.command()
def token(
    name: str,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")] = 365,
    revoke: Annotated[bool, typer.Option("--revoke", help="End all that they have.")] = False,
) -> None:
    """Make a token with which a script acts as somebody: Authorization: Bearer TOKEN.

    It is printed once and not kept.
    """
    from plankton_stream.adapters.sql.sessions import SessionKind

    with open_catalog(start_command()) as catalog:
        if revoke:
            catalog.people.get(name)
            ended = catalog.sessions.end_all(name, SessionKind.SCRIPT)
            print(f"{ended} tokens of {name} ended")
            return
        kind, lasts = SessionKind.SCRIPT, timedelta(days=days)
        print(catalog.sessions.begin(name, kind=kind, lasts=lasts))


def _line(one: Account) -> str:
    seen = f"{one.seen_at:%Y-%m-%d %H:%M}" if one.seen_at else "-"
    gone = f"disabled {one.disabled_at:%Y-%m-%d}" if one.disabled_at else ""
    return f"{one.name:32} {one.role:10} {seen:17} {one.created_at:%Y-%m-%d} {gone}".rstrip()


def _checked(name: str) -> str:
    try:
        return person_name(name)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise RejectedError(f"{name!r}: {why}") from error


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to type a password: say --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Once more"))


def _hashed(password: str, name: str) -> str:
    from web.accounts import passwords

    return passwords.hashed(password, of=name)
