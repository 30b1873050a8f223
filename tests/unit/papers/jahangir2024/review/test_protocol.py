"""What was looked at while training."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import numpy as np
import pytest

from harness.papers.jahangir2024.review import protocol
from harness.papers.jahangir2024.review.protocol import LEAKED, LEAKED_SAME_LABEL
from tests.support.audited import (
    check_changes,
    check_rests_on,
    every_fact,
    found,
)


def test_leaked_images_are_those_that_are_known() -> None:
    """The rows are counted anew where the data set is at hand (test_fer2013_real)."""
    text = (files("harness.verification") / "known_data.toml").read_text(encoding="utf-8")
    assert len(tomllib.loads(text)["leaked"]) == LEAKED
    assert 0 < LEAKED_SAME_LABEL < LEAKED


def test_no_share_of_leaked_images_gives_less_than_the_bound() -> None:
    """Whichever of the leaked images were right, the others' accuracy is at least the bound."""
    right, images = 4826, 7178
    of_leaked = np.arange(LEAKED + 1)
    clean = (right - of_leaked) / (images - LEAKED)
    assert 100 * clean.min() == pytest.approx(64.42, abs=0.005)
    finding = found(protocol)["leaked-test-images"]
    assert "adds at most 2.81 points to 67.23 % (Table 6), which would be 64.42 % on the 6,610 ot" in finding.statement
    assert finding.statement.endswith("at the training accuracy, 72.59 %, about 0.5 (66.8 %).")
    assert "72.59 % of 568 = 412: (4,826 − 412) / 6,610 = 66.78 %" in finding.arithmetic
    assert "-1.08 points from the lowest, +1.28 from the last" in finding.arithmetic


def test_what_is_said() -> None:
    names = found(protocol)
    validation = names["validation-is-the-test-set"]
    assert "rows of 4 confusion matrices" in validation.statement
    assert "7,178 images" in validation.statement
    assert "for 2 of 6 models it is inferred" in validation.statement
    assert "inferred: vgg16-transfer and resnet50-scratch" in validation.arithmetic
    threshold = names["vgg16-scratch-accuracy-is-the-threshold"]
    assert "stopped after 78 epochs at the first epoch above 67 %, so 67.23 % (Table 6), 0.23 p" in threshold.statement
    assert "4,810 right or more" in threshold.arithmetic
    assert "67.23 % (Table 6), said 5 times: 4,826 right, 16 more than it takes" in threshold.arithmetic
    assert "67.08 % (VGG16 Trained from Scratch), said 2 times: 4,815 right, 5 more" in threshold.arithmetic


ALL_ONE_MORE = {
    "vgg16-scratch.confusion-angry.figure-20": "567 9 113 29 136 95 10",
    "vgg16-fine-tune.confusion-angry.figure-16": "230 0 93 59 287 134 156",
    "resnet50-transfer.confusion-angry.figure-10": "5 0 25 712 0 6 211",
    "resnet50-fine-tune.confusion-angry.figure-14": "0 0 0 959 0 0 0",
}
THRESHOLD = "vgg16-scratch-accuracy-is-the-threshold"


@pytest.mark.parametrize(
    ("name", "printed", "expected"),
    [
        ("validation-is-the-test-set", ALL_ONE_MORE, None),
        (
            "validation-is-the-test-set",
            dict([next(iter(ALL_ONE_MORE.items()))]),
            "the rows of 3 confusion matrices",
        ),
        ("validation-is-the-test-set", {"dataset.test-angry.table-2": "957"}, None),
        (THRESHOLD, {"vgg16-scratch.stop-threshold.text": "75"}, None),
        (THRESHOLD, {"vgg16-scratch.stop-threshold.text": "66"}, None),
        (THRESHOLD, {"vgg16-scratch.stop-threshold.text": "67.2"}, "0.03 points above"),
        (THRESHOLD, {"vgg16-scratch.epochs-run.text": "12"}, "after 12 epochs"),
        ("leaked-test-images", {"vgg16-scratch.accuracy.table-6": "0.7000"}, "67.43 % on the 6,610 others"),
        ("leaked-test-images", {"dataset.test-angry.table-2": "957"}, None),
        ("leaked-test-images", {"vgg16-scratch.training-accuracy.table-6": "0.9000"}, "(65.3 %)"),
    ],
)
def test_a_finding_changes_with_its_facts(name: str, printed: dict[str, str], expected: str | None) -> None:
    check_changes(protocol, name, printed, expected)


@pytest.mark.parametrize(("finding", "name"), every_fact(protocol))
def test_a_finding_rests_on_each_fact_that_it_names(finding: str, name: str) -> None:
    check_rests_on(protocol, finding, name)


def test_every_finding_is_changed_above() -> None:
    (marker,) = [each for each in test_a_finding_changes_with_its_facts.pytestmark if each.name == "parametrize"]
    assert {case[0] for case in marker.args[1]} == set(found(protocol))
