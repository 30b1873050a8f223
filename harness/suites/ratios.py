"""How far a ratio of times, or a difference of accuracies, can be trusted: over the epochs of two runs, and over seeds.

All take arrays whose last axis is what is averaged over; the others, if any, are independent experiments.

**Over epochs.** The first epoch is left out: what a machine does once (clocks that rise, caches that fill, algorithms
that are chosen) would count as if it came again. Epochs that follow each other are alike (a processor that throttles
stays slow for a while), so the t interval of independent ones is far too narrow. They are cut into three batches, whose
means are nearly independent, and these get a t interval on two degrees of freedom. Coverage in % of intervals of 95 %,
by 4,000 simulated pairs of runs whose seconds spread by 5 % (`tests/unit/suites/test_ratios.py` repeats a part):

| epochs | independent | lag-1 0.5 | lag-1 0.8 | two clocks | slow noise under independent |
|---|---|---|---|---|---|
| 9 | 95 | 92 | 81 | 81 | 77 |
| 19 | 95 | 95 | 89 | 88 | 77 |
| 99 | 95 | 95 | 94 | 94 | 90 |

Two clocks take random turns of 10 epochs on average; slow noise has lag-1 correlation 0.95 and half of the variance.
As if independent, 99 epochs with lag-1 correlation 0.8 cover in 49 %. Corrected by the observed lag-1 correlation they
cover in 94 %, but those of slow noise in 52 %. More batches are narrower and cover less. It is an interval for these
two runs on that day, not for others: those are what seeds are for.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.distributions import student_quantile

Values = NDArray[np.float64]

CONFIDENCE: Final = 0.95
BATCHES: Final = 3
FEWEST_EPOCHS: Final = 3 * BATCHES
"""After the first. Shorter batches would be hardly less alike than single epochs."""
_QUANTILE: Final = (1 + CONFIDENCE) / 2


def log_ratio_over_epochs(first: Values, second: Values) -> tuple[Values, Values]:
    """Logarithm of second over first, each the mean of its epochs, and half the width of its 95 % interval.

    Epochs with the same number are taken together, so that phases of other work cancel.

    Args:
        first: Seconds an epoch, shape (…, n), the first epoch left out, n at least `FEWEST_EPOCHS`.
        second: The same epochs of the other run, of the same shape.

    Returns:
        Two arrays of shape (…).

    Raises:
        ValueError: If the shapes differ, or there are too few epochs.

    Source: Law and Kelton, Simulation Modeling and Analysis, "batch means"; the ratio by the delta method.
    """
    count = first.shape[-1]
    if first.shape != second.shape or count < FEWEST_EPOCHS:
        raise ValueError(f"epochs {first.shape} and {second.shape}; expected the same, at least {FEWEST_EPOCHS} each")
    means = first.mean(-1, keepdims=True), second.mean(-1, keepdims=True)
    influence = second / means[1] - first / means[0]
    size = count // BATCHES
    batches = influence[..., count - BATCHES * size :].reshape(*influence.shape[:-1], BATCHES, size).mean(-1)
    return np.log(means[1] / means[0])[..., 0], _half(batches.std(-1, ddof=1) / BATCHES**0.5, BATCHES - 1)


def paired(first: Values, second: Values, *, floor: float = 0.0) -> tuple[Values, Values]:
    """Mean of second − first, and half the width of its 95 % t interval.

    Args:
        first: By seed, shape (…, n), n at least 2.
        second: Of the same seeds.
        floor: Smallest difference that can be seen, such as one image. Where all are equal, the spread is taken as one
            such difference in one seed (see `judge_equivalence`).
    """
    differences = second - first
    count = differences.shape[-1]
    spread = _spread(differences, floor)
    return differences.mean(-1), _half(spread / count**0.5, count - 1)


def welch(first: Values, second: Values, *, floor: float = 0.0) -> tuple[Values, Values]:
    """Mean of second − mean of first, and half the width of its 95 % interval; neither count nor spread need be equal.

    Args:
        first: By seed, shape (…, n), n at least 2.
        second: By other seeds, shape (…, m), m at least 2.
        floor: See `paired`.

    Source: Welch 1947, "The generalization of 'Student's' problem when several different population variances are
    involved".
    """
    parts = [_spread(each, floor) ** 2 / each.shape[-1] for each in (first, second)]
    variance = parts[0] + parts[1]
    shares = sum(part**2 / (each.shape[-1] - 1) for part, each in zip(parts, (first, second), strict=True))
    freedom = np.divide(variance**2, shares, out=np.ones_like(variance), where=shares > 0)
    return second.mean(-1) - first.mean(-1), _half(np.sqrt(variance), freedom)


def _spread(values: Values, floor: float) -> Values:
    spread: Values = values.std(-1, ddof=1)
    return np.where(np.ptp(values, axis=-1) > 0, spread, floor / values.shape[-1] ** 0.5)


def _half(error: Values, freedom: Any) -> Values:
    half: Values = student_quantile(_QUANTILE, freedom) * error
    return half
