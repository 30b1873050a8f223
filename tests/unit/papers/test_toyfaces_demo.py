"""The exercise: its numbers stand in its text, and what is false on purpose is what its outcome says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.architectures import count_parameters, layers
from harness.data.toyfaces import toyfaces
from harness.papers import load_paper
from harness.papers.loading import BUILT_IN
from harness.papers.outcome import read_outcome
from harness.papers.review import audit
from harness.papers.variants import paper_fields

PAPER = load_paper("toyfaces_demo")
FOLDER = BUILT_IN / "toyfaces_demo"
OUTCOME = read_outcome("toyfaces_demo")


@pytest.fixture(scope="module")
def text() -> str:
    """The exercise on one line, table rows with single spaces."""
    return " ".join((FOLDER / "paper.md").read_text(encoding="utf-8").split())


def test_it_holds_data_alone() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == {".toml", ".md"}


def test_every_file_says_that_it_is_an_exercise(text: str) -> None:
    assert "This is not a publication." in text
    assert "false on purpose" in text
    for path in FOLDER.glob("*.toml"):
        assert "exercise" in Path(path).read_text(encoding="utf-8").partition("[")[0].lower(), path.name
    assert "not a publication" in PAPER.citation


def test_every_quote_stands_in_the_text(text: str) -> None:
    quotes = [fact.quote for fact in PAPER.facts.values()]
    quotes += [claim.quote for claim in PAPER.claims.values()]
    quotes += list(PAPER.review.quotes())
    quotes += [each.quote for fields in PAPER.sources.values() for each in fields.values() if each.quote]
    assert len(quotes) > 20
    assert [quote for quote in quotes if quote not in text] == []


@pytest.mark.parametrize("name", PAPER.variants)
def test_each_field_has_a_source(name: str) -> None:
    assert set(paper_fields()) <= PAPER.sources[name].keys()


@pytest.mark.parametrize("name", PAPER.variants)
def test_networks_are_small_and_have_the_parameters_that_are_printed(name: str) -> None:
    variant = PAPER.variants[name]
    assert count_parameters(variant) == PAPER.facts[f"{name}.parameters.table-1"].value < 100_000
    assert any(layer.kind == "batch-norm" for layer in layers(variant))
    assert variant.epochs == PAPER.facts[f"{name}.epochs.networks"].value


def test_the_data_set_has_as_many_images_as_it_says() -> None:
    faces = toyfaces()
    assert len(faces.rows("training")) == PAPER.facts["dataset.training.data"].value
    assert len(faces.rows("public_test")) + len(faces.rows("private_test")) == PAPER.facts["dataset.test.data"].value


def test_the_review_finds_the_two_contradictions() -> None:
    found = audit(PAPER)
    assert {each.name for each in found} == {"two-figures-for-one-accuracy", "total-that-does-not-add-up"}
    by_name = {each.name: each for each in found}
    assert "1.90 points" in by_name["two-figures-for-one-accuracy"].statement
    assert by_name["total-that-does-not-add-up"].arithmetic == "87,359 + 80,455 = 167,814, not 176,814"


def test_without_the_contradictions_it_finds_none() -> None:
    mended = PAPER.replaced({"small-resnet.accuracy.abstract": "55.1", "both.parameters.table-1": "167,814"})
    assert audit(mended) == ()


def test_the_outcome_names_all_that_the_paper_has() -> None:
    assert OUTCOME.verdicts.keys() == PAPER.variants.keys() == PAPER.declared_bands.keys()
    assert OUTCOME.claims.keys() == PAPER.claims.keys()
    assert sorted(OUTCOME.verdicts.values()) == ["NOT_REPRODUCED", "REPRODUCED"]
    assert sorted(OUTCOME.claims.values()) == ["refuted", "supported"]
