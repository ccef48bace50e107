"""The bench's own tools in a real browser: filters, keys, scale, enlarging, pages fetched ahead."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from plankton_stream.images import decode, encode_png
from tests.browser import expect, until_pictured
from tests.e2e.test_page import names, open_bench, page, server, web
from tests.e2e.test_queues import say, selected
from tests.waiting import wait_until
from tests.web_parts import START, Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser

DRAWN = """() => [...document.querySelectorAll('#grid .tile .cell')].filter((cell) =>
  cell.style.backgroundImage.startsWith('url')
).length"""


def wait_drawn(page: Any, least: int) -> None:
    page.wait_for_function(f"(least) => ({DRAWN})() >= least", arg=least)


def shown(page: Any) -> list[str]:
    return [tile.get_attribute("data-id") for tile in page.locator("#grid .tile").all()]


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


def test_filters_are_chips_and_part_of_the_address(page: Any, web: Web) -> None:
    added = web.add([image(n, camera=f"cam-{n % 2}", depth_m=10.0 * n) for n in range(6)])
    say(web, added[4], taxon="copepod", score=0.9)
    tiles = open_bench(page, 6)
    page.keyboard.press("f")
    page.locator("#depth_min").fill("20")
    page.locator("#depth_min").press("Tab")
    expect(tiles).to_have_count(4)
    page.locator("#camera").select_option("cam-0")
    expect(tiles).to_have_count(2)
    page.locator("#predicted").select_option("copepod")
    expect(tiles).to_have_count(1)
    assert shown(page) == [added[4]]
    page.locator("#filters button[type=submit]").click()
    expect(page.locator("#filters")).to_be_hidden()
    chips = page.locator("#chips .chip")
    expect(chips).to_have_count(3)
    expect(page.locator("#filter")).to_have_text("Filters (3)")
    page.reload()
    expect(tiles).to_have_count(1)
    page.get_by_role("button", name="Remove the filter perhaps copepod").click()
    expect(tiles).to_have_count(2)
    assert "predicted" not in page.url
    page.locator("#filter").click()
    page.locator("#clear-filters").click()
    expect(tiles).to_have_count(6)
    expect(chips).to_have_count(0)


def test_a_time_is_typed_as_on_the_wall(page: Any, web: Web) -> None:
    added = web.add([image(n * 3600) for n in range(4)])
    tiles = open_bench(page, 4)
    page.keyboard.press("f")
    wanted = START + timedelta(minutes=90)
    local = page.evaluate(
        "(ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString()",
        wanted.timestamp() * 1000,
    )[:16]
    page.locator("#after").fill(local)
    page.locator("#after").press("Tab")
    expect(tiles).to_have_count(2)
    assert shown(page) == [added[3], added[2]]
    expect(page.locator("#after")).to_have_value(local)


def test_what_an_arrow_key_would_choose_is_asked_for_ahead(page: Any, web: Web) -> None:
    added = web.add([image(n, camera=f"cam-{n % 2}") for n in range(6)])
    tiles = open_bench(page, 6)
    page.keyboard.press("f")
    camera = page.locator("#camera")
    expect(camera.locator("option")).to_have_count(3)
    with page.expect_response("**/api/v1/images?camera=cam-1**"):
        camera.select_option("cam-0")
    expect(tiles).to_have_count(3)
    page.route("**/api/v1/images?**", lambda route: route.abort())
    camera.focus()
    page.keyboard.press("ArrowDown")
    expect(tiles.first).to_have_attribute("data-id", added[5])
    assert shown(page) == added[5::-2]


def test_a_filter_steps_through_a_queue_by_keyboard(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(7)])
    for n, image_id in enumerate(added):
        say(web, image_id, taxon="copepod" if n < 4 else "egg", score=0.9, margin=0.5)
    page.goto("/?queue=predicted")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(7)
    page.keyboard.press("f")
    predicted = page.locator("#predicted")
    expect(predicted.locator("option")).to_have_text(["any", "copepod (4)", "egg (3)"])
    predicted.focus()
    with page.expect_response("**/api/v1/queues/predicted?taxon=egg**peek=true**"):
        page.keyboard.press("ArrowDown")
    expect(tiles).to_have_count(4)
    with page.expect_response("**/api/v1/claims"):  # looked at before, claimed now
        page.keyboard.press("ArrowDown")
    expect(tiles).to_have_count(3)
    assert set(shown(page)) == set(added[4:])
    with page.expect_response("**/api/v1/claims/releases"):
        page.keyboard.press("ArrowUp")
    expect(tiles).to_have_count(4)
    assert web.catalog.claims.of_others(added[:4], None) == set(added[:4])


def test_a_filter_that_is_impossible_is_not_asked_for(page: Any, web: Web) -> None:
    web.add([image(0, depth_m=5.0)])
    tiles = open_bench(page, 1)
    page.keyboard.press("f")
    page.locator("#depth_min").fill("99999")
    page.locator("#depth_min").press("Tab")
    expect(page.locator("#depth_min:invalid")).to_have_count(1)
    expect(tiles).to_have_count(1)
    expect(page.locator(".toast")).to_have_count(0)


def test_what_was_highlighted_is_what_a_click_labels(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(2)])
    open_bench(page, 2)
    expect(page.locator("#taxon option")).not_to_have_count(1)  # the taxa are known
    page.keyboard.press("Control+a")
    page.keyboard.press("l")
    page.keyboard.type("cop")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    row = page.locator('#names li[aria-selected="true"]')
    expect(row).to_have_attribute("id", "names-2")
    key = row.locator("span").first.inner_text()
    page.locator("#validate").click()
    expect(page.locator(".toast")).to_contain_text(f"2 images labelled {key}")
    assert names(web, added) == [(key, "validated")] * 2
    assert key != "copepod"
    page.keyboard.press("Control+a")
    page.keyboard.press("l")
    page.keyboard.type("naup")
    page.keyboard.press("Tab")
    expect(page.locator("#name")).to_have_value("nauplius")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".toast")).to_contain_text("2 images labelled nauplius (dubious)")
    assert names(web, added) == [("nauplius", "dubious")] * 2


def test_a_field_that_says_no_taxon_labels_nothing(page: Any, web: Web) -> None:
    added = web.add([image(0)])
    open_bench(page, 1)
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    expect(page.locator("#taxon option")).not_to_have_count(1)  # the taxa are known
    page.keyboard.press("Control+a")
    page.keyboard.press("l")
    expect(page.locator("#names li").nth(1)).to_be_visible()
    expect(page.locator('#names li[aria-selected="true"]')).to_have_count(0)
    page.keyboard.press("Enter")  # nothing was typed
    expect(page.locator(".toast.bad")).to_contain_text("Choose a taxon first")
    page.keyboard.type("egg")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")  # what is highlighted is not taken
    expect(page.locator("#grid")).to_be_focused()
    page.locator("#name").evaluate("(field) => (field.value = 'larvac')")  # begins a synonym
    page.locator("#validate").click()
    expect(page.locator("#count")).to_have_text("1 selected")
    assert not [url for url in sent if url.endswith("/labels")]
    page.locator("#name").evaluate("(field) => (field.value = 'LARVACEA')")  # is a synonym
    page.locator("#validate").click()
    expect(page.locator(".toast")).to_contain_text("1 image labelled appendicularian")
    assert names(web, added) == [("appendicularian", "validated")]


def test_the_sheet_of_keys_is_the_table_and_every_key_is_answered(page: Any, web: Web) -> None:
    web.add([image(n) for n in range(3)])
    open_bench(page, 3)
    page.keyboard.press("?")
    sheet = page.locator("#key-sheet")
    expect(sheet).to_be_visible()
    table = page.evaluate("async () => (await import('/static/js/keys.js')).KEYS")
    assert page.locator("#all-keys [data-does]").count() == len(table)
    brief = [key["does"] for key in table if key.get("brief")]
    rows = page.locator("#keys [data-does]")
    listed = rows.evaluate_all("(rows) => rows.map((row) => row.dataset.does)")
    assert listed == brief
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    for key in table:
        for pressed in key["press"]:
            if key.get("at") == "box":
                continue
            page.goto("/?queue=newest" if key.get("at") == "queue" else "/")
            expect(page.locator("#grid .tile")).to_have_count(3)
            answered = page.evaluate(
                """(pressed) => {
                  const parts = pressed === " " ? [" "] : pressed.split("+");
                  const names = {arrowleft: "ArrowLeft", arrowright: "ArrowRight",
                    arrowup: "ArrowUp", arrowdown: "ArrowDown", home: "Home", end: "End",
                    pagedown: "PageDown", pageup: "PageUp", enter: "Enter", escape: "Escape"};
                  const key = names[parts.at(-1)] ?? parts.at(-1);
                  const event = new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true,
                    shiftKey: parts.includes("shift"), ctrlKey: parts.includes("ctrl")});
                  document.getElementById("grid").dispatchEvent(event);
                  return event.defaultPrevented;
                }""",
                pressed,
            )
            assert answered, f"{pressed!r} is on the sheet, and nothing answers it"


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


def test_the_next_page_is_here_before_it_is_asked_for(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(260)])
    for number, image_id in enumerate(added):
        say(web, image_id, taxon="copepod", score=0.9 - number / 1000)
    page.goto("/?queue=doubtful")
    first = page.locator("#grid .tile").first
    expect(first).to_have_attribute("data-id", added[-1])
    size = page.locator("#grid .tile").count()
    page.wait_for_function(
        """() => performance.getEntriesByType('resource')
          .filter((one) => one.name.includes('queues/doubtful')).length === 2"""
    )
    page.wait_for_load_state("networkidle")
    page.route("**/api/v1/**", lambda route: route.abort())  # nothing more can be fetched
    page.keyboard.press("n")
    expect(first).to_have_attribute("data-id", added[-1 - size])
    wait_drawn(page, 20)
    page.unroute("**/api/v1/**")


def test_what_was_named_is_not_on_the_page_fetched_ahead(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(200)])
    for image_id in added:
        say(web, image_id, taxon="copepod", score=0.9)
    page.goto("/?queue=predicted")
    expect(page.locator("#grid .tile").first).to_be_visible()
    chosen = selected(page)
    until_pictured(page)
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("labelled copepod")
    page.keyboard.press("n")
    expect(page.locator(f'[data-id="{chosen[0]}"]')).to_have_count(0)
    assert not set(shown(page)) & set(chosen)
    assert set(names(web, chosen)) == {("copepod", "validated")}


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
