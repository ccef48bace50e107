"""A real Apache Kafka broker on the loopback address: one KRaft node, a Java process."""

import base64
import subprocess
import uuid
from pathlib import Path
from string import Template

from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.stack.ports import answers
from plankton_stream.stack.process import Process, Stage
from plankton_stream.stack.toolchain import deploy_folder


def broker(folder: Path, *, port: int, heap_mb: int, java: Path, jars: Path) -> Process:
    """Prepare a broker: its configuration, and its storage if that is new.

    Args:
        folder: gets the configuration and, under `data`, all that the broker keeps.
        port: of the clients; the controller listens on the next one up.
        heap_mb: most memory for Java objects, MB; the process takes about 120 MB more.
        java: the program that runs it.
        jars: see `toolchain.jars`.

    Raises:
        ConfigError: the storage cannot be formatted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "server.properties"
    config.write_text(server_properties(folder / "data", port), encoding="utf-8")
    classpath = ("-cp", f"{jars}/*")
    log4j2 = f"-Dlog4j2.configurationFile={(deploy_folder() / 'log4j2.xml').as_uri()}"
    if not (folder / "data" / "meta.properties").exists():
        _format((str(java), log4j2, *classpath), config)
    bootstrap = f"127.0.0.1:{port}"
    # One collector thread and small code caches: this broker shares a laptop with a GUI.
    tuning = (f"-Xmx{heap_mb}m", "-Xms64m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
    return Process(
        name="kafka",
        argv=(str(java), *tuning, log4j2, *classpath, "kafka.Kafka", str(config)),
        is_ready=lambda _pid: kafka_answers(bootstrap),
        stage=Stage.LOG,
        cwd=folder,
        start_s=180.0,  # 3 s on a free machine, 45 s seen after a crash on a busy one
        stop_s=12.0,
    )


def server_properties(data: Path, port: int) -> str:
    """The broker's configuration, from the template in `deploy/kafka`."""
    template = Template((deploy_folder() / "server.properties").read_text(encoding="utf-8"))
    # A properties file takes a backslash for an escape.
    path = str(data).replace("\\", "\\\\")
    # The template's comment shows the placeholder's own syntax: leave what is unknown alone.
    return template.safe_substitute(port=port, controller_port=port + 1, data=path)


def kafka_answers(bootstrap: str) -> bool:
    """Whether a broker there answers a client."""
    from plankton_stream.adapters.kafka import KafkaAdmin  # noqa: PLC0415  (0.3 s; only for `up`)

    host, _, port = bootstrap.partition(":")
    if not answers(host, int(port)):  # quick, and quiet in the log while the broker comes up
        return False
    try:
        admin = KafkaAdmin(bootstrap)
        try:
            admin.ping()
        finally:
            admin.close()
    except RetryableError:
        return False
    return True


def _format(java: tuple[str, ...], config: Path) -> None:
    command = [*java, "kafka.tools.StorageTool", "format", "--standalone"]
    command += ["--cluster-id", cluster_id(), "--config", str(config)]
    run = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=120, check=False
    )
    if run.returncode != 0:
        said = (run.stderr or run.stdout).strip().splitlines()
        raise ConfigError(
            f"Kafka's storage under {config.parent} cannot be formatted: "
            f"{said[-1] if said else f'exit code {run.returncode}'}"
        )


def cluster_id() -> str:
    """A new cluster id as Kafka writes them: 128 random bits in 22 characters."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode("ascii")
        if not text.startswith("-"):  # the format tool would read it as an option
            return text
