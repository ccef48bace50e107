"""TCP ports of this machine: which are free, and who holds one that is not."""

import socket
from contextlib import closing

from plankton_stream.errors import ConfigError

_LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        # Servers set this too: connections that have just ended do not hold a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        with closing(socket.create_connection((host, port), timeout=timeout_s)):
            return True
    except OSError:
        return False


def free_ports(count: int, *, start: int) -> list[int]:
    """The first `count` free ports from `start` upwards.

    Raises:
        ConfigError: there are not that many.
    """
    found: list[int] = []
    for port in range(start, 65536):
        if is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise ConfigError(f"No {count} free TCP ports from {start} upwards on {_LOOPBACK}.")


def require_free(port: int, setting: str) -> None:
    """Check a port that a part is about to listen on.

    Raises:
        ConfigError: it is taken; the message names the setting and, where the system tells, who
            holds the port.
    """
    if not is_free(port):
        raise ConfigError(
            f"Port {port} is in use by {holder(port)}: stop that, or set {setting} to another port."
        )


def holder(port: int) -> str:
    """Who listens on a port, for a message: a process, or that the system does not tell."""
    import psutil  # noqa: PLC0415  (only an installation with the extra `local` has it)

    try:
        listening = [
            connection.pid
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        ]
        pid = next((pid for pid in listening if pid), None)
        if pid is not None:
            return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        pass
    return "another program (of another user, perhaps)"
