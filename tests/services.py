"""Real servers for tests, each started when a test first asks for it, on free ports.

They live in temporary folders and end with the test session, also if that is killed. In continuous
integration (`CI=true`) a server that cannot start is a failure; elsewhere the tests that need it
are skipped, with the reason.
"""

import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plankton_stream.errors import ConfigError
from plankton_stream.stack import toolchain, vectors
from plankton_stream.stack.broker import broker
from plankton_stream.stack.launch import running
from plankton_stream.stack.ports import answers, free_ports
from plankton_stream.stack.process import Process

_LOOPBACK = "127.0.0.1"
_HEAP_MB = 256


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a Kafka broker without topics."""
    port = some_free_port()
    folder = tmp_path_factory.mktemp("kafka")
    with served(lambda: kafka_process(folder, port), folder / "kafka.log"):
        yield f"{_LOOPBACK}:{port}"


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URI of an empty Milvus server."""
    port = some_free_port()
    folder = tmp_path_factory.mktemp("milvus")
    with served(lambda: milvus_process(folder, port), folder / "milvus.log"):
        yield f"http://{_LOOPBACK}:{port}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """SQLAlchemy URL of an empty PostgreSQL database."""
    port = some_free_port()
    # Not under pytest's own folder: that is closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="plankton-postgres-") as temporary:
        folder = Path(temporary)
        with served(lambda: postgres_process(folder, port), folder / "postgres.log") as run:
            yield f"postgresql+psycopg://plankton@{_LOOPBACK}:{port}/postgres"
            run.send_signal(signal.SIGINT)  # ends at once; its SIGTERM waits for open connections


def some_free_port() -> int:
    """A port that is free, as is the next one up; another test session likely has others."""
    start = random.randrange(20_000, 30_000, 10)
    while True:
        first, second = free_ports(2, start=start)
        if second == first + 1:
            return first
        start = second


def kafka_process(folder: Path, port: int) -> Process:
    """A broker that keeps its data in a folder."""
    java, jars = toolchain.java(), toolchain.jars(print)
    return broker(folder, port=port, heap_mb=_HEAP_MB, java=java, jars=jars)


def milvus_process(folder: Path, port: int) -> Process:
    """A Milvus server that keeps its data in a folder."""
    return vectors.milvus(folder, port=port, programs=vectors.binaries(print))


def postgres_process(folder: Path, port: int) -> Process:
    """A PostgreSQL server with a new database in a folder, open to this machine's users."""
    programs = _postgres_programs()
    data = folder / "data"
    data.mkdir()
    unprivileged: tuple[str, ...] = ()
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root; Debian's package made this user
        user = pwd.getpwnam("postgres")
        folder.chmod(0o755)
        os.chown(data, user.pw_uid, user.pw_gid)
        ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        setpriv = shutil.which("setpriv") or "/usr/bin/setpriv"
        unprivileged = (setpriv, *ids, "--pdeathsig=INT", "--")
    initdb = (str(programs / "initdb"), "-D", str(data), "-U", "plankton", "--auth=trust")
    done = subprocess.run(
        [*unprivileged, *initdb, "--no-sync", "-E", "UTF8"],
        cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ConfigError(f"initdb failed: {done.stderr}")
    options = ("-D", str(data), "-p", str(port), "-h", _LOOPBACK, "-k", "", "-F")
    return Process(
        name="postgres",
        argv=(*unprivileged, str(programs / "postgres"), *options),
        is_ready=lambda _pid: answers(_LOOPBACK, port) and _accepts(programs, port),
        cwd=Path("/"),
    )


@contextmanager
def served(prepare: Callable[[], Process], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server while a fixture is in use; without it, skip, or fail in CI."""
    try:
        process = prepare()
    except ConfigError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with running(process, log) as run:
        yield run


def _postgres_programs() -> Path:
    """Where `initdb` and `postgres` are: Debian keeps them out of PATH, one folder a version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).parent] if on_path else []
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    raise ConfigError("PostgreSQL's server is not installed: `apt install postgresql`.")


def _accepts(programs: Path, port: int) -> bool:
    command = [str(programs / "pg_isready"), "-q", "-h", _LOOPBACK, "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0
