"""Claims, on SQLite and PostgreSQL: nobody is given what somebody else looks at."""

from datetime import timedelta

import pytest

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image
from plankton_stream.errors import NotFoundError
from plankton_stream.predictions import Queue
from tests.contract.conftest import an_image, asked, together

ENDED = timedelta(seconds=-1)


def ids(images: list[Image]) -> list[str]:
    return [image.image_id for image in images]


def test_what_one_holds_another_does_not_get(catalog: Catalog, images: list[Image]) -> None:
    wanted = ids(images)
    assert catalog.claims.take(wanted[:3], "ada/1") == set(wanted[:3])
    assert catalog.claims.take(wanted, "ben/1") == set(wanted[3:])
    assert catalog.claims.take(wanted, "ada/1") == set(wanted[:3])
    assert catalog.claims.of_others(wanted, "ada/1") == set(wanted[3:])
    assert catalog.claims.of_others(wanted, None) == set(wanted)
    assert catalog.claims.take([], "ada/1") == set()


def test_what_ran_out_comes_back(catalog: Catalog, images: list[Image]) -> None:
    wanted = ids(images)
    catalog.claims.take(wanted, "ada/1", lease=ENDED)
    assert catalog.claims.of_others(wanted, "ben/1") == set()
    assert catalog.claims.take(wanted[:2], "ben/1") == set(wanted[:2])
    # Ada comes back: what nobody took meanwhile is hers again.
    assert catalog.claims.take(wanted, "ada/1") == set(wanted[2:])
    assert catalog.claims.of_others(wanted, "ben/1") == set(wanted[2:])


def test_what_is_given_back_is_free(catalog: Catalog, images: list[Image]) -> None:
    wanted = ids(images)
    catalog.claims.take(wanted[:4], "ada/1")
    catalog.claims.take(wanted[4:], "ben/1")
    assert catalog.claims.release("ada/1", wanted) == 4
    assert catalog.claims.release("ada/1", wanted) == 0
    assert catalog.claims.take(wanted, "eve/1") == set(wanted[:4])
    assert catalog.claims.release("eve/1") == 4
    assert catalog.claims.of_others(wanted, None) == set(wanted[4:])


def test_a_label_gives_back_what_its_page_held_and_a_refused_one_nothing(
    catalog: Catalog, images: list[Image]
) -> None:
    wanted = ids(images)
    catalog.claims.take(wanted[:3], "ada/1")
    catalog.claims.take(wanted[3:4], "ben/1")
    with pytest.raises(NotFoundError):
        catalog.labels.apply(asked(images[0], an_image(9), owner="ada/1"))
    assert catalog.claims.of_others(wanted, None) == set(wanted[:4])
    catalog.labels.apply(asked(images[0], images[1], images[3], owner="ada/1"))
    assert catalog.claims.of_others(wanted, None) == {wanted[2], wanted[3]}  # what is Ben's stays


def test_a_queue_leaves_out_what_others_hold(catalog: Catalog, images: list[Image]) -> None:
    newest = list(reversed(ids(images)))
    catalog.claims.take(newest[:2], "ada/1")
    catalog.claims.take(newest[2:3], "ben/1", lease=ENDED)

    def page(owner: str | None) -> list[str]:
        found = catalog.queues.page(Queue.NEWEST, owner=owner).found
        return [one.image.image_id for one in found]

    assert page("ada/1") == newest
    assert page("ben/1") == page(None) == newest[2:]


def test_of_many_at_once_each_image_goes_to_one(catalog: Catalog) -> None:
    images = [an_image(n) for n in range(300)]
    catalog.images.upsert(images)
    wanted = ids(images)
    orders = [wanted, wanted[::-1], wanted[100:] + wanted[:100], wanted[::2] + wanted[1::2]]
    got = together(8, lambda n: catalog.claims.take(orders[n % 4][: 200 + n], f"page/{n}"))
    assert sum(len(mine) for mine in got) == len(set().union(*got))
    assert set().union(*got) == set().union(*(orders[n % 4][: 200 + n] for n in range(8)))


def test_two_who_ask_a_queue_at_once_get_different_pages(catalog: Catalog) -> None:
    images = [an_image(n) for n in range(40)]
    catalog.images.upsert(images)

    def ask(number: int) -> set[str]:
        owner = f"page/{number}"
        found = catalog.queues.page(Queue.NEWEST, limit=10, owner=owner).found
        return catalog.claims.take([one.image.image_id for one in found], owner)

    for _ in range(5):
        got = together(4, ask)
        assert sum(len(mine) for mine in got) == len(set().union(*got))
        for number in range(4):
            catalog.claims.release(f"page/{number}")
