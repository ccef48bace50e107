"""`plankton evaluate` and `plankton embed`."""

import os
import shlex
import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from workers.encoders import Encoder
    from workers.evaluation.study import Question
    from workers.images import LabelledFolder

_WRITTEN = {"--json": "FILE", "--report": "DIR"}

evaluate_app = typer.Typer(add_completion=False)
embed_app = typer.Typer(add_completion=False)

_EncoderName = Annotated[str | None, typer.Option("--encoder", help="Else PLANKTON_ENCODER.")]
_Weights = Annotated[str | None, typer.Option("--weights", help="Else PLANKTON_ENCODER_WEIGHTS.")]
_Skip = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out files that are no readable image.")
]


class Split(StrEnum):
    """Which images of a folder, by the SHA-1 of their file names."""

    ALL = "all"
    TEST = "test"
    VALIDATION = "validation"
    TRAIN = "train"


@evaluate_app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Images that search: FOLDER/<class>/<image>.")],
    *,
    gallery: Annotated[
        Path | None, typer.Option(help="What they search; else each searches the others.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Which images of FOLDER.")] = Split.ALL,
    training_gallery: Annotated[
        bool, typer.Option("--training-gallery", help="Also against FOLDER's training images.")
    ] = False,
    fit: Annotated[
        Path | None,
        typer.Option(help="Images to learn codes from; else, with --split, others of FOLDER."),
    ] = None,
    encoder: _EncoderName = None,
    weights: _Weights = None,
    label: Annotated[str | None, typer.Option(help="The encoder's name in plots.")] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="Another encoder beside it, [LABEL=]NAME, a .keras or a weights file."),
    ] = None,
    blur: Annotated[
        bool | None,
        typer.Option(
            "--blur/--no-blur",
            help="The blur curve: 15 more passes over the images. By default with --json or "
            "--report.",
        ),
    ] = None,
    milvus: Annotated[
        bool,
        typer.Option(
            "--milvus",
            help="Compare Milvus' indexes too, on the server that PLANKTON_MILVUS names or on one "
            "started for it.",
        ),
    ] = False,
    skip_unreadable: _Skip = False,
    json: Annotated[Path | None, typer.Option(help="Write everything to this file.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write report.html and its plots to this folder.")
    ] = None,
) -> None:
    """Measure how well images find others of their class."""
    _check_outputs(json, report)
    from workers.evaluation.study import Question, study
    from workers.evaluation.table import lines
    from workers.images import labelled_folder

    settings = load_settings()
    whole = labelled_folder(folder)
    question = Question(
        queries=_of_split(whole, split),
        split=split.value,
        gallery=labelled_folder(gallery) if gallery else None,
        training=_of_split(whole, Split.TRAIN) if training_gallery else None,
        fit=_to_fit(whole, split, fit),
        blur=bool(json or report) if blur is None else blur,
        milvus=settings if milvus else None,
        skip_unreadable=skip_unreadable,
        command=_command(),
    )
    _check(question)
    subject = _load(settings, encoder, weights)
    encoders = [(label or subject.identity.id, subject)]
    encoders += [_beside(settings, encoder, asked) for asked in compare or []]
    found = study(question, encoders, _say)
    print("\n".join(lines(found)))
    if json:
        _write(json, found.model_dump_json(indent=1).encode() + b"\n")
    if report:
        from workers.evaluation.report import write_report

        write_report(found, report, folder, gallery or folder)
        print(f"\nreport: {report / 'report.html'}")


@embed_app.command()
def embed(
    folder: Annotated[Path, typer.Argument(help="Images, in any sub-folders.")],
    *,
    out: Annotated[Path, typer.Option(help="The .npz file to write: paths, vectors, encoder.")],
    encoder: _EncoderName = None,
    weights: _Weights = None,
    skip_unreadable: _Skip = False,
) -> None:
    """Write the vectors of images to a NumPy file.

    `paths` (n,) are relative to FOLDER and sorted, `vectors` (n, d) float32 of unit length belong
    to them, `encoder` says what made them: vectors of two encoders can't be compared.
    """
    _check_parent(out)
    if out.suffix != ".npz":
        raise ConfigError(f"--out is {out}: its name has to end with .npz.")
    from io import BytesIO

    import numpy as np

    from workers.images import embed_files, image_files

    paths = image_files(folder)
    if not paths:
        raise ConfigError(f"{folder} has no PNG, JPEG, TIFF or BMP file.")
    subject = _load(load_settings(), encoder, weights)
    found = embed_files(subject, folder, paths, skip_unreadable=skip_unreadable)
    kept = np.array([paths[row] for row in found.rows], dtype=np.str_)
    data = BytesIO()
    np.savez(data, paths=kept, vectors=found.vectors, encoder=np.array(subject.identity.id))
    _write(out, data.getvalue())
    for problem in found.unreadable:
        _say(f"skipped {problem}")
    print(f"{len(kept):,} vectors of {subject.identity.id}, {len(found.unreadable)} files skipped")


def _load(settings: Settings, name: str | None, weights: str | None) -> "Encoder":
    from workers.encoders import load_encoder

    given = weights or settings.encoder_weights
    return load_encoder(name or settings.encoder, given, settings.embed_batch)


def _beside(settings: Settings, encoder: str | None, asked: str) -> "tuple[str, Encoder]":
    """An encoder of `--compare`: a name, a saved model, or weights of the same architecture."""
    from workers.encoders import ENCODERS

    label, _, what = ("", "", asked) if Path(asked).exists() else asked.rpartition("=")
    if what in ENCODERS or what.endswith(".keras"):
        found = _load(settings, what, "shipped" if what == "compact" else "imagenet")
    else:
        found = _load(settings, encoder, what)
    return label or found.identity.id, found


def _of_split(images: "LabelledFolder", split: Split) -> "LabelledFolder":
    from workers.training.data import split_of

    if split is Split.ALL:
        return images
    chosen = images.only(lambda name: split_of(name) == split.value)
    if not chosen.paths:
        raise ConfigError(
            f"{images.folder} holds no {split.value} images: the split follows from the file "
            f"names, and none of these {len(images.paths)} is in it. Use --split all."
        )
    return chosen


def _to_fit(whole: "LabelledFolder", split: Split, fit: Path | None) -> "LabelledFolder | None":
    """Images to learn codes from that are not judged; None if there are none."""
    from workers.images import labelled_folder

    if fit is None:
        others = Split.VALIDATION if split is Split.TRAIN else Split.TRAIN
        return None if split is Split.ALL else _of_split(whole, others)
    if fit.resolve() == whole.folder.resolve():
        raise ConfigError("--fit is FOLDER itself: codes can't be judged on what they learned.")
    return labelled_folder(fit)


def _check(question: "Question") -> None:
    gallery, queries = question.gallery, question.queries.folder
    if gallery is not None and gallery.folder.resolve() == queries.resolve():
        raise ConfigError(
            "--gallery is FOLDER itself, where each image would find itself first: leave it out, "
            "and each image searches the others."
        )
    if question.training is not None and question.split in {Split.ALL, Split.TRAIN}:
        raise ConfigError(
            "--training-gallery needs queries that are none of the training images: add --split "
            "test or --split validation."
        )


def _check_outputs(json: Path | None, report: Path | None) -> None:
    """Before hours of work, not after."""
    if json is not None:
        _check_parent(json)
    if report is None:
        return
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "--report needs the Python package matplotlib: `make install`, or install "
            "plankton-stream with its extra `train`."
        )
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--report: {report} can't be made: {error.strerror}.") from error


def _check_parent(file: Path) -> None:
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise ConfigError(f"{file} can't be written: is {file.parent} a folder that you may write?")


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all."""
    partial = file.with_name(f".{file.name}.part")
    partial.write_bytes(data)
    partial.replace(file)


def _command() -> str:
    """The command line for a shell, absolute paths shortened to their last part.

    What it writes becomes FILE and DIR: without either there is no blur curve.
    """
    words = iter(sys.argv[1:])
    kept = ["plankton"]
    for word in words:
        option, _, given = word.partition("=")
        if option in _WRITTEN:
            kept += [option, _WRITTEN[option]]
            if not given:
                next(words, None)
        else:
            label, equals, path = word.rpartition("=")
            kept.append(f"{label}{equals}{Path(path).name if path.startswith('/') else path}")
    return shlex.join(kept)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
