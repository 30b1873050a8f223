"""Chances of counts, and the entropy of counts; of means it is `intervals` that knows."""

from __future__ import annotations

import math
from collections.abc import Sequence


def binomial_at_most(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at most so many successes, each trial having the same probability of one."""
    return math.fsum(
        math.comb(trials, each) * probability**each * (1 - probability) ** (trials - each)
        for each in range(successes + 1)
    )


def hypergeometric_at_most(successes: int, drawn: int, good: int, population: int) -> float:
    """Return the probability of at most so many good ones among those drawn from a population without putting back."""
    ways = sum(math.comb(good, each) * math.comb(population - good, drawn - each) for each in range(successes + 1))
    return ways / math.comb(population, drawn)


def entropy(counts: Sequence[float]) -> float:
    """Return the entropy in nats of the distribution that counts give."""
    total = sum(counts)
    return -math.fsum(each / total * math.log(each / total) for each in counts if each)
