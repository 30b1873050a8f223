"""Keras in float64, where there is no excuse of rounding; in a process of its own, since JAX's switch is for a process.

Only networks without batch norms, which Keras computes in float32 whatever is asked.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from safetensors.numpy import load_file, save_file

from harness.architectures import initial_weights, layers
from harness.child import ChildFailed, answer, ask
from harness.interface import Model, Runtime
from harness.parity import observations
from harness.parity.ladder import (
    ROUNDING,
    Rung,
    TensorComparison,
    compare,
)
from harness.parity.observations import Climber, Task, Tensors
from harness.parity.problem import STEPS, Problem, make_problem
from harness.registry import load_implementation
from harness.variant import Variant

TOLERANCE: Final = 1e-12
"""Of the way of all weights in 25 steps of Adam, and of the logits. Float64 rounds 2⁻²⁹ as coarsely as float32,
in which 1e-5 were seen: 2e-14 are to be expected."""


def train(model: Model, task: Task) -> Tensors:
    """What the rung of 25 steps sees, without losses: Keras computes `ops.mean` in float32 whatever is asked."""
    return {name: array for name, array in observations.training(model, task).items() if name != "losses"}


RUNG: Final = Rung(
    "25 steps in float64",
    train,
    c=TOLERANCE / ROUNDING,
    cap=TOLERANCE,
)


@dataclass(frozen=True)
class _Asked:
    """What the process trains."""

    variant: Variant
    keras_backend: str
    seed: int


_ASKED: Final = TypeAdapter(_Asked)


def has_float64(variant: Variant) -> bool:
    """Whether Keras can compute a variant in float64."""
    return not any(layer.kind == "batch-norm" for layer in layers(variant))


def compare_in_float64(
    problem: Problem, arbiter: Model, *, keras_backend: str, seed: int
) -> tuple[TensorComparison, ...]:
    """Train Keras in float64 in a process of its own and compare it with the arbiter.

    Args:
        problem: In the variant's first phase, drawn from `seed`.
        arbiter: With a fresh optimizer; left as it was found.
        keras_backend: `jax`, `torch` or `tensorflow`.
        seed: From which the process draws the problem again.

    Raises:
        ChildFailed: If the process fails; the message ends with what it printed.
    """
    climber = Climber(arbiter)
    try:
        task = Task(problem, climber, course=range(STEPS))
        expected = RUNG.observe(climber.begin(problem), task)
    finally:
        climber.restore()
    keras3 = _train_elsewhere(problem.variant, keras_backend, seed)
    # the arbiter is the other side as well: Keras has no other error to lean on
    observed = {"keras3": keras3, "pytorch": expected}
    return tuple(compare(RUNG, observed, expected))


def _train_elsewhere(variant: Variant, keras_backend: str, seed: int) -> Tensors:
    task = _ASKED.dump_json(_Asked(variant, keras_backend, seed))
    try:
        return ask("harness.parity.float64", task, load_file, keeps_errors=True)
    except ChildFailed as error:
        message = f"Keras in float64: {error}: {error.printed.strip()[-2000:]}"
        raise ChildFailed(message, code=error.code) from error


def _observe(text: str, path: Path) -> None:
    """Train, and leave the tensors in a file of safetensors."""
    asked = _ASKED.validate_json(text)
    variant = asked.variant
    problem = make_problem(variant, variant.phases[0], seed=asked.seed)
    implementation = load_implementation("keras3", keras_backend=asked.keras_backend)
    climber = Climber(
        implementation.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=Runtime(precision="float64"))
    )
    observed = RUNG.observe(climber.begin(problem), Task(problem, climber, course=range(STEPS)))
    save_file(dict(observed), path)


if __name__ == "__main__":
    sys.exit(answer(_observe))
