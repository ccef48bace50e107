"""What `plankton up` writes for the servers it starts, read back with their own parsers."""

import json
import os
import shlex
import sys
from pathlib import Path

import pytest
from supervisor.options import ServerOptions
from typer.testing import CliRunner

from plankton_stream.cli import app
from plankton_stream.errors import ConfigError
from plankton_stream.events.topics import MAX_RECORD_BYTES
from plankton_stream.settings import Settings
from plankton_stream.stack import parts, vectors
from plankton_stream.stack.broker import cluster_id, server_properties
from plankton_stream.stack.home import Home
from plankton_stream.stack.process import Process, Stage
from plankton_stream.stack.ready import announce_ready, has_announced
from plankton_stream.stack.status import without_password
from plankton_stream.stack.supervision import configuration
from tests.services import skip_or_fail


def _properties(text: str) -> dict[str, str]:
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_the_broker_listens_on_loopback_and_takes_whole_frames() -> None:
    found = _properties(server_properties(Path("/some/data"), 1234))
    assert found["listeners"] == "BROKER://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235"
    assert found["log.dirs"] == "/some/data"
    assert found["auto.create.topics.enable"] == "false"
    assert found["log.message.timestamp.type"] == "LogAppendTime"
    assert int(found["message.max.bytes"]) == MAX_RECORD_BYTES
    assert not [value for value in found.values() if "$" in value]


def test_cluster_ids_are_what_kafka_accepts() -> None:
    ids = {cluster_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(len(one) == 22 and not one.startswith("-") for one in ids)


def test_milvus_gets_ports_of_its_own(tmp_path: Path) -> None:
    if not vectors.is_installed():
        skip_or_fail(vectors.MILVUS_HINT)
    process = vectors.milvus(tmp_path, port=21_000, programs=tmp_path)
    config = (tmp_path / "configs" / "milvus.yaml").read_text()
    assert "  port: 21000\n" in config
    assert "{{" not in config
    assert "  gracefulStopTimeout: 2 " in config
    assert "    ttl: 10 " in config
    assert "    maxSize: 128 " in config
    assert "127.0.0.1" in (tmp_path / "configs" / "etcd.yaml").read_text()
    assert process.env["QUERYNODE_SEGCORE_INTERIMINDEX_ENABLEINDEX"] == "false"
    assert str(tmp_path) in config


def test_milvus_is_refused_where_another_user_has_its_pid_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pids"
    vectors._share_pid_folder(folder)
    assert folder.stat().st_mode & 0o7777 == 0o1777
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(ConfigError, match=r"belongs to .*chmod 1777.*PLANKTON_MILVUS"):
        vectors._share_pid_folder(folder)


def _process(name: str, stage: Stage, *words: str, **env: str) -> Process:
    argv = (sys.executable, *words)
    return Process(name=name, argv=argv, is_ready=lambda _pid: True, stage=stage, env=env)


def test_supervisord_reads_back_what_was_meant(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "a home")
    words = ("-c", "print('a b', \"%(x)s\")", "*")
    a = _process("a", Stage.LOG, *words, WHERE=str(home.root))
    b, c = _process("b", Stage.WORKERS), _process("c", Stage.WORKERS)
    config = home.run / "supervisord.conf"
    config.write_text(configuration(home, [a, b, c]))
    options = ServerOptions()
    options.realize(args=["-c", str(config)])
    groups = {group.name: group for group in options.process_group_configs}
    assert {name: len(group.process_configs) for name, group in groups.items()} == {
        "servers": 1,
        "workers": 2,
    }
    # supervisord stops the group with the highest priority first.
    assert groups["servers"].priority < groups["workers"].priority
    (read,) = groups["servers"].process_configs
    assert tuple(shlex.split(read.command)) == a.tethered_argv
    assert read.environment == {"WHERE": str(home.root)}
    assert read.stdout_logfile == str(home.log / "a.log")
    assert read.stopasgroup
    assert read.killasgroup
    assert not read.autostart


def test_children_get_every_setting_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANKTON_KAFKA_PORT", "7000")
    environment = parts.child_environment(Settings(_env_file=None), os.environ)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    child = Settings(_env_file=None)
    assert child.kafka == "127.0.0.1:7000"
    assert child.milvus == "http://127.0.0.1:19530"
    assert child.home.is_absolute()
    assert child.catalog.startswith("sqlite:////")
    assert child.images.startswith("file:///")
    assert child.auth == "none"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.evil.example"])
def test_up_serves_the_page_to_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("PLANKTON_WEB_HOST", host)
    monkeypatch.setenv("PLANKTON_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=rf"PLANKTON_WEB_HOST={host}: .*without a login"):
        CliRunner().invoke(app, ["up"], catch_exceptions=False)
    assert not (tmp_path / "home").exists()


def test_the_camera_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None)
    assert parts.roles_for(settings) == parts.ROLES
    assert parts.CAMERA not in parts.roles_for(settings, camera=False)
    monkeypatch.setenv("PLANKTON_CAMERA_RATE", "0")
    assert parts.CAMERA not in parts.roles_for(Settings(_env_file=None))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://u:s3cret@host/db", "postgresql+psycopg://u:***@host/db"),
        ("postgresql://u:s3c:r@t@host/db", "postgresql://u:***@host/db"),
        ("postgresql:///db?user=u&password=s3cret", "postgresql:///db?user=u&password=***"),
        ("sqlite:////home/a.sqlite", "sqlite:////home/a.sqlite"),
        ("http://127.0.0.1:19530", "http://127.0.0.1:19530"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_process_is_ready_only_under_its_own_pid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ready"
    announce_ready()  # nobody listens: nothing happens
    assert not has_announced(path, os.getpid())
    monkeypatch.setenv("PLANKTON_READY_FILE", str(path))
    announce_ready()
    assert has_announced(path, os.getpid())
    assert not has_announced(path, os.getpid() + 1)


def test_status_of_nothing_is_valid_json_and_a_failure(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["status", "--json"], env={"PLANKTON_HOME": str(tmp_path)})
    assert run.exit_code == 1
    assert json.loads(run.output) == {
        "state": "stopped", "home": str(tmp_path), "pid": None, "web": None, "kafka": None,
        "milvus": None, "catalog": None, "disk": None, "processes": [], "spools": [],
    }  # fmt: skip
