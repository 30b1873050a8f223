"""Climbers for the ladder, built once a session: JAX compiles a model's functions when they are first called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

import pytest

from harness.interface import Implementation, Model
from harness.parity.arbiter import build_arbiter
from harness.parity.ladder import Ladder, climb
from harness.parity.problem import comparable, make_problem
from harness.variant import Phase, Variant
from tests.support.models import build
from tests.support.papers import PAPER

TWO_STAGES: Final[Mapping[str, tuple[Phase, ...]]] = {
    "resnet50-transfer": (Phase(100, "head"),),
    "resnet50-fine-tune": (Phase(10, "head"), Phase(20, "conv3_block1")),
}
"""ResNet50s that end with their second stage: on JAX the whole one takes half a minute to compile, and
`resnet50-scratch` has climbed it. What fine-tuning unfreezes is the last stage, as in the paper's."""
LADDERS: Final = (
    pytest.param(("vgg16-scratch", 0), id="vgg16-scratch"),
    pytest.param(("vgg16-transfer", 0), id="vgg16-transfer"),
    pytest.param(("vgg16-fine-tune", 0), id="vgg16-fine-tune"),
    pytest.param(("resnet50-scratch", 0), id="resnet50-scratch"),
    pytest.param(("resnet50-transfer", 0), id="resnet50-transfer"),
    pytest.param(("resnet50-fine-tune", 0), id="resnet50-fine-tune-head"),
    pytest.param(("resnet50-fine-tune", 1), id="resnet50-fine-tune"),
)
"""Every family in each of its phases: name of the variant, number of the phase."""

PROBLEM_SEED: Final = 2
"""Of a problem whose trainings pass on the first course in all families. Others need up to six."""


def small_variant(name: str) -> Variant:
    """A variant's narrow network on 32×32 pixels in batches of 8."""
    variant = PAPER.find_variant(name)
    if name in TWO_STAGES:
        variant = replace(variant, blocks=2, phases=TWO_STAGES[name])
    return comparable(variant)


@cache
def climber(implementation: Implementation, variant: Variant, phase: Phase) -> Model:
    """The session's model for a phase."""
    return _in_phase(build(implementation, variant), phase)


@cache
def arbiter(variant: Variant, phase: Phase) -> Model:
    """The session's arbiter for a phase."""
    return _in_phase(build_arbiter(variant), phase)


def climb_small(
    implementations: Mapping[str, Implementation],
    variant: Variant,
    *,
    phase: int = 0,
    seed: int = PROBLEM_SEED,
    upto: str | None = None,
) -> Ladder:
    """Climb with the session's models."""
    chosen = variant.phases[phase]
    return climb(
        make_problem(variant, chosen, seed=seed),
        keras3=climber(implementations["keras3"], variant, chosen),
        pytorch=climber(implementations["pytorch"], variant, chosen),
        arbiter=arbiter(variant, chosen),
        upto=upto,
    )


def _in_phase(model: Model, phase: Phase) -> Model:
    if phase != model.variant.phases[0]:
        model.start_phase(phase)
    return model
