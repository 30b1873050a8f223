"""The findings of `review.toml`: what each says, with the paper as it is and with facts changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.papers.paper import Paper
from tests.support import audited
from tests.support.audited import PAPER, WRITTEN

OWN = "vgg16-scratch.accuracy.table-6"
EXPECTED: dict[str, tuple[str, Paper | Mapping[str, str]]] = {
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
    "better-than-human-is-not": (
        "3 of its 5 rows lie below, 51.11 %, 54.67 % and 58.41 %, and so do 4 of the paper's six models",
        {"literature.human.discussion": "45.5"},
    ),
    "human-accuracy-without-its-error": ("65 % ± 5 %; a lead of 1.73 points", {OWN: "0.7323"}),
    "no-new-standard": (
        "up to 73.7 %, 6.47 points more, and the winner of the contest of 2013, whose report is the paper's reference",
        {OWN: "0.7523"},
    ),
    "little-for-its-size": ("66 % with 58,000 on the same images; the rest, 1.23 points, costs 137", {OWN: "0.7023"}),
    "benchmark-named-is-not-the-best": (
        "65.97 %, a lead of 1.26 points; Table 4 stops at 65.68 %",
        {"literature.cnn-8.table-1": "55.97", "literature.resnet50-16.conclusion": "65.68"},
    ),
    "two-networks-one-accuracy": ("VGGNET [16] at 51.11 %", {"literature.vggnet-16.table-4": "54.67"}),
    "densenet-12-is-a-resnet50": ("54.56 % is a ResNet50 by the text", {"literature.resnet50-12.text": "54.65"}),
    "vgg16-6-is-some-cnn": ("“VGG16 [6]” with 63.10 %", {"literature.cnn-6.text": "61.30"}),
    "vgg16-17-cites-an-eeg-paper": ("“Vgg16 [17]” with 46.58 %", {"literature.vgg16-17.table-1": "45.68"}),
    "densenet-16-is-a-mobilenet": ("its DenseNet has 56.11 %", {"literature.densenet-16.table-1": "56.11"}),
    "table-1-leaves-out": (
        "no row for works whose accuracy on FER-2013 the text reports: 60.7 % and 65 %.",
        {"literature.cnn-13.table-1": "60.7", "literature.cnn-8.table-1": "65"},
    ),
    "reference-20-misused": (
        "For that the paper cites [6], with 65.5 %",
        {"vgg16.reference.text": "21"},
    ),
    "vgg16-fine-tune-training-called-validation": (
        "gives 46.50 % as the validation accuracy of fine-tuned VGG16; in Table 6 that is its training accuracy",
        {"vgg16-fine-tune.accuracy.text": "48.13"},
    ),
    "stop-rules-that-never-fired": (
        "3 stop rules never fired: VGG16 by transfer, fine-tuned VGG16 and ResNet50 by transfer ran to their last "
        "epoch; whether that or the best is printed is not said. 75 % is more than the best of 3 published single",
        {
            "vgg16-transfer.stop-threshold.text": "67",
            "vgg16-fine-tune.stop-threshold.text": "48",
            "resnet50-transfer.stop-threshold.text": "28",
        },
    ),
    "resnet50-fine-tune-halted-without-improvement-ran-on": (
        "at 24.5 %, the losses settle in the first 10 epochs, and all 30 of 30 were run",
        {"resnet50-fine-tune.epochs.text-2": "14"},
    ),
    "vgg16-scratch-epochs-differ": (
        "78 (VGG16 Trained from Scratch) and 75 (Figure 19)",
        {"vgg16-scratch.epochs-run.figure-19": "78"},
    ),
    "one-run-without-a-spread": (
        "2 decimals of a per cent, 0.7 images; another seed typically moves them by about 29.",
        audited.with_fact("vgg16-scratch.runs.text", "5"),
    ),
    "which-epoch-is-reported": (
        "fine-tuned VGG16 has 48.13 %, 46.50 % and 64.80 %",
        {
            "vgg16-scratch.accuracy.text": "67.23",
            "vgg16-scratch.accuracy.text-2": "67.23",
            "vgg16-transfer.accuracy.text": "67.15",
            "vgg16-fine-tune.accuracy.text": "48.13",
            "vgg16-fine-tune.accuracy.abstract": "48.13",
        },
    ),
    "software-without-versions": (
        "of software Keras, NumPy and matplotlib by name, no version",
        audited.with_fact("hardware.version.setup", "2.10"),
    ),
    "matrices-that-cannot-be-read": (
        "the matrices of VGG16 by transfer and ResNet50 from scratch are not among its numbers",
        audited.with_fact("vgg16-transfer.confusion-angry.figure-12", "958"),
    ),
    "auc-values-not-printed": (
        "not one of the 7 values is printed",
        audited.with_fact("vgg16-scratch.auc.figure-21", "0.91", "rate"),
    ),
    "real-time-unmeasured": (
        "only 6 of training, 5771.00 s and more",
        audited.with_fact("vgg16-scratch.latency.text", "0.02", "seconds"),
    ),
    "table-3-repeats-a-row": (
        "the row of block2_conv1 and its 73,856 parameters once more",
        {"vgg16-scratch.parameters.repeated": "1,180,160"},
    ),
    "vgg16-described-three-ways": (
        "VGG16 has 13 convolutional layers in 5 blocks.",
        {
            "vgg16.convolutions.text": "13",
            "vgg16.convolution-blocks.text": "5",
            "vgg16.convolution-blocks.text-2": "5",
        },
    ),
}
"""Finding to words that it must have, and to facts with which it is no more."""


def changed(changes: Paper | Mapping[str, str]) -> Paper:
    return changes if isinstance(changes, Paper) else audited.replaced(changes)


def test_every_finding_is_one_of_these() -> None:
    assert set(audited.found(WRITTEN)) == set(EXPECTED) == set(PAPER.review.findings)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_it_says_and_what_takes_it_away(name: str) -> None:
    words, changes = EXPECTED[name]
    assert words in audited.found(WRITTEN)[name].statement
    assert name not in audited.found(WRITTEN, changed(changes))


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("stop-rules-that-never-fired", {"vgg16-transfer.stop-threshold.text": "67"}, "2 stop rules never fired"),
        ("vgg16-scratch-epochs-differ", {"vgg16-scratch.epochs-run.figure-19": "80"}, "78 ≠ 80"),
        (
            # as good as people is not below them
            "better-than-human-is-not",
            {"literature.efficientnet-16.table-4": "65.5"},
            "2 of its 5 rows lie below, 51.11 % and 54.67 %,",
        ),
    ],
)
def test_a_finding_changes_with_its_facts(name: str, changes: dict[str, str], expected: str) -> None:
    audited.check_changes(WRITTEN, name, changes, expected)


@pytest.mark.parametrize("finding", ["one-run-without-a-spread", "which-epoch-is-reported"])
@pytest.mark.parametrize("quantity", ["seeds", "best-epoch"])
def test_what_is_said_anywhere_is_not_unsaid(finding: str, quantity: str) -> None:
    gone = {"seeds": "one-run-without-a-spread", "best-epoch": "which-epoch-is-reported"}[quantity]
    found = audited.found(WRITTEN, audited.with_fact(f"resnet50-transfer.{quantity}.text", "3"))
    assert (finding in found) is (finding != gone)


def test_a_rule_that_never_fired_settles_no_time() -> None:
    halted = "resnet50-fine-tune-halted-without-improvement-ran-on"
    assert halted not in audited.found(WRITTEN, audited.replaced({"resnet50-fine-tune.loss-settles.figure-13": "30"}))


def test_rules_within_reach_are_not_beyond_the_record() -> None:
    paper = audited.replaced({f"{name}.stop-threshold.text": "70" for name in ("vgg16-transfer", "resnet50-transfer")})
    finding = audited.found(WRITTEN, paper)["stop-rules-that-never-fired"]
    assert "published" not in finding.statement
    assert finding.source is None


def test_only_better_records_are_held_against_it() -> None:
    found = audited.found(WRITTEN, audited.replaced({OWN: "0.7315"}))
    assert len(found["no-new-standard"].arithmetic.splitlines()) == 2  # 73.28 and 73.70; not 71.2 and 73.11


def test_the_contest_is_no_single_network_and_named_only_where_it_is_better() -> None:
    found = audited.found(WRITTEN, audited.replaced({OWN: "0.7215"}))
    assert "contest" not in found["no-new-standard"].statement
    assert "by secondary sources" in str(audited.found(WRITTEN)["no-new-standard"].source)


def test_the_human_figure_is_that_of_null_models_too() -> None:
    name = "human-accuracy-without-its-error"
    assert "65.5 % is the same figure as that of an ensemble of four null models" in (
        audited.found(WRITTEN)[name].arithmetic
    )
    other = audited.found(WRITTEN, audited.replaced({"literature.human.introduction": "65.0"}))
    assert "null models" not in other[name].arithmetic


def test_what_rests_on_other_sources_names_them() -> None:
    found = audited.found(WRITTEN)
    assert "10.56294/sctconf2024960" in str(found["vgg16-17-cites-an-eeg-paper"].source)
    assert "Goodfellow" in str(found["human-accuracy-without-its-error"].source)
    published = PAPER.review.published
    for name in ("khaireddin", "lethesec", "wujie"):
        assert published[name].source in str(found["no-new-standard"].source)


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(WRITTEN))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(WRITTEN, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    quotes = list(PAPER.review.quotes())
    assert len(quotes) > 20
    for words in quotes:
        assert words in paper_text
