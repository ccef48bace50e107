"""The processes of `plankton up`, as data, and the settings they get."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from plankton_stream.settings import Settings
from plankton_stream.stack import toolchain, vectors
from plankton_stream.stack.broker import broker
from plankton_stream.stack.home import Home
from plankton_stream.stack.ports import require_free
from plankton_stream.stack.process import Process, Stage
from plankton_stream.stack.ready import READY_FILE, has_announced
from plankton_stream.stack.toolchain import Say


@dataclass(frozen=True)
class Role:
    """A `plankton` sub-command that the stack runs.

    Attributes:
        name: of its process.
        command: its words on the command line.
        stage: when it starts.
        start_s: longest wait until it has announced itself.
        stop_s: longest wait between asking it to stop and killing it.
    """

    name: str
    command: tuple[str, ...]
    stage: Stage = Stage.WORKERS
    # Only a part that hangs meets this; one that ends is noticed at once. On a machine with much
    # else to do, importing TensorFlow alone has taken over a minute.
    start_s: float = 180.0
    stop_s: float = 8.0


CAMERA = Role("camera", ("camera", "simulated"), Stage.SOURCES, stop_s=3.0)
ROLES = (
    Role("segment", ("worker", "segment")),
    Role("embed", ("worker", "embed")),
    # Waits for the first embed worker, which says whose vectors are searched.
    Role("labels", ("worker", "labels"), start_s=180.0),
    Role("predict", ("worker", "predict"), start_s=180.0),
    Role("map", ("worker", "map")),
    Role("versions", ("worker", "versions")),
    Role("relay", ("worker", "relay")),
    Role("streams", ("streams", "run")),
    Role("web", ("web", "run"), Stage.WEB, stop_s=4.0),
    CAMERA,
)
"""Every Python process of the stack, in the order of their start."""


def roles_for(settings: Settings, *, camera: bool = True) -> tuple[Role, ...]:
    """The roles to run: the camera only if it is wanted and has a rate."""
    wanted = camera and settings.camera_rate > 0
    return tuple(role for role in ROLES if wanted or role is not CAMERA)


def python_process(role: Role, home: Home) -> Process:
    """A role as a child: this same Python, which announces itself through a file."""
    ready = home.run / f"{role.name}.ready"
    return Process(
        name=role.name,
        argv=(sys.executable, "-m", "plankton_stream", *role.command),
        is_ready=partial(has_announced, ready),
        stage=role.stage,
        env={READY_FILE: str(ready), "PYTHONUNBUFFERED": "1"},
        start_s=role.start_s,
        stop_s=role.stop_s,
    )


def log_process(settings: Settings, home: Home, say: Say) -> Process | None:
    """The local broker; none if the settings name a cluster.

    Raises:
        ConfigError: this machine lacks what the broker needs; the message says how to get it.
    """
    if settings.kafka:
        return None
    java, jars = toolchain.java(), toolchain.jars(say)
    return broker(
        home.kafka, port=settings.kafka_port, heap_mb=settings.kafka_heap_mb, java=java, jars=jars
    )


def vector_process(settings: Settings, home: Home, say: Say) -> Process | None:
    """The embedded Milvus; none if the settings name a server.

    Raises:
        ConfigError: there is no Milvus for this platform.
    """
    if settings.milvus:
        return None
    programs = vectors.binaries(say)
    return vectors.milvus(home.milvus, port=settings.milvus_port, programs=programs)


def require_ports(settings: Settings, roles: tuple[Role, ...]) -> None:
    """Check every port that the stack is going to listen on, before anything is started.

    Raises:
        ConfigError: one is taken.
    """
    names = {role.name for role in roles}
    if not settings.kafka:
        require_free(settings.kafka_port, "PLANKTON_KAFKA_PORT")
        require_free(settings.kafka_port + 1, "PLANKTON_KAFKA_PORT (the controller's is one up)")
    if not settings.milvus:
        require_free(settings.milvus_port, "PLANKTON_MILVUS_PORT")
    if "embed" in names:
        require_free(settings.embed_port, "PLANKTON_EMBED_PORT")
    if "web" in names:
        require_free(settings.web_port, "PLANKTON_WEB_PORT")


def child_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What every child gets: our environment, with each setting spelled out.

    So the children of one stack agree whatever folder or `.env` file they would find, and the
    parts that we start are parts with a URL to them.
    """
    explicit = {name: getattr(settings, name) for name in type(settings).model_fields}
    explicit |= {
        "home": settings.home.resolve(),
        "kafka": settings.kafka_bootstrap,
        "milvus": settings.milvus_uri,
        "catalog": settings.catalog_url,
        "images": settings.images_url,
        "encoder_store": settings.encoder_store_url,
        "auth": settings.auth or "none",  # without a login `up` allows loopback addresses only
    }
    return {
        **environ,
        **{f"PLANKTON_{name.upper()}": str(value) for name, value in explicit.items()},
    }
