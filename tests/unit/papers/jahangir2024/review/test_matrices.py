"""What the confusion matrices and the counts of images say."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import matrices
from harness.papers.jahangir2024.review.granularity import places_by_figure
from harness.papers.jahangir2024.review.matrices import constant_networks
from tests.support.audited import (
    PAPER,
    check_rests_on,
    every_fact,
    found,
    replaced,
)


def test_places_by_figure_name_each_figure_once() -> None:
    paper = PAPER
    mentions = [paper.facts[f"vgg16-scratch.accuracy.{where}"] for where in ("abstract", "text", "text-2", "table-1")]
    assert places_by_figure(mentions) == "67.23 % (Abstract, Table 1), 67.08 % (VGG16 Trained from Scratch)"


def test_scores_that_the_paper_does_not_print() -> None:
    finding = found(matrices)["no-scores-by-class"]
    for text in ("0.638 (VGG16 from", "0.371 (fine-tuned VGG16)", "0.123 (ResNet50 by", "0.057 (fine-tuned ResN"):
        assert text in finding.statement
    # of vgg16-scratch and disgust by hand: 46 / 62, 46 / 111, 2 · 46 / (62 + 111)
    assert "disgust 0.74 / 0.41 / 0.53" in finding.arithmetic


def test_what_one_answer_means() -> None:
    assert constant_networks(PAPER) == ["resnet50-fine-tune"]
    finding = found(matrices)["resnet50-fine-tune-answers-one-class"]
    assert "7,178 of 7,178 answers 'happy'" in finding.statement
    assert "1,774 / 7,178 = 24.714 %" in finding.arithmetic
    assert "mean recall 0.1429 = 1/7" in finding.arithmetic
    assert "7,215 / 28,709 = 25.131 %" in finding.arithmetic
    assert "24.75 % in testing and 25.14 % in training are within 0.04 points" in finding.statement
    assert "suggesting potential issues" in finding.statement
    assert (finding.grade, finding.weight) == ("unsupported", 3)


def test_the_baseline_stands_beside_what_the_paper_says_of_it() -> None:
    finding = found(matrices)["baseline-not-given"]
    assert "28.46 % (ResNet50 by transfer) and 24.75 % (fine-tuned ResNet50)" in finding.statement
    assert "requires more model tuning or maybe a new architecture" in finding.statement
    assert "the initial weights were not very suitable" in finding.statement


def test_classes_that_are_praised_and_lamented() -> None:
    neutral = found(matrices)["neutral-is-reasonable-for-both"]
    assert (
        "ResNet50 by transfer gets 1 of 1,233 right and fine-tuned ResNet50 gets 0 of 1,233 right" in neutral.statement
    )
    name = "strong-and-weak-classes-incomplete"
    words = "surprise (F1 0.770) is recognised better than neutral (0.631) and is not mentioned; by recall sad (48"
    assert words in found(matrices)[name].statement
    paper = replaced({"vgg16-scratch.confusion-sad.figure-20": "13 2 77 39 281 810 25"})
    statement = found(matrices, paper)[name].statement
    assert "surprise" in statement
    assert "by recall" not in statement


def test_counts_of_the_text() -> None:
    names = found(matrices)
    assert "sum to 27,104; it has 28,709 in all, Table 2 has 28,709" in names["training-counts-do-not-add-up"].statement
    assert "7 of its 7 class counts" in names["training-counts-do-not-add-up"].statement
    assert "sum to 3,069 without angry" in names["test-counts-do-not-add-up"].statement
    assert "6,658 in all; taken for all: 520 for angry" in names["test-counts-do-not-add-up"].arithmetic


TABLE_2 = {
    "training": {"angry": "3,995", "disgust": "436", "fear": "4,097", "happy": "7,215", "neutral": "4,965",
                 "sad": "4,830", "surprise": "3,171"},
    "test": {"disgust": "111", "fear": "1,024", "happy": "1,774", "neutral": "1,233", "sad": "1,247", "surprise": "831",
             "total": "7,178"},
}  # fmt: skip


def as_in_table_2(split: str) -> dict[str, str]:
    return {f"dataset.{split}-{label}.text": count for label, count in TABLE_2[split].items()}


@pytest.mark.parametrize(
    ("name", "printed", "expected"),
    [
        # of disgust 2 · 111 / (127 + 111) = 0.93 in place of 0.53, and fewer wrong answers of the others
        ("no-scores-by-class", {"vgg16-scratch.confusion-disgust.figure-20": "0 111 0 0 0 0 0"}, "is 0.698 (VGG16"),
        (
            "classes-never-answered",
            {"vgg16-fine-tune.confusion-disgust.figure-16": "52 1 6 6 15 18 13"},
            ": answers angry 16, disgust 0",
        ),
        (
            "classes-never-answered",
            {
                "vgg16-fine-tune.confusion-disgust.figure-16": "52 1 6 6 15 18 13",
                "resnet50-transfer.confusion-disgust.figure-10": "0 1 0 93 0 0 17",
            },
            None,
        ),
        (
            "resnet50-fine-tune-answers-one-class",
            {"resnet50-fine-tune.confusion-sad.figure-14": "0 0 0 1246 0 1 0"},
            None,
        ),
        ("resnet50-fine-tune-answers-one-class", {"resnet50-fine-tune.accuracy.table-6": "0.4475"}, "20.04 points"),
        ("baseline-not-given", {"resnet50-transfer.accuracy.table-6": "0.3846"}, "reports 24.75 % (fine-tuned"),
        ("training-counts-do-not-add-up", as_in_table_2("training"), None),
        ("training-counts-do-not-add-up", {"dataset.training-angry.text": "3,995"}, "6 of its 7 class counts"),
        ("test-counts-do-not-add-up", as_in_table_2("test"), None),
        ("test-counts-do-not-add-up", {"dataset.test-total.text": "7,178"}, "it has 7,178 in all"),
        (
            "neutral-is-reasonable-for-both",
            {"resnet50-transfer.confusion-neutral.figure-10": "3 0 12 64 1001 5 148"},
            None,
        ),
        (
            "strong-and-weak-classes-incomplete",
            {
                "vgg16-scratch.confusion-surprise.figure-20": "19 2 423 35 21 7 324",
                "vgg16-scratch.confusion-sad.figure-20": "13 2 77 39 281 810 25",
            },
            None,
        ),
    ],
)  # fmt: skip
def test_a_finding_changes_with_its_facts(name: str, printed: dict[str, str], expected: str | None) -> None:
    before, after = found(matrices)[name], found(matrices, replaced(printed)).get(name)
    if expected is None:
        assert after is None
    else:
        assert after is not None
        assert expected in f"{after.statement}\n{after.arithmetic}"
        assert after != before


@pytest.mark.parametrize(("finding", "name"), every_fact(matrices))
def test_a_finding_rests_on_each_fact_that_it_names(finding: str, name: str) -> None:
    check_rests_on(matrices, finding, name)


def test_every_finding_is_changed_above() -> None:
    (marker,) = [each for each in test_a_finding_changes_with_its_facts.pytestmark if each.name == "parametrize"]
    assert {case[0] for case in marker.args[1]} == set(found(matrices))
