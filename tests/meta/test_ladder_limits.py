"""The ladder fails where it must: a comparison that cannot fail would let anything pass."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from harness.interface import Model
from harness.parity.arbiter import build_arbiter, kink_margin, smoothest_course
from harness.parity.ladder import (
    PEAK,
    RATIO,
    ROUNDING,
    RUNGS,
    Ladder,
    Rung,
    TensorComparison,
    climb_rung,
    compare,
    relative_error,
    rungs_upto,
    upper_quartile,
)
from harness.parity.observations import Task, Tensors
from harness.parity.problem import (
    STEPS,
    comparable,
    lively_weights,
    make_problem,
    without_effect,
)
from harness.report.parity import ladder_page
from tests.support.papers import PAPER

FLOOR, CAP = 64 * ROUNDING, 1e-2
EXPECTED = np.array([3.0, -4.0])
A_BIT = 1e-3
NOTHING: Tensors = {}


def observe_nothing(_model: Model, _task: Task) -> Tensors:
    return NOTHING


RUNG = Rung("gradients", observe_nothing, c=64, cap=CAP)


def off(error: float) -> Tensors:
    """The expected tensor with a root mean square error of so much of its own."""
    return {"dense1.kernel": EXPECTED * (1 + error)}


def comparison(keras3: float, pytorch: float) -> TensorComparison:
    (found,) = compare(RUNG, {"keras3": off(keras3), "pytorch": off(pytorch)}, {"dense1.kernel": EXPECTED})
    return found


@pytest.mark.parametrize(
    ("keras3", "pytorch", "passes"),
    [
        pytest.param(0.0, 0.0, True, id="equal"),
        pytest.param(FLOOR * (1 - A_BIT), 0.0, True, id="below-the-floor"),
        pytest.param(FLOOR * (1 + A_BIT), 0.0, False, id="above-the-floor"),
        pytest.param(0.0, FLOOR * (1 + A_BIT), False, id="above-the-floor-on-the-other-side"),
        pytest.param(1e-4 * RATIO * (1 - A_BIT), 1e-4, True, id="below-three-times-the-other"),
        pytest.param(1e-4 * RATIO * (1 + A_BIT), 1e-4, False, id="above-three-times-the-other"),
        pytest.param(1e-4, 1e-4 * RATIO * (1 + A_BIT), False, id="above-three-times-on-the-other-side"),
        pytest.param(CAP * (1 - A_BIT), CAP * (1 - A_BIT), True, id="both-below-the-cap"),
        pytest.param(CAP * (1 + A_BIT), CAP * (1 + A_BIT), False, id="both-equally-above-the-cap"),
        pytest.param(math.nan, 0.0, False, id="nan"),
        pytest.param(0.0, math.nan, False, id="nan-on-the-other-side"),
        pytest.param(math.nan, math.nan, False, id="nan-on-both"),
        pytest.param(math.inf, 0.0, False, id="infinite"),
        pytest.param(math.inf, math.inf, False, id="infinite-on-both"),
    ],
)
def test_an_error_passes_within_its_limit_alone(keras3: float, pytorch: float, passes: bool) -> None:
    assert comparison(keras3, pytorch).passed is passes


def test_twins_raise_the_floor_and_not_the_cap() -> None:
    rung = Rung("25 steps", observe_nothing, c=64, cap=CAP, twins=10)

    def passes(error: float, distance: float) -> bool:
        seen = {"keras3": off(error), "pytorch": off(0)}
        (found,) = compare(rung, seen, {"dense1.kernel": EXPECTED}, distances={"dense1.kernel": distance})
        return found.passed

    assert passes(9e-4, 1e-4)
    assert not passes(1.1e-3, 1e-4)
    assert not passes(1.1 * CAP, 1.0)


@pytest.mark.parametrize("side", ["keras3", "pytorch"])
@pytest.mark.parametrize("array", [None, np.ones(3), np.array([3.0, np.nan])], ids=["missing", "shape", "nan"])
def test_what_cannot_be_compared_fails(side: str, array: np.ndarray | None) -> None:
    seen = {"keras3": off(0), "pytorch": off(0)}
    seen[side] = {} if array is None else {"dense1.kernel": array}
    (found,) = compare(RUNG, seen, {"dense1.kernel": EXPECTED})
    assert not found.passed


def test_an_unknown_name_fails() -> None:
    seen = {"keras3": {**off(0), "dense9.kernel": EXPECTED}, "pytorch": off(0)}
    *_, unknown = compare(RUNG, seen, {"dense1.kernel": EXPECTED})
    assert unknown.tensor == "dense9.kernel"
    assert not unknown.passed


def test_nothing_is_near_enough_to_zeros_but_zeros() -> None:
    zeros = np.zeros(2)
    assert relative_error(zeros, zeros, zeros) == 0
    assert relative_error(zeros + 1e-30, zeros, zeros) == math.inf


def test_a_tensor_may_be_measured_on_another() -> None:
    expected = {"conv1_conv.kernel": np.array([1.0]), "conv1_conv.bias": np.array([1e-17])}
    seen = {"conv1_conv.kernel": np.array([1.0]), "conv1_conv.bias": np.array([1e-9])}
    observed = {"keras3": seen, "pytorch": seen}
    assert not all(each.passed for each in compare(RUNG, observed, expected))
    scales = {"conv1_conv.bias": expected["conv1_conv.kernel"]}
    assert all(each.passed for each in compare(RUNG, observed, expected, scales=scales))


def test_the_quartile_forgives_one_unit_that_went_its_own_way_but_not_a_share_of_all() -> None:
    way = np.full(64, 1e-3)
    one = way.copy()
    one[3] = -1e-3
    assert relative_error(one, way, way, size=upper_quartile) == 0
    assert relative_error(1.01 * way, way, way, size=upper_quartile) == pytest.approx(0.01)
    for value in (math.nan, math.inf):
        one[3] = value
        assert math.isnan(relative_error(one, way, way, size=upper_quartile))


@pytest.mark.parametrize("rung", [rung for rung in RUNGS if not rung.by_quartile], ids=lambda rung: rung.name)
@pytest.mark.parametrize("side", ["keras3", "pytorch"])
def test_one_wrong_element_of_a_large_tensor_fails(rung: Rung, side: str) -> None:
    """A tenth too large among a million it makes a ten thousandth of a root mean square."""
    expected = np.random.default_rng(0).normal(size=10**6)
    limit = rung.c * ROUNDING

    def passes(error: float) -> bool:
        seen = {"keras3": expected, "pytorch": expected}
        seen[side] = expected.copy()
        seen[side][4321] += error
        (found,) = compare(rung, {name: {"a": array} for name, array in seen.items()}, {"a": expected})
        return found.passed

    assert passes(0.9 * PEAK * limit)
    assert not passes(1.1 * PEAK * limit)
    wrong = expected.copy()
    wrong[4321] += 1.1 * PEAK * limit
    assert relative_error(wrong, expected, expected) < 0.05 * limit, "it would vanish among the others"


class Standing:
    """A climber that is where it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, _problem: object) -> str:
        return self.name


SMALL = comparable(PAPER.find_variant("vgg16-scratch"))
SOME_TASK = Task(make_problem(SMALL, SMALL.phases[0], seed=0), Standing("arbiter"))


@pytest.mark.parametrize(
    ("errors", "passes"),
    [
        pytest.param([1e-3, FLOOR / 2], True, id="one-course-was-clean"),
        pytest.param([1e-3, 2e-3, 3e-3], False, id="wrong-in-all"),
        pytest.param([math.nan], False, id="nan-is-no-kink"),
        pytest.param([1e-3, 0.6], False, id="too-far-for-a-kink"),
    ],
)
def test_a_rung_passes_on_one_course_and_fails_on_all(errors: list[float], passes: bool) -> None:
    left = iter(errors)

    def observe(model: str, _task: Task) -> Tensors:
        return off(next(left) if model == "keras3" else 0)

    climbers = {name: Standing(name) for name in ("keras3", "pytorch", "arbiter")}
    rung = Rung("25 steps", observe, c=64, cap=CAP, courses=3)
    (found,) = climb_rung(rung, SOME_TASK, climbers)
    assert found.passed is passes
    assert not list(left), "courses are climbed until one decides, and none after it"


def test_a_course_goes_over_every_batch() -> None:
    problem = make_problem(SMALL, SMALL.phases[0], seed=0)
    arbiter = build_arbiter(SMALL)
    arbiter.set_weights(problem.weights)
    first, second = (smoothest_course(arbiter, problem, seed=seed) for seed in (0, 1))
    assert sorted(first) == sorted(second) == list(range(STEPS))
    assert first != second


def test_losses_are_not_judged_by_the_quartile() -> None:
    (rung,) = (each for each in RUNGS if each.name == "25 steps")
    losses = np.ones(25)
    wrong = losses.copy()
    wrong[3] = 1.01
    found = compare(rung, {"keras3": {"losses": wrong}, "pytorch": {"losses": losses}}, {"losses": losses})
    assert not all(each.passed for each in found)


def test_a_rung_with_nothing_to_compare_holds() -> None:
    """The statistics of norms, in a network without them."""
    climbers = {name: Standing(name) for name in ("keras3", "pytorch", "arbiter")}
    assert climb_rung(RUNG, SOME_TASK, climbers) == ()


def ladder(*errors: float) -> Ladder:
    """A ladder of one rung and a layer for each of Keras' errors."""
    variant = PAPER.find_variant("vgg16-scratch")
    found = [
        TensorComparison("gradients", f"dense{place}.kernel", each, 1e-7, FLOOR, CAP)
        for place, each in enumerate(errors)
    ]
    return Ladder(variant, variant.phases[0], tuple(found))


def test_the_first_failure_is_the_lowest() -> None:
    assert ladder(1e-7, 1e-7).first_failure is None
    failure = ladder(1e-7, 1e-3, 1e-2).first_failure
    assert failure is not None
    assert str(failure).startswith("gradients, dense1.kernel: Keras is off by 1.0e-03 of its scale, PyTorch by 1.0e-07")


def test_the_worst_of_a_rung_is_what_is_furthest_beyond_its_limit() -> None:
    assert ladder(1e-7, 2e-7).worst()["gradients"].tensor == "dense1.kernel"
    assert ladder(1e-7, math.nan, 1e-2).worst()["gradients"].tensor == "dense1.kernel"


def test_the_table_names_what_fails() -> None:
    console = Console(file=io.StringIO(), width=150)
    console.print(ladder_page(ladder(1e-7, 1e-3)))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "FAILED" in text
    assert "FAILS (1)" in text
    assert "parts at gradients, dense1.kernel" in text


def test_rungs_are_climbed_up_to_a_name() -> None:
    assert [rung.name for rung in rungs_upto("logits")] == ["pixels", "activations", "logits"]
    assert rungs_upto(None) == RUNGS
    with pytest.raises(ValueError, match="no rung 'logit'; the rungs are pixels, activations, logits"):
        rungs_upto("logit")


def test_a_floor_is_below_its_cap_on_every_rung() -> None:
    assert all(rung.c * ROUNDING < rung.cap for rung in RUNGS)


def test_biases_without_effect_are_those_in_front_of_a_norm() -> None:
    assert not without_effect(PAPER.variants["vgg16-scratch"])
    assert without_effect(PAPER.variants["vgg16-fine-tune"]) == {"block5_conv3.bias"}  # the norm stands in the head
    found = without_effect(PAPER.variants["resnet50-scratch"])
    assert len(found) == 53  # all convolutions of ResNet50
    assert "conv2_block1_0_conv.bias" in found


def test_a_problem_depends_on_its_seed_alone() -> None:
    variant = comparable(PAPER.find_variant("vgg16-scratch"))
    first, again, other = (make_problem(variant, variant.phases[0], seed=seed) for seed in (1, 1, 2))
    for name, array in first.weights.items():
        assert np.array_equal(array, again.weights[name])
        assert not np.array_equal(array, other.weights[name])
    assert np.array_equal(first.batches[3].maps, again.batches[3].maps)
    assert not np.array_equal(first.batches[3].maps, other.batches[3].maps)


def test_weights_of_a_problem_are_all_different() -> None:
    weights = lively_weights(comparable(PAPER.find_variant("resnet50-scratch")), seed=0)
    assert not any(np.all(array == array.flat[0]) for array in weights.values() if array.size > 1)


def test_the_margin_is_that_of_the_nearest_kink() -> None:
    variant = comparable(PAPER.find_variant("vgg16-scratch"), width_divisor=64)
    random = np.random.default_rng(0)
    far = _activations(variant, random)
    near = dict(far)
    near["block2_conv1"] = near["block2_conv1"].copy()
    near["block2_conv1"].flat[7] = 1e-9
    assert kink_margin(far, variant) > 1e-8
    assert kink_margin(near, variant) == pytest.approx(1e-9, rel=0.2)


def test_the_margin_sees_a_pooling_near_a_tie_but_not_copies_of_one_pixel() -> None:
    variant = comparable(PAPER.find_variant("vgg16-scratch"), width_divisor=64)
    activations = _activations(variant, np.random.default_rng(0))
    before = activations["block1_conv2_relu"]
    before[0, 0, 0], before[0, 0, 1] = 9.0, 9.0
    copies = kink_margin(activations, variant)
    before[0, 0, 1] = 9.0 + 1e-9
    assert kink_margin(activations, variant) < 1e-8 < copies


def _activations(variant: Any, random: Any) -> Any:
    """Values of size 1, all at least a hundredth apart from 0."""
    from harness.architectures import layers

    found = {}
    for layer in layers(variant):
        values = random.uniform(0.5, 1.5, (2, *layer.output_shape))
        found[layer.name] = values * random.choice([-1.0, 1.0], values.shape)
    return found
