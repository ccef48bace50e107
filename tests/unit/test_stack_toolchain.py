"""Java, Maven, Milvus and ports: what `plankton up` says when one is missing."""

import os
import socket
from pathlib import Path

import pytest

from plankton_stream.errors import ConfigError
from plankton_stream.stack import ports, toolchain, vectors


def _program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, and an empty cache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    # The fake programs need a shell and a few commands, which are found by these.
    for name in ("sh", "mkdir", "touch", "echo"):
        (programs / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


@pytest.mark.usefixtures("bare")
def test_no_java() -> None:
    with pytest.raises(ConfigError, match=r"No Java found.*apt install.*brew.*PLANKTON_KAFKA"):
        toolchain.java()


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_292"', 8),
        ("no version here", 0),
    ],
)
def test_java_versions(bare: Path, says: str, version: int) -> None:
    program = _program(bare, "java", f"echo '{says}' >&2")
    assert toolchain.java_version(str(program)) == version
    if version >= 17:
        assert toolchain.java() == program
    else:
        with pytest.raises(ConfigError, match="Java 17 or newer"):
            toolchain.java()


def test_java_home_wins(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(bare, "java", "exit 1")
    (tmp_path / "jdk" / "bin").mkdir(parents=True)
    better = _program(tmp_path / "jdk" / "bin", "java", "echo 'version \"17.0.1\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert toolchain.java() == better


@pytest.mark.usefixtures("bare")
def test_no_maven() -> None:
    with pytest.raises(ConfigError, match=r"No Maven.*apt install maven.*PLANKTON_KAFKA"):
        toolchain.jars(lambda _line: None)


def test_maven_offline_leaves_nothing_behind(bare: Path) -> None:
    _program(bare, "mvn", "echo '[ERROR] Could not transfer artifact kafka: offline'; exit 1")
    with pytest.raises(ConfigError, match=r"Could not transfer artifact kafka.*network"):
        toolchain.jars(lambda _line: None)
    assert list((toolchain.cache_folder() / "kafka").iterdir()) == []


def test_jars_are_fetched_once(bare: Path) -> None:
    _program(
        bare, "mvn",
        'for arg; do case "$arg" in -DoutputDirectory=*) touch "${arg#*=}/kafka.jar";; esac; done',
    )  # fmt: skip
    lines: list[str] = []
    folder = toolchain.jars(lines.append)
    assert [path.name for path in folder.iterdir()] == ["kafka.jar"]
    assert lines == ["kafka: fetching the broker with Maven (once, 44 MB)"]
    (bare / "mvn").unlink()
    assert toolchain.jars(lines.append) == folder
    assert len(lines) == 1


def test_a_cache_that_cannot_be_written(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    _program(bare, "mvn", "exit 0")
    with pytest.raises(ConfigError, match="Set XDG_CACHE_HOME"):
        toolchain.jars(lambda _line: None)


def test_of_two_that_fill_a_folder_the_first_wins(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"

    def fill(folder: Path) -> None:
        (folder / "second").touch()
        wanted.mkdir()
        (wanted / "first").touch()

    toolchain.fill_once(wanted, fill)
    assert [path.name for path in wanted.iterdir()] == ["first"]
    assert list(tmp_path.iterdir()) == [wanted]


def test_no_milvus_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "is_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"Linux on x86-64.*PLANKTON_MILVUS"):
        vectors.binaries(lambda _line: None)


def test_a_busy_port_is_named_with_its_holder_and_setting() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        assert ports.answers("127.0.0.1", port)
        with pytest.raises(ConfigError, match=rf"Port {port} .*pid {os.getpid()}.*PLANKTON_X"):
            ports.require_free(port, "PLANKTON_X")
        assert ports.free_ports(1, start=port) != [port]
    assert ports.is_free(port)
    assert not ports.answers("127.0.0.1", port)
    ports.require_free(port, "PLANKTON_X")


def test_the_newest_postgresql_of_debian_is_taken(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="apt install postgresql"):
        toolchain.find_postgres(tmp_path / "postgresql")
    _program(bare, "initdb", "")
    assert toolchain.find_postgres(tmp_path / "postgresql") == bare
    for version in ("9.6", "17", "15"):
        folder = tmp_path / "postgresql" / version / "bin"
        folder.mkdir(parents=True)
        _program(folder, "initdb", "")
    assert toolchain.find_postgres(tmp_path / "postgresql").parent.name == "17"


def test_chromium_goes_by_several_names(bare: Path) -> None:
    with pytest.raises(ConfigError, match="apt install chromium"):
        toolchain.find_chromium()
    program = _program(bare, "google-chrome", "")
    assert toolchain.find_chromium() == program
