"""What to look at next, in a real browser, over the in-memory parts."""

from typing import Any

import numpy as np
import pytest

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from plankton_stream.predictions import Prediction
from plankton_stream.votes import Voter
from tests.browser import expect, until_pictured
from tests.e2e.test_page import names, page, server, web
from tests.web_parts import START, Web, image, turned

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser


def say(web: Web, image_id: str, **said: Any) -> None:
    """Write what the worker would have said."""
    values = {
        "image_id": image_id, "taxon": None, "score": 0.0, "margin": 0.0, "nearest": None,
        "crowd": 1.0, "evidence": (), "encoder": "test-encoder", "voted_at": START,
    }  # fmt: skip
    web.catalog.predictions.put([Prediction(**values | said)])


@pytest.fixture
def ids(web: Web) -> list[str]:
    """Two clusters of five: around `QUERY`, and far from it."""
    angles = [0.01 * n + (2.0 if n >= 5 else 0.0) for n in range(10)]
    added = web.add([image(n) for n in range(10)], np.stack([turned(a) for a in angles]))
    for image_id in added:
        say(web, image_id, crowd=2.0)
    say(web, added[0], crowd=5.0)
    say(web, added[5], crowd=4.0)
    return added


def selected(page: Any) -> list[str]:
    chosen = page.locator('#grid .tile[aria-selected="true"]')
    return [tile.get_attribute("data-id") for tile in chosen.all()]


def test_growing_a_cluster(page: Any, web: Web, ids: list[str]) -> None:
    page.goto("/?queue=clusters")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(10)
    assert [tile.get_attribute("data-id") for tile in tiles.all()][:5] == ids[:5]
    assert len(selected(page)) == 10

    until_pictured(page)
    tiles.nth(2).click()  # an outlier
    tiles.nth(4).click(modifiers=["Alt"])  # and no further
    assert selected(page) == [ids[0], ids[1], ids[3], ids[4]]
    page.keyboard.press("l")
    page.keyboard.type("copepod")
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_be_enabled()
    expect(page.locator("#count")).to_have_text("Nothing selected")
    assert names(web, ids[:5]) == [
        ("copepod", "validated"), ("copepod", "validated"), (None, "unlabelled"),
        ("copepod", "validated"), ("copepod", "validated"),
    ]  # fmt: skip
    assert web.catalog.predictions.rejected(ids) == {ids[2]: {"copepod"}}

    page.keyboard.press("n")  # the next cluster: the other one
    expect(tiles.first).to_have_attribute("data-id", ids[5])
    page.keyboard.press("n")  # passed over: it comes last from now on
    expect(tiles.first).not_to_have_attribute("data-id", ids[5])


def test_a_page_of_proposals_is_accepted_with_one_key(page: Any, web: Web, ids: list[str]) -> None:
    voter = Voter(image_id=ids[9], taxon="copepod", distance=0.01)
    for image_id, taxon in zip(ids[:4], ("copepod", "copepod", "egg", "egg"), strict=True):
        say(web, image_id, taxon=taxon, score=0.9, margin=0.8, evidence=(voter,))
    page.goto("/")
    page.locator("#queue").select_option("predicted")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(4)
    expect(tiles.first.locator(".caption")).to_have_text("90%copepod")
    expect(page.locator("#evidence")).to_contain_text("90% of the votes")
    expect(page.locator("#evidence img")).to_have_count(1)
    wrong = tiles.last.get_attribute("data-id")
    tiles.last.click()
    until_pictured(page)
    page.keyboard.press("a")
    expect(page.locator("#count")).to_have_text("Nothing selected")
    called = dict(zip(ids[:4], names(web, ids[:4]), strict=True))
    assert called.pop(wrong) == (None, "unlabelled")
    assert sorted(str(taxon) for taxon, _ in called.values()) == ["copepod", "copepod", "egg"]
    assert web.catalog.predictions.rejected(ids) == {wrong: {"egg"}}
    page.keyboard.press("u")  # one undo, although there were two taxa
    expect(page.locator(".toast")).to_contain_text("Taken back: as 2 taxa on 3 images")
    assert names(web, ids[:4]) == [(None, "unlabelled")] * 4
    page.keyboard.press("n")
    expect(tiles).to_have_count(3)  # the rejected one is not proposed again


def test_esc_in_a_conflict_stops_all_that_would_be_accepted(
    page: Any, web: Web, ids: list[str]
) -> None:
    for image_id, taxon in zip(ids[:3], ("copepod", "egg", "fibre"), strict=True):
        say(web, image_id, taxon=taxon, score=0.9, margin=0.8)
    page.goto("/?queue=predicted")
    expect(page.locator("#grid .tile")).to_have_count(3)
    expect(page.locator("#count")).to_have_text("3 selected")
    theirs = LabelRequest((ids[1],), "nauplius", LabelState.VALIDATED, who="ben")
    web.catalog.labels.apply(theirs)
    until_pictured(page)
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Somebody was here first")
    expect(dialog).to_contain_text("ben named 1 image nauplius")
    page.keyboard.press("Escape")
    expect(page.locator(".toast")).to_contain_text("Only 1 image labelled. You went back.")
    assert [taxon for taxon, _ in names(web, ids[:3])] == ["copepod", "nauplius", None]
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    assert names(web, ids[:1]) == [(None, "unlabelled")]


def test_a_number_key_names_like_the_last_time(page: Any, web: Web, ids: list[str]) -> None:
    page.goto(f"/?grow={ids[0]}")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(10)
    tiles.nth(1).click(modifiers=["Alt"])
    page.keyboard.press("l")
    page.keyboard.type("egg")
    page.keyboard.press("Enter")
    expect(page.locator("#recent button")).to_have_text(["1 egg"])
    tiles.nth(3).click(modifiers=["Control"])
    page.keyboard.press("1")
    expect(page.locator("#count")).to_have_text("Nothing selected")
    assert [name for name, _ in names(web, ids[:4])] == ["egg", "egg", None, "egg"]


def test_only_what_is_sure_comes_selected(page: Any, web: Web, ids: list[str]) -> None:
    for image_id, score in zip(ids[:3], (0.9, 0.3, 0.1), strict=True):
        say(web, image_id, taxon="copepod", score=score, margin=score)
    page.goto("/?queue=predicted")
    expect(page.locator("#grid .tile")).to_have_count(3)
    expect(page.locator("#count")).to_have_text("2 selected")
    assert selected(page) == ids[:2]
    until_pictured(page)
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("2 images labelled copepod")
    assert names(web, ids[:3]) == [("copepod", "validated")] * 2 + [(None, "unlabelled")]
    assert web.catalog.predictions.rejected(ids) == {}, "nobody has judged the third"


def test_what_was_typed_for_one_selection_names_no_other(
    page: Any, web: Web, ids: list[str]
) -> None:
    page.goto("/?queue=clusters")
    expect(page.locator("#grid .tile")).to_have_count(10)
    page.keyboard.press("l")
    page.keyboard.type("egg")
    page.keyboard.press("Tab")
    expect(page.locator("#name")).to_have_value("egg")
    page.locator("#queue").select_option("newest")
    expect(page.locator("#heading")).to_have_text("Newest unlabelled")
    expect(page.locator("#name")).to_have_value("")
    page.keyboard.press("Control+a")
    page.locator("#validate").click()
    expect(page.locator(".toast.bad")).to_contain_text("Choose a taxon first")
    assert names(web, ids) == [(None, "unlabelled")] * 10
