"""The map of all images in a real browser, over the in-memory parts."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.domain import LabelState
from tests.browser import expect, held
from tests.e2e.test_page import names, page, server, web
from tests.news_parts import relayed
from tests.waiting import wait_until
from tests.web_parts import Web, image

__all__ = ["page", "server", "web"]

pytestmark = pytest.mark.browser

MARGIN = 0.06  # of the map, see mapview.js


@pytest.fixture
def ids(web: Web) -> list[str]:
    """Two groups of six images: at the map's top left, and at its bottom right."""
    ids = web.add([image(n, camera=f"cam-{n // 6}") for n in range(12)])
    places = {
        image_id: (n // 6 + 0.02 * (n % 3), n // 6 + 0.02 * (n % 6 // 3))
        for n, image_id in enumerate(ids)
    }
    made = web.catalog.maps.begin("test-encoder", 12, places)
    web.catalog.maps.show(made.map_id)
    return ids


def open_map(page: Any, number: int = 12) -> None:
    page.goto("/map")
    expect(page.locator("#about")).to_contain_text(f"{number} images")


def on_screen(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a place of the map is drawn when all of it is shown."""
    box = page.locator("#shapes").bounding_box()
    wide, high = 1.04, 1.02  # of all places
    scale = min(box["width"] / wide, box["height"] / high) * (1 - 2 * MARGIN)
    return (
        box["x"] + box["width"] / 2 + (x - wide / 2) * scale,
        box["y"] + box["height"] / 2 + (y - high / 2) * scale,
    )


def drag(page: Any, corners: Sequence[tuple[float, float]], *keys: str) -> None:
    """Draw around places of the map with the mouse."""
    path = [on_screen(page, x, y) for x, y in corners]
    for key in keys:
        page.keyboard.down(key)
    page.mouse.move(*path[0])
    page.mouse.down()
    for point in [*path[1:], path[0]]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()
    for key in keys:
        page.keyboard.up(key)


FIRST = [(-0.04, -0.04), (0.09, -0.04), (0.09, 0.06), (-0.04, 0.06)]
SECOND = [(0.95, 0.95), (1.09, 0.95), (1.09, 1.06), (0.95, 1.06)]


def shown(page: Any) -> set[str]:
    return {tile.get_attribute("data-id") for tile in page.locator("#grid .tile").all()}


def test_without_a_map_it_says_what_it_waits_for(page: Any, web: Web) -> None:
    web.add([image(0)])
    page.goto("/map")
    expect(page.locator("#empty")).to_contain_text("It is made when there are 50 images")


def test_a_lasso_selects_what_lies_inside_and_labels_it(
    page: Any, web: Web, ids: list[str]
) -> None:
    open_map(page)
    drag(page, FIRST, "Shift")
    expect(page.locator("#chosen-heading")).to_have_text("6 selected")
    expect(page.locator("#grid .tile")).to_have_count(6)
    assert shown(page) == set(ids[:6])
    page.keyboard.press("l")
    page.keyboard.type("copep")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("6 images labelled copepod")
    assert names(web, ids) == [("copepod", "validated")] * 6 + [(None, "unlabelled")] * 6
    expect(page.locator("#legend li").first).to_have_text(re.compile("copepod.*6"))
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    assert names(web, ids) == [(None, "unlabelled")] * 12
    expect(page.locator("#legend li")).to_have_text([re.compile("unlabelled.*12")])


def test_what_the_server_does_not_answer_is_warned_of_and_sent_after_a_reload(
    page: Any, web: Web, ids: list[str]
) -> None:
    stays = "() => window.dispatchEvent(new Event('beforeunload', { cancelable: true })) === false"
    held: list[Any] = []

    def hold_the_first(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)  # and never answer it

    page.route("**/api/v1/labels", hold_the_first)
    open_map(page)
    drag(page, FIRST, "Shift")
    expect(page.locator("#grid .tile")).to_have_count(6)
    page.keyboard.press("l")
    page.keyboard.type("copep")
    page.keyboard.press("Enter")
    page.wait_for_function(stays)
    expect(page.locator("#unsaved")).to_have_count(0)  # nothing was tried in vain
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_response("**/api/v1/labels"):
        page.reload()
    assert names(web, ids) == [("copepod", "validated")] * 6 + [(None, "unlabelled")] * 6
    open_map(page)
    assert page.evaluate(stays) is False


def test_a_rectangle_adds_and_takes_out(page: Any, ids: list[str]) -> None:
    open_map(page)
    page.get_by_role("button", name="Rectangle").click()
    heading = page.locator("#chosen-heading")
    drag(page, [FIRST[0], FIRST[2]])
    expect(heading).to_have_text("Nothing selected")  # it came back to where it began
    box = [on_screen(page, *corner) for corner in (FIRST[0], FIRST[2])]
    page.mouse.move(*box[0])
    page.mouse.down()
    page.mouse.move(*box[1], steps=4)
    page.mouse.up()
    expect(heading).to_have_text("6 selected")
    page.get_by_role("button", name="Lasso").click()
    drag(page, SECOND, "Control")
    expect(heading).to_have_text("12 selected")
    drag(page, FIRST, "Alt")
    expect(heading).to_have_text("6 selected")
    expect(page.locator("#grid .tile")).to_have_count(6)
    assert shown(page) == set(ids[6:])
    page.keyboard.press("Escape")
    expect(heading).to_have_text("Nothing selected")


def test_what_is_taken_out_in_the_grid_gets_no_name(page: Any, web: Web, ids: list[str]) -> None:
    open_map(page)
    drag(page, FIRST, "Shift")
    expect(page.locator("#grid .tile")).to_have_count(6)
    page.locator(f"#tile-{ids[2]}").click()
    expect(page.locator("#chosen-heading")).to_have_text("5 selected")
    page.keyboard.press("l")
    page.keyboard.type("copep")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("5 images labelled copepod")
    assert names(web, [ids[2]]) == [(None, "unlabelled")]


def test_by_keyboard_alone(page: Any, web: Web, ids: list[str]) -> None:
    open_map(page)
    page.locator("#shapes").focus()
    page.keyboard.press("d")
    expect(page.locator("#said")).to_have_text(re.compile(r"images? here, mostly unlabelled"))
    page.keyboard.press("-")
    for _ in range(3):  # a group may lie across the edge of two squares or four
        page.keyboard.press("d")
        page.keyboard.press("Space")
    expect(page.locator("#chosen-heading")).not_to_have_text("Nothing selected")
    expect(page.locator("#grid .tile").first).to_be_visible()
    number = int(page.locator("#chosen-heading").inner_text().split()[0])
    expect(page.locator("#grid .tile")).to_have_count(number)
    chosen = shown(page)
    page.keyboard.press("Enter")
    expect(page.locator("#grid")).to_be_focused()
    page.keyboard.press("l")
    page.keyboard.type("diatom_ch")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text(f"{number} image")
    labelled = {i for i, (taxon, _) in zip(ids, names(web, ids), strict=True) if taxon}
    assert labelled == chosen


def test_a_point_shows_its_picture_and_is_selected_by_a_click(page: Any, ids: list[str]) -> None:
    open_map(page)
    page.mouse.move(*on_screen(page, 0.0, 0.0))
    expect(page.locator("#glance")).to_be_visible()
    expect(page.locator("#glance-picture")).to_have_attribute("src", re.compile(ids[0]))
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#chosen-heading")).to_have_text("1 selected")
    assert page.locator("#grid .tile").get_attribute("data-id") == ids[0]


def test_colours_filters_and_what_is_hidden(page: Any, web: Web, ids: list[str]) -> None:
    web.catalog.labels.apply(LabelRequest((ids[0],), "copepod", LabelState.VALIDATED, who="ann"))
    open_map(page)
    page.locator("#colour").select_option("camera")
    both = [re.compile("cam-0.*6"), re.compile("cam-1.*6")]
    expect(page.locator("#legend li")).to_have_text(both)
    page.locator("#legend").get_by_role("button", name="cam-0").click()
    drag(page, [(-0.04, -0.04), (1.09, -0.04), (1.09, 1.06), (-0.04, 1.06)], "Shift")
    expect(page.locator("#chosen-heading")).to_have_text("6 selected")
    page.locator("#camera").select_option("cam-0")
    expect(page.locator("#about")).to_contain_text("6 images")
    page.reload()
    expect(page.locator("#about")).to_contain_text("6 images")
    expect(page.locator("#colour")).to_have_value("camera")


def test_what_is_placed_later_appears(page: Any, web: Web, ids: list[str]) -> None:
    open_map(page)
    live = web.catalog.maps.live()
    assert live is not None
    (late,) = web.add([image(20)])
    web.catalog.maps.place(live.map_id, {late: (0.5, 0.5)})
    expect(page.locator("#about")).to_contain_text("13 images")
    another = web.catalog.maps.begin("test-encoder", 13, {ids[0]: (0.0, 0.0)})
    web.catalog.maps.show(another.map_id)
    expect(page.locator("#about")).to_contain_text("1 image,")


def test_what_somebody_else_names_is_coloured_at_once(page: Any, web: Web, ids: list[str]) -> None:
    request = LabelRequest(tuple(ids[:5]), "copepod", LabelState.VALIDATED, who="ben")
    with relayed(web):
        open_map(page)
        expect(page.locator("#legend li")).to_have_text([re.compile("unlabelled.*12")])
        web.catalog.labels.apply(request)
        expect(page.locator("#legend li").first).to_have_text(re.compile("copepod.*5"))


def name(page: Any, taxon: str) -> None:
    page.keyboard.press("l")
    page.keyboard.type(taxon)
    expect(page.locator("#names li").first).to_contain_text(taxon)
    page.keyboard.press("Enter")


def test_names_by_others_are_not_overwritten_unseen_where_no_tile_shows_them(
    page: Any, web: Web
) -> None:
    ids = web.add([image(n) for n in range(302)])
    made = web.catalog.maps.begin("test-encoder", 302, dict.fromkeys(ids, (0.0, 0.0)))
    web.catalog.maps.show(made.map_id)
    open_map(page, 302)
    page.locator("#shapes").focus()
    page.keyboard.press("d")
    page.keyboard.press("Space")
    expect(page.locator("#chosen-heading")).to_have_text("302 selected")
    expect(page.locator("#grid .tile")).to_have_count(300)
    unseen = min(set(ids) - shown(page))
    web.catalog.labels.apply(LabelRequest((unseen,), "egg", LabelState.VALIDATED, who="ben"))
    name(page, "copepod")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("ben named 1 image egg")
    page.keyboard.press("s")  # keys of the page do not act behind it
    dialog.get_by_role("button", name="Leave theirs").click()
    expect(page.locator(".toast")).to_contain_text("301 images labelled copepod")
    expect(page.get_by_role("button", name="Lasso")).to_have_attribute("aria-pressed", "false")
    assert names(web, [unseen]) == [("egg", "validated")]

    name(page, "copepod")  # the map knows by now what it is called, but no tile shows it
    expect(page.locator("#sure")).to_contain_text("1 image that is not shown here has another name")
    expect(page.locator("#sure")).to_contain_text("egg (1)")
    page.locator("#sure").get_by_role("button", name="Cancel").click()
    assert names(web, [unseen]) == [("egg", "validated")]


def test_ones_own_name_is_no_conflict_when_the_same_are_named_again(
    page: Any, web: Web, ids: list[str]
) -> None:
    open_map(page)
    drag(page, FIRST, "Shift")
    expect(page.locator("#grid .tile")).to_have_count(6)
    name(page, "egg")
    expect(page.locator(".toast")).to_contain_text("6 images labelled egg")
    name(page, "copepod")
    expect(page.locator("#recent button")).to_have_text(["1 copepod", "2 egg"])
    assert names(web, ids[:6]) == [("copepod", "validated")] * 6
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back: copepod")
    page.keyboard.press("1")
    expect(page.locator(".toast")).to_contain_text("6 images labelled copepod")
    assert names(web, ids[:6]) == [("copepod", "validated")] * 6
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    expect(page.locator("#undo")).to_be_enabled()


def test_a_name_by_another_after_ones_own_is_asked_about(
    page: Any, web: Web, ids: list[str]
) -> None:
    with relayed(web):
        open_map(page)
        drag(page, FIRST, "Shift")
        expect(page.locator("#grid .tile")).to_have_count(6)
        name(page, "egg")
        expect(page.locator(".toast")).to_contain_text("6 images labelled egg")
        theirs = LabelRequest((ids[0],), "fibre", LabelState.VALIDATED, who="ben")
        web.catalog.labels.apply(theirs)
        expect(page.locator(f"#tile-{ids[0]} i")).to_have_text("fibre")
        name(page, "copepod")
        expect(page.get_by_role("dialog")).to_contain_text("ben named 1 image fibre")
        page.keyboard.press("Escape")
        drag(page, FIRST, "Shift")  # selecting it again counts as having seen it
        name(page, "copepod")
        expect(page.locator("#recent button").first).to_have_text("1 copepod")
        assert names(web, ids[:6]) == [("copepod", "validated")] * 6


def test_clicks_on_the_selection_before_do_not_count(page: Any, ids: list[str]) -> None:
    open_map(page)
    drag(page, FIRST, "Shift")
    expect(page.locator("#grid .tile")).to_have_count(6)
    with held(page, "**/images/lookup"):
        with page.expect_request("**/images/lookup"):
            drag(page, SECOND, "Shift", "Control")
        page.locator(f"#tile-{ids[2]}").dispatch_event("click")
        expect(page.locator("#chosen-heading")).to_have_text("12 selected")
        with page.expect_request("**/images/lookup"):
            drag(page, SECOND, "Shift")
        page.locator(f"#tile-{ids[2]}").dispatch_event("click")
        expect(page.locator("#chosen-heading")).to_have_text("6 selected")
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    expect(page.locator('#grid .tile[aria-selected="true"]')).to_have_count(6)
    assert shown(page) == set(ids[6:])


def test_what_happens_while_points_are_loaded_is_kept(page: Any, web: Web, ids: list[str]) -> None:
    asked: list[Any] = []
    open_map(page)
    page.locator("#camera").select_option("cam-0")
    expect(page.locator("#about")).to_contain_text("6 images")
    page.route(re.compile(r"/map/points\?most=\d+$"), lambda one: asked.append((one, one.fetch())))
    with relayed(web):
        page.locator("#camera").select_option("")
        wait_until(
            lambda: page.wait_for_timeout(20) or asked, within_s=30, what="no points asked for"
        )
        drag(page, FIRST, "Shift")
        expect(page.locator("#chosen-heading")).to_have_text("6 selected")
        request = LabelRequest(tuple(ids[:6]), "copepod", LabelState.VALIDATED, who="ben")
        web.catalog.labels.apply(request)
        expect(page.locator("#legend li").first).to_have_text(re.compile("copepod.*6"))
    for route, answer in asked:
        route.fulfill(response=answer)
    expect(page.locator("#about")).to_contain_text("12 images")
    expect(page.locator("#legend li")).to_have_text(
        [re.compile("copepod.*6"), re.compile("unlabelled.*6")]
    )
    drag(page, SECOND, "Shift", "Control")
    expect(page.locator("#chosen-heading")).to_have_text("12 selected")
