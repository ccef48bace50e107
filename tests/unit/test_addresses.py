"""Which addresses are this machine's own."""

import pytest

from plankton_stream.addresses import is_loopback
from plankton_stream.settings import Settings


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "192.168.1.5", "lab.example", "127.evil.example", "127.1"]
)
def test_reachable_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


def test_urls_bracket_ipv6() -> None:
    settings = Settings(web_host="::1", embed_host="::1", embed_port=1)
    assert settings.web_url == "http://[::1]:8080"
    assert settings.embed_endpoint == "http://[::1]:1"
    assert Settings().web_url == "http://127.0.0.1:8080"
