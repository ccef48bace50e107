"""`plankton taxa`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.cli import app
from plankton_stream.errors import ConfigError, RejectedError


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    monkeypatch.setenv("PLANKTON_CATALOG", url)
    monkeypatch.setenv("PLANKTON_USER", "ada")
    monkeypatch.chdir(tmp_path)
    upgrade(url)
    return Catalog(url)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["taxa", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("catalog")
def test_a_file_is_checked_then_taken_in_then_there(catalog: Catalog) -> None:
    Path("mine.txt").write_text("Copepoda\n  Oithona\n    Oithona similis\n")
    assert run("import", "mine.txt", "--check") == (
        "2 taxa would be added, 0 would be changed, 1 are there already\n"
    )
    assert "oithona" not in catalog.taxa.by_key()
    assert run("import", "mine.txt") == "2 taxa added, 0 changed, 1 are there already\n"
    assert run("import", "mine.txt") == "0 taxa added, 0 changed, 3 are there already\n"
    (line,) = catalog.taxonomy.history("oithona")
    assert (line.who, line.why) == ("ada", "import: mine.txt")
    assert "  oithona-similis" in run("tree", "copepod")
    assert run("list", "oithona sim").startswith("oithona-similis ")
    assert "Larvacea" in run("list", "larvacea")


@pytest.mark.usefixtures("catalog")
def test_what_differs_is_said_and_kept() -> None:
    Path("mine.csv").write_text("key,name\nsalp,Salps\n")
    assert "kept as it is: line 2: salp: name is Salps there" in run("import", "mine.csv")
    assert "1 changed" in run("import", "mine.csv", "--update")


def test_what_is_exported_is_taken_in(catalog: Catalog, tmp_path: Path) -> None:
    before = catalog.taxa.all()
    assert f"{len(before)} taxa in all.csv" in run("export", "--out", "all.csv")
    assert run("export") == Path("all.csv").read_text()
    assert f"0 taxa added, 0 changed, {len(before)} are there" in run("import", "all.csv")
    other = f"sqlite:///{tmp_path}/other.sqlite"
    upgrade(other)
    assert Catalog(other).taxa.all() == before


def test_merge_and_unmerge(catalog: Catalog) -> None:
    assert run("merge", "egg", "salp") == "egg is a synonym of salp now; 0 images labelled again\n"
    assert catalog.taxa.merged() == {"egg": "salp"}
    assert "egg is valid again" in run("unmerge", "egg")
    assert catalog.taxa.merged() == {}


@pytest.mark.usefixtures("catalog")
def test_what_is_wrong_is_said() -> None:
    Path("bad.csv").write_text("key,name\nA B,x\n")
    with pytest.raises(RejectedError, match="line 2, column 'key'"):
        run("import", "bad.csv")
    for arguments in (
        ("import", "no.csv"), ("import", "bad.csv", "--under", "kraken"), ("tree", "kraken"),
        ("export", "--out", "no/where.csv"),
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            run(*arguments)
