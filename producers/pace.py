"""The ticks of a camera's clock."""

from collections.abc import Callable


class Pace:
    """Waits for the next frame's moment, and counts the moments that went by unused."""

    def __init__(
        self, rate_hz: float, clock: Callable[[], float], wait: Callable[[float], object]
    ) -> None:
        """Start the clock.

        Args:
            rate_hz: ticks a second; 0: no clock, every moment is a tick.
            clock: seconds.
            wait: waits some seconds.
        """
        self.period_s = 1 / rate_hz if rate_hz else 0.0
        self._clock, self._wait = clock, wait
        self._next_tick_s = clock()

    def tick(self) -> int:
        """Wait for the next tick; returns how many whole periods passed before it, unused."""
        if not self.period_s:
            return 0
        early_s = self._next_tick_s - self._clock()
        if early_s > 0:
            self._wait(early_s)
        passed = max(0, int((self._clock() - self._next_tick_s) / self.period_s))
        self._next_tick_s += (passed + 1) * self.period_s
        return passed
