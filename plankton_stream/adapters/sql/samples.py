"""Samples, and the projects that hold them."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, reading, writing
from plankton_stream.adapters.sql.schema import images, projects, samples
from plankton_stream.domain import LabelState
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.events.envelope import now
from plankton_stream.ports import ImageFilter
from plankton_stream.samples import Project, Sample

MAX_SAMPLES = 10_000
"""Most samples that were put into projects and that a search names: they travel in its filter."""


class Samples:
    """Reads and describes samples; which images belong to one, their captures say."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create_project(self, project: Project) -> Project:
        """Add a project; adding the very same again changes nothing.

        Raises:
            RejectedError: its key belongs to another project.
        """
        with writing(self._engine) as connection:
            row = project.model_dump() | {"created_at": now()}
            connection.execute(insert(connection, projects).values(row).on_conflict_do_nothing())
            have = _project(connection, project.project)
        if have != project:
            raise RejectedError(
                f"project {project.project!r} exists with another name or note: choose another key"
            )
        return project

    def projects(self) -> list[Project]:
        """All projects by key."""
        query = sa.select(*_PROJECT).order_by(projects.c.project)
        with reading(self._engine) as connection:
            return [Project(**row) for row in connection.execute(query).mappings()]

    def assign(self, sample: str, project: str, *, name: str | None, note: str | None) -> None:
        """Put a sample into a project, out of the one before; it may have no images yet.

        Its images are of that project from then on, whatever their cameras said or say later.

        Raises:
            NotFoundError: there is no such project.
        """
        with writing(self._engine) as connection:
            if _project(connection, project) is None:
                raise NotFoundError(
                    f"there is no project {project!r}: `plankton project create {project}` first"
                )
            row = {"sample": sample, "name": name or sample, "project": project, "note": note}
            given = {"project": project, "name": name, "note": note}
            connection.execute(
                insert(connection, samples)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["sample"],
                    set_={key: value for key, value in given.items() if value is not None},
                )
            )
            # In ascending order, as `Labels` locks them: writers can't wait for each other.
            own = sa.select(images.c.image_id).where(images.c.sample == sample)
            connection.execute(own.order_by(images.c.image_id).with_for_update())
            connection.execute(
                images.update().where(images.c.sample == sample).values(project=project)
            )

    def resolved(self, where: ImageFilter) -> ImageFilter:
        """A filter as an index needs it: with the samples that were put into or out of its project.

        Raises:
            RejectedError: they are more than `MAX_SAMPLES`.
        """
        if where.project is None:
            return where
        c = samples.c
        query = sa.select(c.sample, c.project).where(c.project.is_not(None)).limit(MAX_SAMPLES + 1)
        with reading(self._engine) as connection:
            put = connection.execute(query).all()
        if len(put) > MAX_SAMPLES:
            raise RejectedError(
                f"more than {MAX_SAMPLES} samples were put into projects: ask by sample"
            )
        gained = frozenset(row.sample for row in put if row.project == where.project)
        lost = frozenset(row.sample for row in put) - gained
        return replace(where, project_gained=gained, project_lost=lost)

    def all(self, project: str | None = None) -> list[Sample]:
        """Samples by key, with what there is of each; those of a project, or all."""
        named = samples.c.sample.is_not(None)
        counted = _counted().subquery()
        both = sa.union(sa.select(samples.c.sample), sa.select(counted.c.sample)).subquery()
        query = (
            sa.select(both.c.sample, *_DESCRIBED, *_counts(counted))
            .select_from(
                both.outerjoin(samples, samples.c.sample == both.c.sample).outerjoin(
                    counted, counted.c.sample == both.c.sample
                )
            )
            .order_by(both.c.sample)
        )
        if project is not None:
            query = query.where(named, samples.c.project == project)
        with reading(self._engine) as connection:
            return [_sample(row) for row in connection.execute(query)]

    def get(self, sample: str) -> Sample:
        """A sample with what there is of it.

        Raises:
            NotFoundError: no image is of it, and nobody described it.
        """
        for found in self.all():
            if found.sample == sample:
                return found
        raise NotFoundError(f"there is no sample {sample!r}: `plankton sample list` names them")


_PROJECT = (projects.c.project, projects.c.name, projects.c.note)
_DESCRIBED = (samples.c.name, samples.c.project, samples.c.note)


def _project(connection: sa.Connection, key: str) -> Project | None:
    query = sa.select(*_PROJECT).where(projects.c.project == key)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Project(**row)


def _counted() -> Any:
    c = images.c
    labelled = sa.case((c.state == LabelState.UNLABELLED, 0), else_=1)
    return (
        sa.select(
            c.sample,
            sa.func.count().label("images"),
            sa.func.sum(labelled).label("labelled"),
            sa.func.sum(c.byte_size).label("image_bytes"),
        )
        .where(c.sample.is_not(None))
        .group_by(c.sample)
    )


def _counts(counted: Any) -> list[Any]:
    names = ("images", "labelled", "image_bytes")
    return [sa.func.coalesce(counted.c[name], 0).label(name) for name in names]


def _sample(row: Any) -> Sample:
    return Sample.model_validate({**row._asdict(), "name": row.name or row.sample})
