"""What is looked at on each rung: one function a rung, from a fresh model to named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.architectures import trainable_layers
from harness.interface import (
    Batch,
    Model,
    State,
    Weights,
)
from harness.parity.arbiter import rounded_otherwise, smoothest_batch, smoothest_course
from harness.parity.problem import Problem, is_statistic, without_effect

Tensors = Mapping[str, NDArray[Any]]
EVALUATED: Final = 2
"""Batches whose logits are compared."""
STEPS_BEFORE_EVALUATION: Final = 5
"""Enough for running statistics to move by a twentieth."""


class Climber:
    """A model with a fresh optimizer, and its way back to where it began.

    Args:
        model: In the phase that is climbed; no step taken since the phase began.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._beginning: State = model.get_state()

    def restore(self) -> None:
        """Go back to the state in which the climber was made."""
        self.model.set_state(self._beginning)

    def begin(self, problem: Problem) -> Model:
        """The model with a fresh optimizer and the problem's weights."""
        self.restore()
        self.model.set_weights(problem.weights)
        return self.model


class Task:
    """A problem with what the arbiter adds to it.

    Args:
        problem: What all climbers are given.
        arbiter: Stands still until something is asked of it.
        course: Indices of the batches of the rung that trains, one a step. None leaves the choice to the arbiter.
        seed: Of that choice.
    """

    def __init__(
        self, problem: Problem, arbiter: Climber, *, course: Sequence[int] | None = None, seed: int = 0
    ) -> None:
        self.problem = problem
        self._arbiter = arbiter
        self._course = course
        self._seed = seed

    @cached_property
    def course(self) -> Sequence[int]:
        """Indices of the batches of the rung that trains, one a step."""
        if self._course is not None:
            return self._course
        return smoothest_course(self._arbiter.begin(self.problem), self.problem, seed=self._seed)

    def on_another_course(self) -> Task:
        """The same problem with other choices among its batches."""
        return Task(self.problem, self._arbiter, seed=self._seed + 1)

    def rounded_otherwise(self, seed: int) -> Task:
        """The same course with every input moved by one rounding."""
        return Task(rounded_otherwise(self.problem, seed), self._arbiter, course=self.course)

    @cached_property
    def batch(self) -> Batch:
        """The batch at which gradients are compared."""
        return smoothest_batch(self._arbiter.begin(self.problem), self.problem)

    @cached_property
    def trained(self) -> Weights:
        """The arbiter's weights after a few steps, in float32: one trained network for every climber to evaluate."""
        model = self._arbiter.begin(self.problem)
        model.train(self.problem.batches[:STEPS_BEFORE_EVALUATION], learning_rate=self.problem.learning_rate)
        return {name: array.astype(np.float32) for name, array in model.get_weights().items()}


def pixels(model: Model, task: Task) -> Tensors:
    """Network input of the first batch."""
    return {"pixels": model.pixels(task.problem.batches[0])}


def activations(model: Model, task: Task) -> Tensors:
    """Output of every layer in inference mode."""
    return model.activations(task.problem.batches[0], training=False)


def logits(model: Model, task: Task) -> Tensors:
    """Logits in inference mode, by the way that evaluation takes."""
    return {"logits": model.logits(task.problem.batches[:EVALUATED])}


def training_activations(model: Model, task: Task) -> Tensors:
    """Output of every layer in training mode."""
    return model.activations(task.problem.batches[0], training=True)


def loss(model: Model, task: Task) -> Tensors:
    """Loss of the first step, and how many answers were right."""
    problem = task.problem
    totals = model.train(problem.batches[:1], learning_rate=problem.learning_rate)
    return {"loss": totals.step_losses, "right answers": np.array([totals.correct])}


def gradients(model: Model, task: Task) -> Tensors:
    """Gradient by each trainable weight, away from kinks."""
    return model.gradients(task.batch)


def optimizer_steps(model: Model, task: Task) -> Tensors:
    """Steps that the optimizer makes of given gradients, begun at 0: beside weights they would be rounded away."""
    problem = task.problem
    model.set_weights({name: np.zeros_like(array) for name, array in problem.weights.items()})
    for given in problem.gradients:
        model.apply_gradients(given, learning_rate=problem.learning_rate)
    after = model.get_weights()
    return {name: after[name] for name in problem.gradients[0]}


def training(model: Model, task: Task) -> Tensors:
    """The way of all weights and of running statistics, the losses, and the logits at the end."""
    problem = task.problem
    batches = [problem.batches[index] for index in task.course]
    totals = model.train(batches, learning_rate=problem.learning_rate)
    after = model.get_weights()
    effective = [name for name in problem.gradients[0] if name not in without_effect(problem.variant)]
    found = {"weights": _way(after, problem.weights, effective), "losses": totals.step_losses}
    statistics = _moving_statistics(problem)
    if statistics:
        found["running statistics"] = _way(after, problem.weights, statistics)
    return found | {"logits": model.logits(problem.batches[:EVALUATED])}


def batch_norm_statistics(model: Model, task: Task) -> Tensors:
    """Running statistics after one step; begun at 0, they hold the batch's share alone. Frozen ones stay."""
    problem = task.problem
    moving = _moving_statistics(problem)
    model.set_weights(
        {name: np.zeros_like(array) if name in moving else array for name, array in problem.weights.items()}
    )
    model.train(problem.batches[:1], learning_rate=problem.learning_rate)
    return {name: array for name, array in model.get_weights().items() if is_statistic(name)}


def evaluation(model: Model, task: Task) -> Tensors:
    """Logits of one trained network, by a model that has just trained."""
    problem = task.problem
    model.train(problem.batches[:1], learning_rate=problem.learning_rate)
    model.set_weights(task.trained)
    return {"logits": model.logits(problem.batches[:EVALUATED])}


def _moving_statistics(problem: Problem) -> list[str]:
    """Names of the running statistics of norms that are not frozen."""
    trainable = trainable_layers(problem.variant, problem.phase)
    return [name for name in problem.weights if is_statistic(name) and name.rpartition(".")[0] in trainable]


def own_scale(_expected: Tensors, _task: Task) -> Tensors:
    """Every tensor is measured on itself."""
    return {}


def scale_of_kernels(expected: Tensors, task: Task) -> Tensors:
    """A bias without effect is measured on its kernel: its own gradient is 0 but for rounding."""
    names = without_effect(task.problem.variant)
    return {name: expected[name.replace(".bias", ".kernel")] for name in names if name in expected}


def _way(after: Weights, before: Weights, names: list[str]) -> NDArray[np.float64]:
    """How far each weight went, in one vector."""
    return np.concatenate([(after[name].astype(np.float64) - before[name]).ravel() for name in names])
