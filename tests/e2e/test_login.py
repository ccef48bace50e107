"""Logging in with a real browser, and what each role finds there."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from plankton_stream.adapters.sql import LabelRequest
from plankton_stream.adapters.sql.sessions import SessionKind
from plankton_stream.domain import LabelState
from plankton_stream.people import Role
from tests.browser import expect, held, interceptable
from tests.login_parts import LOGIN, PASSWORD, person
from tests.web_parts import Web, image, new_web

pytestmark = pytest.mark.browser


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = new_web(tmp_path)
    for name, role in (("ann", Role.ADMIN), ("lea", Role.LABELLER), ("vic", Role.VIEWER)):
        person(web, name, role)
    return web


@pytest.fixture
def server(web: Web) -> Iterator[Any]:
    served = make_server("127.0.0.1", 0, web.app(LOGIN), threaded=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def new_page(server: Any, browser: Any) -> Iterator[Callable[..., Any]]:
    """Pages of browsers that know nothing of each other; a test fails if their scripts do."""
    contexts: list[Any] = []
    mistakes: list[str] = []

    def make(**options: Any) -> Any:
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{server.port}",
            viewport={"width": 1280, "height": 720}, **options,
        )  # fmt: skip
        contexts.append(context)
        tab = interceptable(context.new_page())
        tab.set_default_timeout(60_000)
        tab.on("pageerror", lambda error: mistakes.append(str(error)))
        return tab

    yield make
    for context in contexts:
        context.close()
    assert mistakes == []


def log_in(page: Any, name: str, password: str = PASSWORD) -> None:
    expect(page.get_by_label("Name")).to_be_focused()  # what is typed before is lost
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def name_all(page: Any) -> None:
    page.keyboard.press("Control+a")
    page.keyboard.press("l")
    page.keyboard.type("copepod")
    expect(page.locator("#names li").first).to_contain_text("copepod")
    page.keyboard.press("Enter")


def test_logging_in_by_keyboard_leads_to_where_one_was_going(new_page: Any) -> None:
    page = new_page()
    page.goto("/census?camera=cam-1")
    assert re.search(r"/login\?next=", page.url)
    log_in(page, "lea", "not the password")
    expect(page.locator("#wrong")).to_contain_text("nobody has this name", ignore_case=True)
    page.keyboard.type(PASSWORD)  # the name is still there, the password has the focus
    page.keyboard.press("Enter")
    expect(page.locator("#account .who")).to_have_text("lea")
    assert page.url.endswith("/census?camera=cam-1")
    page.locator("#account summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto("/")
    assert "/login" in page.url


def test_the_login_works_without_javascript(new_page: Any) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Name").fill("lea")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#account .who")).to_have_text("lea")
    page.locator("#account summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_viewer_sees_all_and_names_nothing(new_page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(4)])
    page = new_page()
    page.goto("/")
    log_in(page, "vic")
    expect(page.locator("#grid .tile")).to_have_count(4)
    for hidden in ("#name", "#validate", "#dubious", "#undo"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#next")).to_be_visible()
    expect(page.locator(".no-labels")).to_contain_text("naming takes a labeller")
    page.evaluate("localStorage.setItem('plankton.recent-taxa.vic', '[\"copepod\"]')")
    page.reload()
    expect(page.locator("#grid .tile")).to_have_count(4)
    expect(page.locator("#recent")).to_be_hidden()
    listed = page.locator("#keys [data-does]")
    does = listed.evaluate_all("(rows) => rows.map((row) => row.dataset.does)")
    assert "zoom" in does
    assert not {"name", "recent", "dispute", "undo", "accept", "reject"} & set(does)
    page.keyboard.press("Control+a")
    for key in ("1", "d", "u"):
        page.keyboard.press(key)
    page.keyboard.press("?")  # what the others had done would be seen by now
    expect(page.locator("#key-sheet")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.locator("dialog.dispute")).to_have_count(0)
    # And whoever asks around the page is refused by the server.
    refused = page.evaluate(
        """async (ids) => {
          const { change } = await import('/static/js/api.js');
          const body = { image_ids: ids, taxon: 'copepod' };
          const headers = { 'Idempotency-Key': 'k' };
          const asked = change('labels', { method: 'POST', body, headers });
          return asked.then(() => null, (e) => [e.status, e.message]);
        }""",
        added,
    )
    assert refused == [403, "vic is a viewer: this takes a labeller"]
    assert web.catalog.outbox.count() == 0


def test_a_viewer_of_the_map_is_offered_no_names(new_page: Any, web: Web) -> None:
    ids = web.add([image(n) for n in range(3)])
    made = web.catalog.maps.begin("test-encoder", 3, {i: (n, n) for n, i in enumerate(ids)})
    web.catalog.maps.show(made.map_id)
    page = new_page()
    page.goto("/map")
    log_in(page, "vic")
    expect(page.locator("#about")).to_contain_text("3 images")
    expect(page.locator(".no-labels")).to_contain_text("naming takes a labeller")
    for hidden in ("#name", "#validate", "#dubious", "#undo"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#clear")).to_be_visible()


def test_recent_taxa_are_those_of_whoever_works_here(new_page: Any, web: Web) -> None:
    web.add([image(n) for n in range(3)])
    page = new_page()
    page.goto("/")
    log_in(page, "lea")
    expect(page.locator("#grid .tile")).to_have_count(3)
    name_all(page)
    expect(page.locator("#recent button")).to_have_text(["1 copepod"])
    page.goto("/review")
    expect(page.get_by_role("link", name="Second opinion")).to_be_visible()
    expect(page.get_by_role("link", name="Agreement")).to_have_count(0)
    page.locator("#account summary").click()
    page.get_by_role("button", name="Log out").click()
    page.goto("/review")
    log_in(page, "ann")
    expect(page.get_by_role("link", name="Agreement")).to_be_visible()
    page.goto("/")
    expect(page.locator("#grid .tile")).to_have_count(3)
    expect(page.locator("#recent")).to_be_hidden()


def test_a_labeller_names_images_and_can_not_open_people(new_page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(3)])
    page = new_page()
    page.goto("/")
    log_in(page, "lea")
    expect(page.locator("#grid .tile")).to_have_count(3)
    name_all(page)
    expect(page.locator(".toast")).to_contain_text("3 images labelled copepod")
    assert {one.who for one in web.catalog.labels.history(added[0])} == {"lea"}
    page.locator("#account summary").click()
    expect(page.get_by_role("link", name="What I labelled")).to_be_visible()
    assert page.get_by_role("link", name="People").count() == 0
    assert page.goto("/people").status == 403
    expect(page.locator("main")).to_contain_text("This page takes an admin")


def test_what_one_labelled_is_taken_back_from_the_list(new_page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(3)])
    page = new_page()
    page.goto("/")
    log_in(page, "lea")
    expect(page.locator("#grid .tile")).to_have_count(3)
    name_all(page)
    expect(page.locator(".toast")).to_contain_text("labelled copepod")
    page.goto("/people/lea")
    row = page.locator("#deeds li")
    expect(row).to_contain_text("3 images")
    page.get_by_role("button", name="Take back copepod").click()
    expect(row).to_contain_text("taken back")
    assert web.catalog.images.get(added)[added[0]].naming.taxon is None
    other = new_page()
    other.goto("/people/lea")
    log_in(other, "vic")
    expect(other.locator("#deeds li")).to_contain_text("taken back")
    assert other.get_by_role("button", name="Take back").count() == 0


def test_an_impatient_click_shows_nothing_twice(new_page: Any, web: Web) -> None:
    for added in web.add([image(n) for n in range(60)]):
        request = LabelRequest((added,), "copepod", LabelState.VALIDATED, who="lea")
        web.catalog.labels.apply(request)
    page = new_page()
    page.goto("/people/lea")
    log_in(page, "lea")
    expect(page.locator("#deeds > li")).to_have_count(50)
    page.locator("#more").evaluate("button => { button.click(); button.click(); }")
    expect(page.locator("#more")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#deeds > li")).to_have_count(60)


def test_a_session_that_ends_in_mid_save_loses_and_doubles_nothing(new_page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(3)])
    page = new_page()
    page.goto("/")
    log_in(page, "lea")
    expect(page.locator("#grid .tile")).to_have_count(3)
    page.keyboard.press("Control+a")
    sent: list[str] = []
    page.on(
        "request",
        lambda one: (
            sent.append(one.headers["idempotency-key"])
            if one.url.endswith("/api/v1/labels")
            else None
        ),
    )
    web.catalog.sessions.end_all("lea", SessionKind.PAGE)
    page.keyboard.press("l")
    page.keyboard.type("copepod")
    expect(page.locator("#names li").first).to_contain_text("copepod")
    page.keyboard.press("Enter")
    dialog = page.locator("#relogin")
    expect(dialog).to_contain_text("You are logged out")
    expect(page.locator("#count")).to_have_text("3 selected")
    for _ in range(3):  # there is nothing to go back to, however often one asks
        page.keyboard.press("Escape")
    dialog.evaluate("(dialog) => dialog.close()")  # as a phone's back gesture does
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Password of lea")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog.locator(".wrong")).to_contain_text("nobody has this name")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text("3 images labelled copepod")
    assert len(web.catalog.labels.history(added[0])) == 1
    assert len(set(sent)) == 1
    assert web.catalog.outbox.count() == 3


def test_a_tab_that_stayed_open_labels_nothing_as_somebody_else(new_page: Any, web: Web) -> None:
    added = web.add([image(n) for n in range(2)])
    person(web, "Zoë", Role.LABELLER)
    page = new_page()
    page.on("dialog", lambda dialog: dialog.accept())  # a slow save warns before the page is left
    page.goto("/")
    log_in(page, "Zoë")
    expect(page.locator("#grid .tile")).to_have_count(2)
    expect(page.locator("#taxon option")).not_to_have_count(1)
    other = page.context.new_page()
    other.goto("/")
    other.locator("#account summary").click()
    other.get_by_role("button", name="Log out").click()
    log_in(other, "lea")
    expect(other.locator("#account .who")).to_have_text("lea")
    other.close()
    name_all(page)
    expect(page.locator("#account .who")).to_have_text("lea")
    expect(page.locator("#grid .tile")).to_have_count(2)
    assert web.catalog.labels.history(added[0]) == []
    name_all(page)
    expect(page.locator(".toast")).to_contain_text("2 images labelled copepod")
    assert [one.who for one in web.catalog.labels.history(added[0])] == ["lea"]


def test_an_admin_adds_somebody_who_logs_in(new_page: Any, web: Web) -> None:
    page = new_page()
    page.goto("/people")
    log_in(page, "ann")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Add a person").click()
    dialog = page.locator("#new")
    dialog.get_by_label("Name").fill("<b>zoe</b>")
    dialog.get_by_label("First password").fill("another good one")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".wrong")).to_contain_text("letters, digits")
    dialog.get_by_label("Name").fill("Zoë")
    dialog.get_by_role("button", name="Add").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    role = page.get_by_label("Role of Zoë")
    role.focus()
    page.keyboard.press("ArrowDown")
    expect(role).to_have_value("reviewer")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save: Zoë")).to_be_focused()
    assert web.catalog.people.get("Zoë").role is Role.LABELLER  # not yet
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Zoë is a reviewer now")
    expect(role).to_be_focused()
    expect(page.get_by_role("button", name="Save: Zoë")).to_be_hidden()
    page.get_by_label("Role of ann").select_option("viewer")
    page.get_by_role("button", name="Save: ann").click()
    expect(page.locator("#sure")).to_contain_text("Become a viewer?")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".toast.bad")).to_have_count(0)
    page.get_by_role("button", name="Save: ann").click()
    page.get_by_role("button", name="Become one").click()
    expect(page.locator(".toast.bad")).to_contain_text("only admin")
    expect(page.get_by_label("Role of ann")).to_have_value("admin")
    other = new_page()
    other.goto("/")
    log_in(other, "zoë", "another good one")
    expect(other.locator("#account .who")).to_have_text("Zoë")
    page.get_by_label("Role of lea").select_option("reviewer")
    page.get_by_role("button", name="Disable: Zoë").click()
    expect(page.locator("tr.gone")).to_contain_text("Zoë")
    expect(page.get_by_label("Role of lea")).to_have_value("reviewer")  # and still not saved
    expect(page.get_by_role("button", name="Save: lea")).to_be_visible()
    expect(other.locator("#relogin")).to_be_visible()  # the page asks for news by itself


def test_passwords_stay_out_of_the_address_while_the_page_loads(new_page: Any) -> None:
    page = new_page()
    page.route("**/js/password.js", lambda route: route.abort())
    page.goto("/account")
    log_in(page, "lea")
    for label in ("Password now", "New password", "New password again"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Change it")).to_be_disabled()
    page.locator("#change").evaluate("form => form.requestSubmit()")
    expect(page.get_by_label("Password now")).to_have_value(PASSWORD)
    assert page.url.endswith("/account")


def test_ones_own_password_is_changed(new_page: Any) -> None:
    page = new_page()
    page.goto("/account")
    log_in(page, "lea")
    page.get_by_label("Password now").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("another good one")
    page.get_by_label("New password again").fill("another good two")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("#wrong")).to_contain_text("not the same")
    page.get_by_label("New password again").fill("another good one")
    sent: list[Any] = []

    def lose(route: Any) -> None:
        sent.append(route.fetch())
        route.abort()

    page.route("**/session/password", lose)
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("#wrong")).to_contain_text("does not answer")
    assert [answer.status for answer in sent] == [200]  # once: the next would be refused
    page.unroute("**/session/password")
    page.get_by_label("Password now").fill("another good one")
    with held(page, "**/session/password"):
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("button", name="Change it")).to_be_disabled()
    expect(page.locator(".toast")).to_contain_text("is changed")
    page.goto("/")
    expect(page.locator("#account .who")).to_have_text("lea")
