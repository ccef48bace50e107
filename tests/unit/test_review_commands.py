"""`plankton review` as a person meets it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from plankton_stream.adapters.sql import Catalog, upgrade
from plankton_stream.cli import app
from plankton_stream.errors import PlanktonError
from plankton_stream.review.records import Shares
from tests.contract.conftest import an_image, asked

IMAGES = [an_image(n) for n in range(3)]
IDS = [image.image_id for image in IMAGES]


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    monkeypatch.setenv("PLANKTON_HOME", str(tmp_path))
    monkeypatch.setenv("PLANKTON_USER", "rita")
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    upgrade(url)
    catalog = Catalog(url)
    catalog.images.upsert(IMAGES)
    return catalog


def said(*words: object) -> str:
    result = CliRunner().invoke(app, ["review", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def written(folder: Path, text: str) -> Path:
    file = folder / "truths"
    file.write_text(text, encoding="utf-8-sig")
    return file


def test_references_come_from_a_table_or_a_list(catalog: Catalog, tmp_path: Path) -> None:
    table = written(tmp_path, f"taxon,image_id\negg,{IDS[0]}\nfibre,{IDS[1]}\n")
    assert "2 images are references now" in said("reference", table, "--note", "hatched")
    listed = written(tmp_path, f"{IDS[1]}\n\n{IDS[2]}\n")
    assert "2 images" in said("reference", listed, "--taxon", "egg")
    truths = {known.image_id: known.taxon for known in catalog.references.all()}
    assert truths == dict.fromkeys(IDS, "egg")
    assert {known.who for known in catalog.references.all()} == {"rita"}
    assert "2 images are no references" in said("reference", listed, "--remove")
    assert len(catalog.references.all()) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n", "no columns image_id and taxon"),
        (f"image_id,taxon\n{IDS[0]},\n", "line 2"),
        (f"image_id,taxon\n{IDS[0]},egg\n{IDS[0]},fibre\n", "line 3.*another taxon"),
        (f"image_id,taxon\n{IDS[0]},dragon\n", "dragon"),
        ("image_id,taxon\nnowhere,egg\n", "nowhere"),
    ],
)
def test_a_wrong_file_marks_nothing(catalog: Catalog, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PlanktonError, match=told):
        said("reference", written(tmp_path, text))
    assert catalog.references.all() == []
    with pytest.raises(PlanktonError, match="can't be read"):
        said("reference", tmp_path / "missing")


def test_shares_are_shown_and_set(catalog: Catalog) -> None:
    said("shares", "--second", 10, "--self", 2)
    assert catalog.opinions.shares() == Shares(second_percent=10, self_percent=2)
    shown = said("shares", "--references", 5)
    assert "by somebody else       10 %" in shown
    assert catalog.opinions.shares().reference_percent == 5
    with pytest.raises(PlanktonError, match="less than or equal to 100"):
        said("shares", "--second", 101)


def test_agreement_is_printed(catalog: Catalog) -> None:
    assert "can't be told" in said("agreement")
    catalog.opinions.set_shares(Shares(second_percent=100), who="rita")
    catalog.labels.apply(asked(*IMAGES[:2]))
    catalog.labels.apply(asked(IMAGES[2], taxon="egg"))
    for image_id, taxon in zip(IDS, ("copepod", "copepod", "egg"), strict=True):
        catalog.opinions.give(image_id, taxon, who="ben")
    printed = said("agreement")
    assert "ann and ben, Cohen's kappa: 1.000 (1.00 to 1.00), 3 images" in printed
    assert "ben: with others 100.0% of 3" in printed
