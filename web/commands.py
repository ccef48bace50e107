"""`plankton web`: serves the page and the API."""

import typer

from plankton_stream.settings import load_settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _web() -> None:
    """Serve the page and the API."""


@app.command()
def run() -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what was begun."""
    from web.server import Server

    Server(load_settings()).run()
