"""Conclusions against the paper's own numbers: each finding with a fact changed."""

from __future__ import annotations

import audited
import pytest

from harness.judging.findings import claims_refuted, confounded
from harness.variants import VARIANTS, paper_fields, sources

EXPECTED = {
    "scratch-wins-and-transfer-wins": ("67.23 % to 67.15 %", {"vgg16-transfer.accuracy.text": "67.01"}),
    "ranked-by-less-than-a-seed": ("0.08 points, 6 of 7,178 images", {"vgg16-transfer.accuracy.table-6": "0.6215"}),
    "transfer-improves-to-less": ("from 67.2 % to 67.1 %", {"vgg16-transfer.accuracy.comparison": "67.3"}),
    "fine-tuning-benefited-most": ("48.13 % and 24.75 %", {"vgg16-fine-tune.accuracy.table-6": "0.6813"}),
    "fine-tuning-slight-reduction": (
        "19.10 points, not 2.43 points",
        {"vgg16-fine-tune.accuracy.table-6": "0.6480"},
    ),
    "overfitting-below-validation": ("46.50 %, is lower", {"vgg16-fine-tune.training-accuracy.table-6": "0.6650"}),
    "transfer-avoids-overfitting": (
        "12.54 points, that of scratch 5.36 points: 2.3 times",
        {"vgg16-transfer.training-accuracy.table-6": "0.6969"},
    ),
    "generalises-by-learning-less": (
        "vgg16-fine-tune, resnet50-transfer and resnet50-fine-tune generalise better still",
        {"resnet50-scratch.training-accuracy.table-6": "0.6618"},
    ),
    "outperforms-without-pretraining": (
        "leads ResNet50 by 12.54 points, and they change its own accuracy by −0.08 points",
        {"vgg16-scratch.accuracy.table-6": "0.5423"},
    ),
    "rapid-convergence-takes-longer": ("up to 13.4 times", {"resnet50-fine-tune.seconds.table-6": "1793.00"}),
    "simpler-means-more-operations": (
        "3.2 times the operations of the one that lost and 33 % of its parameters",
        {"resnet50-scratch.accuracy.table-6": "0.7469"},
    ),
    "neutral-is-reasonable-for-both": (
        "resnet50-transfer gets 1 of 1,233 right and resnet50-fine-tune gets 0 of 1,233 right",
        {"resnet50-transfer.confusion-neutral.figure-10": "3 0 12 64 1001 5 148"},
    ),
    "strong-and-weak-classes-misread": (
        "happy (87.9 %) and surprise (75.1 %), its two worst sad (48.9 %) and disgust (41.4 %)",
        {
            "vgg16-scratch.confusion-surprise.figure-20": "19 2 223 35 21 7 524",
            "vgg16-scratch.confusion-sad.figure-20": "13 2 77 39 281 810 25",
        },
    ),
    "resnet50-fine-tune-learned-nothing": (
        "25.13 % in training and 24.71 % in testing; resnet50-fine-tune reports 25.14 % and 24.75 %",
        {"resnet50-fine-tune.accuracy.table-6": "0.4475"},
    ),
}
"""Finding to words that it must have, and to facts with which it is no more."""


def test_every_finding_is_one_of_these() -> None:
    assert set(audited.found(claims_refuted)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_it_says_and_what_takes_it_away(name: str) -> None:
    words, changes = EXPECTED[name]
    assert words in audited.found(claims_refuted)[name].statement
    assert name not in audited.found(claims_refuted, audited.replaced(changes))


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(claims_refuted))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(claims_refuted, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(claims_refuted, paper_text)


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


@pytest.mark.parametrize("other", VARIANTS)
def test_a_field_counts_as_said_only_if_both_sides_quote_the_paper(other: str) -> None:
    first, second = VARIANTS["vgg16-scratch"], VARIANTS[other]
    said, assumed = confounded.differences(first, second, "strategy")
    assert not set(said) & set(assumed)
    assert all(sources(variant.name)[field].quote for field in said for variant in (first, second))
    assert all(getattr(first, field) != getattr(second, field) for field in (*said, *assumed))


def test_a_variant_differs_from_itself_in_nothing() -> None:
    assert confounded.differences(*(VARIANTS["vgg16-scratch"],) * 2, "strategy") == ([], [])


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(confounded))
def test_each_fact_of_a_comparison_matters(finding: str, name: str) -> None:
    audited.check_rests_on(confounded, finding, name)
