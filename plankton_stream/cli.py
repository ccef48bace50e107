"""`plankton`: the one command. Rooms contribute sub-commands lazily through entry points."""

import os
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from plankton_stream.audit.commands import app as _audit
from plankton_stream.curation.commands import project_app as _project
from plankton_stream.curation.commands import sample_app as _sample
from plankton_stream.deadletters.commands import app as _deadletter
from plankton_stream.errors import PlanktonError
from plankton_stream.events.commands import app as _topics
from plankton_stream.review.commands import app as _review
from plankton_stream.stack.commands import app as _stack
from plankton_stream.tail import app as _tail
from plankton_stream.taxonomy.commands import app as _taxa

_HELP = {
    "augment": "Draw what training may make of an image, as a contact sheet.",
    "embed": "Write the vectors of a folder's images to a NumPy file.",
    "evaluate": "Measure how well images find others of their class.",
    "encoders": "List the encoders and what identifies them.",
    "export": "Export images with their metadata and labels.",
    "train": "Train an encoder on labelled images.",
    "camera": "Publish frames or ROIs of a camera, an instrument's archive or an import.",
    "encoder": "Publish an encoder version, watch it, roll it back.",
    "people": "Who can log in: add, list, roles, passwords, tokens of scripts.",
    "worker": "Run one worker: segment, embed, labels, predict, map, relay, versions.",
    "segment": "Write the boxes of what is in a folder's frames.",
    "streams": "Run the live census (Faust).",
    "web": "Serve the page and the API.",
}

_OURS = {"plankton_stream", "producers", "workers", "streams", "web"}


class _Rooms(TyperGroup):
    """A command group that imports a room only when its sub-command is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_rooms())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command; for a room a stand-in with its help, which needs no import."""
        command = super().get_command(ctx, cmd_name)
        if command is None and cmd_name in _rooms():
            return TyperGroup(name=cmd_name, help=_HELP.get(cmd_name))
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is about to run: here a room is imported."""
        room = _rooms().get(args[0])
        return (room.name, _load(room), args[1:]) if room else super().resolve_command(ctx, args)


def _rooms() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="plankton_stream.commands")}


def _load(room: EntryPoint) -> Any:
    try:
        loaded: Any = room.load()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in _OURS:
            raise
        raise PlanktonError(
            f"`plankton {room.name}` needs the Python package {error.name!r}, which is not here: "
            "install the project with the extra of that role (see pyproject.toml), or run "
            "`make install`."
        ) from error
    return typer.main.get_command(loaded)


app = typer.Typer(
    cls=_Rooms,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Camera frames in, searchable and labelled plankton out.",
)
app.add_typer(_stack)
app.add_typer(_topics)
app.add_typer(_tail)
app.add_typer(_audit)
app.add_typer(_deadletter, name="deadletter")
app.add_typer(_sample, name="sample")
app.add_typer(_project, name="project")
app.add_typer(_taxa, name="taxa")
app.add_typer(_review, name="review")


def main() -> None:
    """Run the command line; a known error is one line on stderr and exit code 1."""
    try:
        app()
    except PlanktonError as error:
        print(f"plankton: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `plankton tail labels | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
