"""Images of known truth, handed out among others to measure people with."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, reading, writing
from plankton_stream.adapters.sql.labels import lock_images
from plankton_stream.adapters.sql.schema import reference_images
from plankton_stream.adapters.sql.taxon_rows import require_taxon
from plankton_stream.errors import NotFoundError
from plankton_stream.events.envelope import now
from plankton_stream.review.records import Reference


class References:
    """Marks images as references and lists them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, truths: Mapping[str, str], *, who: str, note: str | None = None) -> None:
        """Mark images, all or none; one that is a reference already gets the new truth.

        Args:
            truths: taxa by image id.
            who: knows it, and is never offered these images.
            note: for a person: how it is known.

        Raises:
            NotFoundError: an image is unknown.
            RejectedError: a taxon is unknown.
        """
        if not truths:
            return
        with writing(self._engine) as connection:
            missing = sorted(truths.keys() - lock_images(connection, list(truths)).keys())
            if missing:
                told = ", ".join(missing[:5])
                raise NotFoundError(f"unknown images: {told} ({len(missing)} in all)")
            for taxon in sorted(set(truths.values())):
                require_taxon(connection, taxon)
            statement = insert(connection, reference_images)
            renewed = {name: statement.excluded[name] for name in ("taxon", "who", "at", "note")}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["image_id"], set_=renewed),
                [
                    {"image_id": image_id, "taxon": taxon, "who": who, "at": now(), "note": note}
                    for image_id, taxon in sorted(truths.items())
                ],
            )

    def remove(self, ids: Sequence[str]) -> int:
        """Make images ordinary again: answers on them count no more. Harmless when repeated.

        Returns:
            How many were references.
        """
        which = reference_images.c.image_id.in_(ids)
        with writing(self._engine) as connection:
            return connection.execute(reference_images.delete().where(which)).rowcount

    def all(self) -> list[Reference]:
        """All references by taxon."""
        order = (reference_images.c.taxon, reference_images.c.image_id)
        query = sa.select(reference_images).order_by(*order)
        with reading(self._engine) as connection:
            return [Reference(**row) for row in connection.execute(query).mappings()]
