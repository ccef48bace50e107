"""Without a mouse: a first label from page load on, and one key that takes 500 back."""

from typing import Any

import pytest

from tests.browser import expect
from tests.e2e.test_page import names, page, server, web
from tests.web_parts import Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser

FAR = 60  # more keys than any way to the grid takes


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.id")


def press_until(page: Any, key: str, element: str) -> None:
    """Press a key until an element has the focus, as somebody does who can't point."""
    for _ in range(FAR):
        if focused(page) == element:
            return
        page.keyboard.press(key)
    pytest.fail(f"{FAR} times {key} do not lead to {element}")


def test_a_first_label_by_keyboard_alone(page: Any, web: Web) -> None:
    ids = web.add([image(n) for n in range(6)])  # shown newest first
    page.goto("/")
    expect(page.locator("#grid .tile")).to_have_count(6)
    expect(page.locator("#taxon option")).not_to_have_count(1)
    press_until(page, "Tab", "grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#count")).to_have_text("2 selected")
    page.keyboard.press("l")
    assert focused(page) == "name"
    page.keyboard.type("copep")
    expect(page.locator("#names li").first).to_contain_text("copepod")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("2 images labelled copepod")
    called = [taxon for taxon, _ in names(web, ids)]
    assert called == [None, None, None, "copepod", "copepod", None]
    assert focused(page) == "grid"  # on with the next
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    assert names(web, ids) == [(None, "unlabelled")] * 6


def test_one_key_takes_five_hundred_labels_back(page: Any, web: Web) -> None:
    ids = web.add([image(n) for n in range(501)])
    page.goto(f"/?like={ids[0]}&k=500")
    expect(page.locator("#grid .tile")).to_have_count(501)
    expect(page.locator("#taxon option")).not_to_have_count(1)
    press_until(page, "Tab", "grid")
    page.keyboard.press("Control+a")
    page.keyboard.press("Space")  # the specimen itself is left out
    expect(page.locator("#count")).to_have_text("500 selected")
    page.keyboard.press("l")
    page.keyboard.type("copepod")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("500 images labelled copepod")
    expect(page.locator("#grid .tile i.validated")).to_have_count(500)
    assert sum(taxon == "copepod" for taxon, _ in names(web, ids)) == 500
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back: copepod on 500 images")
    expect(page.locator("#grid .tile i.validated")).to_have_count(0)
    assert names(web, ids) == [(None, "unlabelled")] * 501
    assert web.catalog.outbox.count() == 1_000
