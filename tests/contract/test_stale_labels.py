"""Labels of somebody who has not seen what an image is called by now."""

from collections.abc import Sequence

import pytest

from plankton_stream.adapters.sql import Catalog, StaleError
from plankton_stream.domain import Image
from tests.contract.conftest import asked, events, naming


def seen(*images: Image, version: int = 0) -> dict[str, int]:
    return {image.image_id: version for image in images}


def test_a_name_that_was_not_seen_is_not_overwritten(
    catalog: Catalog, images: Sequence[Image]
) -> None:
    one, two, three = images[:3]
    catalog.labels.apply(asked(one, two, who="ben", taxon="egg"))
    catalog.labels.retract_action(
        catalog.labels.apply(asked(two, who="eve", taxon="diatom")).action_id, who="eve"
    )
    before = len(events(catalog))
    with pytest.raises(StaleError, match="2 images were named by somebody else") as caught:
        catalog.labels.apply(asked(one, two, three, seen=seen(one, two, three)))
    meanwhile = {it.image_id: (it.taxon, it.who, it.version) for it in caught.value.meanwhile}
    assert meanwhile == {one.image_id: ("egg", "ben", 1), two.image_id: ("egg", "eve", 3)}
    assert naming(catalog, three).taxon is None
    assert len(events(catalog)) == before
    done = catalog.labels.apply(asked(one, seen=seen(one, version=1)))
    assert done.versions == {one.image_id: 2}


def test_without_a_word_about_it_the_last_one_holds(
    catalog: Catalog, images: Sequence[Image]
) -> None:
    catalog.labels.apply(asked(images[0], who="ben", taxon="egg"))
    catalog.labels.apply(asked(images[0]))
    assert naming(catalog, images[0]).taxon == "copepod"


def test_who_gives_the_same_name_is_not_in_the_way(
    catalog: Catalog, images: Sequence[Image]
) -> None:
    catalog.labels.apply(asked(images[0], who="ben"))
    catalog.labels.apply(asked(images[0], seen=seen(images[0])))
    assert [label.who for label in catalog.labels.history(images[0].image_id)] == ["ben", "ann"]


def test_a_repeated_request_is_not_in_its_own_way(
    catalog: Catalog, images: Sequence[Image]
) -> None:
    request = asked(*images[:2], seen=seen(*images[:2]), idempotency_key="k")
    first = catalog.labels.apply(request)
    assert first.versions == {image.image_id: 1 for image in images[:2]}
    assert catalog.labels.apply(request) == first
    catalog.labels.apply(asked(images[1], who="ben", taxon="egg"))
    assert catalog.labels.apply(request).versions == {images[0].image_id: 1}
