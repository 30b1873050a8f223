"""Chances of counts, and the entropy of counts; of means it is `intervals` that knows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def binomial_at_most(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at most so many successes, each trial having the same probability of one."""
    from scipy.special import bdtr

    return float(bdtr(successes, trials, probability)) if successes >= 0 else 0.0


def hypergeometric_at_most(successes: int, drawn: int, good: int, population: int) -> float:
    """Return the probability of at most so many good ones among those drawn from a population without putting back."""
    ways = sum(math.comb(good, each) * math.comb(population - good, drawn - each) for each in range(successes + 1))
    return ways / math.comb(population, drawn)


def entropy(counts: ArrayLike) -> float:
    """Return the entropy in nats of the distribution that counts give."""
    from scipy.special import entr

    weights = np.asarray(counts, np.float64)
    return float(entr(weights / weights.sum()).sum())
