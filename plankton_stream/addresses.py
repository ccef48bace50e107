"""Addresses that servers bind: who can reach them, and how a URL spells them."""

import ipaddress

from plankton_stream.errors import ConfigError


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only; a name is, if it is localhost."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_loopback(host: str) -> None:
    """Check the address of a page without a login.

    Raises:
        ConfigError: others than this machine could reach it.
    """
    if not is_loopback(host):
        raise ConfigError(
            f"PLANKTON_WEB_HOST={host}: without a login only a loopback address is served; set "
            "PLANKTON_AUTH=login (see docs/operate.md), or use 127.0.0.1 and reach it from "
            "elsewhere through an SSH tunnel (ssh -L 8080:127.0.0.1:8080 …)"
        )


def host_port(host: str, port: int) -> str:
    """`host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
