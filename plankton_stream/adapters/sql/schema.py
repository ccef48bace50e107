"""Tables of the catalog, on SQLite and PostgreSQL; made by Alembic, see `migrations`."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from plankton_stream.domain import from_microseconds, to_microseconds

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(sa.types.TypeDecorator[datetime]):
    """A moment as microseconds since 1970 UTC: exact, sortable, the same on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Microseconds of a timezone-aware time."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The time of a number of microseconds."""
        return None if value is None else from_microseconds(value)


_sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up INTEGER keys only

frames = sa.Table(
    "frames",
    metadata,
    sa.Column("camera", sa.String(64), primary_key=True),
    sa.Column("frame_key", sa.String(1024), primary_key=True),
    sa.Column("capture", sa.JSON, nullable=False),
    sa.Column("boxes", sa.JSON, nullable=False),
    sa.Column("width_px", sa.Integer, nullable=False),
    sa.Column("height_px", sa.Integer, nullable=False),
    sa.Column("rejected_because", sa.Text),
    sa.Column("recorded_at", Utc, nullable=False),
    sa.Column("left_out", sa.JSON(none_as_null=True)),
)

images = sa.Table(
    "images",
    metadata,
    sa.Column("image_id", sa.String(26), primary_key=True),
    sa.Column("camera", sa.String(64), nullable=False),
    sa.Column("instrument", sa.String(200)),
    sa.Column("project", sa.String(64)),
    sa.Column("sample", sa.String(64)),
    sa.Column("captured_at", Utc),
    sa.Column("depth_m", sa.Float),
    sa.Column("latitude", sa.Float),
    sa.Column("longitude", sa.Float),
    sa.Column("pixel_size_um", sa.Float),
    sa.Column("volume_ml", sa.Float),
    sa.Column("source_file", sa.String(1024)),
    sa.Column("extra", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("frame_key", sa.String(1024), nullable=False),
    sa.Column("box", sa.JSON(none_as_null=True)),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("byte_size", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("width_px", sa.Integer, nullable=False),
    sa.Column("height_px", sa.Integer, nullable=False),
    sa.Column("encoder", sa.String(120), nullable=False),
    sa.Column("indexed_at", Utc, nullable=False),
    # What the image is called now: a copy of its last label that was not retracted, so that
    # filters need no join. Changed only together with `labels`, in one transaction.
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key")),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("label_id", sa.String(26)),
    sa.Column("label_version", sa.Integer, nullable=False),
    sa.Column("measurements", sa.JSON(none_as_null=True)),
    # The page asks for the last indexed, whole or by one of these.
    sa.Index(None, "indexed_at", "image_id"),
    sa.Index(None, "camera", "indexed_at", "image_id"),
    sa.Index(None, "state", "indexed_at", "image_id"),
    sa.Index(None, "taxon", "indexed_at", "image_id"),
    sa.Index(None, "sample", "indexed_at", "image_id"),
    sa.Index(None, "project", "indexed_at", "image_id"),
    sa.Index(None, "captured_at"),
)

cameras = sa.Table(
    "cameras",
    metadata,
    sa.Column("camera", sa.String(64), primary_key=True),
    sa.Column("first_seen_at", Utc, nullable=False),
)

taxa = sa.Table(
    "taxa",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("rank", sa.String(40)),
    sa.Column("parent", sa.String(64), sa.ForeignKey("taxa.key")),
    sa.Column("aphia_id", sa.Integer),
    sa.Column("kind", sa.String(16), nullable=False),
)

actions = sa.Table(
    "actions",
    metadata,
    sa.Column("action_id", sa.String(26), primary_key=True),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("idempotency_key", sa.String(200), unique=True),
    # What was asked for, to tell a repeated request from a key that is used twice.
    sa.Column("request_sha256", sa.String(64), nullable=False),
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("sequence", _sequence, primary_key=True, autoincrement=True),
    sa.Column("label_id", sa.String(26), nullable=False, unique=True),
    sa.Column("action_id", sa.String(26), sa.ForeignKey("actions.action_id"), nullable=False),
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), nullable=False),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("why", sa.Text),
    # The only columns that ever change, once: history is appended to, never rewritten.
    sa.Column("retracted_at", Utc),
    sa.Column("retracted_by", sa.String(200)),
    sa.Index(None, "image_id", "sequence"),
    sa.Index(None, "action_id"),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("sequence", _sequence, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.String(26), nullable=False),
    sa.Column("event_type", sa.String(120), nullable=False),
    sa.Column("fact", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

encoders = sa.Table(
    "encoders",
    metadata,
    sa.Column("encoder", sa.String(120), primary_key=True),
    sa.Column("dimension", sa.Integer, nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("file", sa.String(200), nullable=False),
    sa.Column("source", sa.String(1024), nullable=False),
    sa.Column("identity", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("filling", sa.Boolean, nullable=False),
    sa.Column("registered_at", Utc, nullable=False),
    sa.Column("live_since", Utc),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("images_per_s", sa.Float),
    sa.Column("reason", sa.Text),
    sa.Column("dropped", sa.Boolean, nullable=False),
    # One encoder is live, also when two embed workers start at the same moment.
    sa.Index(
        "uq_encoders_live",
        "state",
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    ),
    # One is being filled, also when two people publish at the same moment.
    sa.Index(
        "uq_encoders_filling",
        "filling",
        unique=True,
        sqlite_where=sa.text("filling"),
        postgresql_where=sa.text("filling"),
    ),
)

not_embedded = sa.Table(
    "not_embedded",
    metadata,
    sa.Column("encoder", sa.String(120), sa.ForeignKey("encoders.encoder"), primary_key=True),
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), primary_key=True),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("created_at", Utc, nullable=False),
)

# What people say about a sample; one that nobody described is in `images` and `frames` only.
samples = sa.Table(
    "samples",
    metadata,
    sa.Column("sample", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("project", sa.String(64), sa.ForeignKey("projects.project")),
    sa.Column("note", sa.Text),
    sa.Index(None, "project"),
)

# The record of what was deleted: it stays, and keeps the sample from being indexed again.
deletions = sa.Table(
    "deletions",
    metadata,
    sa.Column("deletion_id", sa.String(26), primary_key=True),
    sa.Column("sample", sa.String(64), nullable=False),
    sa.Column("camera", sa.String(64)),  # None: of every camera
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("why", sa.Text),
    sa.Column("at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("frames", sa.BigInteger, nullable=False),
    sa.Column("images", sa.BigInteger, nullable=False),
    sa.Column("labels", sa.BigInteger, nullable=False),
    sa.Column("image_bytes", sa.BigInteger, nullable=False),
    sa.Index(None, "sample"),
)
