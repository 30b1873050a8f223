"""Error budgets: what bands stand on, and that none of them holds everything."""

from __future__ import annotations

import math
import tomllib
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from harness.judging.error_budget import QUANTITIES, Band
from harness.judging.expectations import bands, read_bands
from harness.judging.verdicts import FACTOR, POINTS
from harness.paper.facts import CONFUSIONS, FactError, facts
from harness.variants import VARIANTS

BANDS = bands()
JUDGED = [band for band in BANDS.values() if band.unjudged is None]
HAPPY_SHARE = 1774 / 7178
"""What always answering happy scores on both tests."""


def tables() -> dict[str, Any]:
    return tomllib.loads((files("harness.judging") / "bands.toml").read_text(encoding="utf-8"))


def str_of(band: Band) -> str:
    return band.name


def test_every_quantity_of_every_variant_has_a_band() -> None:
    """Accuracy, training accuracy, gap, answers and time of all six; an end by the rule where there is one to judge."""
    expected = {f"{variant}.{quantity}" for variant in VARIANTS for quantity in QUANTITIES}
    expected -= {f"{variant}.reached" for variant in ("resnet50-scratch", "resnet50-fine-tune")}  # no threshold there
    expected -= {
        f"{variant}.epochs" for variant in ("vgg16-transfer", "vgg16-fine-tune", "resnet50-transfer")
    }  # reached
    assert set(BANDS) == expected
    order = [(list(VARIANTS).index(band.variant), QUANTITIES.index(band.quantity)) for band in BANDS.values()]
    assert order == sorted(order)
    assert (len(BANDS), len(JUDGED)) == (43, 37)


@pytest.mark.parametrize("band", BANDS.values(), ids=str_of)
def test_every_band_has_what_a_row_needs(band: Band) -> None:
    assert band.name == f"{band.variant}.{band.quantity}"
    assert band.expected_text
    assert band.place
    assert band.reason
    assert band.reason == " ".join(band.reason.split())
    assert all(name in facts() for name in band.facts)
    assert (band.few_text == "–") == (band.many_text == "–") == (band.unjudged is not None)
    assert bool(band.parts) == (band.unjudged is None)
    assert all(part.size > 0 and part.reason for part in band.parts)
    assert band.allowance == pytest.approx(sum(part.size for part in band.parts))


@pytest.mark.parametrize("band", JUDGED, ids=str_of)
def test_expected_is_what_the_paper_says_first(band: Band) -> None:
    headline = facts()[band.facts[0]]
    if band.quantity in ("accuracy", "training-accuracy"):
        assert (band.expected, band.place) == (headline.value, headline.place) == (headline.value, "Table 6")
    if band.quantity == "gap":
        assert band.expected == headline.value - facts()[band.facts[1]].value
    if band.quantity == "seconds":
        values = [facts()[name].value for name in band.facts]
        assert band.expected == pytest.approx(math.sqrt(min(values) * max(values)))


def test_the_paper_contradicts_itself_by_15_hundredths() -> None:
    """67.15 and 67.18 %, and 67.10 is a rounding; the other network has 48.13, 46.50 and by its matrix 48.18."""
    contradiction = {name: part_of(BANDS[name], "contradiction") for name in BANDS}
    assert contradiction["vgg16-transfer.accuracy"] == pytest.approx(0.00015)
    assert contradiction["vgg16-fine-tune.accuracy"] == pytest.approx((0.48175 - 0.4650) / 2, abs=1e-5)
    assert contradiction["vgg16-scratch.training-accuracy"] == pytest.approx((0.737 - 0.7259) / 2)
    assert contradiction["vgg16-scratch.gap"] == pytest.approx((0.065 - 0.0536) / 2)
    assert contradiction["vgg16-scratch.epochs"] == pytest.approx(math.log(78 / 75) / 2)
    assert contradiction["vgg16-scratch.seconds"] == pytest.approx(math.log(8764.24 / 1092.51) / 2)
    assert contradiction["resnet50-scratch.accuracy"] == 0


def test_a_rounding_is_half_of_the_last_digit() -> None:
    rounding = {name: part_of(band, "rounding") for name, band in BANDS.items()}
    assert rounding["resnet50-scratch.accuracy"] == pytest.approx(0.00005)
    assert rounding["resnet50-scratch.gap"] == pytest.approx(0.0001)
    assert rounding["vgg16-scratch.epochs"] == pytest.approx(math.log(78.5 / 78))


def part_of(band: Band, name: str) -> float:
    return sum(part.size for part in band.parts if part.name == name)


@pytest.mark.parametrize("band", JUDGED, ids=str_of)
def test_a_fact_that_is_changed_changes_its_band(band: Band) -> None:
    """Nothing of the paper is typed a second time."""
    fact = facts()[band.facts[0]]
    printed = " ".join(["7"] * 7) if fact.row else "0.1234" if fact.unit == "fraction" else "5"
    changed = read_bands(tables(), facts().replaced({fact.name: printed}))[band.name]
    if fact.row:  # the matrix itself is asked for when a run is judged
        assert changed.facts == band.facts
    elif math.isinf(band.expected) and band.quantity == "epochs":
        assert changed.expected_text != band.expected_text
    else:
        assert (changed.expected, changed.threshold) != (band.expected, band.threshold)


@pytest.mark.parametrize("band", [band for band in JUDGED if band.scale is POINTS], ids=str_of)
def test_no_band_of_points_holds_everything(band: Band) -> None:
    assert 0 < band.allowance <= 0.05
    if band.quantity not in ("recalls", "pattern"):
        assert band.allowance <= 0.04
        assert 2 * (band.allowance + POINTS.widest_margin) < 0.15


@pytest.mark.parametrize("band", [band for band in JUDGED if band.scale is FACTOR], ids=str_of)
def test_no_band_of_factors_holds_everything(band: Band) -> None:
    """The paper's own times span up to a factor of 8; ours add at most one half on either side."""
    assert band.allowance - part_of(band, "contradiction") <= math.log(1.5) + 1e-9
    if band.quantity != "seconds":
        assert band.allowance <= math.log(1.5) + 1e-9


def test_bands_tell_apart_what_the_paper_tells_apart() -> None:
    def holds(name: str, value: float) -> bool:
        return abs(value - BANDS[name].expected) <= BANDS[name].allowance

    # answering happy always is no transfer
    assert not holds("resnet50-transfer.accuracy", HAPPY_SHARE)
    assert holds("resnet50-fine-tune.accuracy", HAPPY_SHARE)
    assert not holds("resnet50-fine-tune.accuracy", BANDS["resnet50-transfer.accuracy"].expected)
    # the abstract's 64.80 is no 48.13, nor is what a frozen base reached here
    assert not holds("vgg16-fine-tune.accuracy", facts()["vgg16-fine-tune.accuracy.abstract"].value)
    assert not holds("vgg16-transfer.accuracy", 0.5387)
    assert not holds("vgg16-transfer.accuracy", facts()["vgg16-transfer.accuracy.figure-11"].value)
    # a gap that doubles is another gap
    gaps = [BANDS[f"{name}.gap"] for name in ("vgg16-scratch", "vgg16-transfer")]
    assert gaps[1].expected - gaps[0].expected > sum(gap.allowance for gap in gaps)
    for first in ("resnet50-scratch", "vgg16-fine-tune", "resnet50-transfer", "resnet50-fine-tune"):
        for second in ("resnet50-scratch", "vgg16-fine-tune", "resnet50-transfer", "resnet50-fine-tune"):
            assert holds(f"{first}.accuracy", BANDS[f"{second}.accuracy"].expected) == (first == second)


def test_what_bands_toml_says_in_numbers_is_so() -> None:
    assert round(100 * (BANDS["resnet50-transfer.accuracy"].expected - HAPPY_SHARE), 1) == 3.7
    counted = [fact.value for fact in facts().mentions("vgg16-fine-tune", "accuracy")]
    assert (
        round(100 * (max(counted) - min(counted)) / 2 + 100 * part_of(BANDS["vgg16-fine-tune.accuracy"], "unsaid"))
        == 12
    )
    assert math.exp(-part_of(BANDS["vgg16-transfer.reached"], "unsaid")) == pytest.approx(4 / 5)
    assert math.exp(-part_of(BANDS["resnet50-scratch.epochs"], "unsaid")) == pytest.approx(2 / 3)
    tables = [facts().confusion(name) / facts().confusion(name).sum(axis=1, keepdims=True) for name in CONFUSIONS]
    nearest = min(np.abs(a - b).sum(axis=1).mean() / 2 for i, a in enumerate(tables) for b in tables[:i])
    assert 0.24 < nearest < 0.25
    for name in ("resnet50-scratch", "resnet50-fine-tune"):
        rule = VARIANTS[name].stop_rule
        assert f"{rule.patience}" in BANDS[f"{name}.epochs"].reason
    assert VARIANTS["resnet50-fine-tune"].stop_rule.patience == VARIANTS["resnet50-fine-tune"].epochs


def test_the_variants_stop_where_the_bands_say() -> None:
    """The threshold of a band is the paper's; the rule that ends our runs has the same."""
    thresholds = {band.variant: band.threshold for band in BANDS.values() if band.quantity == "reached"}
    assert thresholds == {
        name: variant.stop_rule.threshold
        for name, variant in VARIANTS.items()
        if variant.stop_rule.kind == "accuracy-above"
    }


@pytest.mark.parametrize(
    ("name", "few", "many"),
    [
        ("resnet50-scratch.accuracy", "±4.0 points", "±2.0 points, and t·s·√(1+1/k)"),
        (
            "vgg16-scratch.reached",
            "at most 3.5 points below at best",
            "at most 1.5 points below at best, and t·s·√(1+1/k)",
        ),
        ("vgg16-scratch.epochs", "×/÷1.92", "×/÷1.28, and t·s·√(1+1/k)"),
        ("vgg16-transfer.reached", "not before epoch 53", "not before epoch 80, and t·s·√(1+1/k)"),
        ("vgg16-scratch.seconds", "×/÷6.37", "×/÷4.25, and t·s·√(1+1/k)"),
        ("vgg16-scratch.recalls", "±24.0 to ±24.0 points, by class", "±5.0 points, and t·s·√(1+1/k)"),
        ("vgg16-scratch.pattern", "15.0 of 100 answers", "5.0 of 100 answers, and our own seeds' distance"),
        ("vgg16-scratch.accuracy", "–", "–"),
    ],
)
def test_limits_in_words(name: str, few: str, many: str) -> None:
    assert (BANDS[name].few_text, BANDS[name].many_text) == (few, many)


def test_parts_in_words() -> None:
    text = BANDS["vgg16-fine-tune.accuracy"].parts_text
    assert text == "unsaid 3.00, contradiction 0.84, rounding 0.01 points"
    assert BANDS["vgg16-scratch.epochs"].parts_text == "unsaid ×1.250, contradiction ×1.020, rounding ×1.006"
    assert {part.name for band in JUDGED for part in band.parts} == {"unsaid", "contradiction", "rounding"}


ENTRY = {"unsaid": {"size": 0.01, "reason": "for a test"}}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"vgg17-scratch": {"accuracy": ENTRY}}, "no variants"),
        ({"vgg16-scratch": {"speed": ENTRY}}, "speed"),
        ({"vgg16-scratch": {"accuracy": {}}}, "unsaid"),
        ({"vgg16-scratch": {"accuracy": ENTRY | {"unjudged": "both"}}}, "unjudged"),
        ({"vgg16-scratch": {"accuracy": {"unsaid": {"reason": "neither"}}}}, "size=None"),
        ({"vgg16-scratch": {"accuracy": {"unsaid": {"reason": "both", "size": 0.1, "factor": 2.0}}}}, "factor=2.0"),
        ({"vgg16-scratch": {"accuracy": ENTRY | {"excluded": {"figure-99": "nowhere"}}}}, "figure-99"),
        ({"vgg16-scratch": {"gap": ENTRY | {"excluded": {"figure-99": "nowhere"}}}}, "figure-99"),
        ({"resnet50-scratch": {"pattern": ENTRY}}, "no legible confusion matrix"),
    ],
)
def test_a_band_that_is_none_is_refused(broken: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, FactError), match=message):
        read_bands(broken, facts())
