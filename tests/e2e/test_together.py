"""Two people at one collection, and a server that goes away in between: in real browsers."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from plankton_stream.adapters.sql import Catalog
from plankton_stream.stack.ports import answers
from tests.browser import expect, warned_and_kept
from tests.e2e.test_page import names
from tests.e2e.test_queues import say
from tests.news_parts import relayed
from tests.services import some_free_port
from tests.waiting import wait_until
from tests.web_parts import Web, image, new_web
from tests.web_server import IMAGES

pytestmark = pytest.mark.browser

SIZE = {"width": 1280, "height": 720}
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return new_web(tmp_path)


@contextmanager
def served(web: Web, user: str) -> Iterator[str]:
    """A server for one person; its address."""
    server = make_server("127.0.0.1", 0, web.app(user=user), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """A page of somebody's own browser; a test fails if its scripts do."""
    context = browser.new_context(base_url=address, viewport=SIZE)
    page = context.new_page()
    page.set_default_timeout(60_000)
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    yield page
    context.close()
    assert mistakes == []


@pytest.fixture
def two(web: Web, browser: Any) -> Iterator[tuple[Any, Any]]:
    """Ada's page and Ben's, each in a browser of its own."""
    with ExitStack() as stack:
        stack.enter_context(relayed(web))
        pages = [
            stack.enter_context(opened(browser, stack.enter_context(served(web, user))))
            for user in ("ada", "ben")
        ]
        yield pages[0], pages[1]


def follow(page: Any, url: str, tiles: int) -> Any:
    """Open a page, and wait until it follows what happens and knows the taxa."""
    with page.expect_request("**/api/v1/events*"):
        page.goto(url)
    expect(page.locator("#grid .tile")).to_have_count(tiles)
    expect(page.locator('[data-stat="indexed"]')).to_have_text(re.compile("[0-9]"))
    expect(page.locator("#taxon option")).not_to_have_count(1)
    return page.locator("#grid .tile")


def select(page: Any, *ids: str) -> None:
    for image_id in ids:
        page.locator(f"#tile-{image_id}").click(modifiers=["Control"])
    expect(page.locator("#count")).to_have_text(f"{len(ids)} selected")


def name(page: Any, taxon: str) -> None:
    page.keyboard.press("l")
    page.keyboard.type(taxon)
    expect(page.locator("#names li").first).to_contain_text(taxon)
    page.keyboard.press("Enter")


def shown(page: Any) -> list[str]:
    return page.locator("#grid .tile").evaluate_all("tiles => tiles.map((t) => t.dataset.id)")


def watch(page: Any) -> None:
    """Write down when a name by somebody else first appears on a tile."""
    page.evaluate(
        """() => {
          window.seenAt = {};
          const look = () => {
            for (const mark of document.querySelectorAll('#grid .by')) {
              window.seenAt[mark.closest('.tile').dataset.id] ??= Date.now();
            }
          };
          new MutationObserver(look).observe(
            document.getElementById('grid'), { subtree: true, childList: true });
        }"""
    )


def time_labels(page: Any) -> None:
    """Write down when a label was answered."""
    page.evaluate(
        """() => {
          const real = window.fetch;
          window.fetch = async (...given) => {
            const answer = await real(...given);
            if (String(given[0]).endsWith('/labels')) window.labelledAt = Date.now();
            return answer;
          };
        }"""
    )


def test_a_name_is_seen_by_the_other_within_a_second(web: Web, two: tuple[Any, Any]) -> None:
    ada, ben = two
    ids = web.add([image(n) for n in range(8)])
    for page in two:
        follow(page, "/", 8)
    select(ben, ids[0], ids[5])
    watch(ben)
    time_labels(ada)
    waits_ms = []
    for image_id in ids[:3]:
        select(ada, image_id)
        name(ada, "copepod")
        expect(ada.locator(f"#tile-{image_id} i")).to_have_text("copepod")
        expect(ben.locator(f"#tile-{image_id} .by")).to_have_text("ada")
        labelled_at = ada.evaluate("window.labelledAt")
        waits_ms.append(ben.evaluate(f"window.seenAt['{image_id}']") - labelled_at)
    assert sorted(waits_ms)[1] <= 1_000, waits_ms  # a busy machine may be late once
    expect(ben.locator("#others")).to_have_text("ada named 1 image copepod")
    expect(ben.locator("#count")).to_have_text("2 selected")  # what he is doing stays
    label = ben.locator(f"#tile-{ids[0]}").get_attribute("aria-label")
    assert label.endswith("copepod, validated by ada just now, cam-1")
    expect(ada.locator("#grid .by")).to_have_count(0)
    ada.keyboard.press("u")
    expect(ben.locator("#grid .tile i.validated")).to_have_count(2)
    expect(ben.locator("#others")).to_have_text("ada took the name back from 1 image")


@pytest.mark.parametrize(
    ("choice", "taxa"),
    [
        ("Leave theirs", ["copepod", "egg", "egg"]),
        ("Label egg anyway", ["egg", "egg", "egg"]),
        ("Escape", ["copepod", None, None]),
    ],
)
def test_a_name_that_came_in_between_is_not_overwritten_unasked(
    web: Web, two: tuple[Any, Any], choice: str, taxa: list[str | None]
) -> None:
    ada, ben = two
    ids = web.add([image(n) for n in range(4)])
    for page in two:
        follow(page, "/", 4)
    select(ben, *ids[:3])
    select(ada, ids[0])
    name(ada, "copepod")
    expect(ben.locator(f"#tile-{ids[0]}")).to_have_class(re.compile(r"\btheirs\b"))
    name(ben, "egg")
    dialog = ben.get_by_role("dialog", name="Somebody was here first")
    expect(dialog).to_contain_text("ada named 1 image copepod")
    expect(dialog.get_by_role("button", name="Leave theirs")).to_be_focused()
    if choice == "Escape":
        ben.keyboard.press("Escape")
    else:
        dialog.get_by_role("button", name=choice).click()
    expect(dialog).to_have_count(0)
    wait_until(
        lambda: [taxon for taxon, _ in names(web, ids[:3])] == taxa,
        within_s=30, what=lambda: str(names(web, ids[:3])),
    )  # fmt: skip


def test_who_selects_it_after_the_change_means_it(web: Web, two: tuple[Any, Any]) -> None:
    ada, ben = two
    ids = web.add([image(n) for n in range(4)])
    for page in two:
        follow(page, "/", 4)
    select(ada, ids[0])
    name(ada, "copepod")
    expect(ben.locator("#grid .tile i.validated")).to_have_count(1)
    select(ben, ids[0])
    name(ben, "egg")
    expect(ada.locator(f"#tile-{ids[0]} i")).to_have_text("egg")
    assert names(web, ids[:1]) == [("egg", "validated")]


def test_a_queue_never_gives_both_the_same(web: Web, two: tuple[Any, Any]) -> None:
    ada, ben = two
    ids = web.add([image(n) for n in range(400)])
    for n, image_id in enumerate(ids):
        say(web, image_id, crowd=float(n))
    for page in two:
        page.goto("/?queue=newest")
        expect(page.locator("#grid .tile").first).to_be_visible()
    first = shown(ada)[0]
    assert first == ids[-1]  # the newest
    assert not set(shown(ada)) & set(shown(ben))
    with ada.expect_response("**/api/v1/claims/releases"):
        ada.keyboard.press("Escape")  # out of the queue: she gives back what she holds
    ben.reload()
    expect(ben.locator("#grid .tile").first).to_be_visible()
    assert shown(ben)[0] == first
    ada.goto("/?queue=clusters")
    expect(ada.locator("#grid .tile").first).to_be_visible()
    assert not set(shown(ada)) & set(shown(ben))


# -- a server that goes away ---------------------------------------------------------------------


class Killable:
    """A server process that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, some_free_port()
        self.catalog = folder / "catalog.sqlite"
        self._run: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.web_server", str(self.folder), str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self._run = subprocess.Popen(
                command, cwd=PROJECT, env=dict(os.environ), stdout=log, stderr=log
            )
        wait_until(
            lambda: answers("127.0.0.1", self.port), within_s=240,
            what=lambda: (self.folder / "server.log").read_text()[-2000:],
        )  # fmt: skip

    def kill(self) -> None:
        assert self._run is not None
        self._run.kill()
        self._run.wait()

    def ended(self) -> bool:
        assert self._run is not None
        return self._run.poll() is not None


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Killable]:
    server = Killable(tmp_path)
    server.start()
    yield server
    server.kill()


def labels(server: Killable) -> list[tuple[str, str]]:
    catalog = Catalog(f"sqlite:///{server.catalog}")
    try:
        found = [
            (label.image_id, label.taxon)
            for image_id in catalog.images.ids()
            for label in catalog.labels.history(image_id)
        ]
    finally:
        catalog.close()
    return found


def test_a_page_finds_its_server_again(killable: Killable, browser: Any) -> None:
    with opened(browser, f"http://127.0.0.1:{killable.port}") as page:
        follow(page, "/", IMAGES)
        killable.kill()
        expect(page.locator("#banner")).to_contain_text("does not answer. Reconnecting")
        killable.start()
        expect(page.locator("#banner")).to_be_hidden()
        # and follows again: what another page does is seen
        with opened(browser, f"http://127.0.0.1:{killable.port}") as other:
            follow(other, "/", IMAGES)
            other.locator("#grid .tile").first.click(modifiers=["Control"])
            name(other, "copepod")
            expect(page.locator("#grid .tile i.validated")).to_have_count(1)


@pytest.mark.parametrize("moment", ["die-before", "die-after"])
@pytest.mark.parametrize("reloads", [False, True])
def test_a_save_that_the_server_died_of_is_done_once(
    killable: Killable, browser: Any, moment: str, reloads: bool
) -> None:
    with opened(browser, f"http://127.0.0.1:{killable.port}") as page:
        tiles = follow(page, "/", IMAGES)
        tiles.first.click(modifiers=["Control"])
        tiles.nth(2).click(modifiers=["Shift"])
        (killable.folder / moment).touch()
        name(page, "copepod")
        strip = page.locator("#unsaved")
        expect(strip).to_contain_text("Not saved yet, trying again: 3 images as copepod")
        wait_until(killable.ended, within_s=10, what="the server did not die")
        page.keyboard.press("Enter")  # impatience does no harm
        if reloads:  # else the page may save it before that, as it follows the server
            page.route("**/api/v1/labels", lambda route: route.abort())
        killable.start()
        if reloads:
            page.on("dialog", lambda dialog: dialog.accept())
            page.reload()
            page.unroute("**/api/v1/labels")
            expect(page.locator(".toast")).to_contain_text("3 images as copepod")
        expect(page.locator("#grid .tile i.validated")).to_have_count(3)
        expect(strip).to_have_count(0)
    given = labels(killable)
    assert sorted(taxon for _, taxon in given) == ["copepod"] * 3
    assert len({image_id for image_id, _ in given}) == 3


def test_leaving_what_is_not_saved_is_warned_of(killable: Killable, browser: Any) -> None:
    with opened(browser, f"http://127.0.0.1:{killable.port}") as page:
        tiles = follow(page, "/", IMAGES)
        tiles.first.click(modifiers=["Control"])
        killable.kill()
        name(page, "copepod")
        expect(page.locator("#unsaved")).to_be_visible()
        assert warned_and_kept(page, "/census") == ["beforeunload"]
        killable.start()
        expect(page.locator("#unsaved")).to_have_count(0)
        expect(page.locator("#grid .tile i.validated")).to_have_count(1)
