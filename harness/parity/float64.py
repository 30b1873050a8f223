"""Keras in float64, where there is no excuse of rounding; in a process of its own, since JAX's switch is for a process.

Only networks without batch norms, which Keras computes in float32 whatever is asked.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from safetensors.numpy import load_file, save_file

from harness.architectures import initial_weights, layers
from harness.interface import Model, Runtime
from harness.parity import observations
from harness.parity.ladder import (
    ROUNDING,
    Comparison,
    Rung,
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
_VARIANT: Final = TypeAdapter(Variant)


def has_float64(variant: Variant) -> bool:
    """Whether Keras can compute a variant in float64."""
    return not any(layer.kind == "batch-norm" for layer in layers(variant))


def compare_in_float64(problem: Problem, arbiter: Model, *, keras_backend: str, seed: int) -> tuple[Comparison, ...]:
    """Train Keras in float64 in a process of its own and compare it with the arbiter.

    Args:
        problem: In the variant's first phase, drawn from `seed`.
        arbiter: With a fresh optimizer; left as it was found.
        keras_backend: `jax`, `torch` or `tensorflow`.
        seed: From which the process draws the problem again.

    Raises:
        RuntimeError: If the process fails; what it printed says why.
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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "observed.safetensors"
        module = [sys.executable, "-P", "-m", "harness.parity.float64"]
        arguments = [_VARIANT.dump_json(variant).decode(), keras_backend, str(seed), str(path)]
        done = subprocess.run([*module, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"Keras in float64 ended with code {done.returncode}: {done.stderr.strip()[-2000:]}")
        return load_file(path)


def main() -> None:
    """Entry of the process: variant as JSON, backend, seed, and where to leave what was observed."""
    text, keras_backend, seed, path = sys.argv[1:]
    variant = _VARIANT.validate_json(text)
    problem = make_problem(variant, variant.phases[0], seed=int(seed))
    implementation = load_implementation("keras3", keras_backend=keras_backend)
    climber = Climber(
        implementation.build(variant, weights=initial_weights(variant, 0), seed=0, runtime=Runtime(precision="float64"))
    )
    observed = RUNG.observe(climber.begin(problem), Task(problem, climber, course=range(STEPS)))
    save_file(dict(observed), path)


if __name__ == "__main__":
    main()
