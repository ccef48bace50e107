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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from plankton_stream.errors import ConfigError
from plankton_stream.stack import toolchain, vectors
from plankton_stream.stack.broker import broker
from plankton_stream.stack.ports import answers, free_ports
from plankton_stream.stack.process import Process, last_words
from tests.waiting import wait_until

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


# Apart enough for Milvus, which takes the next free ports for its inner parts.
_SLOTS = iter(random.sample(range(20_000, 32_000, 50), 240))


def some_free_port() -> int:
    """A port that is free, as are the next ones up, and that no other caller of this process gets.

    Another test session likely has others.
    """
    return next(start for start in _SLOTS if free_ports(2, start=start) == [start, start + 1])


def kafka_process(folder: Path, port: int) -> Process:
    """A broker that keeps its data in a folder."""
    java, jars = toolchain.java(), toolchain.jars(print)
    return broker(folder, port=port, heap_mb=_HEAP_MB, java=java, jars=jars)


def milvus_process(folder: Path, port: int) -> Process:
    """A Milvus server that keeps its data in a folder."""
    return vectors.milvus(folder, port=port, programs=vectors.binaries(print))


def postgres_process(folder: Path, port: int) -> Process:
    """A PostgreSQL server with a new database in a folder, open to this machine's users."""
    programs = toolchain.find_postgres()
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


def skip_or_fail(reason: str) -> NoReturn:
    """Give up a test whose program is not on this machine; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_stack_programs() -> None:
    """Skip, or fail in CI, where the local stack's servers cannot run."""
    with needed():
        toolchain.java()
        toolchain.jars(print)
        vectors.binaries(print)


@contextmanager
def needed() -> Iterator[None]:
    """Around the look for a program: without it, skip, or fail in CI."""
    try:
        yield
    except ConfigError as error:
        skip_or_fail(str(error))


@contextmanager
def served(prepare: Callable[[], Process], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server while a fixture is in use; without it, skip, or fail in CI."""
    with needed():
        process = prepare()
    with _running(process, log) as run:
        yield run


@contextmanager
def _running(process: Process, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process until the block ends; enters the block when it is ready."""
    with log.open("ab") as output:
        run = subprocess.Popen(
            process.tethered_argv,
            env={**os.environ, **process.env},
            cwd=process.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_ready(process, run, log)
        yield run
    finally:
        run.terminate()
        with suppress(subprocess.TimeoutExpired):
            run.wait(process.stop_s)
        run.kill()
        run.wait()


def _wait_ready(process: Process, run: "subprocess.Popen[bytes]", log: Path) -> None:
    def ready() -> bool:
        if run.poll() is not None:
            pytest.fail(f"{process.name} ended with {run.returncode}. {last_words(log)}")
        return process.is_ready(run.pid)

    wait_until(ready, within_s=process.start_s, what=lambda: f"{process.name}. {last_words(log)}")


def _accepts(programs: Path, port: int) -> bool:
    command = [str(programs / "pg_isready"), "-q", "-h", _LOOPBACK, "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0
