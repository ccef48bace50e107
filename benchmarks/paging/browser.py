"""The bench in Chromium, and how long it takes from a key to the last picture drawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import sync_playwright

from plankton_stream.stack import toolchain

TILES = 200
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")

# Notes when a key is pressed, and from then on looks once a frame whether what was wanted is there;
# the answer is the time when that frame has been painted: a message that is posted in a frame's
# callback arrives after it.
_WATCH = """
window.watching = null;
window.watch = (isThere) => {
  performance.clearMarks("plankton-tiles-drawn");
  window.watching = new Promise((resolve) => {
    window.addEventListener("keydown", (event) => {
      const pressed = event.timeStamp;
      const look = () => requestAnimationFrame(() => {
        if (!isThere()) return look();
        const after = new MessageChannel();
        after.port1.onmessage = () => resolve(performance.now() - pressed);
        after.port2.postMessage(null);
      });
      look();
    }, { capture: true, once: true });
  });
};
window.inView = () => {
  const view = document.getElementById("scroll").getBoundingClientRect();
  return [...document.querySelectorAll("#grid .tile")].filter((tile) => {
    const { top, bottom } = tile.getBoundingClientRect();
    return bottom > view.top && top < view.bottom;
  });
};
window.isDrawn = (tile) => tile.querySelector('.cell[class*="sheet-"]') !== null;
window.first = () => document.querySelector("#grid .tile")?.dataset.id;
window.drawn = () => performance.getEntriesByName("plankton-tiles-drawn").length > 0;
"""

DRAWN_ANEW = "() => window.drawn() && window.first() !== window.before"
NAMED = f"() => document.querySelectorAll('#grid .tile .validated').length >= {TILES}"


@contextmanager
def bench(url: str) -> Iterator[Any]:
    """A page of 1920 by 1080 with small tiles, so that at least `TILES` are in view."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=toolchain.find_chromium(), headless=True, args=list(_ARGUMENTS)
        )
        page = chromium.new_page(base_url=url, viewport={"width": 1920, "height": 1080})
        page.add_init_script(_WATCH)
        page.add_init_script('localStorage.setItem("plankton.tiles", \'{"size": 64}\')')
        yield page
        chromium.close()


def timed(page: Any, press: Callable[[], None], is_there: str) -> float:
    """Milliseconds from a key to the frame in which something is there.

    Raises:
        SystemExit: a picture that is in view was not drawn, or there are too few.
    """
    page.evaluate("() => { window.before = window.first(); }")
    page.evaluate(f"() => window.watch({is_there})")
    press()
    spent = float(page.evaluate("() => window.watching"))
    shown, drawn = page.evaluate(
        "() => { const all = window.inView(); return [all.length, all.filter(isDrawn).length]; }"
    )
    if shown != drawn or shown < TILES:
        raise SystemExit(f"{drawn} of {shown} tiles in view have their pictures, wanted {TILES}")
    return spent
