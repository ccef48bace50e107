"""Work that goes on beside requests."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


def repeat(call: Callable[[], object], every_s: float, stop: threading.Event) -> None:
    """Call something again and again until `stop` is set; a failure is logged and tried again."""
    while not stop.is_set():
        try:
            call()
        except Exception as error:  # noqa: BLE001  (the boundary of this thread)
            log.warning("%s failed, trying again: %s", getattr(call, "__qualname__", call), error)
        stop.wait(every_s)


def start(name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Run something in a thread of its own that ends with the process."""
    threading.Thread(target=run, args=(stop,), name=name, daemon=True).start()
