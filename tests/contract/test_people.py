"""People, sessions and what each person labelled: one suite over SQLite and PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from plankton_stream.adapters.sql import Catalog
from plankton_stream.adapters.sql.sessions import IDLE, LONGEST, SessionKind, Sessions
from plankton_stream.domain import Image
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.people import Role, person_name
from tests.contract.conftest import NOON, asked, together

PAGE, SCRIPT = SessionKind.PAGE, SessionKind.SCRIPT


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self):
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(catalog: Catalog, clock: Clock) -> Sessions:
    return Sessions(catalog.engine, clock)


def test_a_person_is_added_once_however_the_name_is_written(catalog: Catalog) -> None:
    added = catalog.people.add("Ann Other", Role.LABELLER, "hash")
    assert (added.name, added.role, added.disabled_at) == ("Ann Other", Role.LABELLER, None)
    for name in ("Ann Other", "ann other", "\uff21\uff2e\uff2e Other"):
        with pytest.raises(RejectedError, match="already"):
            catalog.people.add(name, Role.ADMIN, "other")
    assert catalog.people.all() == [added]
    assert catalog.people.password_hash("ANN OTHER") == ("Ann Other", "hash")
    assert catalog.people.password_hash("ann") is None


@pytest.mark.parametrize(
    "name",
    ["", " ann", "ann ", "a  b", "<script>alert(1)</script>", "a/b", "a\nb", "x" * 65, "-", "a;b"],
)
def test_a_name_is_one_plain_line(name: str) -> None:
    with pytest.raises(ValidationError):
        person_name(name)


@pytest.mark.parametrize("name", ["ann", "Zoë Ångström", "李雷", "o'hara", "a.b@lab-2", "7"])
def test_names_of_people_are_allowed(name: str) -> None:
    assert person_name(name) == name


def test_the_last_admin_stays_one(catalog: Catalog) -> None:
    people = catalog.people
    people.add("ann", Role.ADMIN, "h")
    people.add("ben", Role.REVIEWER, "h")
    for change in ({"role": Role.REVIEWER}, {"disabled": True}):
        with pytest.raises(RejectedError, match="only admin"):
            people.change("ann", **change)
    people.change("ann", role=Role.ADMIN, disabled=False, password_hash="other")
    people.change("ben", role=Role.ADMIN)
    assert people.change("ann", disabled=True).disabled_at is not None
    with pytest.raises(RejectedError, match="only admin"):
        people.change("ben", disabled=True)
    assert people.change("ann", disabled=False).disabled_at is None
    with pytest.raises(NotFoundError, match="nobody called 'eve'"):
        people.change("eve", role=Role.ADMIN)


def test_two_admins_who_demote_each_other_leave_one(catalog: Catalog) -> None:
    names = ["ann", "ben"]
    for name in names:
        catalog.people.add(name, Role.ADMIN, "h")

    def demote(number: int) -> bool:
        try:
            catalog.people.change(names[number], role=Role.VIEWER)
        except RejectedError:
            return False
        return True

    assert sorted(together(2, demote)) == [False, True]
    assert sorted(one.role for one in catalog.people.all()) == [Role.ADMIN, Role.VIEWER]


def test_a_token_is_a_persons_in_the_role_that_they_have_now(catalog: Catalog) -> None:
    catalog.people.add("ann", Role.LABELLER, "h")
    token = catalog.sessions.begin("ann")
    found = catalog.sessions.person(token, PAGE)
    assert found is not None
    assert (found.name, found.role) == ("ann", Role.LABELLER)
    catalog.people.change("ann", role=Role.VIEWER)
    assert catalog.sessions.person(token, PAGE).role is Role.VIEWER
    # A page's token is no script's, and the other way round.
    assert catalog.sessions.person(token, SCRIPT) is None
    script = catalog.sessions.begin("ann", kind=SCRIPT)
    assert catalog.sessions.person(script, PAGE) is None
    assert catalog.sessions.person(script, SCRIPT) == catalog.sessions.person(token, PAGE)
    assert catalog.sessions.person(token + "x", PAGE) is None
    catalog.sessions.end(token)
    catalog.sessions.end(token)
    assert catalog.sessions.person(token, PAGE) is None


def test_tokens_are_not_in_the_database(catalog: Catalog) -> None:
    catalog.people.add("ann", Role.LABELLER, "h")
    token = catalog.sessions.begin("ann")
    with catalog.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM sessions")).all()
    assert len(rows) == 1
    assert token not in str(rows)


def test_a_session_ends_when_idle_and_after_a_week(
    catalog: Catalog, sessions: Sessions, clock: Clock
) -> None:
    catalog.people.add("ann", Role.LABELLER, "h")
    token, idle = sessions.begin("ann"), sessions.begin("ann")
    end = clock.at + LONGEST
    while clock.at + IDLE / 2 < end:
        clock.at += IDLE / 2
        assert sessions.person(token, PAGE) is not None
    assert sessions.person(idle, PAGE) is None
    clock.at = end
    assert sessions.person(token, PAGE) is None
    script = sessions.begin("ann", kind=SCRIPT, lasts=timedelta(days=30))
    clock.at += timedelta(days=29)
    assert sessions.person(script, SCRIPT) is not None
    clock.at += timedelta(days=1)
    assert sessions.person(script, SCRIPT) is None


def test_whoever_is_disabled_is_out_at_once(catalog: Catalog) -> None:
    catalog.people.add("ann", Role.LABELLER, "h")
    page, script = catalog.sessions.begin("ann"), catalog.sessions.begin("ann", kind=SCRIPT)
    catalog.people.change("ann", disabled=True)
    assert catalog.sessions.person(page, PAGE) is None
    assert catalog.sessions.person(script, SCRIPT) is None
    assert catalog.people.password_hash("ann") is None
    for name in ("ann", "nobody"):
        with pytest.raises(NotFoundError, match="can log in"):
            catalog.sessions.begin(name)
    catalog.people.change("ann", disabled=False)  # what ended stays so
    assert catalog.sessions.person(page, PAGE) is None
    assert catalog.sessions.person(catalog.sessions.begin("ann"), PAGE) is not None


def test_another_password_ends_pages_and_leaves_scripts(catalog: Catalog) -> None:
    for name in ("ann", "ben"):
        catalog.people.add(name, Role.LABELLER, "h")
    page, script = catalog.sessions.begin("ann"), catalog.sessions.begin("ann", kind=SCRIPT)
    others = catalog.sessions.begin("ben")
    catalog.people.change("ann", password_hash="new")
    assert catalog.people.password_hash("ann") == ("ann", "new")
    assert catalog.sessions.person(page, PAGE) is None
    assert catalog.sessions.person(script, SCRIPT) is not None
    assert catalog.sessions.person(others, PAGE) is not None
    assert catalog.sessions.end_all("ann", SCRIPT) == 1
    assert catalog.sessions.person(script, SCRIPT) is None


def test_what_somebody_labelled_comes_newest_first_in_pages(
    catalog: Catalog, images: list[Image]
) -> None:
    first = catalog.labels.apply(asked(*images[:3]))
    catalog.labels.apply(asked(images[3], who="ben"))
    last = catalog.labels.apply(asked(images[4], taxon="diatom", why="chains"))
    catalog.labels.retract(first.labels[1].label_id, who="ben")
    page = catalog.logbook.labels("ann", limit=3)
    rest = catalog.logbook.labels("ann", limit=3, cursor=page.next_cursor)
    given = [label.label_id for label in (*page.found, *rest.found)]
    assert given == [one.label_id for one in (*last.labels, *reversed(first.labels))]
    assert rest.next_cursor is None
    newest, oldest = catalog.logbook.actions("ann", limit=5).found
    assert (newest.taxon, newest.why, newest.images, newest.standing) == ("diatom", "chains", 1, 1)
    assert (oldest.action_id, oldest.images, oldest.standing) == (first.action_id, 3, 2)
    assert oldest.sample == tuple(one.image_id for one in first.labels)
    one = catalog.logbook.actions("ann", limit=1)
    assert one.found == [newest]
    two = catalog.logbook.actions("ann", limit=1, cursor=one.next_cursor)
    assert (two.found, two.next_cursor) == ([oldest], None)
    assert catalog.logbook.actions("<b>", limit=5).found == []
    with pytest.raises(RejectedError, match="next_cursor"):
        catalog.logbook.labels("ann", limit=3, cursor="X")


def test_who_gave_a_label_is_known(catalog: Catalog, images: list[Image]) -> None:
    done = catalog.labels.apply(asked(images[0]))
    assert catalog.logbook.author_of_action(done.action_id) == "ann"
    assert catalog.logbook.author_of_label(done.labels[0].label_id) == "ann"
    for ask in (catalog.logbook.author_of_action, catalog.logbook.author_of_label):
        with pytest.raises(NotFoundError):
            ask("01AN4Z07BY79KA1307SR9X4MV3")
