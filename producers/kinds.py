"""`plankton camera KIND`: kinds of cameras, our own and those that other packages add.

A package adds a kind by an entry point of the group `plankton_stream.cameras`. It names a function
whose parameters are the command's arguments and options, as Typer reads them, whose docstring is
its help, and which returns a `Feed`. Everything else is done for it: `--rate`, `--again`, the
connection to Kafka, the spool or the journal, the status.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from plankton_stream.errors import ConfigError
from plankton_stream.events.topics import FRAMES, Topic
from producers.archive import Archive
from producers.source import Source

GROUP = "plankton_stream.cameras"


@dataclass(frozen=True, slots=True)
class Feed:
    """A camera that is ready to be published.

    Attributes:
        source: gives the items. One that keeps them is an `Archive`.
        topic: of its items: `FRAMES`, or `ROIS` if the instrument cuts for itself.
        watches: an archive goes on with what is added to it, until it is stopped.
    """

    source: Source | Archive
    topic: Topic = FRAMES
    watches: bool = False


Publish = Callable[[Callable[[], Feed], float, bool], None]
"""Makes a feed and publishes it: so many items a second (0: as they come), known ones or not."""

_OPTIONS = {
    "rate": Annotated[float, typer.Option(min=0, help="Items a second; 0: as they come.")],
    "again": Annotated[
        bool, typer.Option("--again", help="Send what was confirmed in an earlier run as well.")
    ],
}
_DEFAULTS: dict[str, Any] = {"rate": 0.0, "again": False}


def kinds(publish: Publish) -> type[TyperGroup]:
    """A command group that has a command for each kind, imported when it is asked for."""

    class Kinds(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return [*super().list_commands(ctx), *sorted(_installed())]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """A command of ours, or one made from the entry point of that name."""
            own = super().get_command(ctx, cmd_name)
            point = _installed().get(cmd_name)
            return own if own is not None or point is None else _command(point, publish)

    return Kinds


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _command(point: EntryPoint, publish: Publish) -> Any:
    app = typer.Typer(add_completion=False)
    app.command(name=point.name)(_publishing(_load(point), publish))
    return typer.main.get_command(app)


def _load(point: EntryPoint) -> Callable[..., Feed]:
    """The kind's function; one that says why, if another package's kind cannot be had.

    It must not take the help of all the others down with it.
    """
    try:
        build: Callable[..., Feed] = point.load()
    except (ImportError, AttributeError) as error:
        problem = f"Camera kind {point.name!r} ({point.value}) cannot be loaded: {error}."

        def build() -> Feed:
            raise ConfigError(f"{problem} Install what its package needs, or uninstall it.")

        build.__doc__ = problem
    return build


def _publishing(build: Callable[..., Feed], publish: Publish) -> Callable[..., None]:
    """The same parameters and ours; makes the feed and publishes it."""

    @functools.wraps(build)
    def run(**arguments: Any) -> None:
        rate, again = (arguments.pop(name) for name in _OPTIONS)
        publish(functools.partial(build, **arguments), rate, again)

    ours = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=annotation
        )
        for name, annotation in _OPTIONS.items()
    ]
    own = inspect.signature(build)
    run.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*own.parameters.values(), *ours], return_annotation=None
    )
    run.__annotations__ = {**build.__annotations__, **_OPTIONS}
    return run
