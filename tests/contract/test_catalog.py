"""The catalog: its schema, frames and images; one suite over SQLite and PostgreSQL."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from plankton_stream.adapters import sql
from plankton_stream.adapters.sql import Catalog, schema, upgrade
from plankton_stream.domain import (
    Box,
    Capture,
    Cut,
    Image,
    LabelState,
    LeftOut,
)
from plankton_stream.errors import ConfigError, RejectedError, RetryableError
from plankton_stream.ports import ImageFilter
from tests.contract.conftest import NOON, an_image, asked, together

# --- schema ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # SQLite tells none of them
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


def test_all_that_is_known_of_an_image_comes_back(catalog: Catalog) -> None:
    image = an_image(
        1, project="tara", instrument="UVP 6", sample="s", volume_ml=0.7, source_file="a/b.zip",
        latitude=1.0, longitude=2.0,
    )  # fmt: skip
    extra = {"area": 12.5, "ship": "Tara", "n": 3, "good": True}
    image = image.model_copy(update={"extra": extra})
    catalog.images.upsert([image])
    assert catalog.images.get([image.image_id]) == {image.image_id: image}
