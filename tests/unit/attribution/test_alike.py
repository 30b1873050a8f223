"""Whether making pictures explains why two networks take as long."""

from __future__ import annotations

from typing import Any

import pytest

from harness.attribution.alike import close
from harness.attribution.prediction import Assumptions, predict_all
from harness.interval import Interval
from harness.papers.throughput import rates
from tests.support.attributions import pictures
from tests.support.papers import HARDWARE, PAPER

PEAK = HARDWARE.gpu.peak
ALL_SIZES = [pictures(48, 1, (3000.0,), (6000.0,)), pictures(augmented=(180.0,), plain=(900.0,))]


def closing(paper: Any = PAPER, sizes: Any = ALL_SIZES, **assumed: Any) -> Any:
    assert HARDWARE.alike is not None
    return close(list(predict_all(paper, sizes, Assumptions(PEAK, **assumed))), HARDWARE.alike)


def test_pictures_that_take_as_long_are_an_explanation_but_equal_work_is_another() -> None:
    found = closing()
    told = " ".join(found.sentences)
    assert found.answer == "yes, but not it alone"
    assert "163.0 s (VGG16 by transfer) and 163.3 s (fine-tuned VGG16), 0.1 % apart (Table 6)" in told
    assert "2.3-fold" in told
    assert "Read as vgg16-transfer and vgg16-fine-tune@unfrozen" in told
    # (2.859 - 1.235)·10¹⁵ operations / (52.2·10¹² · 0.6)
    assert "must then hide behind the pictures: one after the other, the epochs would lie 52 s apart at least" in told
    assert "ResNet50 by transfer takes, by one of its times, 158.1 s (Table 5) for 10.3 times less work" in told


def test_where_no_step_can_take_as_long_the_pictures_alone_explain_it() -> None:
    assert closing(utilisation=Interval(0.5, 0.6)).answer == "yes"


@pytest.mark.parametrize("speed", [20.0, 2000.0])
def test_pictures_that_take_longer_or_less_explain_nothing(speed: float) -> None:
    found = closing(sizes=[pictures(augmented=(speed,), plain=(speed,))])
    assert found.answer == "no"
    assert "does not hold both" in found.sentences[-1]


def test_epochs_that_are_unlike_are_not_asked_about() -> None:
    found = closing(PAPER.replaced({"vgg16-fine-tune.seconds.table-6": "12326.17"}))
    assert found.answer == "not asked"


def test_without_pictures_of_that_size_nothing_is_said() -> None:
    assert closing(sizes=[pictures(48, 1)]) is None


def test_every_time_of_every_variant_is_predicted() -> None:
    predictions = list(predict_all(PAPER, [*ALL_SIZES], Assumptions(PEAK)))
    assert {each.rate.variant.base_name for each in predictions} == set(PAPER.variants)
    assert len(predictions) == len(list(rates(PAPER)))
