"""Every page by axe-core's rules, in light and dark, on a small and a large screen."""

from typing import Any

import pytest
from flask import Flask

from tests.browser import expect
from tests.e2e.test_page import server, web
from tests.e2e.test_queues import say
from tests.web_parts import Web, image

__all__ = ["server", "web"]

pytestmark = pytest.mark.browser

BAD = ("serious", "critical")
NOT_PAGES = ("/api/", "/static/", "/metrics", "/healthz", "/readyz")


def addresses(app: Flask, image_id: str) -> list[str]:
    """Where pages are: what answers GET with HTML, an image's own page among them."""
    client, found = app.test_client(), []
    for rule in app.url_map.iter_rules():
        address = rule.rule.replace("<image_id>", image_id)
        if rule.rule.startswith(NOT_PAGES) or "GET" not in (rule.methods or ()) or "<" in address:
            continue
        if client.get(address).mimetype == "text/html":
            found.append(address)
    return sorted(found)


def filled(web: Web) -> list[str]:
    """Images with all that a tile can show."""
    added = web.add([image(n, pixel_size_um=20.0, depth_m=5.0 * n) for n in range(12)])
    for image_id in added[6:]:
        say(web, image_id, taxon="copepod", score=0.8, margin=0.3)
    client = web.app().test_client()
    for number, (image_id, state) in enumerate(zip(added, ("validated", "dubious"), strict=False)):
        label = {"image_ids": [image_id], "taxon": "egg", "state": state}
        client.post("/api/v1/labels", json=label, headers={"Idempotency-Key": str(number)})
    return added


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=["small", "large"])
def test_no_page_has_serious_violations(
    web: Web, server: Any, browser: Any, scheme: str, size: tuple[int, int]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    added = filled(web)
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{server.port}", color_scheme=scheme, reduced_motion="reduce",
        viewport={"width": size[0], "height": size[1]},
    )  # fmt: skip
    page = context.new_page()
    found: list[str] = []

    def look(where: str) -> None:
        for one in Axe().run(page).response["violations"]:
            if one["impact"] in BAD:
                nodes = [node["html"][:160] for node in one["nodes"][:3]]
                found.append(f"{where}: {one['id']} ({one['impact']}): {one['help']} {nodes}")

    pages = addresses(web.app(), added[0])
    assert {"/", "/cameras", "/census"} <= set(pages)
    for address in pages:
        page.goto(address)
        if page.locator("[data-stat]").count():
            expect(page.locator('[data-stat="indexed"]')).to_have_text("12")
        look(address)
    page.goto("/")
    expect(page.locator("#grid .tile")).to_have_count(12)
    page.keyboard.press("Control+a")
    page.keyboard.press("f")
    look("/ with filters open, all selected")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    look("/ with the sheet of keys")
    page.keyboard.press("Escape")
    page.goto(f"/?like={added[0]}&camera=cam-1")
    expect(page.locator("#specimen")).to_be_visible()
    page.locator("#grid").focus()
    page.keyboard.press("z")
    look("neighbours, one enlarged")
    page.goto("/?queue=predicted")
    expect(page.locator("#evidence")).to_be_visible()
    page.keyboard.press("l")
    look("a queue, choosing a name")
    context.close()
    assert not found, "\n".join(found)
