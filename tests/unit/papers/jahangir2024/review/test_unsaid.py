"""What the paper leaves out: it is all there, and it would be gone had the paper said it."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import unsaid
from harness.papers.variants import paper_fields
from tests.support import audited
from tests.support.audited import PAPER

NAMES = {f"{name}-leaves-open" for name in PAPER.variants} | {
    "class-weights-without-weights", "augmentation-without-magnitudes",
}  # fmt: skip


def test_every_finding_is_one_of_these() -> None:
    found = audited.found(unsaid)
    assert set(found) == NAMES
    assert {finding.grade for finding in found.values()} == {"unsaid"}


@pytest.mark.parametrize("name", PAPER.variants)
def test_every_assumed_field_of_a_variant_is_named_with_its_reason(name: str) -> None:
    finding = audited.found(unsaid)[f"{name}-leaves-open"]
    lines = finding.arithmetic.splitlines()
    for field in paper_fields():
        source = PAPER.sources[name][field]
        mark = f"{field}, in part: " if source.quote else f"{field}: "
        expected = [f"{mark}{' '.join(source.assumed.split())}"] if source.assumed else []
        assert [line for line in lines if line.startswith((f"{field}: ", f"{field}, in part: "))] == expected
        assert (field.replace("_", " ") in finding.statement) == bool(source.assumed)


def test_what_is_open_is_printed_beside_the_papers_number() -> None:
    assert "67.23 %" in audited.found(unsaid)["vgg16-scratch-leaves-open"].statement
    changed = audited.found(unsaid, audited.replaced({"vgg16-scratch.accuracy.table-6": "0.7000"}))
    assert "70.00 %" in changed["vgg16-scratch-leaves-open"].statement


def test_class_weights_are_held_against_the_matrices() -> None:
    statement = audited.found(unsaid)["class-weights-without-weights"].statement
    assert "count disgust 9.4 times" in statement
    assert "62, 0, 0 and 0 times, for 111 such images" in statement
    often = audited.replaced({"vgg16-scratch.confusion-angry.figure-20": "366 209 113 29 136 95 10"})
    assert "class-weights-without-weights" not in audited.found(unsaid, often)  # 262 answers: as if weighted
    said = audited.with_fact("vgg16-scratch.class-weights.text", "9.4")
    assert "class-weights-without-weights" not in audited.found(unsaid, said)


def test_magnitudes_that_are_said_are_not_missed() -> None:
    name = "augmentation-without-magnitudes"
    assert "rotation, width-shift, height-shift, shear and zoom" in audited.found(unsaid)[name].statement
    found = audited.found(unsaid, audited.with_fact("vgg16-scratch.rotation.text", "20"))
    assert "given for width-shift, height-shift, shear and zoom" in found[name].statement
    paper = PAPER
    for quantity in unsaid.AUGMENTATION_QUANTITIES:
        paper = audited.with_fact(f"vgg16-scratch.{quantity}.text", "0.2", paper=paper)
    assert name not in audited.found(unsaid, paper)


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(unsaid))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(unsaid, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(unsaid, paper_text)
