"""The walls between the rooms, and that no process loads what it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "tensorflow", "keras", "flask", "faust", "pymilvus", "kafka", "cv2", "sqlalchemy", "numpy",
}  # fmt: skip


def loaded(code: str) -> set[str]:
    """Which of the heavy packages a fresh Python has loaded after some code."""
    ask = f"\nimport sys; print('LOADED', *sorted({sorted(HEAVY)!r} & sys.modules.keys()))"
    ask = ask.replace(f"{sorted(HEAVY)!r}", f"set({sorted(HEAVY)!r})")
    done = subprocess.run(
        [sys.executable, "-c", code + ask], capture_output=True, text=True, timeout=60, check=True
    )
    (last,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    return set(last.split()[1:])


def test_the_contracts_between_the_rooms_are_kept() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["status", "--help"]])
def test_the_command_line_alone_loads_no_role(arguments: list[str]) -> None:
    code = f"""
import sys
from plankton_stream.cli import main
sys.argv = ["plankton", *{arguments!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
"""
    assert loaded(code) == set()


@pytest.mark.parametrize(
    ("module", "stranger"),
    [
        ("producers.commands", {"tensorflow", "keras", "flask", "faust", "pymilvus", "sqlalchemy"}),
        ("workers.commands", {"flask", "faust"}),
        ("streams.commands", {"tensorflow", "keras", "flask", "pymilvus", "sqlalchemy", "cv2"}),
        ("web.commands", {"tensorflow", "keras", "faust"}),
        ("web.app", {"tensorflow", "keras", "faust"}),
        ("plankton_stream.domain", HEAVY),
        ("plankton_stream.settings", HEAVY),
        ("plankton_stream.events.facts", HEAVY),
        ("plankton_stream.adapters.kafka", HEAVY - {"kafka"}),
        ("plankton_stream.adapters.sql", {"tensorflow", "flask", "faust", "pymilvus", "kafka"}),
    ],
)
def test_a_role_loads_no_other_roles_dependencies(module: str, stranger: set[str]) -> None:
    assert loaded(f"import {module}") & stranger == set()
