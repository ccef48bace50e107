"""The alert on a disk that is nearly full: raised once, cleared when there is room again."""

import json
import logging
import socket
from collections.abc import Callable
from datetime import datetime

from plankton_stream.alerts import alert_message
from plankton_stream.errors import RetryableError
from plankton_stream.events.envelope import Message, now
from plankton_stream.events.health import AlertCleared, AlertRaised
from plankton_stream.stack.disk import Outlook
from plankton_stream.stack.home import Home

log = logging.getLogger(__name__)

FULL = "full"
"""The kind of these alerts."""

SOURCE = "/disk"


class DiskAlert:
    """Says on `plankton.alerts.v1` what `DiskWatch` sees.

    Which alert is open lies beside the looks, so that the next `plankton up` can clear it. An event
    that Kafka does not take is due again at the next look; its id is the same, whoever sends it.
    """

    def __init__(self, home: Home, publish: Callable[[Message], None]) -> None:
        """Nothing is said yet.

        Args:
            home: whose disk it is.
            publish: returns when the record is durable, or raises a `RetryableError`.
        """
        self._path, self._publish = home.root / "disk-alert.json", publish
        self._subject = f"disk/{socket.gethostname()}"
        self._since = self._read()

    def step(self, outlook: Outlook) -> None:
        """Raise or clear the alert, if that is due."""
        since, at = self._since, now()
        event: AlertRaised | AlertCleared
        if outlook.warning and since is None:
            what = f"the disk budget is nearly spent: {outlook.warning}"
            event = AlertRaised(subject=self._subject, kind=FULL, since=at, at=at, what=what)
        elif not outlook.warning and since is not None:
            what = f"there is room on the disk again: {outlook.line()}"
            event = AlertCleared(subject=self._subject, kind=FULL, since=since, at=at, what=what)
        else:
            return
        try:
            self._publish(alert_message(event, source=SOURCE))
        except RetryableError as error:
            log.warning("the alert on the disk waits for the next look: %s", error)
            return
        self._since = at if since is None else None
        self._write()

    def _read(self) -> datetime | None:
        try:
            return datetime.fromisoformat(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self) -> None:
        try:
            if self._since is None:
                self._path.unlink(missing_ok=True)
            else:
                self._path.write_text(json.dumps(self._since.isoformat()), encoding="utf-8")
        except OSError as error:  # the disk is full: this process knows, the next one says it again
            log.warning("%s is not written: %s", self._path, error)
