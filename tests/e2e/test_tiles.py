"""Tiles in a real browser: pictures in sheets, their scale and size, enlarging."""

import json
from typing import Any

import numpy as np
import pytest

from plankton_stream.images import decode, encode_png
from tests.browser import expect
from tests.e2e.test_page import open_bench, page, server, web
from tests.waiting import wait_until
from tests.web_parts import Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser

DRAWN = """() => document.querySelectorAll('#grid .tile .cell[class*="sheet-"]').length"""


def wait_drawn(page: Any, least: int) -> None:
    page.wait_for_function(f"(least) => ({DRAWN})() >= least", arg=least)


def test_pictures_come_in_sheets_and_are_drawn(page: Any, web: Web) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    web.add([image(n) for n in range(110)])
    open_bench(page, 110)
    wait_drawn(page, 60)
    sheets = [url for url in asked if "/thumbnails?" in url]
    assert 1 <= len(sheets) <= 4, "many pictures in one request"
    assert not [url for url in asked if url.endswith("/thumbnail")]
    page.locator("#scroll").evaluate("(view) => view.scrollTo(0, view.scrollHeight)")
    wait_drawn(page, 110)


def test_an_image_without_bytes_says_so(page: Any, web: Web) -> None:
    first, _ = web.add([image(0), image(1)])
    web.store.remove(first, "image/png")
    open_bench(page, 2)
    expect(page.locator("#grid .tile.missing")).to_have_attribute("data-id", first)


def large(image_id: str) -> str:
    return f"/api/v1/images/{image_id}/thumbnail?size=640"


def test_enlarging_follows_the_active_image(page: Any, web: Web) -> None:
    added = web.add([image(n, pixel_size_um=20.0) for n in range(4)])
    open_bench(page, 4)
    page.locator("#grid").focus()
    page.keyboard.press("z")
    peek = page.locator("#peek")
    expect(peek.locator("img")).to_have_attribute("src", large(added[3]))
    expect(peek.locator(".scale-bar")).to_contain_text("µm")
    page.keyboard.press("ArrowRight")
    expect(peek.locator("img")).to_have_attribute("src", large(added[2]))
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    page.locator("#grid .tile").nth(3).hover()
    page.locator("#grid .tile").nth(3).locator(".zoom").click()
    expect(peek.locator("img")).to_have_attribute("src", large(added[0]))
    expect(page.locator("#heading")).to_have_text("Arriving")


def widths(page: Any) -> dict[str, int]:
    """How wide each picture is drawn, pixels."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('#grid .tile')].map((tile) =>
          [tile.dataset.id, tile.querySelector('.cell').offsetWidth]))"""
    )


@pytest.mark.parametrize("scale", [1, 1.5])
def test_each_tile_shows_its_own_picture(server: Any, browser: Any, web: Web, scale: float) -> None:
    added = web.add([image(n) for n in range(24)])
    shades = {image_id: (10 * n, 250 - 10 * n) for n, image_id in enumerate(added)}
    for image_id, (left, right) in shades.items():
        pixels = np.full((32, 48), left, np.uint8)
        pixels[:, 24:] = right
        web.store.put(image_id, "image/png", encode_png(pixels))
    page = browser.new_page(
        base_url=f"http://127.0.0.1:{server.port}", viewport={"width": 1280, "height": 720},
        device_scale_factor=scale,
    )  # fmt: skip
    open_bench(page, 24)
    wait_drawn(page, 24)
    wait_until(lambda: not wrong(page, shades), within_s=60, what="not each its own")
    page.locator("#size").select_option("168")
    # They are drawn anew as larger sheets come.
    wait_until(lambda: not wrong(page, shades), within_s=60, what="not each its own when larger")
    page.close()


def test_a_tile_that_is_used_again_keeps_nothing_of_the_image_before(page: Any, web: Web) -> None:
    web.add([image(0)])
    open_bench(page, 1)
    again, fresh = page.evaluate(
        """async () => {
          const { makeTile } = await import('/static/js/tile.js');
          const before = { image_id: 'A', camera: 'c', captured_at: null, taxon: 'egg', by: 'ben',
            state: 'validated', label_version: 1 };
          const tile = makeTile(before, { isQuery: true, isSelected: true });
          tile.classList.add('active', 'further', 'missing');
          const bar = Object.assign(document.createElement('span'), { className: 'bar' });
          tile.firstChild.append(bar);
          const unnamed = { taxon: null, by: undefined, state: 'unlabelled' };
          const after = { ...before, ...unnamed, image_id: 'B' };
          const plain = { isQuery: false, isSelected: false };
          return [makeTile(after, plain, tile), makeTile(after, plain)].map((one) => one.outerHTML);
        }"""
    )
    assert again == fresh


def wrong(page: Any, shades: dict[str, tuple[int, int]]) -> list[str]:
    """Tiles that lack the shades of their own image, left and right."""
    return [image_id for image_id, both in shades.items() if not has(page, image_id, both)]


def has(page: Any, image_id: str, shades: tuple[int, int]) -> bool:
    seen = decode(page.locator(f"#tile-{image_id} .cell").screenshot(), "image/png").mean(axis=2)
    height, width = seen.shape
    # Not the lower part, where a scale bar may lie, and neither the corners nor the middle.
    shown = seen[int(height * 0.2) : int(height * 0.6)]
    halves = shown[:, 3 : int(width * 0.45)], shown[:, int(width * 0.55) : -3]
    return all(np.allclose(half, shade, atol=6) for half, shade in zip(halves, shades, strict=True))


def test_true_to_scale_a_larger_organism_is_larger(page: Any, web: Web) -> None:
    small, large = web.add([image(0, pixel_size_um=5.0), image(1, pixel_size_um=10.0)])
    open_bench(page, 2)
    wait_drawn(page, 2)
    assert len(set(widths(page).values())) == 1, "each fills its tile"
    expect(page.locator("#scale-bar")).to_be_hidden()
    page.keyboard.press("s")
    expect(page.locator("#scale-bar")).to_contain_text("µm")
    wait_until(
        lambda: widths(page)[large] == pytest.approx(2 * widths(page)[small], abs=3),
        within_s=60, what=lambda: f"not twice as wide: {widths(page)}",
    )  # fmt: skip
    page.reload()
    expect(page.locator("#scale")).to_have_attribute("aria-pressed", "true")


def test_a_thousand_neighbours_do_not_block_the_page(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(1_000)])
    page.goto(f"/?like={added[0]}&k=1000")
    expect(page.locator("#grid .tile")).to_have_count(1_000)
    page.locator("#grid").focus()
    page.keyboard.press("Control+a")
    expect(page.locator("#count")).to_have_text("1,000 selected")
    page.keyboard.press("End")
    page.wait_for_function(
        """() => { const tile = document.querySelector('#grid .tile.active');
          const {top, bottom} = tile.getBoundingClientRect();
          const width = tile.querySelector('.cell').offsetWidth;
          return top > 0 && bottom < innerHeight && width > 80; }"""
    )


def test_small_tiles_are_remembered(page: Any, web: Web) -> None:
    web.add([image(0)])
    open_bench(page, 1)
    page.locator("#size").select_option("168")
    expect(page.locator("#grid .tile .picture")).to_have_css("width", "166px")
    stored = json.loads(page.evaluate("localStorage.getItem('plankton.tiles')"))
    assert stored == {"size": 168, "trueToScale": False}
    page.reload()
    expect(page.locator("#size")).to_have_value("168")
