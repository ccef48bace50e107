"""`plankton doctor`: what this machine has of what is needed, and how to get the rest."""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from plankton_stream.errors import ConfigError, PlanktonError
from plankton_stream.settings import Settings
from plankton_stream.stack import toolchain, vectors
from plankton_stream.stack.home import Home
from plankton_stream.stack.parts import require_ports, roles_for

_MEMORY_MB = 3000


@dataclass(frozen=True)
class Finding:
    """One need.

    Attributes:
        need: what it is.
        ok: whether it is met.
        found: what there is, or how to get it.
        required: whether `plankton up` cannot work without it (else: only the tests use it).
    """

    need: str
    ok: bool
    found: str
    required: bool = True


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that `plankton up` and the tests need. Starts and installs nothing."""
    checks: list[tuple[str, Callable[[], str], bool]] = [
        ("Python 3.11", _python, True),
        ("home", lambda: _home(settings), True),
        ("Java 17", lambda: _java(settings), True),
        ("Kafka's jars", lambda: _jars(settings), True),
        ("Milvus", lambda: _milvus(settings), True),
        ("ports", lambda: _ports(settings), True),
        ("memory", _memory, True),
        ("Chromium", lambda: str(toolchain.find_chromium()), False),
        ("PostgreSQL", lambda: str(toolchain.find_postgres()), False),
    ]
    return [_finding(need, check, required=required) for need, check, required in checks]


def table(findings: list[Finding]) -> list[str]:
    """The findings for people: a line each."""
    marks = {(True, True): "ok", (True, False): "ok", (False, True): "MISSING"}
    return [
        f"{marks.get((f.ok, f.required), 'missing'):8} {f.need:14} {f.found}"
        + ("" if f.required else " (only the tests use it)")
        for f in findings
    ]


def _finding(need: str, check: Callable[[], str], *, required: bool) -> Finding:
    try:
        return Finding(need, ok=True, found=check(), required=required)
    except PlanktonError as error:
        return Finding(need, ok=False, found=str(error), required=required)


def _python() -> str:
    if sys.version_info[:2] != (3, 11):
        raise ConfigError(
            f"This is Python {platform.python_version()}: `apt install python3.11-venv`, "
            "`brew install python@3.11`, or `uv python install 3.11`."
        )
    return platform.python_version()


def _home(settings: Settings) -> str:
    home = Home.at(settings.home)
    home.require_room()
    return f"{home.root}, {home.free_mb()} MB free"


def _java(settings: Settings) -> str:
    if settings.kafka:
        return "not needed: PLANKTON_KAFKA is set"
    program = toolchain.java()
    return f"version {toolchain.java_version(str(program))}, {program}"


def _jars(settings: Settings) -> str:
    if settings.kafka:
        return "not needed: PLANKTON_KAFKA is set"
    fetched = toolchain.jars_folder()
    if fetched.is_dir():
        return f"fetched, {fetched}"
    return f"to be fetched with {toolchain.maven()} (44 MB, once)"


def _milvus(settings: Settings) -> str:
    if settings.milvus:
        return "not needed: PLANKTON_MILVUS is set"
    if not vectors.is_installed():
        raise ConfigError(vectors.MILVUS_HINT)
    return f"package milvus {vectors.VERSION}"


def _ports(settings: Settings) -> str:
    home = Home.at(settings.home)
    if home.owner() or home.supervisor():
        return "in use by this home's own stack, which is running"
    require_ports(settings, roles_for(settings))
    return "free"


def _memory() -> str:
    import psutil  # noqa: PLC0415

    free_mb = psutil.virtual_memory().available // 1_000_000
    if free_mb < _MEMORY_MB:
        raise ConfigError(
            f"{free_mb} MB available, about {_MEMORY_MB} MB are needed: close other programs, or "
            "lower PLANKTON_KAFKA_HEAP_MB."
        )
    return f"{free_mb} MB available"
