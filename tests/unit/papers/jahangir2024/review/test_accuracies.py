"""Mentions that differ, and losses that do not go with their accuracy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax

from harness.papers.jahangir2024.review import accuracies
from harness.papers.jahangir2024.review.accuracies import agree
from tests.support.audited import (
    PAPER,
    check_changes,
    check_rests_on,
    every_fact,
    found,
    replaced,
)


@pytest.mark.parametrize(
    ("name", "other", "expected"),
    [
        ("vgg16-scratch.accuracy.abstract", "vgg16-scratch.accuracy.table-6", True),
        ("vgg16-scratch.accuracy.text", "vgg16-scratch.accuracy.table-6", False),
        # rounded or cut off to a digit less: 67.2 and 67.1 for 67.23 and 67.15
        ("vgg16-scratch.accuracy.comparison", "vgg16-scratch.accuracy.table-6", True),
        ("vgg16-transfer.accuracy.comparison", "vgg16-transfer.accuracy.table-6", True),
        ("vgg16-transfer.accuracy.text", "vgg16-transfer.accuracy.table-6", False),
        # said of a curve: 55 % for 54.69, 60 % for 67.15
        ("resnet50-scratch.accuracy.figure-17", "resnet50-scratch.accuracy.table-6", True),
        ("vgg16-transfer.accuracy.figure-11", "vgg16-transfer.accuracy.table-6", False),
    ],
)
def test_agree(name: str, other: str, expected: bool) -> None:
    assert agree(PAPER.facts[name], PAPER.facts[other]) is expected


def test_what_is_said() -> None:
    names = found(accuracies)
    abstract = names["abstract-fine-tune-accuracy"]
    assert "to 64.80 %, a figure that stands nowhere else" in abstract.statement
    assert "By Table 6 the loss against scratch is 19.10 points, not 2.43 points." in abstract.statement
    assert "64.80 % − 48.13 % = 16.67 points" in abstract.arithmetic
    assert "60 % (Figure 11)" in names["vgg16-transfer-validation-accuracies-differ"].statement
    assert "67.18 % can be the same network" in names["vgg16-transfer-validation-accuracies-differ"].arithmetic
    weights = {name: each.weight for name, each in names.items() if name.endswith("-differ")}
    assert weights == {
        "vgg16-transfer-validation-accuracies-differ": 1,
        "vgg16-scratch-training-accuracies-differ": 1,
    }


def test_the_loss_of_one_answer_is_doubted_and_not_called_impossible() -> None:
    finding = found(accuracies)["resnet50-fine-tune-loss-below-entropy"]
    assert finding.grade == "implausible"
    assert "1.41" in finding.statement
    assert "0.40 nats below 1.813" in finding.statement
    for number in ("H = 1.8128 nats", "ln 2 = 0.5218", "−ln 0.2471 = 1.3978", "1.41 is 0.012 above"):
        assert number in finding.arithmetic
    assert "resnet50-transfer trains to 26.55 % with a loss of 1.74" in finding.arithmetic
    assert finding.statement.endswith("1.81, one digit away, is what such a network has: a slip of one digit?")
    assert "Keras does not apply them to a validation loss" in finding.arithmetic


SUPPORTS = np.array([958, 111, 1024, 1774, 1233, 1247, 831])
HAPPY = 3


def mean_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def test_constant_probabilities_never_beat_the_entropy() -> None:
    shares = SUPPORTS / SUPPORTS.sum()
    drawn = softmax(np.random.default_rng(0).normal(size=(10_000, 7)), axis=1)
    losses = -np.log(np.vstack([drawn, shares])) @ shares
    assert losses.min() == losses[-1] == pytest.approx(1.8128, abs=1e-4)


def test_the_proved_bound_of_one_answer_is_reached_and_not_passed() -> None:
    """A network that knows every label, and may only not say so, comes as near as one likes."""
    labels = np.repeat(np.arange(7), SUPPORTS)
    probabilities = np.full((len(labels), 7), 1e-12)
    probabilities[np.arange(len(labels)), labels] = 0.5 - 1e-9
    probabilities[:, HAPPY] = np.where(labels == HAPPY, 1, 0.5)
    assert set(probabilities.argmax(axis=1)) == {HAPPY}
    assert mean_loss(probabilities, labels) == pytest.approx((1 - 1774 / 7178) * math.log(2), abs=1e-6)
    # and with any other probabilities of that answer it is more
    logits = np.random.default_rng(1).normal(scale=3, size=(len(labels), 7))
    logits[:, HAPPY] = logits.max(axis=1) + 1e-6
    assert mean_loss(softmax(logits, axis=1), labels) > 0.5218


def test_the_bound_of_calibrated_ones_is_below_a_careful_guess() -> None:
    """Labels drawn from the probabilities themselves, the answer always the largest: loss ≥ −ln accuracy."""
    generator = np.random.default_rng(2)
    for scale in (0.0, 0.5, 1.0, 4.0):
        logits = generator.normal(scale=scale, size=(40_000, 7))
        logits[:, HAPPY] = logits.max(axis=1)
        probabilities = softmax(logits, axis=1)
        labels = (generator.random((len(logits), 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=6)
        accuracy = float((labels == HAPPY).mean())
        assert mean_loss(probabilities, labels) > -math.log(accuracy) - 0.02  # Monte-Carlo error below 0.01


def test_a_loss_beyond_all_probabilities() -> None:
    finding = found(accuracies)["vgg16-fine-tune-loss-beyond-probabilities"]
    assert "82 times that of guessing" in finding.statement
    assert "1.6038" in finding.statement
    assert "at most 16.12" in finding.arithmetic
    assert "each wrong answer costs 307 nats or more on average if no penalty is included" in finding.arithmetic
    assert "with logits, as on TensorFlow, or penalties on weights it is possible" in finding.statement
    assert (160.38 - 0.4813 * math.log(7)) / (1 - 0.4813) == pytest.approx(307.4, abs=0.1)


def test_a_loss_near_the_entropy() -> None:
    finding = found(accuracies)["resnet50-transfer-learnt-hardly-anything"]
    assert "1.74 nats (Figure 9), 0.07 below 1.810" in finding.statement


DIFFER = "-accuracies-differ"


@pytest.mark.parametrize(
    ("name", "printed", "expected"),
    [
        (f"vgg16-scratch-training{DIFFER}", {"vgg16-scratch.training-accuracy.comparison": "72.6"}, None),
        (f"vgg16-transfer-validation{DIFFER}", {"vgg16-transfer.accuracy.figure-11": "66"}, "Pre-Trained Weights)."),
        (
            f"vgg16-transfer-validation{DIFFER}",
            {"vgg16-transfer.accuracy.figure-11": "66", "vgg16-transfer.accuracy.text": "67.15"},
            None,
        ),
        ("abstract-fine-tune-accuracy", {"vgg16-fine-tune.accuracy.abstract": "48.13"}, None),
        ("abstract-fine-tune-accuracy", {"vgg16-fine-tune.accuracy.abstract": "58.13"}, "not 9.10 points"),
        # a network that knows nothing of the image has 1.8128, which is printed 1.81
        ("resnet50-fine-tune-loss-below-entropy", {"resnet50-fine-tune.loss.figure-13": "1.81"}, None),
        ("resnet50-fine-tune-loss-below-entropy", {"resnet50-fine-tune.loss.figure-13": "1.80"}, "0.01 nats below"),
        ("resnet50-fine-tune-loss-below-entropy", {"resnet50-fine-tune.loss.figure-13": "1.82"}, None),
        ("resnet50-fine-tune-loss-below-entropy", {"resnet50-fine-tune.loss.figure-13": "0.51"}, "No probabilities"),
        ("resnet50-fine-tune-loss-below-entropy", {"resnet50-fine-tune.loss.figure-13": "1.38"}, "0.018 below"),
        (
            "resnet50-fine-tune-loss-below-entropy",
            {"resnet50-fine-tune.confusion-sad.figure-14": "0 0 0 1246 0 1 0"},
            None,
        ),
        ("resnet50-transfer-learnt-hardly-anything", {"resnet50-transfer.training-loss.figure-9": "1.64"}, None),
        (
            "resnet50-transfer-learnt-hardly-anything",
            {"resnet50-transfer.training-loss.figure-9": "1.80"},
            "0.01 below 1.810",
        ),
        ("vgg16-fine-tune-loss-beyond-probabilities", {"vgg16-fine-tune.loss.text": "1.6038"}, None),
        ("vgg16-fine-tune-loss-beyond-probabilities", {"vgg16-fine-tune.loss.text": "16.13"}, "8 times that"),
    ],
)  # fmt: skip
def test_a_finding_changes_with_its_facts(name: str, printed: dict[str, str], expected: str | None) -> None:
    check_changes(accuracies, name, printed, expected)


def test_a_loss_that_no_probabilities_have_is_impossible() -> None:
    paper = replaced({"resnet50-fine-tune.loss.figure-13": "0.51"})
    assert found(accuracies, paper)["resnet50-fine-tune-loss-below-entropy"].grade == "impossible"


@pytest.mark.parametrize(
    ("name", "printed", "expected"),
    [
        # farther from its own matrix than any batch explains, so no matter of `evaluations`
        ("vgg16-scratch-validation", {"vgg16-scratch.accuracy.abstract": "76.23"}, "76.23 % (Abstract)"),
        ("vgg16-fine-tune-training", {"vgg16-fine-tune.training-accuracy.figure-15": "52"}, "52 % (Figure 15)"),
    ],
)
def test_mentions_that_agree_as_printed_could_differ(name: str, printed: dict[str, str], expected: str) -> None:
    assert f"{name}{DIFFER}" not in found(accuracies)
    finding = found(accuracies, replaced(printed))[f"{name}{DIFFER}"]
    assert finding.statement.endswith(f"and elsewhere {expected}.")


def test_a_loss_far_from_the_entropys_digits_is_no_slip() -> None:
    finding = found(accuracies, replaced({"resnet50-fine-tune.loss.figure-13": "1.52"}))
    assert "slip" not in finding["resnet50-fine-tune-loss-below-entropy"].statement


@pytest.mark.parametrize(("finding", "name"), every_fact(accuracies))
def test_a_finding_rests_on_each_fact_that_it_names(finding: str, name: str) -> None:
    check_rests_on(accuracies, finding, name)


def test_every_finding_is_changed_above() -> None:
    (marker,) = [each for each in test_a_finding_changes_with_its_facts.pytestmark if each.name == "parametrize"]
    assert {case[0] for case in marker.args[1]} == set(found(accuracies))
