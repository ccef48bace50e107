"""`plankton encoder …`: publish a version, see how far it is, go back."""

import json
from typing import Annotated

import typer

from plankton_stream.connections import open_catalog
from plankton_stream.telemetry import start_command
from plankton_stream.versions import EncoderVersion, VersionState

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Encoder versions: publish one, see how far it is, go back.",
)


@app.command()
def publish(
    encoder: Annotated[str, typer.Argument(help="A saved model (.keras), or an architecture.")],
    weights: Annotated[
        str, typer.Option(help="Of an architecture: shipped, imagenet, random, a .weights.h5 file.")
    ] = "shipped",
) -> None:
    """Embed all images with another encoder, in the background; then it goes live.

    Search stays up, with the live version, until the new one has every image.
    """
    from plankton_stream.adapters.weights import WeightsStore
    from workers.versions import publishing

    settings = start_command()
    with open_catalog(settings) as catalog:
        version = publishing.publish(
            encoder, weights, catalog=catalog, store=WeightsStore(settings.encoder_store_url),
            batch_size=settings.embed_batch, who=settings.user,
        )  # fmt: skip
        count = catalog.images.count()
    print(f"{version.encoder}: {count:,} images are being embedded; it goes live when it has all.")
    print("See how far it is: plankton encoder status")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show all versions: which is live, how far the next one is, which can come back."""
    with open_catalog(start_command()) as catalog:
        versions = catalog.encoders.all()
    if as_json:
        print(json.dumps([version.model_dump(mode="json") for version in versions], indent=1))
    elif not versions:
        print("No version yet: the first embed worker brings one (plankton up).")
    for version in [] if as_json else versions:
        print("\n".join(_lines(version)))


@app.command()
def rollback(
    now: Annotated[
        bool, typer.Option("--now", help="Go live first, fill in the images since then after.")
    ] = False,
) -> None:
    """Go back to the version before: once it has the images that came since, or at once."""
    with open_catalog(start_command()) as catalog:
        version = catalog.encoders.roll_back(at_once=now)
    if now:
        print(f"{version.encoder} is live; the images that came since are being filled in.")
    else:
        print(f"{version.encoder} gets the images that came since, then it goes live.")


@app.command()
def abandon() -> None:
    """Stop a publish, a roll back or a repair that is under way; the live version stays live."""
    with open_catalog(start_command()) as catalog:
        version = catalog.encoders.abandon("stopped by its user")
    print(f"{version.encoder} is no longer filled; its state is now: {version.state}.")
    if version.state is VersionState.LIVE:
        print("It may lack images: plankton encoder repair looks for them.")


@app.command()
def repair() -> None:
    """Look for images that the live version lacks, and embed them; also those that failed."""
    with open_catalog(start_command()) as catalog:
        version = catalog.encoders.repair()
    print(f"{version.encoder} is looked through; see plankton encoder status.")


def _lines(version: EncoderVersion) -> list[str]:
    """A version for people."""
    state = f"{version.state}, filling" if version.filling else str(version.state)
    since = (version.live_since or version.registered_at).strftime("%Y-%m-%d %H:%M UTC")
    verb = "live since" if version.live_since else "published"
    by = f" by {version.who}" if version.who else ""
    lines = [
        f"{version.encoder:40} {state}",
        f"    {version.source or 'unknown source'}; {version.dimension} numbers; "
        f"{verb} {since}{by}",
    ]
    if version.filling:
        lines.append(f"    {_progress(version)}")
    if version.failed and version.state is not VersionState.RETIRED:
        lines.append(f"    {version.failed:,} images can't be embedded: plankton tail deadletter")
    if version.reason:
        lines.append(f"    {version.reason}")
    return lines


def _progress(version: EncoderVersion) -> str:
    if not version.total:
        return "not begun: is `plankton worker versions` running?"
    share = version.done / version.total
    text = f"{version.done:,} of {version.total:,} images ({share:.0%})"
    if version.images_per_s:
        text += f", {version.images_per_s:.0f} images/s"
    if version.seconds_left is not None:
        text += f", about {max(1, round(version.seconds_left / 60))} min left"
    return text
