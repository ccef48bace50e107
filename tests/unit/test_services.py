"""What the tests' own fixtures promise."""

import itertools

import pytest

from plankton_stream.errors import ConfigError
from tests.services import needed, some_free_port


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_missing_program_skips_here_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no Java"), needed():
        raise ConfigError("no Java")


def test_a_mistake_of_ours_is_never_a_skip() -> None:
    with pytest.raises(ZeroDivisionError), needed():
        raise ZeroDivisionError


def test_ports_are_given_once_and_far_apart() -> None:
    given = sorted(some_free_port() for _ in range(20))
    assert all(later - port >= 50 for port, later in itertools.pairwise(given))
