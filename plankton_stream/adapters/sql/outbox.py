"""The outbox: events that were decided in a transaction and still have to be published."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks, reading, translated, writing
from plankton_stream.adapters.sql.schema import outbox
from plankton_stream.events.fact import Fact
from plankton_stream.events.facts import FACTS

_RELAY_LOCK = 0x706C616E6B  # any number that nobody else in the database uses: "plank"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event to publish; `event_id` stays the same when it is published twice."""

    sequence: int
    event_id: str
    fact: Fact


class Outbox:
    """Reads and clears what waits to be published.

    Rows of one image have ascending sequence numbers in the order of their transactions, because
    writers lock the image first. Across images commit order may differ from sequence order
    (PostgreSQL), so readers ask for what is there, never for "after the last I saw".
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def waiting(self, limit: int) -> list[OutboxRow]:
        """The oldest rows, in sequence."""
        query = sa.select(outbox).order_by(outbox.c.sequence).limit(limit)
        with reading(self._engine) as connection:
            return [
                OutboxRow(
                    row.sequence, row.event_id, FACTS[row.event_type].model_validate_json(row.fact)
                )
                for row in connection.execute(query)
            ]

    def remove(self, rows: Sequence[OutboxRow]) -> None:
        """Forget rows that are published for certain."""
        with writing(self._engine) as connection:
            for chunk in in_chunks([row.sequence for row in rows]):
                connection.execute(outbox.delete().where(outbox.c.sequence.in_(chunk)))

    def count(self) -> int:
        """Rows that wait."""
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(outbox)) or 0

    def sole_relay(self) -> AbstractContextManager[bool]:
        """Hold the right to publish; yields False while another relay holds it.

        On PostgreSQL an advisory lock that ends with its connection. SQLite serves one machine,
        where the local stack runs one relay.
        """
        return _SoleRelay(self._engine)


class _SoleRelay(AbstractContextManager[bool]):
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None

    def __enter__(self) -> bool:
        if self._engine.dialect.name != "postgresql":
            return True
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with translated(self._engine):
            self._connection = engine.connect()
            held = self._connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_RELAY_LOCK)))
        return bool(held)

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            # The lock ends with the session, not with the pool's checkout.
            self._connection.invalidate()
            self._connection.close()
