"""`plankton taxa`: the tree of names from the command line."""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import IO, Annotated

import typer

from plankton_stream.connections import open_catalog
from plankton_stream.domain import Taxon
from plankton_stream.errors import ConfigError
from plankton_stream.taxonomy.formats import OURS, SEPARATOR, Format
from plankton_stream.taxonomy.records import Merge
from plankton_stream.telemetry import start_command

app = typer.Typer(no_args_is_help=True, help="Taxa: import, export, list, show as a tree, merge.")

_NAMED = 10
"""Differences that are written out."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="See docs/taxonomy.md for the formats.")],
    *,
    wanted: Annotated[
        Format | None, typer.Option("--format", help="Else recognised by the first line.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what it would do; do nothing.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Where the file differs from what is here, it wins.")
    ] = False,
    under: Annotated[
        str | None, typer.Option(help="Key of the taxon below which those without a parent go.")
    ] = None,
) -> None:
    """Take in taxa and synonyms from a file, all or nothing.

    What is here is completed and never removed; the same file again changes nothing.
    """
    from plankton_stream.taxonomy.plan import plan
    from plankton_stream.taxonomy.reading import read_file

    settings = start_command()
    source = read_file(file, wanted)
    with open_catalog(settings) as catalog:
        have = {taxon.key: taxon for taxon in catalog.taxa.all()}
        if under is not None and under not in have:
            raise ConfigError(f"--under {under}: there is no such taxon")
        todo = plan(source, have, catalog.taxa.merged(), update=update, under=under)
        if not check:
            catalog.taxonomy.take_in(todo, who=settings.user, why=f"import: {file.name}")
    would = "would be " if check else ""
    print(
        f"{len(todo.new):,} taxa {would}added, {len(todo.changed):,} {would}changed, "
        f"{todo.unchanged:,} are there already"
    )
    for message in todo.kept[:_NAMED]:
        print(f"kept as it is: {message}")
    if len(todo.kept) > _NAMED:
        print(f"and {len(todo.kept) - _NAMED:,} more; --update lets the file win")


@app.command("list")
def list_taxa(
    search: Annotated[str, typer.Argument(help="Part of a key, name or synonym.")] = "",
) -> None:
    """List taxa by name: key, name, rank, AphiaID, synonyms."""
    with open_catalog(start_command()) as catalog:
        found = catalog.taxa.all()
    wanted = search.casefold()
    for one in found:
        texts = (one.key, one.name, *one.synonyms)
        if any(wanted in text.casefold() for text in texts):
            more = f"  ({', '.join(one.synonyms)})" if one.synonyms else ""
            print(f"{one.key:32} {one.name:32} {one.rank or '-':12} {one.aphia_id or '-':>8}{more}")


@app.command()
def tree(
    key: Annotated[str | None, typer.Argument(help="Only this taxon and what is below.")] = None,
) -> None:
    """Show the tree, with the validated images under each taxon."""
    with open_catalog(start_command()) as catalog:
        taxa = {one.key: one for one in catalog.taxa.all()}
        counts = {one.taxon: one for one in catalog.taxonomy.counts()}
    if key is not None and key not in taxa:
        raise ConfigError(f"there is no taxon {key!r}")
    below = _children(taxa)
    waiting = [(0, key)] if key else [(0, top) for top in reversed(below[None])]
    while waiting:
        depth, one = waiting.pop()
        count = counts.get(one)
        said = f"{count.validated_below:,}" if count and count.validated_below else ""
        print(f"{'  ' * depth + taxa[one].name:56} {one:32} {said:>10}".rstrip())
        waiting += [(depth + 1, child) for child in reversed(below[one])]


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="The file to write; else it is printed.")] = None,
) -> None:
    """Write all taxa as a CSV file that `plankton taxa import` takes in."""
    with open_catalog(start_command()) as catalog:
        taxa = {one.key: one for one in catalog.taxa.all()}
    if out is None:
        _write(sys.stdout, taxa)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            _write(file, taxa)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    print(f"{len(taxa):,} taxa in {out}")


@app.command()
def merge(
    taxon: Annotated[str, typer.Argument(help="Key of the taxon that is given up.")],
    into: Annotated[str, typer.Argument(help="Key of the valid one.")],
) -> None:
    """Merge a taxon into another: images follow, the history stays.

    Broken off, the same command goes on.
    """
    settings = start_command()
    with open_catalog(settings) as catalog:
        done = catalog.merges.merge(taxon, into, who=settings.user)
    print(f"{taxon} is a synonym of {into} now; {_images(done)} labelled again")


@app.command()
def unmerge(
    taxon: Annotated[str, typer.Argument(help="Key of the taxon that was merged.")],
) -> None:
    """Take the merging of a taxon back, with the labels that it gave."""
    settings = start_command()
    with open_catalog(settings) as catalog:
        done = catalog.merges.undo(taxon, who=settings.user)
    print(f"{taxon} is valid again; the labels of {_images(done)} are taken back")


def _images(done: Merge) -> str:
    return "1 image" if done.labelled == 1 else f"{done.labelled:,} images"


def _children(taxa: dict[str, Taxon]) -> defaultdict[str | None, list[str]]:
    below: defaultdict[str | None, list[str]] = defaultdict(list)
    for one in taxa.values():  # by name
        below[one.parent].append(one.key)
    return below


def _write(file: IO[str], taxa: dict[str, Taxon]) -> None:
    from plankton_stream.taxonomy.tree import parents_first

    table = csv.writer(file, lineterminator="\n")
    table.writerow(OURS)
    for key in parents_first(taxa, {one.key: one.parent for one in taxa.values()}):
        one = taxa[key]
        joined = SEPARATOR.join(one.synonyms)
        cells = (one.key, one.name, one.rank, one.parent, one.aphia_id, str(one.kind), joined)
        table.writerow(["" if cell is None else cell for cell in cells])
