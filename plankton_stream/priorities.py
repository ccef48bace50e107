"""Who comes first where one machine runs all parts: pages and what arrives, then the rest."""

import os


def step_back() -> None:
    """Let pages go first: whoever labels waits for one, and for what follows a label a second."""
    os.nice(5)


def stay_behind() -> None:
    """Let all others go first: proposals and maps can wait."""
    os.nice(10)
