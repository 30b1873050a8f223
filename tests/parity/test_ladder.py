"""The two implementations against the arbiter: where they part, the lowest failing rung and layer say."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.interface import (
    Batch,
    Implementation,
    Model,
    Totals,
    Weights,
)
from harness.parity.command import choose_size, climb_variant
from harness.parity.ladder import (
    RUNGS,
    climb,
    climb_rung,
    root_mean_square,
)
from harness.parity.observations import Climber, Task
from harness.parity.problem import comparable, make_problem
from harness.registry import choose_keras_backend
from tests.support.climbing import (
    LADDERS,
    PROBLEM_SEED,
    arbiter,
    climb_small,
    climber,
    small_variant,
)
from tests.support.papers import PAPER

Implementations = Mapping[str, Implementation]

REPEATS = {"nightly": 200}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 20)
"""Problems drawn anew on compiled networks, each with its own weights, faces, augmentation and gradients."""
REPEATED = {"vgg16-scratch": 0.5, "vgg16-fine-tune": 0.25, "resnet50-fine-tune": 0.25}
"""Share of the repeats by variant: everything trained without norms, a norm in the head, norms in what is trained."""


@pytest.mark.parametrize("chosen", LADDERS)
def test_every_rung_holds(both_implementations: Implementations, chosen: tuple[str, int]) -> None:
    name, phase = chosen
    ladder = climb_small(both_implementations, small_variant(name), phase=phase)
    assert ladder.first_failure is None, ladder.first_failure


def test_a_coordinate_beside_an_integer_is_looked_up_in_one_piece(both_implementations: Implementations) -> None:
    """XLA computes a coordinate anew wherever it is used: a neighbour and a share of two floors are a pixel off."""
    beside_an_integer = 18  # the second batch has a coordinate 4e-7 from one
    variant = small_variant("vgg16-fine-tune")
    ladder = climb_small(both_implementations, variant, seed=beside_an_integer, upto="logits")
    assert ladder.first_failure is None, ladder.first_failure


@pytest.mark.parametrize(
    ("name", "upto"),
    [("vgg16-scratch", "gradients"), pytest.param("resnet50-scratch", "logits", marks=pytest.mark.slow)],
)
def test_rungs_hold_at_full_width(both_implementations: Implementations, name: str, upto: str) -> None:
    variant = comparable(PAPER.find_variant(name), width_divisor=1, batch_size=2)
    ladder = climb_small(both_implementations, variant, upto=upto)
    assert ladder.first_failure is None, ladder.first_failure


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER.variants)
def test_every_rung_holds_at_the_papers_size(
    both_implementations: Implementations, request: pytest.FixtureRequest, name: str
) -> None:
    assert set(both_implementations) == {"keras3", "pytorch"}
    variant = choose_size(PAPER.find_variant(name), full=True)
    backend = choose_keras_backend(request.config.getoption("keras_backend"))
    for ladder in climb_variant(variant, keras_backend=backend):
        assert ladder.first_failure is None, ladder.first_failure


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), REPEATED.items())
def test_no_repeat_is_a_false_alarm(both_implementations: Implementations, name: str, share: float) -> None:
    variant = small_variant(name)
    phase = len(variant.phases) - 1
    alarms = {}
    for seed in range(round(REPEATS * share)):
        failure = climb_small(both_implementations, variant, phase=phase, seed=seed).first_failure
        if failure:
            alarms[seed] = str(failure)
    assert not alarms


class Faster:
    """A model whose optimizer takes steps that are a hundredth too long."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def apply_gradients(self, gradients: Weights, *, learning_rate: float) -> None:
        self.model.apply_gradients(gradients, learning_rate=1.01 * learning_rate)

    def train(self, batches: Sequence[Batch], *, learning_rate: float) -> Totals:
        return self.model.train(batches, learning_rate=1.01 * learning_rate)


@pytest.mark.parametrize("side", ["keras3", "pytorch"])
def test_steps_a_hundredth_too_long_fail_at_the_optimizer(both_implementations: Implementations, side: str) -> None:
    variant = small_variant("vgg16-scratch")
    phase = variant.phases[0]
    models = {name: climber(each, variant, phase) for name, each in both_implementations.items()}
    models[side] = Faster(models[side])
    problem = make_problem(variant, phase, seed=PROBLEM_SEED)
    failure = climb(problem, **models, arbiter=arbiter(variant, phase), upto="optimizer step").first_failure
    assert failure is not None
    assert failure.rung == "optimizer step"


class OneWrongElement:
    """A model with one element of one gradient off, by a fiftieth of the tensor's root mean square."""

    def __init__(self, model: Model, name: str) -> None:
        self.model = model
        self.name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def gradients(self, batch: Batch) -> Weights:
        found = dict(self.model.gradients(batch))
        wrong = found[self.name].copy()
        wrong.flat[1234] += 0.02 * root_mean_square(wrong)
        return found | {self.name: wrong}


@pytest.mark.parametrize("side", ["keras3", "pytorch"])
def test_one_wrong_element_of_a_gradient_fails(both_implementations: Implementations, side: str) -> None:
    name = "block4_conv3.kernel"  # of 37 thousand, among which it makes a ten thousandth
    variant = small_variant("vgg16-scratch")
    phase = variant.phases[0]
    models = {each: climber(built, variant, phase) for each, built in both_implementations.items()}
    models[side] = OneWrongElement(models[side], name)
    climbers = {each: Climber(model) for each, model in {**models, "arbiter": arbiter(variant, phase)}.items()}
    task = Task(make_problem(variant, phase, seed=PROBLEM_SEED), climbers["arbiter"])
    (rung,) = (each for each in RUNGS if each.name == "gradients")
    try:
        found = climb_rung(rung, task, climbers)
        unnoticed = climb_rung(replace(rung, peak=math.inf), task, climbers)
    finally:
        for each in climbers.values():
            each.restore()
    assert [each.tensor for each in found if not each.passed] == [name]
    assert all(each.passed for each in unnoticed), "the root mean square alone sees it too: choose a smaller error"


@pytest.mark.parametrize("side", [pytest.param("keras3", marks=pytest.mark.slow), "pytorch"])
def test_a_training_with_steps_a_hundredth_too_long_fails_on_every_course(
    both_implementations: Implementations, side: str
) -> None:
    variant = small_variant("vgg16-scratch")
    phase = variant.phases[0]
    models = {name: climber(each, variant, phase) for name, each in both_implementations.items()}
    models[side] = Faster(models[side])
    climbers = {name: Climber(each) for name, each in {**models, "arbiter": arbiter(variant, phase)}.items()}
    task = Task(make_problem(variant, phase, seed=PROBLEM_SEED), climbers["arbiter"])
    (rung,) = (each for each in RUNGS if each.name == "25 steps")
    try:
        found = climb_rung(replace(rung, courses=2), task, climbers)
    finally:
        for each in climbers.values():
            each.restore()
    failed = {each.tensor for each in found if not each.passed}
    assert "weights" in failed
