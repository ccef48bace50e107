"""`plankton up`, `down`, `status` and `doctor`."""

import json
from importlib.util import find_spec
from typing import Annotated

import typer

from plankton_stream.errors import ConfigError

app = typer.Typer(no_args_is_help=True)


@app.command()
def up(
    no_camera: Annotated[
        bool, typer.Option("--no-camera", help="Do not start the simulated camera.")
    ] = False,
) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    _require_extra()
    from plankton_stream.settings import load_settings
    from plankton_stream.stack.parts import roles_for
    from plankton_stream.stack.up import up as run

    settings = load_settings()
    run(settings, roles_for(settings, camera=not no_camera), _say)


@app.command()
def down() -> None:
    """Stop what `plankton up` started, also if that was killed."""
    _require_extra()
    from plankton_stream.settings import load_settings
    from plankton_stream.stack.home import Home
    from plankton_stream.stack.up import down as stop

    stop(Home.at(load_settings().home), _say)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show what runs; exit code 1 if nothing does."""
    _require_extra()
    from plankton_stream.settings import load_settings
    from plankton_stream.stack import status as of
    from plankton_stream.stack.home import Home

    settings = load_settings()
    found = of.status(Home.at(settings.home), budget_mb=settings.disk_mb)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(of.table(found)))
    if found["state"] == "stopped":
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Check what this machine has of what is needed; exit code 1 if `up` could not work."""
    _require_extra()
    from plankton_stream.settings import load_settings
    from plankton_stream.stack.doctor import examine, table

    findings = examine(load_settings())
    print("\n".join(table(findings)))
    if any(finding.required and not finding.ok for finding in findings):
        raise typer.Exit(1)


def _require_extra() -> None:
    missing = [name for name in ("psutil", "supervisor") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"The local stack needs the Python packages {' and '.join(missing)}: `make install`, "
            "or install plankton-stream with its extra `local`."
        )


def _say(line: str) -> None:
    print(line, flush=True)
