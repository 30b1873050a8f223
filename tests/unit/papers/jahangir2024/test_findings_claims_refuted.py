"""Conclusions against the paper's own numbers: each finding with a fact changed."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import claims_refuted, confounded
from harness.papers.variants import VARIANTS, paper_fields, sources
from tests.support import audited

EXPECTED = {
    "scratch-wins-and-transfer-wins": ("67.23 % to 67.15 %", {"vgg16-transfer.accuracy.text": "67.01"}),
    "ranked-by-less-than-a-seed": ("0.08 points, 6 of 7,178 images", {"vgg16-transfer.accuracy.table-6": "0.6215"}),
    "transfer-improves-to-less": ("from 67.2 % to 67.1 %", {"vgg16-transfer.accuracy.comparison": "67.3"}),
    "fine-tuning-benefited-most": ("48.13 % and 24.75 %", {"vgg16-fine-tune.accuracy.table-6": "0.6813"}),
    "resnet50-improved-to-less": (
        "with them it reports 28.46 %, from scratch 54.69 %",
        {"resnet50-transfer.accuracy.table-6": "0.5846"},
    ),
    "overfitting-lowers-training-accuracy": (
        "which fell from 79.69 % by transfer to 46.50 %",
        {"vgg16-fine-tune.training-accuracy.table-6": "0.8650"},
    ),
    "transfer-avoids-overfitting": (
        "12.54 points, that of scratch 5.36 points: 2.3 times",
        {"vgg16-transfer.training-accuracy.table-6": "0.6969"},
    ),
    "generalises-by-learning-less": (
        "the model that answers happy to everything generalises better still (gap 0.39)",
        {"resnet50-scratch.training-accuracy.table-6": "0.6618"},
    ),
    "outperforms-without-pretraining": (
        "leads ResNet50 by 12.54 points, and they change its own accuracy by −0.08 points",
        {"vgg16-scratch.accuracy.table-6": "0.5423"},
    ),
    "scratch-is-time-consuming-and-takes-least": (
        "10.94 to 13.40 times as long in Table 5, 1.00 to 1.86 in Table 6",
        {"resnet50-fine-tune.seconds.table-6": "1793.00"},
    ),
    "simpler-means-more-operations": (
        "VGG16 is simpler by parameters (33 %), not by operations (3.2 times as many)",
        {"resnet50-scratch.accuracy.table-6": "0.7469"},
    ),
    "neutral-is-reasonable-for-both": (
        "ResNet50 by transfer gets 1 of 1,233 right and fine-tuned ResNet50 gets 0 of 1,233 right",
        {"resnet50-transfer.confusion-neutral.figure-10": "3 0 12 64 1001 5 148"},
    ),
    "strong-and-weak-classes-incomplete": (
        "surprise (F1 0.770) is recognised better than neutral (0.631) and is not mentioned; by recall sad (48.9 %) is",
        {
            "vgg16-scratch.confusion-surprise.figure-20": "19 2 423 35 21 7 324",
            "vgg16-scratch.confusion-sad.figure-20": "13 2 77 39 281 810 25",
        },
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


def test_without_a_model_of_one_answer_those_that_learnt_less_are_named() -> None:
    paper = audited.replaced({"resnet50-fine-tune.confusion-sad.figure-14": "0 0 0 1246 0 1 0"})
    statement = audited.found(claims_refuted, paper)["generalises-by-learning-less"].statement
    assert "fine-tuned VGG16, ResNet50 by transfer and fine-tuned ResNet50 generalise better still" in statement


def test_either_class_is_worth_a_word() -> None:
    name = "strong-and-weak-classes-incomplete"
    paper = audited.replaced({"vgg16-scratch.confusion-sad.figure-20": "13 2 77 39 281 810 25"})
    statement = audited.found(claims_refuted, paper)[name].statement
    assert "surprise" in statement
    assert "by recall" not in statement


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(claims_refuted))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(claims_refuted, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(claims_refuted, paper_text)
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


@pytest.mark.parametrize("other", VARIANTS)
def test_a_field_counts_as_said_only_if_both_sides_quote_the_paper(other: str) -> None:
    first, second = VARIANTS["vgg16-scratch"], VARIANTS[other]
    said, assumed = confounded.differences(first, second, "strategy")
    assert not set(said) & set(assumed)
    assert all(sources(variant.name)[field].quote for field in said for variant in (first, second))
    assert all(getattr(first, field) != getattr(second, field) for field in (*said, *assumed))


def test_a_variant_differs_from_itself_in_nothing() -> None:
    assert confounded.differences(*(VARIANTS["vgg16-scratch"],) * 2, "strategy") == ([], [])


def test_accuracies_that_hardly_differ_need_no_cause() -> None:
    paper = audited.replaced({f"{name}.accuracy.table-6": "0.6723" for name in VARIANTS})
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
