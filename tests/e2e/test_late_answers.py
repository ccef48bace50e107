"""Answers that come late, or not at all, while somebody works on in a queue."""

from typing import Any

import pytest

from tests.browser import expect, until_pictured
from tests.e2e.test_page import names, page, server, web
from tests.e2e.test_queues import ids, say, selected
from tests.web_parts import Web

__all__ = ["ids", "page", "server", "web"]

pytestmark = pytest.mark.browser

KEY_1_IS_COPEPOD = "localStorage.setItem('plankton.recent-taxa.ada', '[\"copepod\"]')"


def hold(page: Any, url: str) -> list[Any]:
    """Requests to a URL wait in the list that is returned."""
    held: list[Any] = []
    page.route(url, lambda route: held.append(route))  # noqa: PLW0108  a built-in is refused
    return held


def test_a_page_of_a_queue_that_was_left_is_not_shown(page: Any, web: Web, ids: list[str]) -> None:
    held = hold(page, "**/api/v1/queues/newest**")
    page.goto("/")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(10)
    with page.expect_request("**/api/v1/queues/newest**"):
        page.locator("#queue").select_option("newest")
    page.locator("#queue").select_option("")
    expect(page.locator("#heading")).to_have_text("Arriving")
    left = page.evaluate("performance.now()")
    page.wait_for_function("(left) => performance.now() > left + 400", arg=left)
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")  # not dimmed for it
    with page.expect_response("**/api/v1/claims/releases"):  # others may have them
        held.pop().continue_()
    expect(page.locator("#heading")).to_have_text("Arriving")
    assert selected(page) == []
    assert web.catalog.claims.of_others(ids, None) == set()


def test_the_last_queue_that_was_asked_for_is_shown(page: Any, web: Web, ids: list[str]) -> None:
    say(web, ids[7], taxon="copepod", score=0.9, margin=0.8)
    held = hold(page, "**/api/v1/queues/newest**")
    page.goto("/")
    with page.expect_request("**/api/v1/queues/newest**"):
        page.locator("#queue").select_option("newest")
    page.locator("#queue").select_option("predicted")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(1)
    with page.expect_response("**/api/v1/queues/newest**"):
        held.pop().continue_()
    page.keyboard.press("z")  # what the answer did would be seen by then
    expect(page.locator("#peek")).to_be_visible()
    expect(page.locator("#heading")).to_have_text("Predicted, best first: copepod?")
    expect(tiles).to_have_count(1)


def test_the_next_page_waits_for_a_name_that_is_being_saved(
    page: Any, web: Web, ids: list[str]
) -> None:
    page.add_init_script(KEY_1_IS_COPEPOD)
    page.goto("/?queue=clusters")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(10)
    tiles.nth(4).click(modifiers=["Alt"])  # the first cluster
    held = hold(page, "**/api/v1/labels")
    with page.expect_request("**/api/v1/labels"):
        page.keyboard.press("1")
    page.keyboard.press("n")
    expect(tiles.first).to_have_attribute("data-id", ids[0])
    held.pop().continue_()
    expect(tiles.first).to_have_attribute("data-id", ids[5])
    expect(tiles).to_have_count(5)
    assert len(selected(page)) == 5, "the next cluster comes selected, as ever"
    assert names(web, ids) == [("copepod", "validated")] * 5 + [(None, "unlabelled")] * 5
    assert web.catalog.predictions.rejected(ids) == {}


def test_what_nobody_could_see_is_not_accepted(page: Any, web: Web, ids: list[str]) -> None:
    for image_id in ids[:4]:
        say(web, image_id, taxon="copepod", score=0.9, margin=0.8)
    page.route("**/api/v1/thumbnails**", lambda route: route.abort())
    page.goto("/?queue=predicted")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(4)
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("The pictures have not come yet")
    assert names(web, ids[:4]) == [(None, "unlabelled")] * 4
    page.unroute("**/api/v1/thumbnails**")
    until_pictured(page)  # they are asked for again
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("4 images labelled copepod")
    assert names(web, ids[:4]) == [("copepod", "validated")] * 4


def test_the_last_action_is_taken_back_also_after_a_reload(
    page: Any, web: Web, ids: list[str]
) -> None:
    page.add_init_script(KEY_1_IS_COPEPOD)
    page.goto("/?queue=newest")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(10)
    page.keyboard.press("Control+a")
    page.keyboard.press("1")
    expect(page.locator(".toast")).to_contain_text("10 images labelled copepod")
    page.reload()
    expect(page.locator("#undo")).to_be_enabled()
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back: copepod on 10 images")
    assert names(web, ids) == [(None, "unlabelled")] * 10
    page.reload()
    expect(page.locator("#undo")).to_be_disabled()
