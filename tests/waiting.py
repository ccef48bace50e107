"""Waiting in tests: for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Any

import pytest


def wait_until(
    condition: Callable[[], Any], *, within_s: float, what: Callable[[], str] | str
) -> Any:
    """Poll until a condition holds and give its value; fail with `what` after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.1)
