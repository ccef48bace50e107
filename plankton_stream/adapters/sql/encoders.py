"""Which encoder's vectors are searched: one row is live."""

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import insert, reading, writing
from plankton_stream.adapters.sql.schema import encoders
from plankton_stream.errors import ConfigError
from plankton_stream.events.envelope import now


class Encoders:
    """The encoder versions that this catalog knows."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def live(self) -> tuple[str, int] | None:
        """Id and dimension of the live encoder; None before the first embed worker has started."""
        query = sa.select(encoders.c.encoder, encoders.c.dimension).where(encoders.c.live)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.encoder, row.dimension)

    def claim(self, encoder: str, dimension: int) -> None:
        """Make an encoder the live one if there is none yet.

        Raises:
            ConfigError: another encoder is live; its vectors can't be compared with these.
        """
        row = {"encoder": encoder, "dimension": dimension, "registered_at": now(), "live": True}
        with writing(self._engine) as connection:
            # The index `uq_encoders_live` lets the first one in.
            connection.execute(insert(connection, encoders).values(row).on_conflict_do_nothing())
            live = connection.scalar(sa.select(encoders.c.encoder).where(encoders.c.live))
        if live != encoder:
            raise ConfigError(
                f"the images are indexed with encoder {live!r}, this worker has {encoder!r}: set "
                "PLANKTON_ENCODER and PLANKTON_ENCODER_WEIGHTS as before, or start with a fresh "
                "PLANKTON_HOME (or catalog) to index with another encoder"
            )
