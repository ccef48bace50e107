"""What was confirmed of an archive, on disk, so that a second run goes on after it.

An entry is an item's event id with a fingerprint of all that would be sent: a file that changed, or
got other metadata, is sent again. Items that are known are left out before they get a number.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from plankton_stream.domain import Frame
from plankton_stream.errors import ConfigError
from plankton_stream.events.envelope import Message
from plankton_stream.events.images import frame_event_id
from plankton_stream.ports import Publisher
from producers.source import Item

log = logging.getLogger(__name__)

_TABLE = """
CREATE TABLE IF NOT EXISTS confirmed (
    log TEXT NOT NULL, event_id TEXT NOT NULL, fingerprint BLOB NOT NULL,
    PRIMARY KEY (log, event_id)
) WITHOUT ROWID
"""
_KNOWN = "SELECT 1 FROM confirmed WHERE log = ? AND event_id = ? AND fingerprint = ?"
_ADD = "INSERT OR REPLACE INTO confirmed VALUES (?, ?, ?)"


class Journal:
    """The confirmed items of one camera.

    A journal that is lost costs time and nothing else: what is sent again is known again.

    Attributes:
        skipped: items that were left out, because they had been confirmed.
    """

    def __init__(self, path: Path, *, log_address: str) -> None:
        """Open it, or begin a new one.

        Args:
            path: of its file; the folder is made.
            log_address: where items are sent: those in one Kafka are not in another.

        Raises:
            ConfigError: the file can't be used.
        """
        self.skipped = 0
        self._log_address = log_address
        self._fingerprints: dict[str, bytes] = {}  # of items on their way, by event id
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"The journal {path} cannot be used: {error}. Delete it to send everything again."
            ) from error

    def unsent(self, items: Iterable[Item | None]) -> Iterator[Item | None]:
        """The items that were not confirmed before; None passes."""
        for item in items:
            if item is None:
                yield None
                continue
            event_id, fingerprint = _event_id(item), _fingerprint(item)
            row = (self._log_address, event_id, fingerprint)
            if self._file.execute(_KNOWN, row).fetchone():
                self.skipped += 1
            else:
                self._fingerprints[event_id] = fingerprint
                yield item

    def confirm(self, event_ids: Iterable[str]) -> None:
        """Write down items that Kafka has; a full disk is logged, and they are sent again."""
        rows = [
            (self._log_address, event_id, fingerprint)
            for event_id in event_ids
            if (fingerprint := self._fingerprints.pop(event_id, None))
        ]
        try:
            with self._file:
                self._file.executemany(_ADD, rows)
        except sqlite3.Error as error:
            log.warning("%d items are not in the journal: %s", len(rows), error)

    def forget(self) -> None:
        """Everything is to be sent again."""
        with self._file:
            self._file.execute("DELETE FROM confirmed")

    def close(self) -> None:
        """Give up the file."""
        self._file.close()


class JournallingPublisher:
    """`Publisher` that tells a journal what was confirmed."""

    def __init__(self, publisher: Publisher, journal: Journal) -> None:
        self._publisher, self._journal = publisher, journal
        self._sent: list[str] = []

    def send(self, message: Message) -> None:
        """See `Publisher.send`."""
        self._publisher.send(message)
        self._sent.append(dict(message.headers)["ce_id"].decode())

    def flush(self, timeout_s: float = 30.0) -> None:
        """See `Publisher.flush`."""
        sent, self._sent = self._sent, []  # if this fails, all of it is sent again
        self._publisher.flush(timeout_s)
        self._journal.confirm(sent)

    def close(self) -> None:
        """See `Publisher.close`."""
        self._publisher.close()


def _event_id(item: Item) -> str:
    return frame_event_id(item) if isinstance(item, Frame) else item.image_id


def _fingerprint(item: Item) -> bytes:
    """128 bits over everything of an item that travels."""
    digest = hashlib.blake2b(item.data, digest_size=16)
    about = [item.content_type, item.capture.model_dump_json(), repr(sorted(item.extra.items()))]
    if not isinstance(item, Frame):
        about += [repr(item.box), item.name.model_dump_json() if item.name else ""]
        if item.measurements:
            about.append(item.measurements.model_dump_json())
    digest.update("\0".join(about).encode())
    return digest.digest()
