"""The exercise: its numbers stand in its text, and what is false on purpose is what its outcome says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.architectures import count_parameters, layers
from harness.data.toyfaces import toyfaces
from harness.papers import load_paper
from harness.papers.loading import BUILT_IN
from harness.papers.outcome import made_paper, read_outcome
from harness.papers.review import audit
from harness.papers.variants import paper_fields

PAPER = load_paper("toyfaces_demo")
FOLDER = BUILT_IN / "toyfaces_demo"
OUTCOME = read_outcome("toyfaces_demo")
FALSE = next(name for name, verdict in OUTCOME.verdicts.items() if verdict == "NOT_REPRODUCED")
"""The network whose accuracy is made up."""
TOTAL = PAPER.facts["both.parameters.table-1"]
ADDED = f"{sum(map(count_parameters, PAPER.variants.values())):,}"
"""What the total should be."""


@pytest.fixture(scope="module")
def text() -> str:
    """The exercise on one line, table rows with single spaces."""
    return " ".join((FOLDER / "paper.md").read_text(encoding="utf-8").split())


def test_it_is_the_paper_that_was_made_to_be_reproduced() -> None:
    assert made_paper() == PAPER.name


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
    found = {each.name: each for each in audit(PAPER)}
    assert found.keys() == {"two-figures-for-one-accuracy", "total-that-does-not-add-up"}
    table, abstract = (PAPER.facts[f"{FALSE}.accuracy.{place}"].value for place in ("table-1", "abstract"))
    assert f"{100 * (table - abstract):.2f} points" in found["two-figures-for-one-accuracy"].statement
    assert f"= {ADDED}, not {TOTAL.printed}" in found["total-that-does-not-add-up"].arithmetic


def test_without_the_contradictions_it_finds_none() -> None:
    mended = PAPER.replaced(
        {
            f"{FALSE}.accuracy.abstract": PAPER.facts[f"{FALSE}.accuracy.table-1"].printed,
            TOTAL.name: ADDED,
        }
    )
    assert audit(mended) == ()


def test_the_outcome_names_all_that_the_paper_has() -> None:
    assert OUTCOME.verdicts.keys() == PAPER.variants.keys() == PAPER.declared_bands.keys()
    assert OUTCOME.claims.keys() == PAPER.claims.keys()
    assert sorted(OUTCOME.verdicts.values()) == ["NOT_REPRODUCED", "REPRODUCED"]
    assert sorted(OUTCOME.claims.values()) == ["refuted", "supported"]
