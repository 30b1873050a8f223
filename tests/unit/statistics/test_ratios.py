"""Do 95 % intervals hold the truth in about 95 %? Ratios over epochs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.statistics.intervals import Values, paired
from harness.statistics.ratios import FEWEST_EPOCHS, log_ratio_over_epochs

SIMULATIONS = 2000
NOISE = 3 * math.sqrt(0.95 * 0.05 / SIMULATIONS)
"""Three standard errors of a coverage: 1.5 points."""


def correlated(random: np.random.Generator, epochs: int, correlation: float) -> Values:
    """Stationary noise of variance 1, shape (simulations, epochs), its lag-1 correlation as given."""
    noise = random.normal(size=(SIMULATIONS, epochs))
    noise[:, 1:] *= math.sqrt(1 - correlation**2)
    for epoch in range(1, epochs):
        noise[:, epoch] += correlation * noise[:, epoch - 1]
    return noise


def coverage(found: tuple[Values, Values], truth: float) -> float:
    return float((abs(found[0] - truth) <= found[1]).mean())


@pytest.mark.parametrize(
    ("epochs", "correlation", "least", "most"),
    # beyond: the table in the docstring of harness/statistics/ratios.py
    [(9, 0.0, 0.95, 0.96), (9, 0.5, 0.90, 0.93), (29, 0.5, 0.94, 0.95), (29, 0.8, 0.90, 0.92), (99, 0.8, 0.94, 0.95)],
)
def test_coverage_over_epochs(epochs: int, correlation: float, least: float, most: float) -> None:
    random = np.random.default_rng(epochs)
    first, second = (np.exp(0.05 * correlated(random, epochs, correlation)) for _ in range(2))
    observed = coverage(log_ratio_over_epochs(first, 0.6 * second), math.log(0.6))
    assert least - NOISE <= observed <= most + NOISE


def test_as_if_independent_epochs_that_are_alike_cover_half() -> None:
    """Why there are batches: with the same simulation, the plain t interval fails."""
    random = np.random.default_rng(0)
    first, second = (np.exp(0.05 * correlated(random, 99, 0.8)) for _ in range(2))
    logs = np.log(second) - np.log(first)
    assert coverage(paired(np.zeros_like(logs), logs), 0.0) < 0.6


def test_phases_of_other_work_cancel() -> None:
    """Ten short epochs, then twenty long ones, on a machine that takes 0.5 of the time of the other."""
    seconds = np.repeat([10.0, 70.0], [10, 20])
    found, half = log_ratio_over_epochs(seconds, 0.5 * seconds)
    assert math.exp(found) == pytest.approx(0.5)
    assert half == pytest.approx(0.0, abs=1e-12)


def test_three_batches_by_hand() -> None:
    """Second over its mean 2 has batch means 0.5, 1, 1.5: s = 0.5, t(.975, 2) = 4.3027, 4.3027 · 0.5 / √3 = 1.2421."""
    found, half = log_ratio_over_epochs(np.ones(9), np.repeat([1.0, 2.0, 3.0], 3))
    assert found == pytest.approx(math.log(2))
    assert half == pytest.approx(1.2421, abs=1e-4)


@pytest.mark.parametrize("shapes", [(8, 8), (9, 10)])
def test_too_few_epochs_or_other_ones_are_refused(shapes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"at least {FEWEST_EPOCHS} each"):
        log_ratio_over_epochs(np.ones(shapes[0]), np.ones(shapes[1]))
