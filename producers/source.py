"""What a camera is to the loop that publishes it."""

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from plankton_stream.domain import Frame, Roi
from plankton_stream.events.health import DropReason

Item = Frame | Roi


class Source(Protocol):
    """Gives frames, or ROIs where the instrument cuts for itself.

    One that knows of frames that it could not give has an attribute `lost` as well, a
    `Counter[DropReason]` that grows: they are counted as dropped.

    Attributes:
        camera: id of the camera; all items carry it.
        keeps: whether what is not taken now can be taken later: a folder keeps its files, a live
            camera does not wait.
        idle_s: how long to leave it alone when it had nothing, seconds.
    """

    @property
    def camera(self) -> str: ...  # noqa: D102
    @property
    def keeps(self) -> bool: ...  # noqa: D102
    @property
    def idle_s(self) -> float: ...  # noqa: D102

    def __iter__(self) -> Iterator[Item | None]:
        """The items in order; None when there is none at present; the end when there is no more.

        It never waits: the loop does, so that it can be stopped.
        """


def lost_of(source: Source) -> Counter[DropReason]:
    """What a source could not give so far, by reason; empty where it does not know."""
    lost: Counter[DropReason] | None = getattr(source, "lost", None)
    return Counter() if lost is None else lost
