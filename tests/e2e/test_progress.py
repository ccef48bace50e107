"""The progress page in a real browser, over the in-memory parts."""

import re
from datetime import timedelta
from typing import Any

import pytest

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from tests.browser import expect
from tests.e2e.test_page import page, server, web
from tests.web_parts import START, Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser


def label(web: Web, ids: list[str], taxon: str, who: str) -> None:
    web.catalog.labels.apply(LabelRequest(tuple(ids), taxon, LabelState.VALIDATED, who=who))


def test_without_labels_each_part_says_so(page: Any) -> None:
    page.goto("/progress")
    expect(page.locator("#given-none")).to_contain_text("Nobody labelled anything")
    expect(page.locator("#taxa-none")).to_be_visible()
    expect(page.locator("#spread-none")).to_contain_text("Choose a taxon")
    expect(page.locator("#cameras-none")).to_be_visible()


def test_who_labelled_how_much_and_how_far_each_taxon_is(page: Any, web: Web) -> None:
    ids = web.add([image(n, depth_m=float(n)) for n in range(10)])
    label(web, ids[:5], "copepod", "ann")
    label(web, ids[5:7], "diatom_chain", "ben")
    page.goto("/progress")
    expect(page.locator("#legend li").first).to_have_text(re.compile("ann.*5"))
    # An hour may end between the two actions: then each has a bar of its own.
    assert page.locator("#chart rect").count() == 2
    expect(page.locator("#totals")).to_contain_text("7 · 70%")
    rows = page.locator("#taxa-table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_have_text(re.compile("copepod.*5.*100%"))
    expect(page.locator("#cameras-table tbody tr")).to_have_text([re.compile("cam-1.*10.*7.*70%")])
    label(web, ids[7:8], "diatom_chain", "cat")
    expect(page.locator("#legend li")).to_have_count(3)


def test_a_taxon_over_time_and_depth(page: Any, web: Web) -> None:
    ids = web.add(
        [
            image(n, captured_at=START + timedelta(hours=n), depth_m=10.0 * n)
            for n in range(4)
        ]
    )  # fmt: skip
    label(web, ids[:3], "copepod", "ann")
    label(web, ids[3:], "diatom_chain", "ann")
    page.goto("/progress")
    cells = page.locator("#spread .cell")
    expect(cells).to_have_count(3)
    page.locator("#taxon").select_option("diatom_chain")
    expect(cells).to_have_count(1)
    expect(page.locator("#spread-about")).to_contain_text("1 image of diatom_chain")
    page.locator("#spread-shown summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#spread-table tbody tr")).to_have_count(1)
    page.locator("#taxa-table").get_by_role("link", name="copepod").click()
    expect(page.locator("#grid .tile")).to_have_count(3)
