"""Connections to the catalog's database: SQLite in WAL mode, or PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from pydantic_core import from_json
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from plankton_stream.errors import ConfigError, RejectedError, RetryableError

_BUSY_TIMEOUT_MS = 30_000
_UPGRADE_LOCK = 0x6D69677261  # any number that nobody else in the database uses: "migra"


def connect(url: str) -> sa.Engine:
    """An engine for the catalog; connects when it is first used.

    Raises:
        ConfigError: the URL is not one of SQLite or PostgreSQL.
    """
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError as error:
        raise ConfigError(f"PLANKTON_CATALOG is not a database URL: {error}") from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(parsed, pool_pre_ping=True, json_deserializer=from_json)
    raise ConfigError(
        f"PLANKTON_CATALOG: {parsed.get_backend_name()} is not supported; "
        "use sqlite:///path or postgresql+psycopg://user@host/database"
    )


def upgrade(url: str) -> None:
    """Create the catalog's tables, or bring them to this version's schema; safe to repeat.

    Raises:
        ConfigError: the URL is wrong.
        RetryableError: the database does not answer.
    """
    engine = connect(url)
    if engine.url.get_backend_name() == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with translated(engine), engine.connect() as connection:
            _take_turns(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _take_turns(connection: sa.Connection) -> None:
    """Let one process migrate at a time; the others wait, and then find nothing left to do."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
    else:
        connection.execution_options(immediate=True).begin()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection for reads that belong together.

    Raises:
        RetryableError: the database does not answer.
    """
    with translated(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that writes: all of it happens or nothing does.

    Raises:
        RetryableError: the database does not answer or is locked for too long.
    """
    with translated(engine), engine.connect() as connection:
        # SQLite: take the write lock at once; a read lock that wants to become a write lock
        # fails immediately when somebody else holds it, however long the busy timeout.
        connection.execution_options(immediate=True)
        with connection.begin():
            yield connection


@contextmanager
def translated(engine: sa.Engine) -> Iterator[None]:
    """Turn errors of the connection into `RetryableError`, of values into `RejectedError`."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except PoolTimeoutError as error:
        raise RetryableError(f"catalog {where}: all connections are in use: {error}") from error
    except (DataError, UnicodeEncodeError) as error:
        # NUL, half a surrogate pair, a text that is too long: what a URL or a form may hold.
        raise RejectedError(f"the catalog can't hold this value: {error}") from error
    except OperationalError as error:
        raise RetryableError(f"catalog {where} does not answer: {error.orig}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise RetryableError(f"catalog {where}: connection lost: {error.orig}") from error
        raise


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def in_chunks(items: Sequence[Any], size: int = 10_000) -> Iterator[Sequence[Any]]:
    """Slices small enough for one statement (SQLite binds at most 32,766 values)."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000}, json_deserializer=from_json
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, see below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
