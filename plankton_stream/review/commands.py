"""`plankton review`: images of known truth, how much is looked at twice, how far people agree."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plankton_stream.connections import open_catalog
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.telemetry import start_command

if TYPE_CHECKING:  # `plankton --help` needs no SQL and no NumPy
    from plankton_stream.review.agreement import Kappa, Share

app = typer.Typer(
    no_args_is_help=True, help="Blind second looks: references, shares, agreement of people."
)


@app.command()
def reference(
    file: Annotated[
        Path, typer.Argument(help="CSV with image_id and taxon; with --taxon, an id a line.")
    ],
    taxon: Annotated[str, typer.Option(help="What all of them are: the key of a taxon.")] = "",
    note: Annotated[str, typer.Option(help="How it is known.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Make them ordinary again.")] = False,
) -> None:
    """Hand images of known truth out among others, to measure people with.

    Nobody is told which they are. Marking one again corrects its truth; all are marked, or none.
    """
    truths = _truths(file, taxon, needs_taxon=not remove)
    settings = start_command()
    with open_catalog(settings) as catalog:
        if remove:
            gone = catalog.references.remove(list(truths))
            print(f"{gone:,} images are no references any more")
            return
        catalog.references.put(truths, who=settings.user, note=note or None)
    print(f"{len(truths):,} images are references now")


@app.command()
def shares(
    second: Annotated[
        float | None, typer.Option(help="Of validated images, by somebody else, %.")
    ] = None,
    again: Annotated[
        float | None, typer.Option("--self", help="By the same person again, %.")
    ] = None,
    after_days: Annotated[float | None, typer.Option(help="How long after the first time.")] = None,
    references: Annotated[
        float | None, typer.Option(help="References among what is handed out, %.")
    ] = None,
) -> None:
    """Show how much is looked at twice, or set it."""
    settings = start_command()
    given = {
        "second_percent": second, "self_percent": again, "self_after_days": after_days,
        "reference_percent": references,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    with open_catalog(settings) as catalog:
        now = catalog.opinions.shares()
        if changes:
            try:
                now = type(now).model_validate(now.model_dump() | changes)
            except ValueError as error:
                raise ConfigError(f"{error}") from error
            catalog.opinions.set_shares(now, who=settings.user)
    print(f"of validated images, by somebody else   {now.second_percent:6g} %")
    print(f"of them, by the same person again       {now.self_percent:6g} %")
    print(f"  after                                 {now.self_after_days:6g} days")
    print(f"references among what is handed out     {now.reference_percent:6g} %")


@app.command()
def agreement() -> None:
    """Print how far people agree: with each other, with themselves, with references."""
    from plankton_stream.review.panel import Panel

    with open_catalog(start_command()) as catalog:
        panel = Panel(catalog.opinions.all())
    print(f"all together, Fleiss' kappa: {_kappa(panel.together())}")
    for pair in panel.pairs():
        print(f"{pair.first} and {pair.second}, Cohen's kappa: {_kappa(pair.kappa)}")
    for one in panel.members():
        print(
            f"{one.who}: with others {_share(one.others)}; with themselves {_share(one.itself)}; "
            f"with references {_share(one.truth)}"
        )


def _truths(file: Path, taxon: str, *, needs_taxon: bool) -> dict[str, str]:
    """Taxa by image id, from a file.

    Raises:
        RejectedError: a line has no id or no taxon, or names an image twice differently.
        ConfigError: the file can't be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}") from error
    if taxon or not needs_taxon:
        ids = [line.partition(",")[0].strip() for line in text.splitlines()]
        return dict.fromkeys((one for one in ids if one and one != "image_id"), taxon)
    truths: dict[str, str] = {}
    rows = csv.DictReader(text.splitlines())
    if not {"image_id", "taxon"} <= set(rows.fieldnames or ()):
        raise RejectedError(
            f"{file}: the first line names no columns image_id and taxon; a plain list of ids "
            "needs --taxon"
        )
    for row in rows:
        image_id, key = (row["image_id"] or "").strip(), (row["taxon"] or "").strip()
        if not image_id or not key:
            raise RejectedError(f"{file}, line {rows.line_num}: image_id or taxon is missing")
        if truths.setdefault(image_id, key) != key:
            raise RejectedError(f"{file}, line {rows.line_num}: {image_id} has another taxon above")
    return truths


def _kappa(kappa: "Kappa | None") -> str:
    if kappa is None or kappa.value is None:
        return "can't be told" if kappa is None else "can't be told: all was called the same"
    where = "" if kappa.low is None else f" ({kappa.low:.2f} to {kappa.high:.2f})"
    return f"{kappa.value:.3f}{where}, {kappa.images:,} images"


def _share(share: "Share") -> str:
    return "-" if share.share is None else f"{share.share:.1%} of {share.of:,}"
