"""A real Milvus server from the `milvus` package, run directly and without its Python wrapper.

The wrapper (`milvus-server`) leaves its child behind when it is killed, so we unpack the package's
binaries and write their configuration ourselves.
"""

import importlib.util
import lzma
import os
import shutil
import urllib.error
import urllib.request
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from plankton_stream.errors import ConfigError
from plankton_stream.stack.ports import free_ports
from plankton_stream.stack.process import Process, Stage
from plankton_stream.stack.toolchain import Say, cache_folder, fill_once

VERSION = "2.3.5"
MILVUS_HINT = (
    f"The embedded Milvus (Python package milvus {VERSION}) exists for Linux on x86-64: "
    "`make install` adds it there; elsewhere set PLANKTON_MILVUS to a server's http://host:port."
)
_LOOPBACK = "127.0.0.1"
_ROLES = ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode")


def is_installed() -> bool:
    """Whether the embedded server can run here."""
    return importlib.util.find_spec("milvus") is not None


def binaries(say: Say) -> Path:
    """Folder with the server's program and libraries; unpacks them (250 MB) if they are not there.

    Raises:
        ConfigError: the package does not exist for this platform, or the cache is not writable.
    """
    if not is_installed():
        raise ConfigError(MILVUS_HINT)
    wanted = cache_folder() / "milvus" / VERSION
    if not wanted.is_dir():
        say("milvus: unpacking the server (once, 250 MB)")
        fill_once(wanted, _unpack)
    return wanted


def milvus(folder: Path, *, port: int, programs: Path) -> Process:
    """Prepare a Milvus server.

    Milvus 2.3 listens on every interface and cannot be told otherwise, except for its etcd. Its
    own ports need no authentication: a firewall has to keep strangers out.

    Args:
        folder: gets the configuration and, under `data`, all that the server keeps.
        port: of the clients; its other ports are the next free ones.
        programs: see `binaries`.

    Raises:
        ConfigError: another user of this machine keeps Milvus' pid files to themselves.
    """
    _share_pid_folder()
    config = _template(folder)
    names = [name for name in config.configurable_items if name.endswith("_port")]
    inner = [name for name in names if name != "proxy_port"]
    *others, peer, metrics = free_ports(len(inner) + 2, start=port + 1)
    numbers = {"proxy_port": port, **dict(zip(inner, others, strict=True))}
    _write_config(folder, config, numbers)
    etcd = folder / "configs" / "etcd.yaml"
    etcd.write_text(_etcd_config(numbers["etcd_port"], peer), encoding="utf-8")
    return Process(
        name="milvus",
        # The alias keeps two servers, or two users, of one machine from sharing a pid file.
        argv=(str(programs / "milvus"), "run", "standalone", "--alias", f"{os.getuid()}-{port}"),
        is_ready=lambda _pid: is_healthy(metrics),
        stage=Stage.VECTORS,
        env={
            "DEPLOY_MODE": "STANDALONE",
            "ETCD_CONFIG_PATH": str(etcd),
            "LD_LIBRARY_PATH": str(programs),
            "METRICS_PORT": str(metrics),
            "MILVUSCONF": str(folder / "configs"),
            # Files of the collections that are not kept in memory (two-stage search); without it
            # Milvus takes `mmap.enabled` and ignores it.
            "QUERYNODE_MMAPDIRPATH": str(folder / "mmap"),
            # With rows that are not yet flushed, the interim index loses hits when k is large.
            "QUERYNODE_SEGCORE_INTERIMINDEX_ENABLEINDEX": "false",
        },
        cwd=folder,
        start_s=180.0,
        stop_s=12.0,
    )


def is_healthy(metrics_port: int) -> bool:
    """Whether all parts of the Milvus server with this metrics port say that they work."""
    try:
        url = f"http://{_LOOPBACK}:{metrics_port}/healthz"
        with urllib.request.urlopen(url, timeout=3) as reply:
            return b"OK" in reply.read()
    except (OSError, urllib.error.URLError):
        return False


def _share_pid_folder(folder: Path = Path("/tmp/milvus")) -> None:  # noqa: S108  (Milvus' choice)
    """Without root, Milvus keeps its pid files in this one folder of the machine.

    It would make it for its own user only, and then end at once for every other user.
    """
    with suppress(FileExistsError, PermissionError):
        folder.mkdir()
        folder.chmod(0o1777)
    if os.geteuid() != 0 and not os.access(folder, os.W_OK):
        raise ConfigError(
            f"Milvus keeps its pid files in {folder}, which belongs to {folder.owner()}: ask them "
            f"for `chmod 1777 {folder}`, or set PLANKTON_MILVUS to a server's http://host:port."
        )


def _unpack(folder: Path) -> None:
    packaged = Path(str(resources.files("milvus"))) / "data" / "bin"
    for packed in packaged.glob("*.lzma"):
        program = folder / packed.stem
        with lzma.open(packed) as source, program.open("wb") as target:
            shutil.copyfileobj(source, target)
        program.chmod(0o755)


def _template(folder: Path) -> Any:
    """The package's own configuration template, with its values for a data folder filled in."""
    from milvus import MilvusServerConfig  # noqa: PLC0415  (the extra `local`)

    config = MilvusServerConfig(data_dir=str(folder))
    config.resolve_storage()
    return config


def _write_config(folder: Path, config: Any, ports: dict[str, int]) -> None:
    for name, number in ports.items():
        config.set(name, number)
    # Our supervisor keeps and rotates the log: warnings go to standard output, to no file.
    config.set("etcd_log_path", "stdout")
    config.set("etcd_log_level", "warn")
    config.set("system_log_path", "")
    extra: dict[str, str] = {"log.level": "warn"}
    # Its roles find each other through these addresses: the network may change under a laptop.
    extra |= {f"{role}.ip": _LOOPBACK for role in _ROLES}
    # With a loaded collection a clean stop waits for a second node to take it over: there is none,
    # and by default it waits half an hour. Nothing is lost by not waiting.
    extra["common.gracefulStopTimeout"] = "2"
    # After a restart nothing is searchable until the last run's session has expired (30 s).
    extra["common.session.ttl"] = "10"
    # What arrived last has no graph yet and is compared row by row: by default up to 70,000 rows,
    # and a search costs several times as much. With segments of a quarter of the default 512 MB it
    # is 18,000, and a graph that has to be made anew takes a quarter of the time.
    extra["dataCoord.segment.maxSize"] = "128"
    extra["etcd.endpoints"] = f"{_LOOPBACK}:{ports['etcd_port']}"
    for key, value in extra.items():
        config.set(key, value)
    config.write_config()
    glog = "--logtostderr=true\n--minloglevel=2\n"
    (folder / "configs" / "glog.conf").write_text(glog, encoding="ascii")


def _etcd_config(port: int, peer_port: int) -> str:
    """Milvus' etcd on the loopback address: by default it takes 2379 and 2380."""
    client, peer = f"http://{_LOOPBACK}:{port}", f"http://{_LOOPBACK}:{peer_port}"
    return (
        f"name: plankton\nlisten-client-urls: {client}\nadvertise-client-urls: {client}\n"
        f"listen-peer-urls: {peer}\ninitial-advertise-peer-urls: {peer}\n"
        f"initial-cluster: plankton={peer}\n"
    )
