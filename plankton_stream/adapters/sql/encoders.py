"""Encoder versions: one is live, at most one is being filled. All changes are one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from plankton_stream.adapters.sql.engine import in_chunks, insert, reading, writing
from plankton_stream.adapters.sql.schema import encoders, not_embedded
from plankton_stream.errors import ConfigError
from plankton_stream.events.envelope import now
from plankton_stream.versions import ENDED, EncoderSpec, EncoderVersion, VersionState

_UNKNOWN = EncoderSpec()
_C = encoders.c
_LIVE = _C.state == VersionState.LIVE
_PREVIOUS = _C.state == VersionState.PREVIOUS


class Encoders:
    """The encoder versions that this catalog knows."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def live(self) -> tuple[str, int] | None:
        """Id and dimension of the live encoder; None before the first embed worker has started."""
        query = sa.select(_C.encoder, _C.dimension).where(_LIVE)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.encoder, row.dimension)

    def all(self) -> list[EncoderVersion]:
        """All versions, the last registered first, with their failures counted."""
        query = sa.select(not_embedded.c.encoder, sa.func.count()).group_by(not_embedded.c.encoder)
        with reading(self._engine) as connection:
            found = _select(connection, sa.true())
            failed = {row[0]: row[1] for row in connection.execute(query)}
        return [v.model_copy(update={"failed": failed.get(v.encoder, 0)}) for v in found]

    def kept(self) -> list[EncoderVersion]:
        """Live, previous, and the one that is being filled: those whose vectors exist."""
        with reading(self._engine) as connection:
            return _select(connection, _C.state.not_in(ENDED))

    def claim(
        self, encoder: str, dimension: int, spec: EncoderSpec = _UNKNOWN, *, who: str = ""
    ) -> EncoderVersion:
        """Make an encoder the live one if there is none yet.

        A live version whose file was never recorded gets it. Idempotent.

        Returns:
            The version that is live now: this one, or the one that was first.
        """
        row = _row(encoder, dimension, spec, who)
        first = row | {"state": VersionState.LIVE, "live_since": row["registered_at"]}
        with _changing(self._engine) as connection:
            # The index `uq_encoders_live` lets the first one in.
            connection.execute(insert(connection, encoders).values(first).on_conflict_do_nothing())
            if spec.file:
                same = sa.and_(_C.encoder == encoder, _C.file == "")
                connection.execute(encoders.update().where(same).values(spec.model_dump()))
            return _one(connection, _LIVE)

    def publish(
        self, encoder: str, dimension: int, spec: EncoderSpec, *, who: str
    ) -> EncoderVersion:
        """Begin to fill a version, which goes live when it has every image.

        Raises:
            ConfigError: another one is being filled, it is live already, nothing is live yet, or
                its vectors of an earlier time are still being dropped.
        """
        row = _row(encoder, dimension, spec, who)
        fresh = row | {"state": VersionState.CANDIDATE, "filling": True, "live_since": None}
        with _changing(self._engine) as connection:
            _require_idle(connection)
            if not _select(connection, _LIVE):
                raise ConfigError("no version is live yet: start `plankton up` first")
            for known in _select(connection, _C.encoder == encoder):
                _require_can_be_published(known)
                if known.state is VersionState.PREVIOUS:  # its vectors are there: a roll back
                    fresh |= {"state": known.state, "live_since": known.live_since}
            _forget_failures(connection, encoder)
            statement = insert(connection, encoders).values(fresh)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["encoder"], set_=fresh)
            )
            return _one(connection, _C.encoder == encoder)

    def require_idle(self) -> None:
        """Look whether a version may be published now, before the seconds that loading one takes.

        Raises:
            ConfigError: another one is being filled.
        """
        with reading(self._engine) as connection:
            _require_idle(connection)

    def roll_back(self, *, at_once: bool) -> EncoderVersion:
        """Begin to fill the previous version with the images that came since.

        Args:
            at_once: it goes live now and is filled afterwards; else when it has every image.

        Raises:
            ConfigError: there is no previous version, or another one is being filled.
        """
        with _changing(self._engine) as connection:
            found = _select(connection, _PREVIOUS)
            if not found:
                raise ConfigError("there is no previous version to go back to")
            (version,) = found
            if not version.filling:
                _require_idle(connection)
            _forget_failures(connection, version.encoder)
            fresh = {"filling": True, "done": 0, "total": 0, "images_per_s": None, "reason": None}
            _set(connection, version.encoder, **fresh)
            if at_once:
                _swap(connection, version)
            return _one(connection, _C.encoder == version.encoder)

    def repair(self) -> EncoderVersion:
        """Begin to fill the live version: images that it lacks, those that failed included.

        Raises:
            ConfigError: nothing is live, or another version is being filled.
        """
        with _changing(self._engine) as connection:
            _require_idle(connection)
            live = _select(connection, _LIVE)
            if not live:
                raise ConfigError("no version is live yet")
            _forget_failures(connection, live[0].encoder)
            _set(connection, live[0].encoder, filling=True, reason=None)
            return _one(connection, _LIVE)

    def finish(self, encoder: str) -> None:
        """A version has every image: it goes live, if it is not, and the live one stays at hand.

        Does nothing if it is no longer being filled.
        """
        with _changing(self._engine) as connection:
            found = _select(connection, sa.and_(_C.encoder == encoder, _C.filling))
            if not found:
                return
            if found[0].state is not VersionState.LIVE:
                _swap(connection, found[0])
            _set(connection, encoder, filling=False, images_per_s=None)

    def abandon(self, reason: str) -> EncoderVersion:
        """Stop filling; a candidate is given up, a previous or live version stays what it is.

        Raises:
            ConfigError: nothing is being filled.
        """
        with _changing(self._engine) as connection:
            found = _select(connection, _C.filling)
            if not found:
                raise ConfigError("no version is being filled")
            return _give_up(connection, found[0], VersionState.ABANDONED, reason)

    def fail(self, encoder: str, reason: str) -> None:
        """Give up a version that can't be filled. Nothing, if it is not being filled or is live."""
        with _changing(self._engine) as connection:
            which = sa.and_(_C.encoder == encoder, _C.filling, sa.not_(_LIVE))
            for version in _select(connection, which):
                _give_up(connection, version, VersionState.FAILED, reason)

    def report(self, encoder: str, *, done: int, total: int, images_per_s: float | None) -> None:
        """Write down how far a version is."""
        with writing(self._engine) as connection:
            _set(connection, encoder, done=done, total=total, images_per_s=images_per_s)

    def to_drop(self) -> list[EncoderVersion]:
        """Versions that have ended and whose vectors are still there."""
        which = sa.and_(_C.state.in_(ENDED), sa.not_(_C.dropped))
        with reading(self._engine) as connection:
            return _select(connection, which)

    def mark_dropped(self, encoder: str) -> None:
        """Write down that the vectors of a version that has ended are gone."""
        which = sa.and_(_C.encoder == encoder, _C.state.in_(ENDED))
        gone = encoders.update().where(which).values(dropped=True, done=0, total=0)
        with _changing(self._engine) as connection:
            connection.execute(gone)

    def record_failures(self, encoder: str, causes: Mapping[str, str]) -> None:
        """Write down images, by id, that a version can't have, and why; idempotent."""
        at = now()
        rows = [
            {"encoder": encoder, "image_id": image_id, "cause": cause, "at": at}
            for image_id, cause in sorted(causes.items())
        ]
        if rows:
            with writing(self._engine) as connection:
                statement = insert(connection, not_embedded)
                connection.execute(statement.on_conflict_do_nothing(), rows)

    def failures(self, encoder: str, ids: Sequence[str]) -> dict[str, str]:
        """Of these images those that a version can't have, with the cause."""
        f = not_embedded.c
        found: dict[str, str] = {}
        with reading(self._engine) as connection:
            for chunk in in_chunks(ids):
                query = sa.select(f.image_id, f.cause).where(
                    f.encoder == encoder, f.image_id.in_(chunk)
                )
                found |= {row.image_id: row.cause for row in connection.execute(query)}
        return found


@contextmanager
def _changing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that changes versions, one at a time: what it reads holds until its end.

    PostgreSQL's READ COMMITTED lets two transactions decide by the same rows; who is second waits
    here, and then reads what the first one left. SQLite's writers wait for each other anyway.

    Raises:
        ConfigError: another one was registered at this moment.
    """
    try:
        with writing(engine) as connection:
            # Images that refer to a version may be written down meanwhile: hence `key_share`.
            every = sa.select(_C.encoder).order_by(_C.encoder)
            connection.execute(every.with_for_update(key_share=True))
            yield connection
    except IntegrityError as error:  # rows that were not there to be locked: `uq_encoders_…`
        raise ConfigError("another version was published at this moment: try again") from error


def _row(encoder: str, dimension: int, spec: EncoderSpec, who: str) -> dict[str, Any]:
    return spec.model_dump() | {
        "encoder": encoder, "dimension": dimension, "filling": False, "registered_at": now(),
        "who": who, "done": 0, "total": 0, "images_per_s": None, "reason": None, "dropped": False,
    }  # fmt: skip


def _select(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[EncoderVersion]:
    query = sa.select(encoders).where(which).order_by(_C.registered_at.desc(), _C.encoder)
    return [EncoderVersion.model_validate(row._asdict()) for row in connection.execute(query)]


def _one(connection: sa.Connection, which: sa.ColumnElement[bool]) -> EncoderVersion:
    (version,) = _select(connection, which)
    return version


def _set(connection: sa.Connection, encoder: str, **values: Any) -> None:
    connection.execute(encoders.update().where(_C.encoder == encoder).values(values))


def _swap(connection: sa.Connection, version: EncoderVersion) -> None:
    """Make a version live and the live one the previous; the one before that is retired."""
    others = sa.and_(_PREVIOUS, _C.encoder != version.encoder)
    connection.execute(encoders.update().where(others).values(state=VersionState.RETIRED))
    connection.execute(encoders.update().where(_LIVE).values(state=VersionState.PREVIOUS))
    _set(connection, version.encoder, state=VersionState.LIVE, live_since=now())


def _give_up(
    connection: sa.Connection, version: EncoderVersion, state: VersionState, reason: str
) -> EncoderVersion:
    if version.state is not VersionState.CANDIDATE:
        state = version.state
    values = {"state": state, "filling": False, "images_per_s": None, "reason": reason}
    _set(connection, version.encoder, **values)
    return _one(connection, _C.encoder == version.encoder)


def _forget_failures(connection: sa.Connection, encoder: str) -> None:
    connection.execute(not_embedded.delete().where(not_embedded.c.encoder == encoder))


def _require_idle(connection: sa.Connection) -> None:
    for version in _select(connection, _C.filling):
        raise ConfigError(
            f"encoder {version.encoder!r} ({version.state}) is being filled ({version.done:,} of "
            f"{version.total:,} images): wait for it (`plankton encoder status`), or stop it with "
            "`plankton encoder abandon`"
        )


def _require_can_be_published(known: EncoderVersion) -> None:
    if known.state is VersionState.LIVE:
        raise ConfigError(f"encoder {known.encoder!r} is live already: there is nothing to publish")
    if known.state in ENDED and not known.dropped:
        raise ConfigError(
            f"the vectors of encoder {known.encoder!r} ({known.state}) are still being dropped: "
            "try again in a few seconds (`plankton worker versions` has to run)"
        )
