"""The page of taxa in a real browser, over the in-memory parts."""

import re
from typing import Any

import pytest

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.taxonomy.records import TaxonChange
from tests.browser import expect, warned_and_kept
from tests.e2e.test_page import names, page, server, web
from tests.web_parts import Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser

# Letters that follow each other slowly begin a new word, and a busy machine types slowly.
AT_ONCE = """letters => { for (const key of letters)
  document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); }"""


@pytest.fixture
def eggs(web: Web) -> list[str]:
    """Three images called egg."""
    added = web.add([image(n) for n in range(4)])
    client = web.app().test_client()
    body = {"image_ids": added[:3], "taxon": "egg"}
    client.post("/api/v1/labels", json=body, headers={"Idempotency-Key": "k"})
    return added


def row(page: Any, key: str) -> Any:
    return page.locator(f'#tree [data-key="{key}"]')


@pytest.mark.usefixtures("eggs")
def test_the_tree_by_keyboard(page: Any) -> None:
    page.goto("/taxa")
    expect(row(page, "copepod_calanoid")).to_be_visible()
    expect(row(page, "egg").locator(".validated")).to_have_text("3")
    page.keyboard.press("/")
    page.keyboard.type("larvac")  # a synonym
    expect(page.locator("#found")).to_contain_text("1 of")
    expect(page.locator("#tree [role=treeitem]")).to_have_count(2)  # with what it lies below
    page.keyboard.press("Enter")
    expect(row(page, "appendicularian")).to_be_focused()
    expect(page.locator("#title")).to_have_text("Appendicularia")
    expect(page.locator("#above")).to_have_text("Tunicata")
    page.keyboard.press("/")
    page.keyboard.press("Escape")  # the whole tree again
    expect(row(page, "copepod")).to_be_visible()
    expect(row(page, "appendicularian")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(row(page, "tunicate")).to_be_focused()
    expect(row(page, "tunicate")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowLeft")
    expect(row(page, "appendicularian")).to_have_count(0)
    expect(row(page, "tunicate")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(row(page, "appendicularian")).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator("#tree [role=treeitem]").first).to_be_focused()
    page.evaluate(AT_ONCE, "copepo")
    expect(row(page, "copepod")).to_be_focused()


def test_a_taxon_is_added_edited_and_deleted_by_keyboard(page: Any, web: Web) -> None:
    page.goto("/taxa?taxon=copepod")
    expect(page.locator("#title")).to_have_text("Copepoda")
    page.locator("#child").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#f-name")).to_be_focused()
    page.keyboard.type("Oithona <i>similis</i>")
    expect(page.locator("#f-key")).to_have_value("oithona-i-similis-i")
    page.keyboard.press("Enter")
    expect(row(page, "oithona-i-similis-i")).to_be_focused()
    expect(page.locator("#title")).to_have_text("Oithona <i>similis</i>")
    assert page.locator(".taxonomy i").count() == 0
    page.keyboard.press("Enter")
    expect(page.locator("#f-name")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Oithona similis")
    page.locator("#f-rank").fill("species")
    page.locator("#f-synonyms").fill("Oithona helgolandica")
    page.locator("#f-parent").focus()
    page.keyboard.type("cyclop")
    page.keyboard.press("Enter")  # takes the proposal
    expect(page.locator("#f-parent")).to_have_value("copepod_cyclopoid")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text("Oithona similis is saved")
    new = web.catalog.taxa.by_key()["oithona-i-similis-i"]
    assert (new.name, new.rank, new.parent, new.synonyms) == (
        "Oithona similis", "species", "copepod_cyclopoid", ("Oithona helgolandica",),
    )  # fmt: skip
    expect(page.locator(".changes li").first).to_contain_text("lies below: copepod → ")
    expect(page.locator(".changes li").first).to_contain_text("ada")

    page.locator("#f-aphia").fill("1080")
    page.locator("#save").click()
    expect(page.locator("#refused")).to_contain_text("AphiaID 1080 is that of taxon 'copepod'")
    page.locator("#delete").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_contain_text("Delete Oithona similis?")
    page.keyboard.press("Enter")
    expect(row(page, "oithona-i-similis-i")).to_have_count(0)
    assert "oithona-i-similis-i" not in web.catalog.taxa.by_key()


def test_a_taxon_in_use_is_merged_by_keyboard_and_that_is_taken_back(
    page: Any, web: Web, eggs: list[str]
) -> None:
    page.goto("/taxa?taxon=egg")
    expect(page.locator("#counts tbody tr").first.locator("td").first).to_have_text("3")
    page.locator("#delete").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#refused")).to_contain_text("3 images are called by it")
    expect(page.locator("#target")).to_be_focused()
    page.keyboard.type("naup")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_contain_text("3 images will be called nauplius larva instead")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("3 images labelled again")
    expect(row(page, "egg")).to_have_count(0)
    expect(page.locator("#title")).to_have_text("nauplius larva")
    assert names(web, eggs[:3]) == [("nauplius", "validated")] * 3
    expect(page.locator(".merged-list")).to_contain_text("egg")
    expect(row(page, "nauplius").locator(".validated")).to_have_text("3")

    page.locator(".merged-list button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(row(page, "egg")).to_be_visible()
    assert names(web, eggs[:3]) == [("egg", "validated")] * 3


def test_what_is_typed_is_not_lost_unasked(page: Any, web: Web) -> None:
    page.goto("/taxa?taxon=egg")
    expect(page.locator("#title")).to_have_text("egg")
    page.locator("#f-synonyms").fill("ovum")
    row(page, "copepod").focus()
    web.catalog.taxonomy.change("nauplius", TaxonChange(name="Nauplius"), who="ben")
    expect(row(page, "nauplius")).to_contain_text("Nauplius")  # another one was changed
    expect(page.locator("#f-synonyms")).to_have_value("ovum")
    row(page, "copepod").click()
    expect(page.locator("#sure")).to_contain_text("Discard what you typed about egg?")
    page.keyboard.press("Escape")
    expect(page.locator("#title")).to_have_text("egg")
    expect(row(page, "egg")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#f-synonyms")).to_have_value("ovum")
    assert warned_and_kept(page, "/census") == ["beforeunload"]
    expect(page.locator("#f-synonyms")).to_have_value("ovum")
    row(page, "copepod").click()
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#title")).to_have_text("Copepoda")
    expect(page.locator("#f-synonyms")).not_to_have_value("ovum")


@pytest.mark.usefixtures("eggs")
def test_counts_are_written_into_the_rows_that_are_there(page: Any, web: Web) -> None:
    page.goto("/taxa")
    numbers = row(page, "egg").locator(".validated")
    expect(numbers).to_have_text("3")
    row(page, "egg").evaluate("row => (row.kept = true)")
    left = [i for i in web.index.rows if web.catalog.images.get([i])[i].naming.taxon is None]
    web.catalog.labels.apply(LabelRequest(tuple(left), "egg", LabelState.VALIDATED, who="ben"))
    expect(numbers).to_have_text("4")
    expect(row(page, "egg")).to_have_attribute("aria-label", re.compile("4 validated"))
    assert row(page, "egg").evaluate("row => row.kept")


def test_the_bench_finds_synonyms_and_shows_where_a_taxon_lies(page: Any, web: Web) -> None:
    web.add([image(n) for n in range(2)])
    page.goto("/")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(2)
    tiles.first.click(modifiers=["Control"])
    page.locator("#name").focus()
    page.keyboard.type("larvac")
    option = page.locator("#names li").first
    expect(option).to_contain_text("Larvacea: synonym of Appendicularia")
    expect(option.locator("small")).to_have_text("Tunicata")
    expect(page.locator("#name")).to_have_attribute("aria-activedescendant", "names-0")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("Nothing selected")
    assert sorted(str(taxon) for taxon, _ in names(web, list(web.index.rows))) == [
        "None", "appendicularian",
    ]  # fmt: skip


def test_a_taxon_that_was_merged_meanwhile_is_said_and_gone(page: Any, web: Web) -> None:
    web.add([image(0)])
    page.goto("/")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(1)
    tiles.first.click(modifiers=["Control"])
    page.locator("#name").focus()
    page.keyboard.type("egg")
    expect(page.locator("#names li").first).to_contain_text("egg")
    web.catalog.merges.merge("egg", "nauplius", who="bob")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("merged into 'nauplius': use that")
    expect(page.locator("#count")).to_have_text("1 selected")
    page.locator("#grid").focus()
    page.keyboard.press("l")
    page.keyboard.type("egg")
    expect(page.locator("#names li").first).to_contain_text("egg: synonym of nauplius larva")
