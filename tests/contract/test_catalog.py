"""The catalog: one suite over SQLite and PostgreSQL."""

import contextlib
import itertools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from plankton_stream.adapters import sql
from plankton_stream.adapters.sql import Catalog, LabelRequest, schema, upgrade
from plankton_stream.domain import (
    Box,
    Capture,
    Cut,
    GivenName,
    Image,
    LabelState,
    LeftOut,
    Naming,
    Taxon,
    new_id,
)
from plankton_stream.errors import ConfigError, NotFoundError, RejectedError, RetryableError
from plankton_stream.events.facts import LabelApplied, LabelRetracted
from plankton_stream.ports import ImageFilter
from plankton_stream.versions import EncoderSpec, EncoderVersion
from tests.contract.conftest import NOON, an_image, named


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/catalog.sqlite"
        return
    server = sa.make_url(request.getfixturevalue("postgres"))
    name = f"t{new_id().lower()}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def url(empty_url: str) -> str:
    """A new database with tables."""
    upgrade(empty_url)
    return empty_url


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    catalog = Catalog(url)
    yield catalog
    catalog.close()


@pytest.fixture
def images(catalog: Catalog) -> list[Image]:
    """Five indexed images."""
    images = [an_image(n) for n in range(5)]
    catalog.images.upsert(images)
    return images


def asked(*images: Image, taxon: str = "copepod", **more: Any) -> LabelRequest:
    ids = tuple(image.image_id for image in images)
    return LabelRequest(**{"image_ids": ids, "taxon": taxon, "state": LabelState.VALIDATED, "who": "ann"} | more)  # fmt: skip  # noqa: E501


def naming(catalog: Catalog, image: Image) -> Naming:
    return catalog.images.get([image.image_id])[image.image_id].naming


def events(catalog: Catalog) -> list[Any]:
    return [row.fact for row in catalog.outbox.waiting(100_000)]


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do something in several threads at the same moment."""
    barrier = threading.Barrier(count)

    def start(number: int) -> Any:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


# --- schema ---------------------------------------------------------------------------------------


def test_migrations_give_the_schema_of_the_code_and_can_be_repeated(url: str) -> None:
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_migrations_can_be_undone(url: str) -> None:
    config = Config()
    folder = Path(sql.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    upgrade(url)
    assert len(Catalog(url).taxa.all()) > 20


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    code = "import sys; from plankton_stream.adapters.sql import upgrade; upgrade(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", code, empty_url]) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert Catalog(empty_url).images.count() == 0


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", ""])
def test_a_url_of_another_database_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError, match="PLANKTON_CATALOG"):
        Catalog(url)


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    catalog = Catalog("postgresql+psycopg://ann:secret@127.0.0.1:1/x")
    for use in (catalog.images.count, lambda: catalog.outbox.sole_relay().__enter__()):
        with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1") as told:
            use()
        assert "secret" not in str(told.value)


# --- cuts -----------------------------------------------------------------------------------------


def test_a_frame_is_cut_once(catalog: Catalog) -> None:
    capture = Capture(camera="c", captured_at=NOON, depth_m=3.5, latitude=-0.25)
    first = Cut(
        capture=capture, frame_key="ü/1", boxes=(Box(1, 2, 3, 4),), width_px=9, height_px=8,
        left_out={LeftOut.OVER_CAP: 7},
    )  # fmt: skip
    assert catalog.cuts.get("c", "ü/1") is None
    assert catalog.cuts.record(first) == first
    assert catalog.cuts.record(first.model_copy(update={"boxes": ()})) == first
    assert catalog.cuts.get("c", "ü/1") == first
    assert catalog.cuts.count() == 1


def test_workers_that_cut_the_same_frame_at_once_agree(catalog: Catalog) -> None:
    def record(number: int) -> Cut:
        cut = Cut(capture=Capture(camera="c"), frame_key="1", boxes=(Box(number, 0, 1, 1),))
        return catalog.cuts.record(cut)

    assert len({cut.boxes for cut in together(8, record)}) == 1


# --- images ---------------------------------------------------------------------------------------


def test_an_image_comes_back_as_it_was(catalog: Catalog) -> None:
    full = an_image(
        1, sample="s", depth_m=0.1, latitude=89.9, longitude=-179.9, pixel_size_um=3.45, live=True
    )
    bare = an_image(2, captured_at=None).model_copy(update={"box": None})
    catalog.images.upsert([full, bare])
    assert catalog.images.get([bare.image_id, "unknown", full.image_id]) == {
        full.image_id: full,
        bare.image_id: bare,
    }


def test_embedding_again_keeps_the_naming_and_when_it_was_first_indexed(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.labels.apply(asked(images[0]))
    labelled = catalog.images.get([images[0].image_id])[images[0].image_id]
    later = images[0].model_copy(update={"encoder": "enc-2", "indexed_at": NOON + timedelta(1)})
    catalog.images.upsert([later, images[1]])
    again = catalog.images.get([images[0].image_id])[images[0].image_id]
    assert again == labelled.model_copy(update={"encoder": "enc-2"})
    assert catalog.images.count() == 5


def test_an_image_says_who_embedded_it_last(catalog: Catalog, images: list[Image]) -> None:
    ids = [image.image_id for image in images]
    catalog.images.set_encoder(ids[3:] + ids[:1], "enc-2")
    catalog.images.set_encoder([], "enc-3")
    found = catalog.images.get(ids)
    assert [found[i].encoder for i in ids] == ["enc-2", "enc-1", "enc-1", "enc-2", "enc-2"]


def test_ten_thousand_images_are_one_statement(catalog: Catalog) -> None:
    images = [an_image(n) for n in range(10_000)]
    catalog.images.upsert(images)
    statements = []
    sa.event.listen(catalog.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    found = catalog.images.get([image.image_id for image in images])
    assert len(found) == 10_000
    assert len([text for text in statements if "SELECT" in text]) == 1


@pytest.mark.parametrize("rows_at_one_moment", [False, True])
def test_pages_have_no_gap_and_no_double_while_images_are_added(
    catalog: Catalog, *, rows_at_one_moment: bool
) -> None:
    images = [an_image(n) for n in range(12)]
    if rows_at_one_moment:  # one batch of the embed worker
        images = [image.model_copy(update={"indexed_at": NOON}) for image in images]
    catalog.images.upsert(images)
    seen: list[Image] = []
    cursor = None
    for number in range(100, 110):
        page = catalog.images.page(limit=7, cursor=cursor)
        seen += page.images
        catalog.images.upsert([an_image(number)])  # last indexed: before the first page
        if (cursor := page.next_cursor) is None:
            break
    newest_first = sorted(images, key=lambda i: (i.indexed_at, i.image_id), reverse=True)
    assert [image.image_id for image in seen] == [image.image_id for image in newest_first]


def test_pages_and_counts_follow_the_filter_as_the_reference_does(catalog: Catalog) -> None:
    images = [
        an_image(
            n, camera=f"cam-{n % 2}", sample="s" if n % 3 else None,
            depth_m=None if n % 5 == 0 else n,
            captured_at=None if n % 4 == 0 else NOON + timedelta(seconds=n),
            project="tara" if n % 2 else None, instrument=None if n % 3 else "UVP 6",
            latitude=None if n % 6 == 0 else n, longitude=None if n % 6 == 0 else 9 * n - 180,
        )
        for n in range(40)
    ]  # fmt: skip
    catalog.images.upsert(images)
    catalog.labels.apply(asked(*images[:10]))
    catalog.labels.apply(asked(*images[5:8], taxon="diatom", state=LabelState.DUBIOUS))
    known = list(catalog.images.get([image.image_id for image in images]).values())
    for where in (
        ImageFilter(camera="cam-1"), ImageFilter(sample="s"), ImageFilter(taxon="copepod"),
        ImageFilter(state=LabelState.UNLABELLED), ImageFilter(after=NOON + timedelta(seconds=9)),
        ImageFilter(before=NOON + timedelta(seconds=9)), ImageFilter(depth_min_m=7.0),
        ImageFilter(depth_max_m=7.0, camera="cam-0"),
        ImageFilter(state=LabelState.DUBIOUS, taxon="diatom", before=NOON + timedelta(seconds=7)),
        ImageFilter(project="tara"), ImageFilter(instrument="UVP 6", project="tara"),
        ImageFilter(latitude_min=3, latitude_max=20), ImageFilter(longitude_max=0.0),
        ImageFilter(longitude_min=-10, longitude_max=90), ImageFilter(longitude_min=90),
        ImageFilter(longitude_min=150, longitude_max=-150),
    ):  # fmt: skip
        expected = {image.image_id for image in known if where.matches(image)}
        assert {i.image_id for i in catalog.images.page(where).images} == expected, where
        assert catalog.images.count(where) == len(expected) > 0, where


@pytest.mark.parametrize("cursor", ["x", "", "1", "99999999999999999999999-A", "-1-A", "1-\0"])
def test_a_cursor_that_no_page_gave_is_rejected_or_finds_nothing(
    catalog: Catalog, cursor: str
) -> None:
    catalog.images.upsert([an_image(n) for n in range(5)])
    try:
        assert catalog.images.page(cursor=cursor).images == []
    except RejectedError as error:
        assert error.args  # noqa: PT017


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_of_an_impossible_size_is_rejected(catalog: Catalog, limit: int) -> None:
    with pytest.raises(RejectedError, match="limit"):
        catalog.images.page(limit=limit)


def test_ids_cameras_and_latencies(catalog: Catalog) -> None:
    at = NOON + timedelta(seconds=2.5)
    live = [an_image(n, live=True, camera=f"c{n}") for n in range(3)]
    others = [an_image(3), an_image(4, live=True, captured_at=None)]
    batch = [image.model_copy(update={"indexed_at": at}) for image in [*live, *others]]
    catalog.images.upsert(batch)
    assert list(catalog.images.ids()) == sorted(image.image_id for image in batch)
    assert catalog.images.cameras() == ["c0", "c1", "c2", "cam-1"]
    assert catalog.images.latencies_s(NOON) == [0.5, 1.5, 2.5]
    assert catalog.images.latencies_s(at + timedelta(seconds=1)) == []


# --- labels ---------------------------------------------------------------------------------------


def test_a_label_names_images_and_says_so_in_the_outbox(
    catalog: Catalog, images: list[Image]
) -> None:
    action = catalog.labels.apply(asked(*images[:2], why="antennae"))
    assert naming(catalog, images[0]) == named("copepod")
    assert catalog.labels.history(images[1].image_id) == [action.labels[1]]
    assert catalog.images.count_labelled() == 2
    first, second = events(catalog)
    assert isinstance(first, LabelApplied)
    assert (first.image_id, second.image_id) == (images[0].image_id, images[1].image_id)
    assert (first.before, first.after, first.version) == (Naming(), named("copepod"), 1)
    assert (first.action_id, first.label_id) == (action.action_id, action.labels[0].label_id)
    assert (first.who, first.why, first.capture) == ("ann", "antennae", images[0].capture)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"image_ids": ("01ARZ3NDEKTSV4RRFFQ69G5FAV",)}, NotFoundError),
        ({"taxon": "unicorn"}, RejectedError),
        ({"taxon": "nul\0"}, RejectedError),
        ({"state": LabelState.UNLABELLED}, RejectedError),
        ({"image_ids": ()}, RejectedError),
        ({"why": "half a surrogate \ud800"}, RejectedError),
        ({"who": "\ud800"}, RejectedError),
    ],
)
def test_a_request_is_done_whole_or_not_at_all(
    catalog: Catalog, images: list[Image], wrong: dict[str, Any], error: type[Exception]
) -> None:
    if wrong.get("image_ids"):
        wrong = {"image_ids": (images[0].image_id, *wrong["image_ids"])}
    with pytest.raises(error):
        catalog.labels.apply(asked(images[0], **wrong))
    assert naming(catalog, images[0]) == Naming()
    assert catalog.labels.history(images[0].image_id) == []
    assert catalog.outbox.count() == 0


def test_an_image_named_twice_in_a_request_gets_one_label(
    catalog: Catalog, images: list[Image]
) -> None:
    assert len(catalog.labels.apply(asked(images[0], images[0])).labels) == 1
    assert catalog.outbox.count() == 1


def test_a_transaction_that_fails_leaves_no_event(catalog: Catalog, images: list[Image]) -> None:
    """Every step before the last one was done, the outbox row among them."""

    def fail(*arguments: Any) -> None:
        if "INSERT INTO outbox" in arguments[2]:
            raise RuntimeError("power cut")

    sa.event.listen(catalog.engine, "after_cursor_execute", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        catalog.labels.apply(asked(images[0]))
    sa.event.remove(catalog.engine, "after_cursor_execute", fail)
    assert catalog.outbox.count() == 0
    assert naming(catalog, images[0]) == Naming()
    assert catalog.labels.history(images[0].image_id) == []


def test_a_repeated_request_is_done_once(catalog: Catalog, images: list[Image]) -> None:
    first = catalog.labels.apply(asked(*images, idempotency_key="k"))
    assert catalog.labels.apply(asked(*images, idempotency_key="k")) == first
    assert catalog.outbox.count() == 5
    with pytest.raises(RejectedError, match="Idempotency-Key"):
        catalog.labels.apply(asked(*images, taxon="diatom", idempotency_key="k"))
    assert catalog.labels.apply(asked(*images)) != first


def test_the_same_request_at_the_same_moment_is_done_once(
    catalog: Catalog, images: list[Image]
) -> None:
    request = asked(*images, idempotency_key="k")
    actions = together(8, lambda _: catalog.labels.apply(request))
    assert all(action == actions[0] for action in actions)
    assert catalog.outbox.count() == 5


def test_one_key_for_two_requests_at_the_same_moment_does_one(
    catalog: Catalog, images: list[Image]
) -> None:
    def label(number: int) -> str:
        try:
            catalog.labels.apply(asked(images[number], idempotency_key="k"))
        except RejectedError:
            return "rejected"
        return "done"

    assert sorted(together(4, label)) == ["done", "rejected", "rejected", "rejected"]
    assert catalog.outbox.count() == 1


def test_taking_a_label_back_restores_the_one_before(catalog: Catalog, images: list[Image]) -> None:
    image = images[0]
    first = catalog.labels.apply(asked(image)).labels[0]
    second = catalog.labels.apply(asked(image, taxon="diatom", state=LabelState.DUBIOUS)).labels[0]
    (now,) = catalog.labels.retract(second.label_id, who="bob")
    assert (now.naming, now.label_id, now.label_version) == (named("copepod"), first.label_id, 3)
    (now,) = catalog.labels.retract(first.label_id, who="bob")
    assert (now.naming, now.label_id, now.label_version) == (Naming(), None, 4)
    retracted = events(catalog)[-1]
    assert isinstance(retracted, LabelRetracted)
    assert (retracted.before, retracted.after, retracted.who) == (named("copepod"), Naming(), "bob")
    assert [label.retracted_by for label in catalog.labels.history(image.image_id)] == ["bob"] * 2


def test_taking_an_older_label_back_leaves_the_current_one(
    catalog: Catalog, images: list[Image]
) -> None:
    older = catalog.labels.apply(asked(images[0])).labels[0]
    current = catalog.labels.apply(asked(images[0], taxon="diatom")).labels[0]
    (now,) = catalog.labels.retract(older.label_id, who="bob")
    assert (now.naming, now.label_id) == (named("diatom"), current.label_id)
    assert events(catalog)[-1].taxon == "copepod"
    (now,) = catalog.labels.retract(current.label_id, who="bob")
    assert now.naming == Naming()


def test_taking_a_label_back_twice_is_once(catalog: Catalog, images: list[Image]) -> None:
    label = catalog.labels.apply(asked(images[0])).labels[0]
    (once,) = catalog.labels.retract(label.label_id, who="ann")
    (twice,) = catalog.labels.retract(label.label_id, who="bob")
    assert once == twice
    assert catalog.outbox.count() == 2
    assert catalog.labels.history(images[0].image_id)[0].retracted_by == "ann"


def test_taking_an_action_back_takes_its_labels_back_those_gone_excepted(
    catalog: Catalog, images: list[Image]
) -> None:
    action = catalog.labels.apply(asked(*images[:3]))
    catalog.labels.retract(action.labels[0].label_id, who="ann")
    catalog.labels.apply(asked(images[1], taxon="diatom"))
    now = catalog.labels.retract_action(action.action_id, who="bob")
    names = {image.image_id: image.naming for image in now}
    assert names == {
        images[0].image_id: Naming(),
        images[1].image_id: named("diatom"),
        images[2].image_id: Naming(),
    }
    assert len([e for e in events(catalog) if isinstance(e, LabelRetracted)]) == 3


def test_what_is_not_there_cannot_be_taken_back(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="label"):
        catalog.labels.retract("nobody", who="ann")
    with pytest.raises(NotFoundError, match="action"):
        catalog.labels.retract_action("nobody", who="ann")


def test_many_people_label_the_same_images_at_once(catalog: Catalog, images: list[Image]) -> None:
    """Versions rise by one per image, the outbox has them in order, and nobody sees a lock."""
    taxa = ("copepod", "diatom", "egg", "salp", "bubble", "fibre")

    def label(number: int) -> None:
        for _ in range(5):
            chosen = images if number % 2 else images[::-1]
            action = catalog.labels.apply(asked(*chosen, taxon=taxa[number]))
            if number % 3 == 0:
                catalog.labels.retract_action(action.action_id, who="ann")

    together(6, label)
    for image in images:
        own = [event for event in events(catalog) if event.image_id == image.image_id]
        assert [event.version for event in own] == list(range(1, 5 * (6 + 2) + 1))
        assert all(a.after == b.before for a, b in itertools.pairwise(own))
        assert naming(catalog, image) == own[-1].after


def test_embedding_and_labelling_at_once_wait_for_each_other(
    catalog: Catalog, images: list[Image]
) -> None:
    def work(number: int) -> None:
        for _ in range(10):
            if number % 2:
                catalog.images.upsert(images if number % 4 == 1 else images[::-1])
            else:
                catalog.labels.apply(asked(*images))

    together(6, work)
    assert {image.label_version for image in catalog.images.page().images} == {30}


# --- outbox, encoders, taxa -----------------------------------------------------------------------


def test_the_outbox_forgets_only_what_was_published(catalog: Catalog, images: list[Image]) -> None:
    catalog.labels.apply(asked(*images))
    oldest = catalog.outbox.waiting(2)
    assert [row.fact.image_id for row in oldest] == [image.image_id for image in images[:2]]
    assert catalog.outbox.waiting(2) == oldest, "reading changes nothing, ids included"
    catalog.outbox.remove(oldest)
    catalog.outbox.remove(oldest)
    assert catalog.outbox.count() == 3
    assert catalog.outbox.waiting(1)[0].fact.image_id == images[2].image_id


def test_one_relay_publishes(catalog: Catalog, url: str) -> None:
    other = Catalog(url)
    with catalog.outbox.sole_relay() as mine:
        assert mine
        if catalog.engine.dialect.name == "postgresql":
            with other.outbox.sole_relay() as theirs:
                assert not theirs
    with other.outbox.sole_relay() as theirs:
        assert theirs
    other.close()


def test_the_first_encoder_is_the_live_one(catalog: Catalog) -> None:
    assert catalog.encoders.live() is None
    assert catalog.encoders.claim("enc-1", 256).file == ""
    assert catalog.encoders.claim("enc-1", 256, spec("enc-1")).file == "enc-1.weights.h5"
    assert catalog.encoders.claim("enc-2", 128, spec("enc-2")).encoder == "enc-1"
    assert catalog.encoders.live() == ("enc-1", 256)
    assert [v.encoder for v in catalog.encoders.all()] == ["enc-1"]


def test_of_encoders_that_start_together_one_is_live(catalog: Catalog) -> None:
    winners = together(6, lambda n: catalog.encoders.claim(f"enc-{n}", 16).encoder)
    assert len(set(winners)) == 1
    assert catalog.encoders.live() == (winners[0], 16)


def spec(encoder: str) -> EncoderSpec:
    return EncoderSpec(name="net", file=f"{encoder}.weights.h5", source="x", identity={"a": [1]})


def publish(catalog: Catalog, encoder: str) -> EncoderVersion:
    return catalog.encoders.publish(encoder, 16, spec(encoder), who="ann")


def states(catalog: Catalog) -> dict[str, tuple[str, bool]]:
    return {v.encoder: (str(v.state), v.filling) for v in catalog.encoders.all()}


def test_a_version_is_filled_goes_live_and_can_be_rolled_back(catalog: Catalog) -> None:
    encoders = catalog.encoders
    encoders.claim("enc-1", 16, spec("enc-1"))
    new = publish(catalog, "enc-2")
    assert (new.identity, new.who, new.live_since) == ({"a": [1]}, "ann", None)
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("candidate", True)}
    encoders.finish("enc-2")
    assert states(catalog) == {"enc-1": ("previous", False), "enc-2": ("live", False)}
    assert encoders.roll_back(at_once=False).encoder == "enc-1"
    assert states(catalog) == {"enc-1": ("previous", True), "enc-2": ("live", False)}
    encoders.finish("enc-1")
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("previous", False)}
    assert encoders.roll_back(at_once=True).live_since is not None
    assert states(catalog) == {"enc-1": ("previous", False), "enc-2": ("live", True)}
    encoders.finish("enc-2")
    publish(catalog, "enc-3")
    encoders.finish("enc-3")
    assert states(catalog)["enc-1"] == ("retired", False)
    assert {v.encoder for v in encoders.kept()} == {"enc-2", "enc-3"}
    assert [v.encoder for v in encoders.to_drop()] == ["enc-1"]
    encoders.mark_dropped("enc-1")
    assert encoders.to_drop() == []


def test_a_version_that_is_not_filled_any_more_does_not_go_live(catalog: Catalog) -> None:
    catalog.encoders.claim("enc-1", 16)
    publish(catalog, "enc-2")
    catalog.encoders.abandon("no")
    catalog.encoders.finish("enc-2")
    catalog.encoders.fail("enc-2", "late")
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("abandoned", False)}
    catalog.encoders.mark_dropped("enc-2")
    publish(catalog, "enc-2")
    catalog.encoders.fail("enc-2", "no pixels")
    assert states(catalog)["enc-2"] == ("failed", False)
    assert catalog.encoders.all()[0].reason == "no pixels"


def test_what_can_not_be_published_or_rolled_back_is_said(catalog: Catalog) -> None:
    encoders = catalog.encoders
    for change in (lambda: publish(catalog, "enc-1"), encoders.repair):
        with pytest.raises(ConfigError, match="no version is live"):
            change()
    encoders.claim("enc-1", 16)
    with pytest.raises(ConfigError, match="no previous version"):
        encoders.roll_back(at_once=False)
    with pytest.raises(ConfigError, match="no version is being filled"):
        encoders.abandon("why")
    with pytest.raises(ConfigError, match="live already"):
        publish(catalog, "enc-1")
    publish(catalog, "enc-2")
    with pytest.raises(ConfigError, match=r"enc-2.*abandon"):
        publish(catalog, "enc-3")
    encoders.finish("enc-2")
    publish(catalog, "enc-3")
    with pytest.raises(ConfigError, match=r"enc-3.*abandon"):
        encoders.roll_back(at_once=True)
    with pytest.raises(ConfigError, match=r"enc-3.*abandon"):
        encoders.require_idle()
    encoders.abandon("why")
    encoders.require_idle()


def test_filling_the_live_version_can_be_stopped_and_taken_up_again(catalog: Catalog) -> None:
    encoders = catalog.encoders
    encoders.claim("enc-1", 16)
    publish(catalog, "enc-2")
    encoders.finish("enc-2")
    encoders.roll_back(at_once=True)
    with pytest.raises(ConfigError, match=r"enc-1.*live.*abandon"):
        publish(catalog, "enc-3")
    stopped = encoders.abandon("no time")
    assert (stopped.encoder, stopped.reason) == ("enc-1", "no time")
    assert states(catalog) == {"enc-1": ("live", False), "enc-2": ("previous", False)}
    assert encoders.repair().reason is None
    assert states(catalog)["enc-1"] == ("live", True)


def test_a_version_that_has_ended_is_published_again_once_its_vectors_are_gone(
    catalog: Catalog,
) -> None:
    encoders = catalog.encoders
    for name in ("enc-1", "enc-2", "enc-3"):
        if name == "enc-1":
            encoders.claim(name, 16)
        else:
            publish(catalog, name)
            encoders.finish(name)
    with pytest.raises(ConfigError, match=r"enc-1.*retired.*try again in a few seconds"):
        publish(catalog, "enc-1")
    encoders.mark_dropped("enc-1")
    again = publish(catalog, "enc-1")
    assert (again.state, again.live_since, again.dropped) == ("candidate", None, False)
    encoders.mark_dropped("enc-1")  # by a worker that comes late
    assert not next(v for v in encoders.all() if v.encoder == "enc-1").dropped
    encoders.abandon("no")
    assert [v.encoder for v in encoders.to_drop()] == ["enc-1"]
    assert publish(catalog, "enc-2").live_since is not None, "its vectors are there"


def test_a_version_is_given_up_or_goes_live_and_one_is_always_live(catalog: Catalog) -> None:
    catalog.encoders.claim("enc", 16)
    live = "enc"

    def change(number: int) -> None:
        if number % 2:
            catalog.encoders.finish(name)
        else:
            with contextlib.suppress(ConfigError):  # it was finished before
                catalog.encoders.abandon("no")

    for name in (f"enc-{number}" for number in range(12)):
        publish(catalog, name)
        together(4, change)
        found = states(catalog)
        assert found[name] in (("live", False), ("abandoned", False))
        live = name if found[name][0] == "live" else live
        assert [e for e, (state, _) in found.items() if state == "live"] == [live]


def test_workers_that_finish_a_version_at_once_keep_the_one_to_go_back_to(
    catalog: Catalog,
) -> None:
    catalog.encoders.claim("enc", 16)
    before = "enc"
    for name in (f"enc-{number}" for number in range(12)):
        publish(catalog, name)
        together(4, lambda _, name=name: catalog.encoders.finish(name))
        assert states(catalog)[name] == ("live", False)
        assert states(catalog)[before] == ("previous", False)
        before = name


def test_of_versions_that_are_published_together_one_is_filled(catalog: Catalog) -> None:
    catalog.encoders.claim("enc", 16)

    def attempt(number: int) -> str:
        try:
            return publish(catalog, f"enc-{number}").encoder
        except ConfigError:
            return ""

    winners = [name for name in together(6, attempt) if name]
    assert len(winners) == 1
    assert states(catalog) == {"enc": ("live", False), winners[0]: ("candidate", True)}


def test_images_that_a_version_can_not_have_are_remembered_until_it_is_tried_again(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.encoders.claim("enc-1", 16)
    lost = {image.image_id: "no bytes" for image in images[:2]}
    catalog.encoders.record_failures("enc-1", lost)
    catalog.encoders.record_failures("enc-1", lost)
    catalog.encoders.report("enc-1", done=3, total=5, images_per_s=1.5)
    assert catalog.encoders.failures("enc-1", [image.image_id for image in images]) == lost
    (version,) = catalog.encoders.all()
    assert (version.failed, version.done, version.total, version.images_per_s) == (2, 3, 5, 1.5)
    assert catalog.encoders.repair().filling
    assert catalog.encoders.failures("enc-1", list(lost)) == {}


def test_the_live_encoder_of_the_first_schema_stays_live(empty_url: str) -> None:
    upgrade(empty_url)
    config = Config()
    config.set_main_option("script_location", str(Path(sql.__file__).parent / "migrations"))
    engine = sa.create_engine(empty_url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    with engine.begin() as connection:
        row = "('enc-1', 256, 1, true)"
        connection.execute(sa.text(f"INSERT INTO encoders VALUES {row}"))
    engine.dispose()
    upgrade(empty_url)
    catalog = Catalog(empty_url)
    assert catalog.encoders.live() == ("enc-1", 256)
    assert catalog.encoders.claim("enc-1", 256, spec("enc-1")).name == "net"
    catalog.close()


def test_a_taxon_is_added_once_and_needs_its_parent(catalog: Catalog) -> None:
    new = Taxon(key="oithona", name="Oithona", rank="genus", parent="copepod_cyclopoid")
    assert catalog.taxa.add(new) == new
    assert catalog.taxa.add(new) == new
    assert new in catalog.taxa.all()
    with pytest.raises(RejectedError, match="another key"):
        catalog.taxa.add(new.model_copy(update={"name": "Oithonidae"}))
    with pytest.raises(RejectedError, match="add it first"):
        catalog.taxa.add(Taxon(key="x", name="X", parent="nobody"))


EARLIER = GivenName(taxon="Calanoida<Copepoda", who="Ann", origin="EcoTaxa", at=NOON)


def test_all_that_is_known_of_an_image_comes_back(catalog: Catalog) -> None:
    image = an_image(
        1, project="tara", instrument="UVP 6", sample="s", volume_ml=0.7, source_file="a/b.zip",
        latitude=1.0, longitude=2.0,
    )  # fmt: skip
    extra = {"area": 12.5, "ship": "Tara", "n": 3, "good": True}
    image = image.model_copy(update={"extra": extra})
    catalog.images.upsert([image])
    assert catalog.images.get([image.image_id]) == {image.image_id: image}


def test_a_name_that_an_image_came_with_becomes_a_label_and_an_event(
    catalog: Catalog, images: list[Image]
) -> None:
    catalog.given_names.adopt({images[0].image_id: EARLIER, new_id(): EARLIER})
    assert naming(catalog, images[0]) == named("calanoida-copepoda")
    (event,) = events(catalog)
    assert (event.image_id, event.who) == (images[0].image_id, "Ann")
    assert event.why == "import: EcoTaxa, 2024-05-01T12:00:00Z"
    (made,) = [taxon for taxon in catalog.taxa.all() if taxon.key == "calanoida-copepoda"]
    assert made.name == "Calanoida<Copepoda"


def test_a_name_finds_the_taxon_that_has_it(catalog: Catalog, images: list[Image]) -> None:
    names = ["copepoda", "COPEPOD", "detritus", "artefact<not-living"]
    ids = [image.image_id for image in images]
    given = [EARLIER.model_copy(update={"taxon": name}) for name in names]
    catalog.given_names.adopt(dict(zip(ids, given, strict=False)))
    expected = ["copepod", "copepod", "detritus", "artefact-not-living"]
    assert [naming(catalog, image).taxon for image in images[:4]] == expected
    kinds = {taxon.key: taxon.kind for taxon in catalog.taxa.all()}
    assert kinds["artefact-not-living"] == "non-living"


def test_a_predicted_name_is_a_machine_s(catalog: Catalog, images: list[Image]) -> None:
    name = EARLIER.model_copy(update={"state": LabelState.PREDICTED, "who": None})
    catalog.given_names.adopt({images[0].image_id: name})
    (label,) = catalog.labels.history(images[0].image_id)
    assert (label.source, label.who, label.state) == ("machine", "EcoTaxa", LabelState.PREDICTED)


def test_what_was_said_here_stands_and_a_replay_brings_nothing_back(
    catalog: Catalog, images: list[Image]
) -> None:
    fresh, taken_back, corrected = (image.image_id for image in images[:3])
    given = dict.fromkeys((fresh, taken_back, corrected), EARLIER)
    catalog.given_names.adopt(given)
    (label,) = catalog.labels.history(taken_back)
    catalog.labels.retract(label.label_id, who="bea")
    catalog.labels.apply(asked(images[2], taxon="diatom"))
    before = len(events(catalog))
    catalog.given_names.adopt(given)
    assert len(events(catalog)) == before
    assert naming(catalog, images[1]) == Naming()
    later = EARLIER.model_copy(update={"taxon": "Salpida"})
    catalog.given_names.adopt(dict.fromkeys(given, later))
    assert naming(catalog, images[0]) == named("salp"), "a corrected import replaces an import"
    assert naming(catalog, images[2]) == named("diatom"), "what was said here stands"
    catalog.given_names.adopt(given)
    assert naming(catalog, images[0]) == named("salp"), "the older record of the log came again"


def test_labels_by_id(catalog: Catalog, images: list[Image]) -> None:
    done = catalog.labels.apply(asked(*images[:2]))
    ids = [label.label_id for label in done.labels]
    assert catalog.labels.get([*ids, new_id()]) == {label.label_id: label for label in done.labels}
    assert catalog.labels.get([]) == {}
