"""Counts of labels and of named images, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image, LabelState
from plankton_stream.events.envelope import now
from plankton_stream.progress import Cell, Given, Named
from tests.contract.conftest import NOON, an_image, asked

HOUR = timedelta(hours=1)


def test_labels_are_counted_by_hour_and_person_without_those_taken_back(
    catalog: Catalog, images: list[Image]
) -> None:
    began = now()
    catalog.labels.apply(asked(*images[:3], who="ann"))
    catalog.labels.apply(asked(images[3], who="ben"))
    wrong = catalog.labels.apply(asked(*images, taxon="diatom_chain", who="ben"))
    catalog.labels.retract_action(wrong.action_id, who="ann")
    counted = catalog.progress.given(HOUR, after=began, before=now() + HOUR)
    totals: dict[str, int] = {}
    for one in counted:
        assert one.start.minute == one.start.second == 0
        totals[one.who] = totals.get(one.who, 0) + one.labels
    assert totals == {"ann": 3, "ben": 1}
    assert catalog.progress.given(HOUR, after=began - HOUR, before=began) == []


def test_bins_begin_at_whole_hours(catalog: Catalog, images: list[Image]) -> None:
    catalog.labels.apply(asked(images[0]))
    (one,) = catalog.progress.given(HOUR, after=NOON, before=now() + HOUR)
    assert one == Given(now().replace(minute=0, second=0, microsecond=0), "ann", 1)


def test_images_are_counted_by_camera_taxon_and_state(catalog: Catalog) -> None:
    some = [an_image(n, camera=f"cam-{n % 2}") for n in range(5)]
    catalog.images.upsert(some)
    catalog.labels.apply(asked(some[0]))
    catalog.labels.apply(asked(some[1], some[2], state=LabelState.DUBIOUS))
    assert sorted(catalog.progress.named(), key=str) == sorted(
        [
            Named("cam-0", "copepod", LabelState.VALIDATED, 1),
            Named("cam-0", "copepod", LabelState.DUBIOUS, 1),
            Named("cam-1", "copepod", LabelState.DUBIOUS, 1),
            Named("cam-0", None, LabelState.UNLABELLED, 1),
            Named("cam-1", None, LabelState.UNLABELLED, 1),
        ],
        key=str,
    )


def test_validated_images_are_spread_over_time_and_depth(catalog: Catalog) -> None:
    depths = [0.0, 9.99, 10.0, 149.0, None, 10.0]
    some = [
        an_image(n, captured_at=NOON + timedelta(hours=n), depth_m=depth)
        for n, depth in enumerate(depths)
    ]
    some.append(an_image(50, captured_at=None, depth_m=5.0))
    some.append(an_image(51, camera="cam-2", captured_at=NOON, depth_m=5.0))
    catalog.images.upsert(some)
    catalog.labels.apply(asked(*some[:5], *some[6:]))
    catalog.labels.apply(asked(some[5], taxon="diatom_chain"))
    spread = catalog.progress.spread(["copepod"], camera="cam-1")
    assert (spread.start, spread.column) == (NOON, timedelta(minutes=5))
    assert (spread.top_m, spread.row_m) == (0.0, 10.0)
    assert sorted(spread.cells, key=lambda cell: cell.column) == [
        Cell(0, 0, 1), Cell(12, 0, 1), Cell(24, 1, 1), Cell(36, 14, 1), Cell(48, None, 1),
    ]  # fmt: skip
    assert spread.without_time == 1
    both = catalog.progress.spread(["copepod", "diatom_chain"])
    assert sum(cell.images for cell in both.cells) == 7


@pytest.mark.parametrize("depth", [-12.0, 0.05, 11_999.0])
def test_depths_above_the_water_and_far_below_have_their_bin(
    catalog: Catalog, depth: float
) -> None:
    lone = an_image(0, depth_m=depth)
    catalog.images.upsert([lone])
    catalog.labels.apply(asked(lone))
    spread = catalog.progress.spread(["copepod"])
    assert spread.cells == [Cell(0, 0, 1)]
    assert spread.top_m is not None
    assert spread.top_m <= depth < spread.top_m + spread.row_m


def test_years_of_images_fit_into_few_columns(catalog: Catalog) -> None:
    times = [datetime(1950, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
    some = [an_image(n, captured_at=at) for n, at in enumerate(times)]
    catalog.images.upsert(some)
    catalog.labels.apply(asked(*some))
    spread = catalog.progress.spread(["copepod"])
    assert len(spread.cells) == 2
    assert max(cell.column for cell in spread.cells) <= 60


def test_nothing_named_is_nowhere(catalog: Catalog) -> None:
    assert catalog.progress.named() == []
    spread = catalog.progress.spread(["copepod"])
    assert (spread.start, spread.cells, spread.without_time) == (None, [], 0)
