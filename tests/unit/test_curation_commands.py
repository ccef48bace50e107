"""`plankton sample`, `project`, `audit` and `deadletter` as a person meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plankton_stream.adapters.files import FileImageStore
from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.cli import app
from plankton_stream.errors import PlanktonError
from tests.contract.conftest import an_image


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A home with two images of sample s-1 and one of s-2; nothing runs on it."""
    monkeypatch.setenv("PLANKTON_HOME", str(tmp_path))
    monkeypatch.setenv("PLANKTON_KAFKA", "127.0.0.1:1")
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    catalog, store = Catalog(url), FileImageStore(f"file://{tmp_path / 'images'}")
    images = [an_image(n, sample=sample) for n, sample in enumerate(("s-1", "s-1", "s-2"))]
    catalog.images.upsert(images)
    for image in images:
        store.put(image.image_id, image.content_type, b"x")
    catalog.close()
    return CliRunner()


def said(run: CliRunner, *words: str) -> str:
    result = run.invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_sample_is_put_into_a_project_and_listed_there(run: CliRunner) -> None:
    said(run, "project", "create", "cruise-7", "--name", "Cruise 7")
    said(run, "sample", "assign", "s-1", "--project", "cruise-7", "--note", "night")
    assert "cruise-7             Cruise 7: s-1" in said(run, "project", "list")
    (line,) = said(run, "sample", "list", "--project", "cruise-7", "--json").splitlines()
    assert json.loads(line)["images"] == 2
    assert [line.split()[0] for line in said(run, "sample", "list").splitlines()] == [
        "sample", "s-1", "s-2",
    ]  # fmt: skip


def test_a_deleted_sample_leaves_its_record(run: CliRunner, tmp_path: Path) -> None:
    assert "deleted 2 images" in said(run, "sample", "delete", "s-1", "--yes", "--why", "torn net")
    shown = said(run, "sample", "show", "s-1")
    assert "deleted" in shown
    assert "2 images, 0 labels, 0 frames (torn net)" in shown
    assert json.loads(said(run, "sample", "show", "s-1", "--json"))["deletions"][0]["why"]
    store = FileImageStore(f"file://{tmp_path / 'images'}")
    assert len(list(store.ids())) == 1


def test_nothing_is_deleted_unasked(run: CliRunner, tmp_path: Path) -> None:
    with pytest.raises(PlanktonError, match="--yes"):
        run.invoke(app, ["sample", "delete", "s-1"], catch_exceptions=False)
    assert len(list(FileImageStore(f"file://{tmp_path / 'images'}").ids())) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sample", "show", "nothing"], "plankton sample list"),
        (["sample", "delete", "No Id", "--yes"], "lower-case letters"),
        (["sample", "assign", "s-1", "--project", "none"], "plankton project create"),
        (["project", "create", "Cruise 7"], "lower-case letters"),
        (["audit", "--since", "yesterday"], "ISO 8601"),
        (["audit"], "127.0.0.1:1"),
        (["deadletter", "list"], "127.0.0.1:1"),
        (["deadletter", "replay"], "plankton deadletter list"),
        (["deadletter", "replay", "3", "--all"], "plankton deadletter list"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(run: CliRunner, words: list[str], says: str) -> None:
    with pytest.raises(PlanktonError, match=says):
        run.invoke(app, words, catch_exceptions=False)
