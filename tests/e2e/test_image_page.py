"""The page of one image, in a real browser, over the in-memory parts."""

import re
from typing import Any

import pytest

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import Box, Cut, LabelState, image_id
from tests.browser import expect
from tests.e2e.test_page import names, page, server, web
from tests.e2e.test_queues import say
from tests.news_parts import relayed
from tests.waiting import wait_until
from tests.web_parts import Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=document.title='hit'>"


@pytest.fixture
def ids(web: Web) -> list[str]:
    """Two images of a frame, then two of later ones."""
    first = image(0, depth_m=12.5, pixel_size_um=10.0)
    boxes = (Box(10, 20, 48, 32), Box(100, 50, 48, 32))
    web.catalog.cuts.record(
        Cut(
            capture=first.capture, frame_key=first.frame_key, boxes=boxes,
            width_px=200, height_px=100,
        )
    )  # fmt: skip
    mates = [
        first.model_copy(
            update={
                "image_id": image_id(first.capture, first.frame_key, box), "box": box,
                "extra": {"remark": EVIL},
            }
        )
        for box in boxes
    ]  # fmt: skip
    return web.add([*mates, image(1), image(2)])


def test_a_picture_with_its_scale_its_frame_and_its_neighbours(page: Any, ids: list[str]) -> None:
    here, mate = ids[:2]
    page.goto(f"/images/{here}")
    expect(page.locator("#facts")).to_contain_text("12.5 m")
    expect(page.locator("#facts")).to_contain_text("480 × 320 µm")  # noqa: RUF001
    expect(page.locator("#bar-length")).to_have_text(re.compile(r"^\d+ µm$"))
    expect(page.locator("#frame .here rect")).to_have_attribute("x", "10")
    expect(page.locator("#frame a")).to_have_count(1)
    expect(page.locator("#alike li")).to_have_count(3)
    assert page.locator("#picture").evaluate("img => img.decode().then(() => img.naturalWidth)")
    expect(page.locator("#extra")).to_contain_text(EVIL)
    assert "hit" not in page.title()
    page.locator("#frame a").click()
    page.wait_for_url(f"**/images/{mate}")
    expect(page.locator("#frame .here rect")).to_have_attribute("x", "100")


def test_zoom_by_keys_keeps_the_bar_true(page: Any, ids: list[str]) -> None:
    page.goto(f"/images/{ids[0]}")
    expect(page.locator("#zoom")).to_have_text(re.compile("%"))
    page.keyboard.press("1")
    expect(page.locator("#zoom")).to_have_text("100%")
    for _ in range(4):
        page.keyboard.press("+")
    expect(page.locator("#zoom")).to_have_text("244%")
    length_um = float(page.locator("#bar-length").inner_text().split()[0])
    shown_px = page.locator("#bar").evaluate("bar => bar.getBoundingClientRect().width")
    picture_px = page.locator("#picture").evaluate("img => img.getBoundingClientRect().width")
    assert shown_px / picture_px == pytest.approx(length_um / 480, rel=0.02)


def test_before_and_after_by_arrow_keys(page: Any, ids: list[str]) -> None:
    order = sorted(ids)
    page.goto(f"/images/{order[1]}")
    expect(page.locator("#after")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/images/{order[2]}")
    expect(page.locator("#before")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/images/{order[1]}")


def test_the_history_says_who_and_why_and_a_label_is_taken_back(
    page: Any, web: Web, ids: list[str]
) -> None:
    for taxon, who in (("diatom_chain", "ann"), ("copepod", "ben")):
        web.catalog.labels.apply(
            LabelRequest((ids[2],), taxon, LabelState.VALIDATED, who=who, why="by its antennae")
        )
    page.goto(f"/images/{ids[2]}")
    rows = page.locator("#history li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("copepod · validated")
    expect(rows.first).to_contain_text("by its antennae")
    expect(rows.first).to_contain_text("ben")
    rows.first.get_by_role("button", name="Take back").click()
    expect(rows.first).to_have_class("retracted")
    expect(rows.first).to_contain_text("by ada")
    expect(page.locator("#name")).to_have_text("diatom_chain")
    assert names(web, [ids[2]]) == [("diatom_chain", "validated")]


def test_a_proposal_shows_who_speaks_for_it(page: Any, web: Web, ids: list[str]) -> None:
    from plankton_stream.votes import Voter

    web.catalog.labels.apply(LabelRequest((ids[3],), "copepod", LabelState.VALIDATED, who="ann"))
    voter = Voter(image_id=ids[3], taxon="copepod", distance=0.01)
    say(web, ids[2], taxon="copepod", score=0.8, margin=0.6, evidence=(voter,))
    page.goto(f"/images/{ids[2]}")
    expect(page.locator("#why")).to_contain_text("copepod with 80% of the votes")
    page.locator("#evidence a").click()
    page.wait_for_url(f"**/images/{ids[3]}")
    expect(page.locator("#name")).to_have_text("copepod")


def test_what_was_missed_is_asked_for_and_an_old_answer_never_wins(
    page: Any, web: Web, ids: list[str]
) -> None:
    def call(taxon: str) -> None:
        request = LabelRequest((ids[2],), taxon, LabelState.VALIDATED, who="ann")
        web.catalog.labels.apply(request)

    page.route("**/api/v1/events*", lambda route: route.abort())
    page.goto(f"/images/{ids[2]}")
    expect(page.locator("#name")).to_have_text("unlabelled")
    call("egg")
    page.unroute("**/api/v1/events*")  # it is told again what happens
    expect(page.locator("#name")).to_have_text("egg")

    held: list[Any] = []

    def hold_first(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route(re.compile(rf"/images/{ids[2]}$"), hold_first)
    with relayed(web):
        call("copepod")
        wait_until(lambda: page.wait_for_timeout(20) or held, within_s=30, what="it did not ask")
        call("fibre")
        expect(page.locator("#name")).to_have_text("fibre")
    route, answer = held[0]
    with page.expect_response(re.compile(rf"/images/{ids[2]}$")):
        route.fulfill(response=answer)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#name")).to_have_text("fibre")


def test_an_unknown_image_leads_on_to_the_bench(page: Any, web: Web) -> None:
    web.add([image(n) for n in range(4)])
    page.goto("/images/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    expect(page.locator("main")).to_contain_text("There is no image 01ARZ3NDEKTSV4RRFFQ69G5FAV")
    expect(page.locator('[data-stat="indexed"]')).to_have_text("4")
    page.get_by_role("link", name="To the bench").click()
    expect(page.locator("#grid .tile")).to_have_count(4)
