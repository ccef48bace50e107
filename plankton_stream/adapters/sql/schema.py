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
    # Who came before and after it in its camera: ids sort by capture time.
    sa.Index(None, "camera", "image_id"),
    # Counts per taxon, state and camera, over time and depth, without reading the rows.
    sa.Index(None, "taxon", "state", "camera", "captured_at", "depth_m"),
    # Images of a state in an order that is as good as random, see `review.blind`.
    sa.Index("ix_images_state_letters", "state", sa.text("substr(image_id, 11)")),
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
    # The valid taxon that this one was merged into: it stays for the history of labels only.
    sa.Column("merged_into", sa.String(64), sa.ForeignKey("taxa.key")),
)

synonyms = sa.Table(
    "synonyms",
    metadata,
    sa.Column("folded", sa.String(400), primary_key=True),  # case folded: ß becomes ss
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Index(None, "taxon"),
)

# What people did to the taxonomy. No foreign key: it outlives the taxa that were deleted.
taxon_changes = sa.Table(
    "taxon_changes",
    metadata,
    sa.Column("sequence", _sequence, primary_key=True, autoincrement=True),
    sa.Column("taxon", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Column("why", sa.Text),
    sa.Index(None, "taxon", "sequence"),
    sqlite_autoincrement=True,
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
    # What somebody did, newest first: ids sort by time.
    sa.Index(None, "who", "action_id"),
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
    sa.Index(None, "who", "sequence"),
    sa.Index(None, "at", "who", "retracted_at"),  # who labelled how much in each hour
    sqlite_autoincrement=True,
)

# Taxa merged into others. Images follow in many transactions, so a merge that was broken off goes
# on from what is here.
merges = sa.Table(
    "merges",
    metadata,
    sa.Column("action_id", sa.String(26), sa.ForeignKey("actions.action_id"), primary_key=True),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Column("target", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("moved", sa.JSON, nullable=False),  # what else moved, so that it can move back
    sa.Column("ended_at", Utc),
    sa.Column("undone_at", Utc),
    sa.Column("undone_by", sa.String(200)),
    sa.Column("undo_ended_at", Utc),
    sa.Index(None, "taxon"),
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

# What the machine thinks; never mixed with `labels`. A row of an image that got a name is hidden.
predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), primary_key=True),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key")),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("margin", sa.Float, nullable=False),
    sa.Column("nearest", sa.Float),
    sa.Column("crowd", sa.Float, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("encoder", sa.String(120), nullable=False),
    sa.Column("voted_at", Utc, nullable=False),
    # How often somebody passed it over as the seed of a cluster; a new vote leaves it alone.
    sa.Column("passed", sa.Integer, nullable=False, server_default="0"),
    sa.Index(None, "taxon", "score"),
    sa.Index(None, "score", "image_id"),
    sa.Index(None, "voted_at"),
)

rejections = sa.Table(
    "rejections",
    metadata,
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), primary_key=True),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key"), primary_key=True),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    # Names that people would take for one are one, see `same_name`.
    sa.Column("same_name", sa.String(200), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("disabled_at", Utc),
)

# Who is logged in, and the tokens of scripts. A copy of this table lets nobody in: it has hashes.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("person", sa.String(64), sa.ForeignKey("people.name"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Index(None, "person"),
)

# Who looks at which image now. No truth, so nothing refers to it, and it refers to nothing.
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("image_id", sa.String(26), primary_key=True),
    sa.Column("owner", sa.String(300), nullable=False),
    sa.Column("until", Utc, nullable=False),
    sa.Index(None, "owner"),
    sa.Index(None, "until"),
)

# What people called images without seeing their names; never changed, only withdrawn.
opinions = sa.Table(
    "opinions",
    metadata,
    sa.Column("opinion_id", sa.String(26), primary_key=True),
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("note", sa.Text),
    # What it was compared with then: what holds now may have been settled since.
    sa.Column("compared_taxon", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Column("compared_who", sa.String(200)),
    sa.Column("withdrawn_at", Utc),
    sa.Index(None, "who", "at"),
    # One of a kind, also after a double click.
    sa.Index(
        "uq_opinions_standing",
        "image_id",
        "who",
        "kind",
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    ),
)

# A dispute is open until it is withdrawn, or while no label that settles it stands: taking that
# label back opens it again.
disputes = sa.Table(
    "disputes",
    metadata,
    sa.Column("dispute_id", sa.String(26), primary_key=True),
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key")),
    sa.Column("note", sa.Text),
    sa.Column("opinion_id", sa.String(26)),
    sa.Column("settled_label_id", sa.String(26)),
    sa.Column("withdrawn_at", Utc),
    sa.Index(None, "image_id"),
)

# Images of known truth that are handed out among others.
reference_images = sa.Table(
    "reference_images",
    metadata,
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), primary_key=True),
    sa.Column("taxon", sa.String(64), sa.ForeignKey("taxa.key"), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("note", sa.Text),
)

# How much is looked at twice; the last row holds, the others say what held before.
review_shares = sa.Table(
    "review_shares",
    metadata,
    sa.Column("sequence", _sequence, primary_key=True, autoincrement=True),
    sa.Column("second_percent", sa.Float, nullable=False),
    sa.Column("self_percent", sa.Float, nullable=False),
    sa.Column("self_after_days", sa.Float, nullable=False),
    sa.Column("reference_percent", sa.Float, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sqlite_autoincrement=True,
)

# Projections of the vectors onto a plane: one is shown while the next is being filled.
maps = sa.Table(
    "maps",
    metadata,
    sa.Column("map_id", sa.String(26), primary_key=True),
    sa.Column("encoder", sa.String(120), nullable=False),
    sa.Column("images", sa.BigInteger, nullable=False),  # how many there were when it was fitted
    sa.Column("fitted_at", Utc, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
)

map_points = sa.Table(
    "map_points",
    metadata,
    sa.Column("map_id", sa.String(26), sa.ForeignKey("maps.map_id"), primary_key=True),
    sa.Column("image_id", sa.String(26), sa.ForeignKey("images.image_id"), primary_key=True),
    sa.Column("x", sa.Float, nullable=False),
    sa.Column("y", sa.Float, nullable=False),
    sa.Column("landmark", sa.Boolean, nullable=False),  # it was fitted, others are placed by it
    sa.Column("placed_at", Utc, nullable=False),
    sa.Index(None, "image_id"),
    sa.Index(None, "map_id", "placed_at"),
)
