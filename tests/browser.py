"""A real browser for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from plankton_stream.stack import toolchain
from tests.services import needed

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Not for longer: Playwright keeps an event loop running, which other tests need for theirs."""
    with needed():
        program = toolchain.find_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=program, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextmanager
def held(page: Any, url: str) -> Iterator[None]:
    """Hold requests of a page until the block ends."""
    routes: list[Any] = []

    def hold(route: Any) -> None:
        routes.append(route)

    page.route(url, hold)
    yield
    for route in routes:
        route.continue_()
    page.unroute(url, hold)


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as wait_until

    wait_until.set_options(timeout=60_000)
    return wait_until(locator)
