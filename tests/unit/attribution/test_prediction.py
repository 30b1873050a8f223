"""How long an epoch would take on the paper's machine: arithmetic on rates that are given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.attribution.prediction import Assumptions, Prediction, predict
from harness.interval import Interval
from harness.papers.throughput import Rate, rates
from tests.support.attributions import pictures
from tests.support.papers import HARDWARE, PAPER

PEAK = HARDWARE.gpu.peak


def rate_of(name: str, fact: str = "table-6") -> Rate:
    base = name.partition("@")[0]
    return next(
        each
        for each in rates(PAPER)
        if each.variant.name == name and each.seconds == PAPER.facts[f"{base}.seconds.{fact}"]
    )


def test_the_peak_is_that_of_the_card_which_the_paper_names() -> None:
    assert pytest.approx(52.2e12, rel=1e-3) == PEAK


def test_a_prediction_by_hand() -> None:
    """28,709 augmented at 100/s and 7,178 plain at 200/s are 322.98 s on one core like ours; 898 + 225 steps."""
    rate = rate_of("vgg16-transfer")
    given = Assumptions(1e14, Interval(0.25, 0.5), Interval(0.5, 2.0), Interval(0.0, 0.01))
    found = predict(rate, [pictures(48, 1, (1.0,), (1.0,)), pictures()], given)
    assert found is not None
    ours = 287.09 + 35.89
    assert (found.pipeline.low, found.pipeline.high) == pytest.approx((ours / 2, ours * 2))
    arithmetic = rate.operations / 100 / 1e14
    assert (found.step.low, found.step.high) == pytest.approx((arithmetic * 2, arithmetic * 4 + 11.23))
    assert found.seconds == pytest.approx(163.0471)
    assert found.pipeline_here == pytest.approx(ours)
    assert found.core_ratio_needed == pytest.approx(ours / 163.0471)
    assert found.utilisation_needed == pytest.approx(arithmetic / 163.0471)
    assert found.operations == pytest.approx(2.859e15, rel=1e-3)


def test_the_measurements_own_range_widens_the_pipelines() -> None:
    given = Assumptions(1e14, core_ratio=Interval(1, 1))
    found = predict(rate_of("vgg16-transfer"), [pictures(augmented=(90.0, 100.0, 110.0), plain=(200.0, 200.0))], given)
    assert found is not None
    assert found.pipeline.low == pytest.approx(28_709 / 110 + 35.89)
    assert found.pipeline.high == pytest.approx(28_709 / 90 + 35.89)


def test_without_augmentation_training_pictures_are_plain_ones() -> None:
    rate = rate_of("vgg16-transfer")
    plain = replace(rate, variant=PAPER.find_variant("vgg16-transfer@unaugmented"))
    found = predict(plain, [pictures()], Assumptions(1e14, core_ratio=Interval(1, 1)))
    assert found is not None
    assert found.pipeline.low == pytest.approx(35_887 / 200)


def test_a_size_that_was_not_measured_is_not_predicted() -> None:
    assert predict(rate_of("vgg16-transfer"), [pictures(48, 1)], Assumptions(1e14)) is None


@pytest.mark.parametrize(
    ("pipeline", "step", "explanation", "reason"),
    [
        ((90, 110), (10, 50), "explained by the input pipeline", ""),
        ((10, 50), (90, 110), "explained by the step", ""),
        ((90, 110), (90, 110), "cannot be told", "either alone"),
        ((90, 110), (101, 150), "cannot be told", "the step takes 101.0 s at least"),
        ((101, 150), (90, 110), "cannot be told", "from memory or from several cores"),
        ((40, 60), (30, 50), "cannot be told", "one after the other may"),
        ((40, 50), (30, 49), "explained by neither", "too long, 99.0 s one after the other"),
        ((120, 150), (10, 50), "explained by neither", "too short for pictures from one core"),
        ((10, 50), (120, 150), "explained by neither", "too short for the step"),
        ((100, 100), (10, 50), "explained by the input pipeline", ""),  # ends are included
    ],
)
def test_verdicts(pipeline: Any, step: Any, explanation: str, reason: str) -> None:
    found = of_100_seconds(Interval(*pipeline), Interval(*step))
    assert found.explanation == explanation
    assert reason in found.reason
    assert bool(reason) == bool(found.reason)


def of_100_seconds(pipeline: Interval, step: Interval) -> Prediction:
    paper = PAPER.replaced({"vgg16-transfer.seconds.table-6": "10000"})
    rate = next(each for each in rates(paper) if each.variant.name == "vgg16-transfer")
    return Prediction(rate, 1.0, pipeline, step, peak=1e14)


@pytest.mark.parametrize("ends", [(2, 1), (-1, 1), (0, float("inf")), (float("nan"), 1)])
def test_no_interval(ends: Any) -> None:
    with pytest.raises(ValueError, match="the smaller first"):
        Interval(*ends)


@pytest.mark.parametrize("name", ["utilisation", "core_ratio"])
def test_an_epoch_that_never_ends_is_refused(name: str) -> None:
    given: dict[str, Any] = {name: Interval(0, 1)}
    with pytest.raises(ValueError, match=f"{name.replace('_', ' ')} begins at 0"):
        Assumptions(1e14, **given)
