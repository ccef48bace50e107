"""Labels that were asked for by somebody who had not seen the last name of an image."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks
from plankton_stream.adapters.sql.schema import labels
from plankton_stream.domain import Image, ImageId, LabelState, Record, Slug, UtcTime
from plankton_stream.errors import ConflictError


class NamedMeanwhile(Record):
    """What an image is called by now, and by whom."""

    image_id: ImageId
    version: int
    taxon: Slug | None
    state: LabelState
    who: str
    at: UtcTime


class StaleError(ConflictError):
    """Somebody named images after whoever asks had seen them; nothing was done.

    Attributes:
        meanwhile: the images, and what they are called by now.
    """

    def __init__(self, meanwhile: Sequence[NamedMeanwhile]) -> None:
        names = ", ".join(
            f"{one.image_id} is {one.taxon or 'unlabelled'} by {one.who}" for one in meanwhile[:3]
        )
        super().__init__(f"{len(meanwhile)} images were named by somebody else meanwhile: {names}")
        self.meanwhile = tuple(meanwhile)


def require_seen(
    connection: sa.Connection, found: Mapping[str, Image], seen: Mapping[str, int], asked: str
) -> None:
    """Refuse to rename images whose name changed after it was seen, unless to the same taxon.

    Args:
        connection: of the transaction that has locked the images.
        found: the images as they are called now.
        seen: versions of names, by image id; an image that is not in it is not checked.
        asked: the taxon that is about to be given.

    Raises:
        StaleError: some were named by somebody else.
    """
    stale = [
        image
        for image in found.values()
        if image.label_version > seen.get(image.image_id, image.label_version)
        and image.naming.taxon != asked
    ]
    if not stale:
        return
    last = _last_changes(connection, [image.image_id for image in stale])
    raise StaleError(
        [
            NamedMeanwhile(
                image_id=image.image_id, version=image.label_version, taxon=image.naming.taxon,
                state=image.naming.state, who=last[image.image_id][1], at=last[image.image_id][0],
            )
            for image in stale
        ]
    )  # fmt: skip


def _last_changes(connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[UtcTime, str]]:
    """When images were last given a name or had one taken back, and by whom."""
    last: dict[str, tuple[UtcTime, str]] = {}
    for chunk in in_chunks(ids):
        rows = connection.execute(sa.select(labels).where(labels.c.image_id.in_(chunk)))
        for row in rows:
            given = (row.at, row.who)
            change = (row.retracted_at, row.retracted_by) if row.retracted_at else given
            if row.image_id not in last or change[0] >= last[row.image_id][0]:
                last[row.image_id] = change
    return last
