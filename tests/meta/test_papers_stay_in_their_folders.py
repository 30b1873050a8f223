"""The machinery knows no paper: outside `harness/papers` no source names what one paper has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.papers import Paper, built_in_papers, load_paper
from tests.support.repository import ROOT

SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("harness", "impls")
    for path in (ROOT / folder).rglob("*.py")
    if "papers" not in path.relative_to(ROOT).parts
)
DEFAULT = re.compile(r'^DEFAULT_PAPER: Final = ".*"$', re.MULTILINE)
"""The paper that commands take where none is given: the one name that stands outside, once."""
PLACES = re.compile(r"\b(?:Tables?|Figures?) \d+|\bRTX \d{4}|\bRyzen\b")


def figures(paper: Paper) -> Iterator[str]:
    """Shares of four digits that a paper prints, such as accuracies: hardly another number is one of them."""
    for fact in paper.facts.values():
        if fact.unit in ("percent", "fraction") and not fact.row and re.fullmatch(r"\d{2}\.\d{2}", fact.printed):
            yield fact.printed


def names(paper: Paper) -> list[str]:
    """The paper's own, those of its variants, and of the hardware that it names."""
    hardware = [paper.hardware.gpu.name, paper.hardware.cpu.name] if paper.hardware else []
    return [paper.name, *paper.variants, *hardware]


PAPERS = [load_paper(name) for name in built_in_papers()]
NAMES = re.compile("|".join(rf"(?<![\w-]){re.escape(each)}(?![\w-])" for paper in PAPERS for each in names(paper)))
FIGURES = re.compile("|".join(rf"(?<![\d.]){re.escape(each)}(?![\d.])" for paper in PAPERS for each in figures(paper)))


def found(text: str) -> list[str]:
    """What of a paper stands in a source."""
    text = DEFAULT.sub("", text)
    return [match[0] for pattern in (NAMES, PLACES, FIGURES) for match in pattern.finditer(text)]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_source_names_what_one_paper_has(path: Path) -> None:
    assert found((ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text", ["as vgg16-scratch does", "see Table 6", "67.23 %", "on an RTX 4080", 'x = "jahangir2024"']
)
def test_the_check_sees_it(text: str) -> None:
    assert found(text)


def test_the_default_stands_once() -> None:
    assert sum(len(DEFAULT.findall((ROOT / path).read_text(encoding="utf-8"))) for path in SOURCES) == 1
    assert not found('DEFAULT_PAPER: Final = "jahangir2024"')
