"""Which alerts are open, from the events that say so, and the records of such events."""

from plankton_stream.events.envelope import Message
from plankton_stream.events.facts import fact_message
from plankton_stream.events.health import AlertCleared, AlertRaised


class OpenAlerts:
    """The alerts that were raised and not cleared since."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], AlertRaised] = {}

    def take(self, event: AlertRaised | AlertCleared) -> None:
        """Take in an event; one that comes again does no harm."""
        if isinstance(event, AlertRaised):
            self._open[event.subject, event.kind] = event
        else:
            self._open.pop((event.subject, event.kind), None)

    def get(self, subject: str, kind: str) -> AlertRaised | None:
        """An open alert; None if it is not."""
        return self._open.get((subject, kind))

    def all(self) -> list[AlertRaised]:
        """All open ones, the oldest first."""
        return sorted(self._open.values(), key=lambda alert: alert.since)


def alert_message(event: AlertRaised | AlertCleared, *, source: str) -> Message:
    """The record of an alert event; its id is the same whoever publishes it."""
    ending = "raised" if isinstance(event, AlertRaised) else "cleared"
    event_id = f"{event.subject}/{event.kind}/{event.since.isoformat()}/{ending}"
    return fact_message(event, event_id=event_id, source=source)
