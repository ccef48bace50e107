"""Deleting a sample from the catalog, step by step, and the record of it.

Recording comes first: from then on no worker indexes anything of the sample. Rows go last, in
batches: while an image has its row, a deletion that was broken off can find it again.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import reading, writing
from plankton_stream.adapters.sql.labels import retract_all
from plankton_stream.adapters.sql.schema import (
    deletions,
    disputes,
    frames,
    images,
    labels,
    map_points,
    not_embedded,
    opinions,
    outbox,
    predictions,
    reference_images,
    rejections,
    samples,
)
from plankton_stream.adapters.sql.walks import Scope, sample_of_frame
from plankton_stream.domain import Image, new_id
from plankton_stream.events.envelope import now
from plankton_stream.events.facts import ImageDeleted
from plankton_stream.samples import DeletedSamples, Deletion

_C = deletions.c


class Deletions:
    """Samples that were deleted, or are being deleted."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self, scope: Scope, *, who: str, why: str | None) -> Deletion:
        """Record that a sample is being deleted; one that was broken off is gone on with.

        A deletion that has ended is begun anew: something may have slipped in before it.
        """
        camera = _C.camera.is_(None) if scope.camera is None else _C.camera == scope.camera
        same = sa.and_(_C.sample == scope.sample, camera, _C.ended_at.is_(None))
        with writing(self._engine) as connection:
            row = connection.execute(sa.select(deletions).where(same)).first()
            if row is not None:
                return _deletion(row)
            new = Deletion(
                deletion_id=new_id(), sample=scope.sample or "", camera=scope.camera, who=who,
                why=why, at=now(), ended_at=None, frames=0, images=0, labels=0, image_bytes=0,
            )  # fmt: skip
            connection.execute(deletions.insert().values(new.model_dump()))
            return new

    def all(self) -> list[Deletion]:
        """All deletions, the first one first."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(deletions).order_by(_C.at, _C.deletion_id))
            return [_deletion(row) for row in rows]

    def deleted(self) -> DeletedSamples:
        """What must not be indexed again; a small query, made for every batch."""
        query = sa.select(_C.sample, _C.camera).distinct()
        with reading(self._engine) as connection:
            pairs = frozenset((row.sample, row.camera) for row in connection.execute(query))
        return DeletedSamples(pairs)

    def forget_images(
        self, ids: Sequence[str], *, who: str, why: str | None, deletion_id: str | None = None
    ) -> None:
        """Delete images with their labels, and say so through the outbox, in one transaction.

        Labels that hold are taken back first, so that whoever counts them counts them down.

        Args:
            ids: of images whose bytes and vectors are deleted already; those that have no row any
                more are skipped.
            who: deleted them.
            why: for a person.
            deletion_id: the deletion that counts them.
        """
        with writing(self._engine) as connection:
            found = retract_all(connection, ids, who=who)
            if not found:
                return
            ids = sorted(found)
            labelled = connection.execute(labels.delete().where(labels.c.image_id.in_(ids)))
            for told in (
                map_points, not_embedded, predictions, rejections, opinions, disputes,
                reference_images,
            ):  # fmt: skip
                connection.execute(told.delete().where(told.c.image_id.in_(ids)))
            connection.execute(images.delete().where(images.c.image_id.in_(ids)))
            connection.execute(outbox.insert(), [_event(i, who, why) for i in found.values()])
            if deletion_id is not None:
                _count(
                    connection, deletion_id, images=len(ids), labels=labelled.rowcount,
                    image_bytes=sum(image.byte_size for image in found.values()),
                )  # fmt: skip

    def forget_frames(self, deletion: Deletion) -> None:
        """Delete the outcomes of a sample's frames."""
        conditions = [sample_of_frame == deletion.sample]
        if deletion.camera is not None:
            conditions.append(frames.c.camera == deletion.camera)
        with writing(self._engine) as connection:
            gone = connection.execute(frames.delete().where(*conditions))
            _count(connection, deletion.deletion_id, frames=gone.rowcount)

    def end(self, deletion: Deletion) -> Deletion:
        """Record that nothing of the sample is left, with the counts."""
        same = _C.deletion_id == deletion.deletion_id
        with writing(self._engine) as connection:
            connection.execute(deletions.update().where(same).values(ended_at=now()))
            if deletion.camera is None:
                connection.execute(samples.delete().where(samples.c.sample == deletion.sample))
            return _deletion(connection.execute(sa.select(deletions).where(same)).one())


def _count(connection: sa.Connection, deletion_id: str, **more: int) -> None:
    values = {name: _C[name] + count for name, count in more.items()}
    connection.execute(deletions.update().where(_C.deletion_id == deletion_id).values(values))


def _event(image: Image, who: str, why: str | None) -> dict[str, Any]:
    fact = ImageDeleted(
        image_id=image.image_id, capture=image.capture, frame_key=image.frame_key,
        who=who, why=why, at=now(),
    )  # fmt: skip
    return {"event_id": new_id(), "event_type": fact.event_type, "fact": fact.model_dump_json()}


def _deletion(row: Any) -> Deletion:
    return Deletion.model_validate(row._asdict())
