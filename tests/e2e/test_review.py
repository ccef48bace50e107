"""Review in a real browser: a dispute from objection to settlement, blind opinions, agreement."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.serving import make_server

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.review.records import Shares
from tests.browser import expect, held
from tests.e2e.test_page import names, page, server, web
from tests.web_parts import Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser


@pytest.fixture
def labelled(web: Web) -> list[str]:
    """Four images that Ann called copepods."""
    added = web.add([image(n, pixel_size_um=10) for n in range(4)])
    label(web, *added)
    return added


def label(web: Web, *ids: str, taxon: str = "copepod", state: str = "validated") -> None:
    request = LabelRequest(image_ids=ids, taxon=taxon, state=LabelState(state), who="ann")
    web.catalog.labels.apply(request)


@contextmanager
def seen_by(browser: Any, web: Web, user: str) -> Iterator[Any]:
    """A page of somebody else at a server of their own, over the same catalog."""
    served = make_server("127.0.0.1", 0, web.app(user=user), threaded=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    tab = browser.new_page(base_url=f"http://127.0.0.1:{served.port}")
    yield tab
    tab.close()
    served.shutdown()
    thread.join()
    served.server_close()


def test_a_reviewer_settles_a_dispute(
    page: Any, browser: Any, web: Web, labelled: list[str]
) -> None:
    with seen_by(browser, web, "ben") as bench:
        bench.goto(f"/?like={labelled[0]}")
        expect(bench.locator("#specimen")).to_contain_text("copepod · validated")
        bench.locator("#grid").focus()
        bench.keyboard.press("d")
        expect(bench.get_by_role("dialog")).to_contain_text("Not copepod?")
        bench.keyboard.type("round, no legs: l u d")  # keys of the page must not act here
        bench.get_by_label("It is rather").select_option("egg")
        bench.get_by_role("button", name="Dispute", exact=True).last.click()
        expect(bench.locator(".toast")).to_contain_text("copepod stays until then")
    assert names(web, labelled[:1]) == [("copepod", "validated")]

    page.goto("/review")
    expect(page.locator("#waiting")).to_have_text("1 disputed, 0 dubious")
    expect(page.locator("#cases li")).to_have_text(re.compile("copepod / egg"))
    said = page.locator("#voices li")
    expect(said).to_have_count(2)
    expect(said.nth(0)).to_contain_text("holds now")
    expect(said.nth(1)).to_contain_text("ben")
    expect(said.nth(1)).to_contain_text("round, no legs: l u d")
    page.keyboard.press("2")
    expect(page.locator("#why")).to_have_value("as ben says")
    page.keyboard.type("I see a yolk")
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_contain_text("Nothing is in doubt")
    assert names(web, labelled[:1]) == [("egg", "validated")]
    (_, settled) = web.catalog.labels.history(labelled[0])
    assert (settled.who, settled.why) == ("ada", "I see a yolk")

    expect(page.locator("#waiting")).to_have_text("0 disputed, 0 dubious")
    page.locator("#empty").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")
    expect(page.locator("#waiting")).to_have_text("1 disputed, 0 dubious")
    assert names(web, labelled[:1]) == [("copepod", "validated")]


def test_the_page_of_an_image_takes_objections_too(
    page: Any, web: Web, labelled: list[str]
) -> None:
    page.goto(f"/images/{labelled[1]}")
    expect(page.get_by_role("button", name="Dispute D")).to_be_visible()
    page.keyboard.press("d")
    page.keyboard.type("a shadow")
    page.get_by_role("button", name="Dispute", exact=True).click()
    expect(page.locator("#history")).to_contain_text("a shadow")
    (opened,) = web.catalog.disputes.of_images(labelled)
    assert (opened.who, opened.taxon, opened.note) == ("ada", None, "a shadow")
    page.get_by_role("button", name="Take back").last.click()
    expect(page.locator("#history")).not_to_contain_text("a shadow")
    assert web.catalog.disputes.of_images(labelled) == []


def test_a_dubious_name_is_settled_by_type_ahead_alone(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(3)])
    label(web, *added, state="dubious")
    page.goto("/review")
    expect(page.locator("#cases li")).to_have_count(3)
    page.keyboard.press("ArrowDown")
    looked_at = page.locator('#cases li[aria-selected="true"]').get_attribute("id")
    page.keyboard.press("l")
    page.keyboard.type("diatom_ch")
    page.keyboard.press("Enter")
    page.keyboard.type("a chain")
    page.keyboard.press("Enter")
    expect(page.locator("#cases li")).to_have_count(2)
    settled = looked_at.removeprefix("case-")
    assert names(web, [settled]) == [("diatom_chain", "validated")]
    expect(page.locator("#waiting")).to_have_text("0 disputed, 2 dubious")


def test_what_was_settled_meanwhile_is_said_and_not_overwritten(
    page: Any, web: Web, labelled: list[str]
) -> None:
    web.catalog.disputes.open(labelled[0], who="ben", taxon="egg", note="round")
    page.goto("/review")
    expect(page.locator("#voices li")).to_have_count(2)
    other = LabelRequest((labelled[0],), "fibre", LabelState.VALIDATED, who="rita", why="a thread")
    web.catalog.disputes.settle(other)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("fibre, validated by rita")
    expect(page.locator("#empty")).to_contain_text("Nothing is in doubt")
    assert names(web, labelled[:1]) == [("fibre", "validated")]


def test_what_was_typed_stays_when_the_case_changed_meanwhile(
    page: Any, web: Web, labelled: list[str]
) -> None:
    web.catalog.disputes.open(labelled[0], who="ben", taxon="egg", note="round")
    page.goto("/review")
    expect(page.locator("#voices li")).to_have_count(2)
    label(web, labelled[0], taxon="fibre", state="dubious")
    page.keyboard.press("2")
    page.keyboard.type("I see a yolk")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Not settled")
    expect(page.locator("#called")).to_have_text("fibre · dubious")
    expect(page.locator("#name")).to_have_value("egg")
    expect(page.locator("#why")).to_have_value("I see a yolk")
    page.locator("#why").press("Enter")
    expect(page.locator("#empty")).to_contain_text("Nothing is in doubt")
    assert names(web, labelled[:1]) == [("egg", "validated")]


def test_a_case_is_settled_also_before_the_names_have_come(
    page: Any, web: Web, labelled: list[str]
) -> None:
    web.catalog.disputes.open(labelled[0], who="ben", taxon="egg", note="round")
    with held(page, "**/api/v1/taxa"):
        page.goto("/review")
        expect(page.locator("#voices li")).to_have_count(2)
        page.keyboard.press("2")
        page.keyboard.type("I see a yolk")
        page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_contain_text("Nothing is in doubt")
    assert names(web, labelled[:1]) == [("egg", "validated")]


def test_an_impatient_click_shows_no_case_twice(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(60)])
    label(web, *added, state="dubious")
    page.goto("/review")
    expect(page.locator("#more")).to_be_visible()
    shown = page.locator("#cases li").count()
    page.locator("#more").evaluate("button => { button.click(); button.click(); }")
    expect(page.locator("#cases li")).not_to_have_count(shown)
    page.wait_for_load_state("networkidle")
    ids = page.locator("#cases li").evaluate_all("rows => rows.map((row) => row.id)")
    assert len(ids) == len(set(ids))


def test_images_are_named_blindly_one_after_the_other(
    page: Any, web: Web, labelled: list[str]
) -> None:
    web.catalog.opinions.set_shares(Shares(second_percent=100), who="root")
    page.goto("/review/second")
    expect(page.locator("#about")).to_contain_text("320 µm")
    assert "copepod" not in page.locator("main").inner_text()
    page.keyboard.press("l")
    page.keyboard.type("egg")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Noted: egg")
    page.keyboard.press("1")  # the taxon that was used last
    expect(page.locator("#done")).to_have_text("2 named")
    assert len(web.catalog.opinions.all()) == 2
    page.keyboard.press("n")  # skipped
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    (kept,) = web.catalog.opinions.all()
    assert (kept.who, kept.taxon, kept.compared_taxon) == ("ada", "egg", "copepod")
    assert names(web, labelled) == [("copepod", "validated")] * 4
    for _ in range(2):
        page.keyboard.press("n")
    expect(page.locator("#empty")).to_contain_text("skipped")
    page.locator("#empty").get_by_role("button", name="Undo").click()
    expect(page.locator("#blind")).to_be_visible()
    assert web.catalog.opinions.all() == []


def test_agreement_is_shown_and_shares_are_set(page: Any, web: Web, labelled: list[str]) -> None:
    page.goto("/review/agreement")
    expect(page.locator("#empty")).to_contain_text("Nobody has given a second opinion yet")
    page.get_by_label("of validated images, by somebody else").fill("100")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved")
    assert web.catalog.opinions.shares().second_percent == 100
    for image_id, taxon in zip(labelled, ("copepod", "copepod", "copepod", "egg"), strict=True):
        web.catalog.opinions.give(image_id, taxon, who="ben")
    page.reload()
    expect(page.locator("#pairs tbody tr")).to_have_count(1)
    expect(page.locator("#people tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Matrix of ann and ben").click()
    cells = page.locator("#matrix tbody td")
    expect(cells).to_have_text(["3", "1", "0", "0"])
    expect(page.locator("#matrix caption")).to_contain_text("Rows: ann. Columns: ben.")
    expect(page.locator("#taxa tbody tr").first).to_contain_text("copepod")

    late, next_one = "**/agreement/matrix?compared=self*", "**/agreement/matrix?compared=people*"
    with page.expect_response(late), held(page, late):
        with page.expect_request(late):
            page.locator("#compared").select_option("self")
        with page.expect_response(next_one):
            page.locator("#compared").select_option("people")
    page.wait_for_load_state("networkidle")
    expect(cells).to_have_text(["3", "1", "0", "0"])
