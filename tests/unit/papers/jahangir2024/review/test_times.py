"""Training times against each other and against what the paper says of them."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import times
from harness.papers.jahangir2024.review.times import seconds
from tests.support.audited import (
    PAPER,
    check_changes,
    check_rests_on,
    every_fact,
    found,
    replaced,
)


def test_what_is_said() -> None:
    names = found(times)
    assert seconds(PAPER.facts["vgg16-scratch.seconds.table-6"]) == "8,764.24 s"
    differ = names["times-of-one-training-differ"]
    assert "6 of 6 trainings have several times, up to 8.0-fold apart" in differ.statement
    *lines, minutes, slip = differ.arithmetic.splitlines()
    for line, ratio in zip(lines, (8.02, 2.45, 1.32, 3.99, 2.74, 2.75), strict=True):
        assert line.endswith(f"{ratio:.2f}-fold")
    assert minutes.endswith("about 24 minutes (Res Net 50 Trained from Scratch); Table 6's 5,771.00 s are 96")
    assert slip.startswith("15,811.03 s and 15,911.03 s, said of resnet50-transfer and resnet50-fine-tune: one digit")
    twice = names["more-than-twice-the-time"]
    assert "it takes 0.970 times and 0.968 times as long (transfer and fine-tune)" in twice.statement
    assert "Of 6 pairs of times in the paper 1 bear it out" in twice.statement
    assert "transfer, Training Time Comparison: 15,911.03 / 6,651.64 = 2.39" in twice.arithmetic
    shorter = names["vgg16-takes-a-shorter-time"]
    assert "there VGG16 takes less time from scratch, and more by transfer and in fine-tuning" in shorter.statement
    assert "holds in 3 of 6 pairs of times; not in Table 6 from scratch, in Table 5 in fine-tun" in shorter.statement
    equal = names["resnet50-times-equal-to-the-hundredth"]
    assert "15,811.03 s (Table 5), for 100 and 30 epochs" in equal.statement
    assert "158.11 s an epoch" in equal.arithmetic
    assert "3.33-fold" in equal.arithmetic
    assert "agreeing to 0.01 s in 15,811 s is no coincidence" in equal.statement
    whole = names["times-of-whole-seconds"]
    assert "5,771.00 s (ResNet50 from scratch), 5,803.00 s (ResNet50 by transfer) and 5,793.00 s" in whole.statement
    assert "none of the 10 other times" in whole.statement
    assert "the 18 other mentions of times with decimals hold 10 distinct numbers" in whole.arithmetic


VARIANTS_TIMES = {
    "vgg16-scratch": ("table-6", "table-5", "text", "times"),
    "vgg16-transfer": ("table-6", "table-5", "text", "times"),
    "vgg16-fine-tune": ("table-6", "table-5", "text", "times"),
    "resnet50-scratch": ("table-6", "table-5", "text", "times"),
    "resnet50-transfer": ("table-6", "table-5", "times"),
    "resnet50-fine-tune": ("table-6", "table-5", "times"),
}


def everywhere(**printed: str) -> dict[str, str]:
    """One time for a variant in all places; keyword names with an underscore for a hyphen."""
    return {
        f"{name.replace('_', '-')}.seconds.{where}": digits
        for name, digits in printed.items()
        for where in VARIANTS_TIMES[name.replace("_", "-")]
    }


ALL_AGREE = everywhere(
    vgg16_scratch="1000.11", vgg16_transfer="2000.11", vgg16_fine_tune="3000.11",
    resnet50_scratch="2500.11", resnet50_transfer="5000.11", resnet50_fine_tune="7000.11",
)  # fmt: skip
CLAIMS_OF_TIMES = (
    "times-of-one-training-differ",
    "more-than-twice-the-time",
    "vgg16-takes-a-shorter-time",
    "times-of-whole-seconds",
    "resnet50-times-equal-to-the-hundredth",
)


@pytest.mark.parametrize("name", CLAIMS_OF_TIMES)
def test_times_that_agree_and_bear_the_text_out_leave_nothing(name: str) -> None:
    assert name in found(times)
    assert name not in found(times, replaced(ALL_AGREE))


@pytest.mark.parametrize(
    ("name", "printed", "expected"),
    [
        ("times-of-one-training-differ", everywhere(vgg16_scratch="1000.11"), "5 of 6 trainings"),
        ("times-of-one-training-differ", {"vgg16-scratch.seconds.times": "876.42"}, "10.0-fold"),
        ("times-of-one-training-differ", everywhere(resnet50_transfer="5000.11"), "said of resnet50-fine-tune:"),
        ("times-of-one-training-differ", {"resnet50-scratch.minutes.text": "34"}, "about 34 minutes"),
        ("resnet50-times-equal-to-the-hundredth", {"resnet50-fine-tune.seconds.table-5": "15811.04"}, None),
        ("resnet50-times-equal-to-the-hundredth", {"resnet50-fine-tune.epochs.text": "100"}, None),
        ("resnet50-times-equal-to-the-hundredth", {"resnet50-fine-tune.epochs.text": "50"}, "2.00-fold"),
        ("more-than-twice-the-time", {"resnet50-transfer.seconds.table-5": "40000.00"}, "of times in the paper 2 bear"),
        ("vgg16-takes-a-shorter-time", {"resnet50-scratch.seconds.table-5": "1000.48"}, "2 of 6 pairs"),
        ("vgg16-takes-a-shorter-time", {"resnet50-scratch.seconds.table-6": "9771.00"}, "4 of 6 pairs"),
        ("times-of-whole-seconds", {"resnet50-scratch.seconds.table-6": "5771.01"}, "2 times end in .00"),
    ],
)
def test_a_finding_changes_with_its_facts(name: str, printed: dict[str, str], expected: str | None) -> None:
    check_changes(times, name, printed, expected)


@pytest.mark.parametrize(("finding", "name"), every_fact(times))
def test_a_finding_rests_on_each_fact_that_it_names(finding: str, name: str) -> None:
    check_rests_on(times, finding, name)


def test_every_finding_is_changed_above() -> None:
    (marker,) = [each for each in test_a_finding_changes_with_its_facts.pytestmark if each.name == "parametrize"]
    assert {case[0] for case in marker.args[1]} == set(found(times))
