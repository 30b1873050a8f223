"""Keras in float64 against the arbiter: what is left of a difference then is no rounding."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.interface import Implementation
from harness.parity.float64 import compare_in_float64, has_float64
from harness.parity.problem import make_problem
from harness.registry import choose_keras_backend
from tests.support.climbing import arbiter, small_variant
from tests.support.papers import PAPER

SEED = 3
"""Of a problem whose 13th batch has a coordinate 3e-7 below an integer, which float32 rounds up."""
WITHOUT_NORMS = ("vgg16-scratch", "vgg16-transfer")


def test_the_variants_without_norms() -> None:
    assert tuple(name for name, variant in PAPER.variants.items() if has_float64(variant)) == WITHOUT_NORMS


@pytest.mark.parametrize("name", ["vgg16-scratch", pytest.param("vgg16-transfer", marks=pytest.mark.slow)])
def test_weights_agree_to_1e_12_after_25_steps_in_float64(
    both_implementations: Mapping[str, Implementation], request: pytest.FixtureRequest, name: str
) -> None:
    assert set(both_implementations) == {"keras3", "pytorch"}
    variant = small_variant(name)
    phase = variant.phases[0]
    compared = compare_in_float64(
        make_problem(variant, phase, seed=SEED),
        arbiter(variant, phase),
        keras_backend=choose_keras_backend(request.config.getoption("keras_backend")),
        seed=SEED,
    )
    assert {each.tensor for each in compared} == {"weights", "logits"}
    failures = [str(each) for each in compared if not each.passed]
    assert not failures, failures[0]
