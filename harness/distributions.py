"""Tails and quantiles of distributions, by SciPy's special functions, imported on first use.

`scipy.stats` says the same and takes longer to import than a command takes for all of its work.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def student_quantile(probability: float, freedom: ArrayLike) -> NDArray[np.float64]:
    """Return the value below which Student's t lies with a probability; shaped like the degrees of freedom."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(freedom, probability), np.float64)


def student_below(value: float, freedom: float) -> float:
    """Return the probability that Student's t lies below a value; above it, by symmetry, is below its negative."""
    from scipy.special import stdtr

    return float(stdtr(freedom, value))


def normal_quantile(probability: float) -> float:
    """Return the value below which a normal variable of mean 0 and variance 1 lies with a probability."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def chi_square_below(value: NDArray[np.float64], freedom: float) -> NDArray[np.float64]:
    """Return the probability that χ² lies below each value."""
    from scipy.special import chdtr

    return np.asarray(chdtr(freedom, value), np.float64)


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
