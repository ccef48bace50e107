"""`plankton up` and `plankton down`."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

from plankton_stream.addresses import require_loopback
from plankton_stream.errors import ConfigError, PlanktonError, RetryableError
from plankton_stream.events.envelope import Message
from plankton_stream.settings import Settings
from plankton_stream.stack.disk import DiskWatch
from plankton_stream.stack.disk_alert import DiskAlert
from plankton_stream.stack.home import Home, owned
from plankton_stream.stack.parts import (
    Role,
    child_environment,
    log_process,
    python_process,
    require_ports,
    vector_process,
)
from plankton_stream.stack.process import Process, Stage
from plankton_stream.stack.running import Stack
from plankton_stream.stack.status import without_password
from plankton_stream.stack.supervision import Supervisor
from plankton_stream.stack.toolchain import Say

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DOWN_WITHIN_S = 45.0
_POLL_S = 0.2


def up(settings: Settings, roles: tuple[Role, ...], say: Say) -> None:
    """Run the local stack until Ctrl-C, `plankton down` or a SIGTERM, then stop all of it.

    Args:
        settings: parts whose URL is set are used as they are, the others are started.
        roles: the Python processes to run.
        say: gets one line of progress at a time.

    Raises:
        ConfigError: something is in the way; nothing is left running.
        RetryableError: the supervisor was killed; nothing is left running.
    """
    if settings.auth != "login":
        require_loopback(settings.web_host)
    home = Home.made(settings.home)
    with owned(home), _interruptible():
        try:
            _run(settings, home, roles, say)
        except KeyboardInterrupt:
            say("stopped")


def down(home: Home, say: Say) -> None:
    """Stop the stack that runs on a home, also one whose `plankton up` was killed.

    Raises:
        RetryableError: it did not stop in time.
    """
    owner, supervisor = home.owner(), home.supervisor()
    if owner is None and supervisor is None:
        say(f"nothing is running on {home.root}")
        return
    say(f"stopping what runs under pid {owner or supervisor}")
    with suppress(ProcessLookupError, RetryableError):  # it is on its way out already
        if owner is not None:
            os.kill(owner, signal.SIGTERM)
        else:
            Supervisor(home.socket).shut_down()
    deadline = time.monotonic() + _DOWN_WITHIN_S
    while home.owner() is not None or home.supervisor() is not None:
        if time.monotonic() > deadline:
            raise RetryableError(f"pid {owner or supervisor} did not stop; see {home.log}.")
        time.sleep(_POLL_S)
    say("stopped")


def _run(settings: Settings, home: Home, roles: tuple[Role, ...], say: Say) -> None:
    require_ports(settings, roles)
    _require_given(settings)
    _warn_of_disk(settings, home, say)
    processes = _processes(settings, home, roles, say)
    environment = child_environment(settings, os.environ)
    stack = Stack(home, processes, environment, _urls(settings), say)
    try:
        stack.start(Stage.LOG, Stage.VECTORS)
        _prepare(settings, say)
        if roles:
            say("workers load TensorFlow and the encoder next: about half a minute on two cores")
        stack.start(Stage.WORKERS, Stage.WEB, Stage.SOURCES)
        say(f"Ready: {settings.web_url}")
        with _disk_watched(settings, home, say):
            stack.watch()
    finally:
        for number in _STOP_SIGNALS:  # the stop itself takes seconds and is not interrupted
            signal.signal(number, signal.SIG_IGN)
        say("stopping")
        stack.stop()


@contextmanager
def _disk_watched(settings: Settings, home: Home, say: Say) -> Iterator[None]:
    """Look at the disk in the background while the block lasts."""
    stop = threading.Event()
    alert = DiskAlert(home, partial(_publish, settings))
    watch = DiskWatch(home, settings.disk_mb, lambda line: say(f"warning: {line}"), alert.step)
    threading.Thread(target=watch.run, args=(stop,), name="disk", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _publish(settings: Settings, message: Message) -> None:
    """Publish a record; so rarely that each gets a connection of its own."""
    from plankton_stream.adapters.kafka import KafkaPublisher  # noqa: PLC0415

    with closing(KafkaPublisher(settings.kafka_bootstrap, client_id="plankton-disk")) as publisher:
        publisher.send(message)
        publisher.flush()


def _processes(settings: Settings, home: Home, roles: tuple[Role, ...], say: Say) -> list[Process]:
    stores = (log_process(settings, home, say), vector_process(settings, home, say))
    return [
        *(process for process in stores if process is not None),
        *(python_process(role, home) for role in roles),
    ]


def _require_given(settings: Settings) -> None:
    """Check that the parts which the settings name are there.

    Raises:
        ConfigError: one does not answer.
    """
    from plankton_stream.adapters.kafka import KafkaAdmin  # noqa: PLC0415
    from plankton_stream.adapters.milvus import ping  # noqa: PLC0415

    try:
        if settings.kafka:
            admin = KafkaAdmin(settings.kafka)
            admin.close()
    except PlanktonError as error:
        raise _absent("KAFKA", settings.kafka, error) from error
    try:
        if settings.milvus:
            ping(settings.milvus, settings.milvus_token)
    except PlanktonError as error:
        raise _absent("MILVUS", settings.milvus, error) from error


def _prepare(settings: Settings, say: Say) -> None:
    """Bring the catalog and the topics to what this version expects; safe to repeat.

    Raises:
        ConfigError: the catalog that the settings name does not answer.
    """
    from plankton_stream.adapters.kafka import KafkaAdmin  # noqa: PLC0415
    from plankton_stream.adapters.sql import upgrade  # noqa: PLC0415
    from plankton_stream.events import topics  # noqa: PLC0415

    try:
        upgrade(settings.catalog_url)
    except PlanktonError as error:
        raise _absent("CATALOG", settings.catalog_url, error) from error
    say("catalog ready")
    admin = KafkaAdmin(settings.kafka_bootstrap)
    try:
        sized = topics.sized(topics.ALL, settings.kafka_disk_mb)
        made = admin.ensure_topics(sized, replication=settings.replication)
    finally:
        admin.close()
    say(f"topics ready ({len(made)} new)")


def _absent(part: str, url: str, error: PlanktonError) -> ConfigError:
    return ConfigError(f"PLANKTON_{part}={without_password(url)} cannot be used: {error}")


def _warn_of_disk(settings: Settings, home: Home, say: Say) -> None:
    """The event log may grow to its cap: say so before it does, not when the disk is full."""
    wanted_mb = 0 if settings.kafka else 2 * settings.kafka_disk_mb
    if home.free_mb() < wanted_mb:
        say(
            f"warning: {home.free_mb()} MB are free under {home.root}, and the event log may take "
            f"{wanted_mb} MB: lower PLANKTON_KAFKA_DISK_MB"
        )


def _urls(settings: Settings) -> dict[str, str]:
    return {
        "web": settings.web_url,
        "kafka": settings.kafka_bootstrap,
        "milvus": without_password(settings.milvus_uri),
        "catalog": without_password(settings.catalog_url),
    }


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make every request to stop a KeyboardInterrupt; put the handlers back at the end."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
