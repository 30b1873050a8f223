"""The ladder: rungs with their tolerances, what was seen on each, and the first at which two implementations part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.interface import Model
from harness.parity import observations
from harness.parity.observations import Climber, Task, Tensors
from harness.parity.problem import Problem
from harness.registry import IMPLEMENTATIONS
from harness.variant import Phase, Variant

ROUNDING: Final = 2.0**-24
"""Largest relative error of rounding to float32."""
RATIO: Final = 3.0
"""How much larger than the other's an error may be: both are rounding, in another order of operations."""
PEAK: Final = 32.0
"""How many times as far off as its tensor one element may be: in a root mean square alone one that is wrong among a
hundred thousand counts for a three hundredth. Seen with rounding alone: eleven times what the tensor may be
off, in 32 problems of each family."""
TWINS: Final = 5
"""Float64 runs whose inputs differ by one rounding from the arbiter's, where an error is above its rung's floor."""
COURSES: Final = 10
"""Trainings on other batches, one after the other until one passes. Rounding puts a ReLU on its other side in some
courses: of 42 problems 37 passed with the first, three with the second or third, and two needed six. Every course goes
over every batch, so that what is wrong in one of them is in all."""
BEYOND_KINKS: Final = 0.5
"""Error of a training after which no other course is tried: kinks were seen to make less than a tenth of it, and no
value that is missing or not a number."""


def root_mean_square(values: NDArray[Any]) -> float:
    """Root of the mean of squares, in float64."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def upper_quartile(values: NDArray[Any]) -> float:
    """Upper quartile of absolute values.

    Adam makes steps of full length of a gradient that is nothing but rounding, up here and down there: few weights
    have one, and they would make up most of a mean. More than half of the weights may stay where they are, behind
    units that never answer, and would make a median 0.
    """
    return float(np.quantile(np.abs(values), 0.75))


@dataclass(frozen=True)
class Rung:
    """One thing that is compared, and how near is near enough.

    Attributes:
        name: As the table has it.
        observe: From a fresh model to named arrays.
        c: An error below c · 2⁻²⁴ of a tensor's scale passes whatever the other's is.
        cap: An error above this share of a tensor's scale fails whatever the other's is.
        by_quartile: Tensors whose differences are measured by the upper quartile; the root mean square for the others.
        scales: What tensors are measured on, where it is not themselves.
        twins: So many times the distance between float64 runs that began one rounding apart passes as well.
        courses: How often it may be climbed anew, on other batches, until it passes.
        peak: One element may be so many times as far off as the tensor.
    """

    name: str
    observe: Callable[[Model, Task], Tensors]
    c: float
    cap: float
    by_quartile: frozenset[str] = frozenset()
    scales: Callable[[Tensors, Task], Tensors] = observations.own_scale
    twins: float = 0.0
    courses: int = 1
    peak: float = PEAK

    def size(self, tensor: str) -> Callable[[NDArray[Any]], float]:
        """How a tensor's difference is measured, and what it is measured on."""
        return upper_quartile if tensor in self.by_quartile else root_mean_square


# Each c is about four times what was seen on narrow networks of all variants, in units of 2⁻²⁴; "25 steps" leans on
# twins besides. Each cap lies where no rounding was seen and not above what a learning rate × 1.01 does there: two
# frameworks that err alike do not pass.
RUNGS: Final = (
    # seen 5: coordinates up to 47 are rounded, and neighbouring pixels differ by up to the whole scale
    Rung("pixels", observations.pixels, c=32, cap=1e-4),
    # seen 15 behind the first pooling, 10 elsewhere
    Rung("activations", observations.activations, c=64, cap=1e-4),
    # seen 9; in the compiled path
    Rung("logits", observations.logits, c=64, cap=1e-4),
    # seen 155: norms divide by the deviation of as few as eight values. One over n - 1 would be 1e6
    Rung("training activations", observations.training_activations, c=1024, cap=1e-3),
    # seen 21
    Rung("loss", observations.loss, c=128, cap=1e-3),
    # seen 950: each norm on the way back takes a mean away from numbers that it nearly equals
    Rung("gradients", observations.gradients, c=4096, cap=1e-2, scales=observations.scale_of_kernels),
    # seen 137 in Keras, which computes Adam's bias correction in float32, and 2 in PyTorch
    Rung("optimizer step", observations.optimizer_steps, c=512, cap=1e-3),
    # seen in the weights 190 in Keras, for its bias correction, and 200 in PyTorch (1,100 in ResNet50), where no ReLU
    # changed sides; in the logits of networks with norms 30,000, and twins as far apart
    Rung(
        "25 steps",
        observations.training,
        c=2048,
        cap=1e-2,
        by_quartile=frozenset({"weights", "running statistics", "logits"}),
        twins=10,
        courses=COURSES,
        peak=math.inf,  # Adam makes steps of full length of a gradient that is rounding
    ),
    # seen 140; of training activations
    Rung("batch-norm statistics", observations.batch_norm_statistics, c=1024, cap=1e-3),
    # seen 20
    Rung("evaluation after training", observations.evaluation, c=128, cap=1e-4),
)


@dataclass(frozen=True)
class TensorComparison:
    """One tensor on one rung. Errors are root mean squares, or the worst element's over `PEAK` where that is more; they
    and bounds are in units of the root mean square of the arbiter's tensor.

    Attributes:
        rung: Name of the rung.
        tensor: Canonical name of layer or weight.
        keras3: Error of Keras against the arbiter; NaN where a value is missing or not a number.
        pytorch: Error of PyTorch.
        floor: Passes whatever the other's error is.
        cap: Fails above it whatever the other's error is.
    """

    rung: str
    tensor: str
    keras3: float
    pytorch: float
    floor: float
    cap: float

    def limit(self, other: float) -> float:
        """The largest error that passes beside the other's."""
        return min(max(RATIO * other, self.floor) if math.isfinite(other) else self.floor, self.cap)

    @property
    def allowed(self) -> float:
        """The limit of the implementation that is nearer to its own."""
        limits = (self.limit(self.pytorch), self.limit(self.keras3))
        return limits[0] if self.keras3 / limits[0] >= self.pytorch / limits[1] else limits[1]

    @property
    def excess(self) -> float:
        """The larger of both errors over its limit: above 1 it fails; infinite where an error is not a number."""
        shares = (self.keras3 / self.limit(self.pytorch), self.pytorch / self.limit(self.keras3))
        return math.inf if any(map(math.isnan, shares)) else max(shares)

    @property
    def passed(self) -> bool:
        """Whether both errors keep within their limits."""
        return self.excess <= 1

    def __str__(self) -> str:
        return (
            f"{self.rung}, {self.tensor}: Keras is off by {self.keras3:.1e} of its scale, PyTorch by "
            f"{self.pytorch:.1e}; allowed are {RATIO:g} times the other's error or {self.floor:.1e}, "
            f"and never more than {self.cap:.1e}"
        )


@dataclass(frozen=True)
class Ladder:
    """What was seen on the way up."""

    variant: Variant
    phase: Phase
    comparisons: tuple[TensorComparison, ...]

    @property
    def first_failure(self) -> TensorComparison | None:
        """The lowest rung, and on it the first layer, at which an implementation is off."""
        return next((each for each in self.comparisons if not each.passed), None)

    def worst(self) -> Mapping[str, TensorComparison]:
        """By rung, the comparison nearest to its limit or furthest beyond."""
        found: dict[str, TensorComparison] = {}
        for each in self.comparisons:
            if each.rung not in found or each.excess > found[each.rung].excess:
                found[each.rung] = each
        return found


def climb(problem: Problem, *, keras3: Model, pytorch: Model, arbiter: Model, upto: str | None = None) -> Ladder:
    """Compare two models with the arbiter, rung by rung.

    Args:
        problem: What all are given.
        keras3: Built for the problem's variant, in its phase, with a fresh optimizer; left as it was found.
        pytorch: Likewise.
        arbiter: Likewise; see `harness.parity.arbiter.build_arbiter`.
        upto: Name of the last rung. None climbs all.

    Raises:
        ValueError: If there is no such rung.
    """
    climbers = {"keras3": Climber(keras3), "pytorch": Climber(pytorch), "arbiter": Climber(arbiter)}
    task = Task(problem, climbers["arbiter"])
    found: list[TensorComparison] = []
    try:
        for rung in rungs_upto(upto):
            found += climb_rung(rung, task, climbers)
    finally:
        for climber in climbers.values():
            climber.restore()
    return Ladder(problem.variant, problem.phase, tuple(found))


def climb_rung(rung: Rung, task: Task, climbers: Mapping[str, Climber]) -> tuple[TensorComparison, ...]:
    """Compare on one rung, on as many courses as it takes and may take.

    Args:
        rung: What is compared.
        task: What all are given.
        climbers: "keras3", "pytorch" and "arbiter".

    Returns:
        What was seen on the course that passed, or else on the one that came nearest to it.
    """
    compared: list[tuple[TensorComparison, ...]] = []
    for _ in range(rung.courses):
        seen = {name: rung.observe(climber.begin(task.problem), task) for name, climber in climbers.items()}
        expected = seen.pop("arbiter")
        scales = rung.scales(expected, task)
        compared.append(tuple(compare(rung, seen, expected, scales=scales)))
        if rung.twins and not _passed(compared[-1]):
            distances = _twin_distances(rung, task, climbers["arbiter"], expected)
            compared.append(tuple(compare(rung, seen, expected, scales=scales, distances=distances)))
        if _passed(compared[-1]) or _is_beyond_kinks(compared[-1]):
            return compared[-1]
        task = task.on_another_course()
    return min(compared, key=lambda each: max((one.excess for one in each), default=0.0))


def _passed(compared: Iterable[TensorComparison]) -> bool:
    return all(each.passed for each in compared)


def _is_beyond_kinks(compared: Iterable[TensorComparison]) -> bool:
    return not all(error <= BEYOND_KINKS for each in compared for error in (each.keras3, each.pytorch))  # nor is NaN


def rungs_upto(name: str | None) -> tuple[Rung, ...]:
    """The rungs from the lowest to the one of this name; all for None.

    Raises:
        ValueError: If there is no such rung.
    """
    names = [rung.name for rung in RUNGS]
    if name is None:
        return RUNGS
    if name not in names:
        raise ValueError(f"no rung {name!r}; the rungs are {', '.join(names)}")
    return RUNGS[: names.index(name) + 1]


def compare(
    rung: Rung,
    observed: Mapping[str, Tensors],
    expected: Tensors,
    *,
    scales: Tensors | None = None,
    distances: Mapping[str, float] | None = None,
) -> Iterator[TensorComparison]:
    """Compare what two implementations show on a rung with what the arbiter shows, in its order.

    Args:
        rung: Its tolerances.
        observed: By implementation; a name that one of them lacks, or has and the arbiter has not, fails.
        expected: The arbiter's.
        scales: What a tensor is measured on, where it is not itself.
        distances: Between the arbiter and its twins, by tensor, in units of the tensor's scale.
    """
    units = {**expected, **(scales or {})}
    unknown = [name for each in observed.values() for name in each if name not in expected]
    for name in [*expected, *dict.fromkeys(unknown)]:
        keras3, pytorch = (
            relative_error(
                observed[each].get(name), expected.get(name), units.get(name), size=rung.size(name), peak=rung.peak
            )
            for each in IMPLEMENTATIONS
        )
        floor = max(rung.c * ROUNDING, rung.twins * (distances or {}).get(name, 0.0))
        yield TensorComparison(rung.name, name, keras3, pytorch, floor, rung.cap)


def relative_error(
    observed: NDArray[Any] | None,
    expected: NDArray[Any] | None,
    scale: NDArray[Any] | None,
    *,
    size: Callable[[NDArray[Any]], float] = root_mean_square,
    peak: float = math.inf,
) -> float:
    """Size of a difference, or of its largest element over `peak` where that is more, in units of the size of `scale`.

    Returns:
        0 for no difference, infinity for one where the scale is 0, NaN where an array is missing, of another shape,
        or not finite.
    """
    if observed is None or expected is None or scale is None or observed.shape != expected.shape:
        return math.nan
    if not all(np.isfinite(array).all() for array in (observed, expected, scale)):
        return math.nan
    differences = observed.astype(np.float64) - expected
    difference, unit = max(size(differences), float(np.abs(differences).max(initial=0.0)) / peak), size(scale)
    if difference == 0:
        return 0.0
    return difference / unit if unit else math.inf


def _twin_distances(rung: Rung, task: Task, arbiter: Climber, expected: Tensors) -> dict[str, float]:
    """The median distance of twins from the arbiter, by tensor: one that a kink took away does not count."""
    tasks = [task.rounded_otherwise(seed) for seed in range(TWINS)]
    twins = [rung.observe(arbiter.begin(each.problem), each) for each in tasks]
    return {
        name: float(np.median([relative_error(twin[name], array, array, size=rung.size(name)) for twin in twins]))
        for name, array in expected.items()
    }
