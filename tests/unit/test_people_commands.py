"""`plankton people`."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plankton_stream.adapters.sql import Catalog
from plankton_stream.adapters.sql.sessions import SessionKind
from plankton_stream.errors import ConfigError, NotFoundError, RejectedError
from plankton_stream.people import Account, Role
from web.accounts import passwords
from web.accounts.commands import app

PASSWORD = "three small copepods"


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'new' / 'catalog.sqlite'}"
    monkeypatch.setenv("PLANKTON_CATALOG", url)
    return url


def run(*arguments: str, typed: str = f"{PASSWORD}\n") -> str:
    result = CliRunner().invoke(app, arguments, input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_first_admin_is_made_before_the_first_start(url: str) -> None:
    said = run("add", "ann", "--role", "admin", "--password-stdin")
    assert said == "ann can log in as an admin\n"
    name, kept = Catalog(url).people.password_hash("ann") or ("", "")
    assert name == "ann"
    assert PASSWORD not in kept
    assert passwords.fits(PASSWORD, kept)
    assert not passwords.fits(PASSWORD + "x", kept)


def test_people_are_listed_changed_and_disabled(url: str) -> None:
    run("add", "ann", "--role", "admin", "--password-stdin")
    run("add", "Zoë", "--password-stdin")
    assert run("role", "Zoë", "reviewer") == "Zoë is a reviewer now\n"
    run("disable", "Zoë")
    lines = run("list").splitlines()[1:]
    assert [line.split()[:2] for line in lines] == [["Zoë", "reviewer"], ["ann", "admin"]]
    assert "disabled" in lines[0]
    found = [Account.model_validate_json(line) for line in run("list", "--json").splitlines()]
    assert [one.role for one in found] == [Role.REVIEWER, Role.ADMIN]
    run("disable", "Zoë", "--undo")
    run("password", "Zoë", "--password-stdin", typed="another good one\n")
    _, kept = Catalog(url).people.password_hash("zoë") or ("", "")
    assert passwords.fits("another good one", kept)


def test_a_script_gets_a_token_that_can_be_ended(url: str) -> None:
    run("add", "ann", "--password-stdin")
    tokens = [run("token", "ann").strip() for _ in range(2)]
    sessions = Catalog(url).sessions
    assert all(sessions.person(one, SessionKind.SCRIPT) is not None for one in tokens)
    assert run("token", "ann", "--revoke") == "2 tokens of ann ended\n"
    assert sessions.person(tokens[0], SessionKind.SCRIPT) is None


@pytest.mark.parametrize(
    ("arguments", "error", "why"),
    [
        (("add", "<b>", "--password-stdin"), RejectedError, "letters, digits"),
        (("add", "n" * 65, "--password-stdin"), RejectedError, "64 characters"),
        (("add", "ANN", "--password-stdin"), RejectedError, "already"),
        (("add", "ben"), ConfigError, "--password-stdin"),
        (("role", "eve", "admin"), NotFoundError, "nobody called 'eve'"),
        (("role", "ann", "viewer"), RejectedError, "only admin"),
        (("disable", "ann"), RejectedError, "only admin"),
        (("token", "eve"), NotFoundError, "eve"),
        (("token", "eve", "--revoke"), NotFoundError, "eve"),
        (("password", "eve", "--password-stdin"), NotFoundError, "eve"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], error: Any, why: str) -> None:
    run("add", "ann", "--role", "admin", "--password-stdin")
    with pytest.raises(error, match=why):
        run(*arguments)


def test_a_weak_password_is_refused() -> None:
    with pytest.raises(RejectedError, match="10 to 200 characters"):
        run("add", "ann", "--password-stdin", typed="short\n")
