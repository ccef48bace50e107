"""Pictures of every page, in light and dark, over images of the simulated camera.

    python benchmarks/screenshots.py [PAGE …]      # all, or those whose name is given

Writes docs/images/<page>-<light|dark>.png, 1280 by 720 pixels, 256 colours.
"""

import io
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exhibition import Exhibition
from flask import Flask
from PIL import Image
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from plankton_stream.stack import toolchain

FOLDER = Path(__file__).parent.parent / "docs" / "images"
MOST_BYTES = 200_000
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")
_PATIENCE_MS = 60_000


def main(wanted: list[str]) -> None:
    """Take all pictures, or some."""
    with tempfile.TemporaryDirectory(prefix="plankton-screenshots-") as folder:
        shown = Exhibition(Path(folder))
        with serving(shown.app) as url, serving(shown.app_with_login) as url_with_login:
            photograph(url, scenes(shown, url_with_login), wanted)
        shown.catalog.close()


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """An application over HTTP, by its URL."""
    served = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.port}"
    finally:
        served.shutdown()
        served.server_close()


Scene = tuple[str, Callable[[Any], None]]


def scenes(shown: Exhibition, url_with_login: str) -> dict[str, Scene]:
    """Address of each picture, and what is done there first."""
    by_taxon = {taxon: image_id for image_id, taxon in shown.taxa.items()}
    specimen = by_taxon["copepod"]

    def neighbours(page: Any) -> None:
        page.wait_for_selector("#specimen:not([hidden])")
        page.locator("#cutoff").evaluate(
            "(slider) => { slider.value = Number(slider.min) + (slider.max - slider.min) * 0.35;"
            "slider.dispatchEvent(new Event('input')); }"
        )

    def keys(page: Any) -> None:
        page.wait_for_selector("#grid .tile")
        page.keyboard.press("?")

    def later(page: Any) -> None:
        page.wait_for_timeout(2_000)  # it fills itself

    def scaled(page: Any) -> None:
        page.wait_for_selector("#grid .tile")
        page.keyboard.press("s")

    def lasso(page: Any) -> None:
        page.wait_for_function("() => document.querySelectorAll('#legend li').length > 1")
        page.wait_for_timeout(1_000)  # the map is drawn
        page.locator("#shapes").focus()
        page.keyboard.press("d")  # to where most images are
        page.keyboard.press(" ")
        page.wait_for_selector("#grid .tile")

    def disputed(page: Any) -> None:
        page.locator("#kind").select_option("disputed")

    def opinion(page: Any) -> None:
        page.wait_for_selector("#blind:not([hidden])")
        page.keyboard.press("l")
        page.keyboard.type("cop")

    return {
        "bench": (f"/?like={specimen}", neighbours),
        "arriving": ("/", scaled),
        "queue": ("/?queue=predicted", lambda page: page.wait_for_selector("#evidence img")),
        "keys": ("/", keys),
        "taxa": ("/taxa", later),
        "review": ("/review", disputed),
        "second": ("/review/second", opinion),
        "agreement": ("/review/agreement", later),
        "progress": ("/progress", later),
        "map": ("/map", lasso),
        "image": (f"/images/{specimen}", later),
        "people": ("/people", later),
        "person": ("/people/tomas", later),
        "login": (f"{url_with_login}/login", later),
        "cameras": ("/cameras", lambda page: page.get_by_text("What the columns mean").click()),
        "census": ("/census", lambda page: page.wait_for_selector("#chart rect")),
    }


def photograph(url: str, shown: dict[str, Scene], wanted: list[str]) -> None:
    """Open each page in both colours, wait until it is quiet, keep what is seen."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=toolchain.find_chromium(), headless=True, args=list(_ARGUMENTS)
        )
        for colours in ("light", "dark"):
            for name, (address, prepare) in shown.items():
                if wanted and name not in wanted:
                    continue
                context = chromium.new_context(
                    base_url=url, color_scheme=colours, reduced_motion="reduce", locale="en-GB",
                    viewport={"width": 1280, "height": 720},
                )  # fmt: skip
                page = context.new_page()
                page.set_default_timeout(_PATIENCE_MS)
                page.goto(address)
                prepare(page)
                page.wait_for_timeout(1_500)  # pictures and totals come a little later
                path = FOLDER / f"{name}-{colours}.png"
                keep(page.screenshot(), path)
                print(f"{path.name}: {path.stat().st_size // 1000} kB")
                context.close()
        chromium.close()


def keep(data: bytes, path: Path) -> None:
    """Write a picture with as many colours as fit into `MOST_BYTES`."""
    whole = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in (256, 128, 64, 32):
        few = whole.quantize(colours, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
