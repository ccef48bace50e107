"""The benchmark's page says what its figures say."""

from pathlib import Path

import pytest

from benchmarks.report import FIGURES, PAGE
from workers.evaluation.report.markdown import fill, read, stem_of

DOCUMENTS = sorted(FIGURES.glob("*.json"))


def test_the_page_is_that_of_its_json() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert fill(page, FIGURES) == page, "run `python benchmarks/report.py`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_figures_are_of_the_format_and_name_no_machine(path: Path) -> None:
    found = read(path)

    assert stem_of(found) == path.stem
    assert not [word for word in found.command.split() if word.startswith("/")]


def test_every_plot_is_shown() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert DOCUMENTS
    assert [p.name for p in FIGURES.glob("*.png") if f"({FIGURES.name}/{p.name})" not in page] == []
