"""The bench's own tools in a real browser: filters, keys, names, pages fetched ahead."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.browser import expect, held, until_pictured
from tests.e2e.test_page import names, open_bench, page, server, web
from tests.e2e.test_queues import say, selected
from tests.e2e.test_tiles import wait_drawn
from tests.waiting import wait_until
from tests.web_parts import START, Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser


ASKED = """() => [...new Set(performance.getEntriesByType("resource")
  .map((one) => new URL(one.name))
  .filter((address) => address.pathname === "/api/v1/images")
  .map((address) => address.searchParams.get("camera"))
  .filter(Boolean))].toSorted()"""


def shown(page: Any) -> list[str]:
    return [tile.get_attribute("data-id") for tile in page.locator("#grid .tile").all()]


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
    expect(page).to_have_url(re.compile("predicted=copepod"))
    page.reload()
    expect(tiles).to_have_count(1)
    page.get_by_role("button", name="Remove the filter perhaps copepod").click()
    expect(tiles).to_have_count(2)
    expect(page).not_to_have_url(re.compile("predicted"))
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


def test_a_filter_that_is_not_drawn_yet_is_where_back_leads(page: Any, web: Web) -> None:
    web.add([image(n, camera=f"cam-{n % 2}") for n in range(6)])
    tiles = open_bench(page, 6)
    page.keyboard.press("f")
    expect(page.locator("#camera option")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator("#filters")).to_be_hidden()
    with held(page, "**/api/v1/images?camera=cam-1**"):
        page.evaluate(
            """() => {
              for (const [id, value] of [["camera", "cam-1"], ["queue", "newest"]]) {
                const list = document.getElementById(id);
                list.value = value;
                list.dispatchEvent(new Event("change"));
              }
            }"""
        )
        expect(page).to_have_url(re.compile("camera=cam-1.*queue=newest"))
    page.go_back()
    expect(page).to_have_url(re.compile("camera=cam-1$"))
    expect(tiles).to_have_count(3)


def test_the_options_of_a_list_are_had_ready_while_somebody_looks(page: Any, web: Web) -> None:
    added = web.add([image(n, camera=f"cam-{n % 5}") for n in range(10)])
    tiles = open_bench(page, 10)
    page.keyboard.press("f")
    camera = page.locator("#camera")
    expect(camera.locator("option")).to_have_count(6)
    camera.focus()
    wait_until(
        lambda: page.evaluate(ASKED) == [f"cam-{n}" for n in range(5)],
        within_s=60, what="not all cameras were asked for",
    )  # fmt: skip
    page.route("**/api/v1/images?**", lambda route: route.abort())
    page.keyboard.press("ArrowDown")
    expect(tiles).to_have_count(2)
    assert shown(page) == [added[5], added[0]]
    camera.select_option("cam-4")
    expect(tiles.first).to_have_attribute("data-id", added[9])
    wait_drawn(page, 2)


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
