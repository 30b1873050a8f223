"""What else differs between runs that the paper compares."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import confounded
from harness.papers.variants import paper_fields
from tests.support import audited
from tests.support.audited import PAPER


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(confounded, paper_text)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "confounded-strategies-of-vgg16",
            "vgg16-scratch against vgg16-transfer, +0.08 points: differ in blocks, head, input_size, input_channels, "
            "stop_rule; as we read them also in plateau_rule",
        ),
        (
            "confounded-strategies-of-resnet50",
            "resnet50-transfer against resnet50-fine-tune, +3.71 points: differ in head, epochs, stop_rule; "
            "as we read them also in plateau_rule",
        ),
        ("confounded-architectures", "vgg16-transfer against resnet50-transfer, +38.69 points: differ in head"),
    ],
)
def test_confounded_fields(name: str, line: str) -> None:
    assert line in audited.found(confounded)[name].arithmetic.splitlines()


@pytest.mark.parametrize("compared", confounded.PART_OF)
def test_only_fields_of_variants_may_differ(compared: str) -> None:
    assert confounded.PART_OF[compared] <= set(paper_fields())


@pytest.mark.parametrize("other", PAPER.variants)
def test_a_field_counts_as_said_only_if_both_sides_quote_the_paper(other: str) -> None:
    first, second = PAPER.variants["vgg16-scratch"], PAPER.variants[other]
    said, assumed = confounded.differences(PAPER, first, second, "strategy")
    assert not set(said) & set(assumed)
    assert all(PAPER.sources[variant.name][field].quote for field in said for variant in (first, second))
    assert all(getattr(first, field) != getattr(second, field) for field in (*said, *assumed))


def test_a_variant_differs_from_itself_in_nothing() -> None:
    assert confounded.differences(PAPER, *(PAPER.variants["vgg16-scratch"],) * 2, "strategy") == ([], [])


def test_accuracies_that_hardly_differ_need_no_cause() -> None:
    paper = audited.replaced({f"{name}.accuracy.table-6": "0.6723" for name in PAPER.variants})
    assert audited.found(confounded, paper) == {}
    assert len(audited.found(confounded)) == 3


def test_what_stands_there_by_examples_is_not_said_to_be_described() -> None:
    statement = audited.found(confounded)["confounded-architectures"].statement
    assert (
        "As the text describes them the runs also differ in head, augmentation (for ResNet50 from scratch" in statement
    )
    assert "is one way" in statement


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(confounded))
def test_each_fact_of_a_comparison_matters(finding: str, name: str) -> None:
    audited.check_rests_on(confounded, finding, name)
