"""The home of a local stack: what is refused, and that it has one owner."""

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plankton_stream.cli import app
from plankton_stream.errors import ConfigError
from plankton_stream.stack.home import Home, owned


def test_a_new_home_is_made(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "new" / "home")
    assert home.run.is_dir()
    assert home.log.is_dir()
    assert home.run.stat().st_mode & 0o777 == 0o700
    assert home.owner() is None
    assert home.supervisor() is None
    assert home.read_state() == {}


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"PLANKTON_HOME=.*not writable.*Set PLANKTON_HOME"):
        Home.made(tmp_path / "file" / "home")


@pytest.mark.parametrize("name", ['a"b', "a;b", "a#b", "a'b", "a%b"])
def test_a_path_that_supervisord_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="may not contain"):
        Home.made(tmp_path / name)


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too long for a Unix socket"):
        Home.made(tmp_path / ("x" * 100))


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=500_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(ConfigError, match="Only 500 MB are free"):
        Home.made(tmp_path)


def test_a_full_disk_stops_neither_down_nor_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And neither creates anything."""
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    monkeypatch.setenv("PLANKTON_HOME", str(tmp_path / "home"))
    down = CliRunner().invoke(app, ["down"])
    assert (down.exit_code, "nothing is running" in down.output) == (0, True)
    assert "nothing is running" in CliRunner().invoke(app, ["status"]).output
    assert "Only 0 MB are free" in CliRunner().invoke(app, ["doctor"]).output
    assert list(tmp_path.iterdir()) == []


def test_a_home_has_one_owner(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    with owned(home):
        assert home.owner() == os.getpid()
        with pytest.raises(ConfigError, match=rf"pid {os.getpid()}.*plankton down"), owned(home):
            pass
    assert home.owner() is None
    with owned(home):
        pass


def test_a_pid_that_went_to_another_program_is_no_supervisor(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    (home.run / "supervisord.pid").write_text(str(os.getpid()))
    assert home.supervisor() is None


def test_the_state_file_survives_a_broken_one(tmp_path: Path) -> None:
    home = Home.made(tmp_path)
    home.write_state({"web": "http://x"})
    assert home.read_state() == {"web": "http://x"}
    home.state.write_text("{")
    assert home.read_state() == {}
