"""`plankton sample` and `plankton project`."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plankton_stream.connections import open_catalog
from plankton_stream.errors import ConfigError, NotFoundError
from plankton_stream.samples import Deletion, project_of, sample_of
from plankton_stream.settings import Settings
from plankton_stream.telemetry import start_command

if TYPE_CHECKING:  # `plankton --help` needs no SQL
    from plankton_stream.adapters.sql import Catalog
    from plankton_stream.curation.erase import Places

sample_app = typer.Typer(
    no_args_is_help=True, help="Samples: list, show, assign to a project, delete everywhere."
)
project_app = typer.Typer(no_args_is_help=True, help="Projects, which hold samples: create, list.")

AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]
Note = Annotated[str, typer.Option(help="Anything worth knowing.")]


@sample_app.command("list")
def list_samples(
    project: Annotated[str, typer.Option(help="Only those of this project.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the samples: their images, how many of them have a label, and their bytes."""
    with open_catalog(start_command()) as catalog:
        found = catalog.samples.all(project or None)
    if not as_json:
        print(f"{'sample':32} {'project':20} {'images':>10} {'labelled':>10} {'MB':>10}")
    for one in found:
        if as_json:
            print(one.model_dump_json())
        else:
            print(
                f"{one.sample:32} {one.project or '-':20} {one.images:>10,} {one.labelled:>10,} "
                f"{one.image_bytes / 1e6:>10,.1f}"
            )


@sample_app.command()
def show(sample: str, as_json: AsJson = False) -> None:
    """Show a sample, and whether it was deleted."""
    with open_catalog(start_command()) as catalog:
        deletions = [one for one in catalog.deletions.all() if one.sample == sample]
        try:
            known: dict[str, Any] = catalog.samples.get(sample).model_dump(mode="json")
        except NotFoundError:
            if not deletions:
                raise
            known = {"sample": sample, "images": 0}
    if as_json:
        gone = [one.model_dump(mode="json") for one in deletions]
        print(json.dumps(known | {"deletions": gone}, ensure_ascii=False))
        return
    for name, value in known.items():
        print(f"{name:12} {'-' if value is None else value}")
    for one in deletions:
        print(_deletion(one))


@sample_app.command()
def assign(
    sample: str,
    project: Annotated[str, typer.Option(help="A project that exists.")],
    name: Annotated[str, typer.Option(help="What people call the sample.")] = "",
    note: Note = "",
) -> None:
    """Put a sample into a project, out of the one before; its images may come later."""
    with open_catalog(start_command()) as catalog:
        catalog.samples.assign(sample_of(sample), project, name=name or None, note=note or None)
    print(f"{sample} is in {project}")


@sample_app.command()
def delete(
    sample: str,
    camera: Annotated[str, typer.Option(help="Only what this camera took of it.")] = "",
    why: Annotated[str, typer.Option(help="Kept in the record of the deletion.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a sample everywhere, for good: images, vectors, labels, outcomes of frames.

    There is no undo. A record of it stays, and nothing of the sample is indexed again, whether it
    is in the topics or sent later: give corrected data another sample id. Broken off, the same
    command goes on.
    """
    from plankton_stream.adapters.sql import Scope
    from plankton_stream.curation.erase import delete_sample

    settings = start_command()
    with open_catalog(settings) as catalog:
        scope = Scope(camera=camera or None, sample=sample_of(sample))
        count = sum(len(page) for page in catalog.walks.images(scope))
        of = f" of camera {camera}" if camera else ""
        _ask(f"Delete {count:,} images of sample {sample}{of} for good?", yes=yes)
        gone = delete_sample(
            scope, _places(settings, catalog), who=settings.user, why=why or None,
            progress=_progress(count),
        )  # fmt: skip
    print(
        f"deleted {gone.images:,} images ({gone.image_bytes / 1e6:,.1f} MB), {gone.labels:,} "
        f"labels and the outcomes of {gone.frames:,} frames; record {gone.deletion_id}"
    )


@project_app.command()
def create(
    project: str,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    note: Note = "",
) -> None:
    """Create a project; creating the very same again changes nothing."""
    with open_catalog(start_command()) as catalog:
        catalog.samples.create_project(project_of(project, name or project, note or None))
    print(f"project {project} is there: `plankton sample assign SAMPLE --project {project}`")


@project_app.command("list")
def list_projects(as_json: AsJson = False) -> None:
    """List the projects with their samples."""
    with open_catalog(start_command()) as catalog:
        for one in catalog.samples.projects():
            samples = [sample.sample for sample in catalog.samples.all(one.project)]
            if as_json:
                print(json.dumps(one.model_dump() | {"samples": samples}, ensure_ascii=False))
            else:
                print(f"{one.project:20} {one.name}: {', '.join(samples) or 'no samples yet'}")


def _deletion(one: Deletion) -> str:
    of = f"camera {one.camera}" if one.camera else "every camera"
    state = "" if one.ended_at else "; BROKEN OFF: delete it again to go on"
    return (
        f"deleted      {one.at:%Y-%m-%d %H:%M} by {one.who}, of {of}: {one.images:,} images, "
        f"{one.labels:,} labels, {one.frames:,} frames ({one.why or 'no reason given'}){state}"
    )


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} Nobody is there to answer: say --yes.")
    if not typer.confirm(question):
        raise ConfigError("nothing was deleted")


def _progress(total: int) -> Callable[[int], None]:
    def say(images: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if images >= total else ""
            print(f"\r{images:,} of {total:,} images", end=end, file=sys.stderr, flush=True)

    return say


def _places(settings: Settings, catalog: "Catalog") -> "Places":
    from plankton_stream.adapters.files import FileImageStore
    from plankton_stream.connections import index_opener
    from plankton_stream.curation.erase import Places

    open_index = index_opener(settings)
    kept = catalog.encoders.kept()
    indexes = [open_index(version.encoder, version.dimension) for version in kept]
    return Places(catalog, FileImageStore(settings.images_url), indexes)
