"""Where time goes, and whether it explains the paper's: arithmetic on seconds that are given."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from harness.attribution.alike import close
from harness.attribution.parts import (
    Attribution,
    Clocked,
    Measured,
    PictureRate,
    Spread,
)
from harness.attribution.prediction import (
    Assumptions,
    Prediction,
    predict,
    predict_all,
)
from harness.interval import Interval
from harness.papers.throughput import Rate, rates
from harness.records.machine import Speed
from harness.report.attribution import AttributionReport, attribution_page
from tests.support.papers import HARDWARE, PAPER

PEAK = HARDWARE.gpu.peak


def attribution(inputs, steps, together, images=(10, 20, 40)) -> Attribution:
    """From seconds an image, round by round; every part clocked on another number of images."""
    parts = ("input", "step", "together")
    seconds = zip(parts, images, (inputs, steps, together), strict=True)
    return Attribution(*(Clocked("generator", part, n, tuple(n * s for s in each)) for part, n, each in seconds))


# Attribution


def test_rates_are_images_over_seconds_with_median_and_range() -> None:
    assert Clocked("device", "step", 10, (1.0, 2.0, 5.0)).rate == Spread(5.0, 2.0, 10.0)


def test_shares_and_ratios_are_taken_round_by_round() -> None:
    found = attribution(inputs=[1.0, 2.0, 3.0], steps=[3.0, 6.0, 9.0], together=[4.0, 8.0, 10.0])
    assert found.input_share == Spread(0.25, 0.25, 0.3)
    assert found.step_share == Spread(0.75, 0.75, 0.9)
    assert found.to_sum == Spread(1.0, 10 / 12, 1.0)
    assert found.to_longer.low == pytest.approx(10 / 9)


@pytest.mark.parametrize(
    ("together", "order"),
    [
        (3.0, "one after the other"),
        (2.0, "at the same time"),
        (2.5, "partly at the same time"),
        (3.5, "slower than their sum"),
        (1.5, "faster than either"),
        (2.87, "one after the other"),  # within ALIKE of the sum
        (2.08, "at the same time"),
    ],
)
@pytest.mark.parametrize("longer", ["input", "step"])
def test_whether_both_go_on_at_the_same_time(together: float, order: str, longer: str) -> None:
    lengths = {"inputs": [1.0] * 3, "steps": [2.0] * 3}
    if longer == "input":
        lengths = {"inputs": [2.0] * 3, "steps": [1.0] * 3}
    found = attribution(**lengths, together=[together] * 3)
    assert found.order == order
    assert found.bound == longer


def test_an_input_shorter_than_the_spread_tells_nothing_of_the_order() -> None:
    assert attribution([0.01] * 3, [1.0] * 3, [0.99, 1.0, 1.02]).order == "cannot be told"


def test_rounds_that_disagree_leave_the_bound_open() -> None:
    assert attribution([1.0, 1.0, 3.0], [2.0] * 3, [3.0] * 3).bound == "cannot be told"


@pytest.mark.parametrize("rounds", [1, 2])
def test_one_round_or_two_tell_neither_the_order_nor_the_bound(rounds: int) -> None:
    for together in (1.5, 2.0, 2.5, 3.0, 3.5):
        found = attribution([1.0] * rounds, [2.0] * rounds, [together] * rounds)
        assert (found.order, found.bound) == ("cannot be told", "cannot be told")


def measured(*clocked: Clocked) -> Measured:
    return Measured(
        "pytorch",
        PAPER.variants["vgg16-scratch"],
        "all",
        clocked,
        (),
        10**9,
        Speed("product", 100e9, (1.0, 0.5)),
        {},
        None,
    )


def test_the_step_on_the_hosts_pixels_is_measured_once_for_both_pipelines() -> None:
    parts = [("generator", "input"), ("generator", "step"), ("generator", "together")]
    parts += [("manual", "input"), ("manual", "together"), ("device", "input")]
    found = measured(*(Clocked(pipeline, part, 1, (1.0, 1.0)) for pipeline, part in parts))
    generator, manual = found.attributions()  # device lacks a step of its own, and takes nobody's
    assert (generator.pipeline, manual.pipeline) == ("generator", "manual")
    assert manual.step is generator.step
    assert manual.input.pipeline == "manual"


def test_the_steps_rate_is_that_of_the_fastest_kind() -> None:
    """10⁹ operations an image; 4 images in 2 s are 2 GFLOP/s."""
    found = measured(Clocked("device", "step", 4, (4.0, 4.0)), Clocked("generator", "step", 4, (2.0, 2.0)))
    assert found.step_rate == Spread(2.0, 2.0, 2.0)
    assert found.product_rate.median == 150.0


# Predictions


def pictures(size=224, channels=3, augmented=(100.0, 100.0), plain=(200.0, 200.0)) -> PictureRate:
    both = [Clocked("generator", "input", 1, tuple(1 / each for each in rate)) for rate in (augmented, plain)]
    return PictureRate(size, channels, *both)


def page(augmented: tuple[int, int], plain: tuple[int, int]) -> str:
    """What is printed where so many pictures a round were clocked in so many rounds."""
    both = [Clocked("generator", "input", images, (1.0,) * rounds) for images, rounds in (augmented, plain)]
    found = replace(measured(Clocked("device", "step", 4, (2.0, 2.0))), pictures=(PictureRate(224, 3, *both),))
    given = Assumptions(PEAK)
    console = Console(width=500)
    with console.capture() as capture:
        report = AttributionReport([found], given, list(predict_all(PAPER, found.pictures, given)), None)
        console.print(attribution_page(report))
    return capture.get()


@pytest.mark.parametrize(
    ("augmented", "plain", "warned"),
    [
        ((32, 1), (400, 1), "rates from 32 pictures of 224×224×3, fewer than 200: "),
        ((400, 1), (32, 2), "rates from 64 pictures of 224×224×3, fewer than 200: "),
        ((199, 1), (199, 1), "rates from 199 pictures"),
        ((200, 1), (100, 2), None),
        ((40, 5), (400, 5), None),
    ],
)
def test_few_pictures_behind_the_generators_rate_are_warned_of(augmented, plain, warned: str | None) -> None:
    printed = page(augmented, plain)
    assert ("fewer than" in printed) == (warned is not None)
    assert warned is None or warned in printed


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
def test_verdicts(pipeline, step, explanation: str, reason: str) -> None:
    found = of_100_seconds(Interval(*pipeline), Interval(*step))
    assert found.explanation == explanation
    assert reason in found.reason
    assert bool(reason) == bool(found.reason)


def of_100_seconds(pipeline: Interval, step: Interval) -> Prediction:
    paper = PAPER.replaced({"vgg16-transfer.seconds.table-6": "10000"})
    rate = next(each for each in rates(paper) if each.variant.name == "vgg16-transfer")
    return Prediction(rate, 1.0, pipeline, step, peak=1e14)


@pytest.mark.parametrize("ends", [(2, 1), (-1, 1), (0, float("inf")), (float("nan"), 1)])
def test_no_interval(ends) -> None:
    with pytest.raises(ValueError, match="the smaller first"):
        Interval(*ends)


@pytest.mark.parametrize("name", ["utilisation", "core_ratio"])
def test_an_epoch_that_never_ends_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name.replace('_', ' ')} begins at 0"):
        Assumptions(1e14, **{name: Interval(0, 1)})


# Both networks


ALL_SIZES = [pictures(48, 1, (3000.0,), (6000.0,)), pictures(augmented=(180.0,), plain=(900.0,))]


def closing(paper=PAPER, sizes=ALL_SIZES, **assumed):
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
