"""Cameras that have fallen silent: which alerts to raise and to clear. No I/O here.

What counts is when a status arrived, not the time in it: a camera's clock may be wrong.
"""

import time
from collections.abc import Callable

from plankton_stream.alerts import OpenAlerts, alert_message
from plankton_stream.events.envelope import Message, now
from plankton_stream.events.fact import Fact
from plankton_stream.events.health import AlertCleared, AlertRaised, CameraStatus

SILENT = "silent"
"""The kind of these alerts."""

SOURCE = "/streams"


class Silence:
    """Listens to the statuses of all cameras.

    Attributes:
        alerts: those that are open.
    """

    def __init__(self, silent_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start listening: nobody is silent before so many seconds have passed.

        Args:
            silent_s: longest time between two statuses.
            clock: seconds, for tests.
        """
        self.alerts = OpenAlerts()
        self._silent_s, self._clock = silent_s, clock
        self._last: dict[str, CameraStatus] = {}
        self._heard_at_s: dict[str, float] = {}

    def take(self, fact: Fact) -> None:
        """Take in a status or an alert event."""
        if isinstance(fact, CameraStatus):
            self._last[fact.camera] = fact
            self._heard_at_s[fact.camera] = self._clock()
        elif isinstance(fact, AlertRaised | AlertCleared):
            self.alerts.take(fact)

    def rest(self) -> None:
        """The log was away, so nobody could be heard: start counting afresh."""
        self._heard_at_s = dict.fromkeys(self._heard_at_s, self._clock())

    def changes(self) -> list[AlertRaised | AlertCleared]:
        """The alert events that are due; again and again, until they are taken in."""
        changes = (self._change(status) for status in self._last.values())
        return [change for change in changes if change]

    def _change(self, status: CameraStatus) -> AlertRaised | AlertCleared | None:
        subject = f"camera/{status.camera}"
        alert = self.alerts.get(subject, SILENT)
        if alert is not None:
            if status.at <= alert.since:
                return None
            what = f"camera {status.camera} is {status.state} again"
            return AlertCleared(
                subject=subject, kind=SILENT, since=alert.since, at=now(), what=what
            )
        silent_s = self._clock() - self._heard_at_s[status.camera]
        if status.state == "stopped" or silent_s < self._silent_s:
            return None
        what = (
            f"camera {status.camera} was {status.state} and has said nothing for "
            f"{self._silent_s:.0f} s: look at its process, its machine and its network"
        )
        return AlertRaised(subject=subject, kind=SILENT, since=status.at, at=now(), what=what)


def to_message(event: AlertRaised | AlertCleared) -> Message:
    """The record of an alert event; its id is the same whoever publishes it."""
    return alert_message(event, source=SOURCE)
