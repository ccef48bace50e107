"""A real browser for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from plankton_stream.stack import toolchain
from tests.services import needed
from tests.waiting import wait_until

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


def interceptable(tab: Any) -> Any:
    """A page whose requests can be held or answered at any time.

    Chromium tells of requests only if it was asked to before they could be made: a route that is
    added while a page works misses some of those that follow.
    """
    tab.route("**/nothing-is-called-so", lambda route: route.continue_())
    return tab


@contextmanager
def held(page: Any, url: str) -> Iterator[None]:
    """Hold requests of an `interceptable` page until the block ends."""
    routes: list[Any] = []

    def hold(route: Any) -> None:
        routes.append(route)

    page.route(url, hold)
    yield
    for route in routes:
        route.continue_()
    page.unroute(url, hold)


HAVE_PICTURES = """async () => {
  const { cellOf } = await import('/static/js/pictures.js');
  const tiles = [...document.querySelectorAll('#grid .tile')];
  return tiles.length > 0 && tiles.every((tile) => cellOf(tile.dataset.id, 1) !== null);
}"""


def until_pictured(page: Any) -> None:
    """Wait for the pictures of all tiles: what nobody could see is not accepted."""
    wait_until(lambda: page.evaluate(HAVE_PICTURES), within_s=60, what="no pictures")


def warned_and_kept(page: Any, elsewhere: str) -> list[str]:
    """Try to leave a page, and stay when it warns; the kinds of warnings."""
    warned: list[str] = []

    def stay(dialog: Any) -> None:
        warned.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("url => { location.href = url; }", elsewhere)
    wait_until(lambda: page.wait_for_timeout(20) or warned, within_s=30, what="no warning")
    page.remove_listener("dialog", stay)
    return warned


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as expected

    expected.set_options(timeout=60_000)
    return expected(locator)
