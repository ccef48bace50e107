"""The bench in a real browser, over the in-memory parts."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from plankton_stream.events import topics
from plankton_stream.events.envelope import Received
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import CensusCounted, fact_message
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus
from tests.browser import expect, held, interceptable
from tests.web_parts import START, Web, image, new_web, picture

pytestmark = pytest.mark.browser


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return new_web(tmp_path)


@pytest.fixture
def server(web: Web) -> Iterator[Any]:
    served = make_server("127.0.0.1", 0, web.app(), threaded=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def page(server: Any, browser: Any) -> Iterator[Any]:
    """A page at the server; a test fails if its scripts do."""
    tab = interceptable(
        browser.new_page(
            base_url=f"http://127.0.0.1:{server.port}", viewport={"width": 1280, "height": 720}
        )
    )
    tab.set_default_timeout(60_000)
    mistakes: list[str] = []
    tab.on("pageerror", lambda error: mistakes.append(str(error)))
    yield tab
    tab.close()
    assert mistakes == []


def open_bench(page: Any, number: int) -> Any:
    page.goto("/")
    tiles = page.locator("#grid .tile")
    expect(tiles).to_have_count(number)
    return tiles


def names(web: Web, ids: list[str]) -> list[tuple[str | None, str]]:
    found = web.catalog.images.get(ids)
    return [(found[i].naming.taxon, str(found[i].naming.state)) for i in ids]


def test_an_empty_bench_says_what_it_waits_for(page: Any) -> None:
    page.goto("/")
    expect(page.locator("#empty")).to_contain_text("No images yet")
    page.goto("/census")
    expect(page.locator("#empty")).to_contain_text("No labels yet")


def test_images_appear_as_they_arrive_newest_first(page: Any, web: Web) -> None:
    web.add([image(0)])
    tiles = open_bench(page, 1)
    (newest,) = web.add([image(5)])
    web.clock_s += 10
    expect(tiles).to_have_count(2)
    assert tiles.first.get_attribute("data-id") == newest
    expect(page.locator('[data-stat="indexed"]')).to_have_text("2")


def test_a_click_shows_neighbours_in_rank_order(page: Any, web: Web) -> None:
    added = web.add([image(n, depth_m=12.5) for n in range(12)])
    open_bench(page, 12)
    page.locator(f"#tile-{added[0]} .picture").click()
    expect(page.locator(".tile.query")).to_have_attribute("data-id", added[0])
    expect(page.locator("#heading")).to_have_text("11 neighbours")
    shown = page.locator("#grid .tile:not(.query)")
    distances = [float(text) for text in shown.locator("b").all_inner_texts()]
    assert len(distances) == 11
    assert distances == sorted(distances)
    ranked = shown.evaluate_all("tiles => tiles.map((tile) => tile.dataset.id)")
    assert ranked == added[1:]
    expect(page.locator("#specimen")).to_contain_text("12.5 m")
    page.go_back()
    expect(page.locator("#heading")).to_have_text("Arriving")


def test_hamming_distances_are_whole_bits_also_of_an_upload(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(12)])
    page.goto(f"/?like={added[0]}")
    captions = page.locator("#grid .tile:not(.query) b")
    expect(captions).to_have_count(11)
    page.locator("#metric").select_option("hamming")
    expect(captions.last).to_have_text(re.compile(r"^\d+ bits$"))
    bits = [int(text.split()[0]) for text in captions.all_inner_texts()]
    assert bits == sorted(bits)
    assert bits[-1] > 1
    expect(page).to_have_url(re.compile("metric=hamming"))
    page.locator("#cutoff").fill(str(bits[-1]))
    expect(page.locator("#cutoff-value")).to_have_text(f"{bits[-1]} bits · 12 images")
    page.locator("#back").click()
    upload = {"name": "query.png", "mimeType": "image/png", "buffer": picture(0)}
    page.locator("#upload").set_input_files(upload)
    expect(page.locator("#heading")).to_have_text("12 neighbours")
    expect(captions.first).to_have_text("0 bits")


def test_a_selection_is_labelled_and_taken_back(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(6)])
    tiles = open_bench(page, 6)
    tiles.nth(0).hover()
    tiles.nth(0).locator(".pick").click()
    tiles.nth(2).click(modifiers=["Shift"])
    expect(page.locator("#count")).to_have_text("3 selected")
    page.keyboard.press("l")
    page.keyboard.type("copep")
    expect(page.locator("#names li").first).to_have_text(re.compile("copepod"))
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("3 images labelled copepod")
    expect(page.locator("#grid .tile i.validated")).to_have_count(3)
    assert names(web, added) == [(None, "unlabelled")] * 3 + [("copepod", "validated")] * 3
    assert web.catalog.outbox.count() == 3
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    expect(page.locator("#grid .tile i.validated")).to_have_count(0)
    assert names(web, added) == [(None, "unlabelled")] * 6


def test_by_keyboard_alone_with_the_history_at_the_side(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(6)])
    open_bench(page, 6)
    page.locator("#grid").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".tile.query")).to_have_attribute("data-id", added[0])
    page.keyboard.press("Control+a")
    expect(page.locator("#count")).to_have_text("6 selected")
    page.keyboard.press("l")
    page.keyboard.type("diatom_ch")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#specimen .history li")).to_contain_text("diatom_chain · dubious")
    assert names(web, added) == [("diatom_chain", "dubious")] * 6
    page.locator("#specimen .history button").click()
    expect(page.locator("#specimen .history li")).to_have_class("retracted")
    assert names(web, added[:2]) == [(None, "unlabelled"), ("diatom_chain", "dubious")]


def test_the_cut_off_selects_what_is_nearer(page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(40)])
    page.goto(f"/?like={added[0]}")
    expect(page.locator("#grid .tile")).to_have_count(40)
    limit = float(page.locator("#grid .tile").nth(10).locator("b").inner_text()) + 0.0005
    page.locator("#cutoff").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        limit,
    )
    chosen = page.locator('#grid .tile[aria-selected="true"]')
    expect(chosen).to_have_count(11)
    assert chosen.evaluate_all("tiles => tiles.map((t) => t.dataset.id)") == added[:11]


def test_an_uploaded_picture_is_searched_with(page: Any, web: Web) -> None:
    web.add([image(n) for n in range(5)])
    open_bench(page, 5)
    page.locator("#upload").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": picture(0)}
    )
    expect(page.locator("#heading")).to_have_text("5 neighbours")
    expect(page.locator("#specimen")).to_contain_text("mine.png")


def test_filters_narrow_what_is_shown(page: Any, web: Web) -> None:
    web.add([image(n, camera=f"cam-{n % 3}") for n in range(9)])
    tiles = open_bench(page, 9)
    page.locator("#filter").click()
    expect(page.locator("#camera option")).to_have_count(4)
    page.locator("#camera").select_option("cam-1")
    expect(tiles).to_have_count(3)
    page.locator("#state").select_option("validated")
    expect(page.locator("#empty")).to_contain_text("Nothing matches")


def test_a_server_that_is_away_is_said_and_found_again(page: Any, web: Web) -> None:
    web.add([image(0)])
    page.route("**/api/v1/events*", lambda route: route.abort())
    open_bench(page, 1)
    page.route("**/api/v1/stats", lambda route: route.abort())
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.unroute("**/api/v1/stats")
    expect(page.locator("#banner")).to_be_hidden()


def test_a_name_that_is_typed_before_the_taxa_have_come_is_given(page: Any, web: Web) -> None:
    added = web.add([image(0)])
    with held(page, "**/api/v1/taxa"):
        open_bench(page, 1)
        page.keyboard.press("Control+a")
        page.keyboard.press("l")
        page.keyboard.type("copepod")
        page.keyboard.press("Enter")
        assert web.catalog.labels.history(added[0]) == []
    expect(page.locator(".toast")).to_contain_text("labelled copepod")
    assert names(web, added) == [("copepod", "validated")]


def test_a_lost_answer_labels_once(page: Any, web: Web) -> None:
    """The first answer is lost on its way: the page asks again with the same key."""
    added = web.add([image(0)])
    open_bench(page, 1)
    lost: list[int] = []

    def lose_the_first(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/api/v1/labels", lose_the_first)
    page.keyboard.press("Control+a")
    page.keyboard.press("l")
    page.keyboard.type("copepod")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("labelled copepod")
    assert lost == [201]
    assert len(web.catalog.labels.history(added[0])) == 1


def test_markup_in_a_name_stays_text(page: Any, web: Web) -> None:
    from plankton_stream.domain import Taxon

    web.catalog.taxa.add(Taxon(key="evil", name="<img src=x onerror=document.title='hit'>"))
    web.add([image(0)])
    open_bench(page, 1)
    expect(page.locator("#taxon option")).not_to_have_count(1)
    page.keyboard.press("l")
    page.keyboard.type("evil")
    expect(page.locator("#names li")).to_contain_text("<img src=x")
    assert page.locator("#names img").count() == 0
    assert "hit" not in page.title()


def test_the_census_is_drawn_and_follows(page: Any, web: Web) -> None:
    def count(camera: str, **counts: int) -> None:
        fact = CensusCounted(
            camera=camera, window_start=START, window_s=300, counts=counts, updated_at=START
        )
        message = fact_message(fact, event_id="e", source="/test")
        web.live.take(Received(topics.CENSUS.name, 0, 0, b"k", message.value, message.headers))

    count("cam-1", copepod=3, diatom=1)
    page.goto("/census")
    expect(page.locator("#chart rect")).to_have_count(2)
    expect(page.locator("#table tbody tr")).to_have_count(1)
    count("cam-2", copepod=4)
    expect(page.locator("#legend li").first).to_have_text(re.compile("copepod.*7"))
    expect(page.locator("#table tbody tr")).to_have_count(2)


def say(web: Web, fact: Fact) -> None:
    message = fact_message(fact, event_id="e", source="/test")
    web.live.take(
        Received(message.topic, 0, 0, message.key.encode(), message.value, message.headers)
    )


def status(camera: str, state: str, **more: Any) -> CameraStatus:
    counts = {"seen": 12_345, "sent": 12_000, "dropped": 0, "rate_hz": 6.0} | more
    return CameraStatus(camera=camera, at=START, started_at=START, state=state, **counts)


def test_the_cameras_page_shows_how_each_is_doing(page: Any, web: Web) -> None:
    say(web, status("buoy-1", "running"))
    lost = {"dropped": 45, "dropped_because": {"spool-full": 40, "late": 5}, "gaps": 2}
    full = {"spooled": 300, "spool_bytes": 1_234_567, "spool_limit_bytes": 4_096_000_000}
    say(web, status("buoy-2", "waiting", why="Kafka is away", **lost, **full))
    about = {"subject": "camera/buoy-1", "kind": "silent", "since": START, "at": START}
    say(web, AlertRaised(**about, what="camera buoy-1 has said nothing"))
    page.goto("/cameras")
    rows = page.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("silent")
    for text in ("waiting", "Kafka is away", "1.2 MB of 4.1 GB", "spool-full 40, late 5"):
        expect(rows.nth(2)).to_contain_text(text)
    expect(page.get_by_role("rowheader")).to_have_text(["buoy-1", "buoy-2"])
    expect(page.get_by_role("status", name="Alerts")).to_contain_text("buoy-1 has said nothing")
    say(web, AlertCleared(**about, what="it is running again"))
    expect(rows.nth(1)).to_contain_text("running")
    expect(page.locator("#alerts")).to_be_hidden()
    page.get_by_text("What the columns mean").click()
    expect(page.get_by_text("Runs of frame numbers that will not arrive")).to_be_visible()
