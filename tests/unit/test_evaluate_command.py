"""`plankton evaluate` and `plankton embed` on drawn images, as a user runs them."""

import json
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from plankton_stream.errors import ConfigError, PlanktonError, RejectedError
from workers.encoders import load_encoder
from workers.evaluation.commands import embed_app, evaluate_app
from workers.evaluation.document import Evaluation
from workers.images import read_image

RANDOM = ["--weights", "random"]


def drawn(kind: str, number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    image = rng.integers(215, 225, (48, 48), dtype=np.uint8)
    x, y = (int(v) for v in rng.integers(18, 30, 2))
    if kind == "disc":
        cv2.circle(image, (x, y), 10, 80, -1)
    elif kind == "ring":
        cv2.circle(image, (x, y), 12, 80, 2)
    else:
        cv2.line(image, (3, x), (45, y), 80, 2)
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 24 images, and one of a single image."""
    folder = tmp_path_factory.mktemp("images") / "drawn & labelled"
    for kind in ("disc", "ring", "thread"):
        (folder / kind).mkdir(parents=True)
        for number in range(24):
            cv2.imwrite(str(folder / kind / f"{kind}{number}.png"), drawn(kind, number))
    (folder / "alone").mkdir()
    cv2.imwrite(str(folder / "alone" / "1.png"), drawn("disc", 99))
    return folder


def plankton(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "plankton_stream", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def evaluated(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the command printed, and the folder with what it wrote."""
    out = tmp_path_factory.mktemp("out")
    run = plankton(
        "evaluate", folder, *RANDOM, "--label", "drawn <first>", "--compare", "trained=compact",
        "--json", out / "figures.json", "--report", out / "report",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout, out


@pytest.fixture(scope="module")
def document(evaluated: tuple[str, Path]) -> Evaluation:
    return Evaluation.model_validate_json((evaluated[1] / "figures.json").read_bytes())


def test_the_command_is_one_that_a_shell_takes_and_draws_the_blur_curve(
    document: Evaluation,
) -> None:
    assert shlex.split(document.command) == [
        "plankton", "evaluate", "drawn & labelled", *RANDOM, "--label", "drawn <first>",
        "--compare", "trained=compact", "--json", "FILE", "--report", "DIR",
    ]  # fmt: skip


def test_the_table_has_all_encoders_ways_and_methods(
    evaluated: tuple[str, Path], document: Evaluation
) -> None:
    printed, _ = evaluated
    assert "73 images, 4 classes, each image searching the others" in printed
    assert "1 classes have one image" in printed
    for text in ("drawn <first> (compact-v3-", "trained (compact-v3-", "turned and blurred"):
        assert text in printed
    figures = document.encoders[0].figures[0]
    assert f"{figures.map_at_10.value:.3f}" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 110


def test_the_document_holds_what_was_judged(document: Evaluation) -> None:
    assert (document.data.images, document.data.classes, document.data.single) == (73, 4, 1)
    assert document.data.name == "drawn & labelled"
    assert document.encoders[1].id != document.encoders[0].id
    for encoder in document.encoders:
        as_they_are, *others = encoder.figures
        assert (as_they_are.queries, as_they_are.left_out, as_they_are.gallery) == (72, 1, 72)
        assert [way.name for way in others] == ["turned", "turned and blurred (9 px)"]
        assert as_they_are.map_at_10.low <= as_they_are.map_at_10.value
        assert encoder.map_at_k.x == list(range(1, 73))  # no deeper than there are images
        assert encoder.map_at_k.value[9] == pytest.approx(as_they_are.map_at_10.value)
        assert encoder.blur is not None
        assert encoder.blur.x == list(range(1, 33, 2))
        assert encoder.blur.value[0] == pytest.approx(as_they_are.map_at_10.value)
        assert [one.queries for one in encoder.classes] == [24, 24, 24]
        wrong = round((1 - as_they_are.precision_at_1.value) * 72)
        assert sum(pair.count for pair in encoder.confusions) == wrong
    assert document.methods[0].recall_at_10 == 1
    assert document.data.fit == 0


def test_the_document_is_that_of_the_schema(evaluated: tuple[str, Path]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    written = json.loads((evaluated[1] / "figures.json").read_text())

    jsonschema.validate(written, Evaluation.model_json_schema())

    assert written["format"] == "plankton-evaluation/1"
    assert str(evaluated[1]) not in json.dumps(written)  # no path of this machine


def test_another_run_gives_the_same_figures(
    folder: Path, tmp_path: Path, document: Evaluation
) -> None:
    run = CliRunner().invoke(
        evaluate_app, [str(folder), *RANDOM, "--no-blur", "--json", str(tmp_path / "a.json")]
    )
    assert run.exit_code == 0, run.output
    again = Evaluation.model_validate_json((tmp_path / "a.json").read_bytes()).encoders[0]
    first = document.encoders[0]
    assert again.model_copy(update={"label": first.label, "blur": first.blur}) == first


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.heads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "img", "br", "source"}:
            self.open.append(tag)
        self.sources += [v or "" for k, v in attrs if k in {"src", "srcset", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] == "h2":
            self.heads.append(data)


def test_the_report_is_one_whole_page(evaluated: tuple[str, Path], document: Evaluation) -> None:
    folder = evaluated[1] / "report"
    page = Page()
    page.feed((folder / "report.html").read_text())
    page.close()

    assert page.open == []
    assert all(source.startswith("data:") for source in page.sources)  # works offline, anywhere
    assert page.heads == [
        "Summary", "How deep one can look", "Out of focus", "By class", "Most confused",
        "Ways to search", "Method", "Limits",
    ]  # fmt: skip
    examples = sum(len(pair.examples) for pair in document.encoders[0].confusions[:12])
    pictures = [source for source in page.sources if source.startswith("data:image/png")]
    assert len(pictures) == 2 * 4 + 2 * examples
    for text in ("drawn <first>", document.encoders[0].id, document.command, "1 queries have no"):
        assert text in page.text


@pytest.mark.parametrize("stem", ["map-at-k", "blur", "classes", "methods"])
def test_plots_lie_beside_the_report(evaluated: tuple[str, Path], stem: str) -> None:
    plot = read_image(evaluated[1] / "report" / f"{stem}.png")
    assert plot.shape[1] >= 700
    assert plot.std() > 5  # something is drawn


@pytest.mark.browser
def test_a_browser_shows_the_report(evaluated: tuple[str, Path], browser: object) -> None:
    context = browser.new_context(  # type: ignore[attr-defined]
        viewport={"width": 1280, "height": 800}, color_scheme="dark", offline=True
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto((evaluated[1] / "report" / "report.html").as_uri())

    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert said == []
    context.close()


def test_vectors_of_a_folder_are_written_with_their_paths(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.npz"
    run = plankton("embed", folder, "--out", out, *RANDOM)
    assert run.returncode == 0, run.stderr

    encoder = load_encoder("compact", "random", batch_size=8)
    with np.load(out) as found:
        paths, vectors, by = found["paths"], found["vectors"], found["encoder"]
    assert paths.tolist() == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.png")
    )
    assert vectors.shape == (73, 256)
    assert vectors.dtype == np.float32
    assert str(by) == encoder.identity.id
    images = [read_image(folder / path) for path in paths[:9]]
    np.testing.assert_allclose(vectors[:9], encoder.encode(images), atol=1e-4)
    assert "73 vectors" in run.stdout


def test_unreadable_images_are_skipped_only_when_asked(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "good.png"), drawn("disc", 1))
    (tmp_path / "empty.png").write_bytes(b"")
    arguments = [str(tmp_path), "--out", str(tmp_path / "out.npz"), *RANDOM]

    refused = CliRunner().invoke(embed_app, arguments)
    assert isinstance(refused.exception, RejectedError)
    assert "empty.png" in str(refused.exception)
    assert list(tmp_path.glob("*out*")) == []

    skipped = CliRunner().invoke(embed_app, [*arguments, "--skip-unreadable"])
    assert skipped.exit_code == 0, skipped.output
    with np.load(tmp_path / "out.npz") as found:
        assert found["paths"].tolist() == ["good.png"]
    assert "1 files skipped" in skipped.output


def test_split_and_training_gallery(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    run = CliRunner().invoke(
        evaluate_app,
        [str(folder), *RANDOM, "--split", "validation", "--training-gallery", "--no-blur",
         "--json", str(out)],
    )  # fmt: skip
    assert run.exit_code == 0, run.output

    found = Evaluation.model_validate_json(out.read_bytes())
    against = found.encoders[0].figures[-1]
    assert against.name == "against training images"
    assert found.data.split == "validation"
    assert against.gallery == found.data.fit > found.data.images
    assert [one.kind for one in found.methods].count("learned") == 5


def test_one_folder_searches_another(folder: Path, tmp_path: Path) -> None:
    for kind in ("disc", "thread", "zooid"):
        (tmp_path / kind).mkdir()
        for number in range(100, 103):
            cv2.imwrite(str(tmp_path / kind / f"{number}.png"), drawn(kind, number))
    run = CliRunner().invoke(
        evaluate_app, [str(tmp_path), "--gallery", str(folder), *RANDOM, "--no-blur"]
    )
    assert run.exit_code == 0, run.output
    assert f"9 images, 3 classes, searching {folder.name}" in run.output
    assert "3 queries have no image of their class to find" in run.output


def refusal(*arguments: object) -> PlanktonError:
    run = CliRunner().invoke(evaluate_app, [*map(str, arguments), *RANDOM])
    assert isinstance(run.exception, PlanktonError), run.output
    return run.exception


def only(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), drawn("disc", len(name)))
    return folder


def test_one_class_tells_nothing(tmp_path: Path) -> None:
    assert "one class (a)" in str(refusal(only(tmp_path, "a/1.png", "a/2.png")))


def test_classes_of_one_image_have_nothing_to_find(tmp_path: Path) -> None:
    assert "every class has one image" in str(refusal(only(tmp_path, "a/1.png", "b/2.png")))


def test_a_gallery_without_the_classes_is_refused(tmp_path: Path) -> None:
    queries = only(tmp_path / "queries", "a/1.png")
    assert "no class is in the gallery" in str(
        refusal(queries, "--gallery", only(tmp_path / "gallery", "b/1.png"))
    )


def test_what_contradicts_itself_is_refused_before_any_work(folder: Path, tmp_path: Path) -> None:
    assert "--split" in str(refusal(folder, "--training-gallery"))
    assert "--fit" in str(refusal(folder, "--fit", folder))
    assert "find itself" in str(refusal(folder, "--gallery", folder))
    assert "nowhere" in str(refusal(folder, "--json", tmp_path / "nowhere" / "a.json"))
    (tmp_path / "file").write_text("")
    assert isinstance(refusal(folder, "--report", tmp_path / "file"), ConfigError)
    assert "holds no test images" in str(
        refusal(only(tmp_path / "a-set", "a/100224.jpg"), "--split", "test")
    )
    assert "vgg" in str(refusal(folder, "--encoder", "vgg"))


@pytest.mark.parametrize("command", ["evaluate", "embed"])
def test_help_needs_no_tensorflow(command: str) -> None:
    code = f"""
import sys
from plankton_stream.cli import main
sys.argv = ["plankton", {command!r}, "--help"]
try:
    main()
except SystemExit:
    pass
print({{"tensorflow", "keras", "pymilvus", "matplotlib"}} & sys.modules.keys())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"plankton {command} [OPTIONS]" in run.stdout
    assert run.stdout.splitlines()[-1] == "set()"
