"""How far a mean can be trusted: quantiles, intervals of a mean and of a difference, prediction, median."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.statistics.seeds import further_seeds

Values = NDArray[np.float64]

LEVEL: Final = 0.05
"""How often a true hypothesis may be refused."""
CONFIDENCE: Final = 0.95
"""Of a two-sided interval: 1 − `LEVEL`."""
FEWEST_FOR_MEDIAN: Final = 6
"""Of fewer values not even the smallest and the largest enclose the median with `CONFIDENCE`."""


@cache
def student_quantile(confidence: float, freedom: int) -> float:
    """Return the two-sided quantile of Student's t: ± this holds `confidence` of the distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


@cache
def normal_quantile(confidence: float) -> float:
    """Return the two-sided quantile of the normal distribution."""
    return statistics.NormalDist().inv_cdf((1 + confidence) / 2)


def prediction_margin(spread: float, count: int, confidence: float = CONFIDENCE) -> float:
    """Return half the interval that holds one more value with this probability: t(k−1)·s·√(1+1/k).

    Source: Hahn & Meeker 1991, "Statistical Intervals", section 4.8: a prediction interval of one future observation.
    """
    return student_quantile(confidence, count - 1) * spread * math.sqrt(1 + 1 / count)


@dataclass(frozen=True)
class Mean:
    """Mean of independent values, trusted by t on count − 1 degrees of freedom.

    Attributes:
        value: The mean.
        spread: Standard deviation of the values.
        count: How many they are, at least 2.
        fixed_error: Standard error that more values do not lessen.
    """

    value: float
    spread: float
    count: int
    fixed_error: float = 0.0

    def error(self, count: int | None = None) -> float:
        """Return the standard error, of so many values with this spread if `count` is given."""
        return math.hypot(self.spread / math.sqrt(count or self.count), self.fixed_error)

    def half_width(self, confidence: float = CONFIDENCE, count: int | None = None) -> float:
        """Return half the interval of the mean, of so many values with this spread if `count` is given."""
        return student_quantile(confidence, (count or self.count) - 1) * self.error(count)

    def p_above(self, bound: float = 0.0) -> float:
        """Return the one-sided p value of "the true mean is at most `bound`"."""
        return self._tail((self.value - bound) / self.error())

    def p_below(self, bound: float = 0.0) -> float:
        """Return the one-sided p value of "the true mean is at least `bound`"."""
        return self._tail((bound - self.value) / self.error())

    def further(self, distance: float, confidence: float = CONFIDENCE) -> int | None:
        """Return how many more values make half the interval narrower than `distance`, if the spread stays as it is."""
        return further_seeds(self.count, lambda count: self.half_width(confidence, count) < distance)

    def _tail(self, statistic: float) -> float:
        from scipy.special import stdtr

        return float(stdtr(self.count - 1, -statistic))


def mean_of(values: Sequence[float], *, floor: float, fixed_error: float = 0.0) -> Mean:
    """Return the mean of at least two values.

    Where all are equal, the spread is taken as the smallest other one that could have been seen, `floor` in one value:
    accuracies are counts, and a few equal counts do not show that there is no spread. (Taken as none, a true difference
    of the margin passes a test of equivalence in up to 77 % of two pairs on 512 images, in place of 5 %.)

    Args:
        values: Independent of each other.
        floor: Smallest difference that can be seen, such as one image.
        fixed_error: Standard error that more values do not lessen.
    """
    count = len(values)
    return Mean(statistics.fmean(values), statistics.stdev(values) or floor / math.sqrt(count), count, fixed_error)


def paired(first: Values, second: Values, *, floor: float = 0.0) -> tuple[Values, Values]:
    """Mean of second − first, and half the width of its 95 % t interval.

    Args:
        first: By seed, shape (…, n), n at least 2; other axes are independent experiments.
        second: Of the same seeds.
        floor: See `mean_of`.
    """
    differences = second - first
    count = differences.shape[-1]
    return differences.mean(-1), half_widths(_spread(differences, floor) / count**0.5, count - 1)


def welch(first: Values, second: Values, *, floor: float = 0.0) -> tuple[Values, Values]:
    """Mean of second − mean of first, and half the width of its 95 % interval; neither count nor spread need be equal.

    Args:
        first: By seed, shape (…, n), n at least 2; other axes are independent experiments.
        second: By other seeds, shape (…, m), m at least 2.
        floor: See `mean_of`.

    Source: Welch 1947, "The generalization of 'Student's' problem when several different population variances are
    involved".
    """
    parts = [_spread(each, floor) ** 2 / each.shape[-1] for each in (first, second)]
    variance = parts[0] + parts[1]
    shares = sum(part**2 / (each.shape[-1] - 1) for part, each in zip(parts, (first, second), strict=True))
    freedom = np.divide(variance**2, shares, out=np.ones_like(variance), where=shares > 0)
    return second.mean(-1) - first.mean(-1), half_widths(np.sqrt(variance), freedom)


def half_widths(errors: Values, freedom: Any) -> Values:
    """Return halves of 95 % t intervals of these standard errors, on these degrees of freedom."""
    from scipy.special import stdtrit

    halves: Values = stdtrit(freedom, (1 + CONFIDENCE) / 2) * errors
    return halves


def _spread(values: Values, floor: float) -> Values:
    spread: Values = values.std(-1, ddof=1)
    return np.where(np.ptp(values, axis=-1) > 0, spread, floor / values.shape[-1] ** 0.5)


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return two of the values that hold the true median, whatever their distribution, with 95 % confidence at least.

    Raises:
        ValueError: If there are fewer values than `FEWEST_FOR_MEDIAN`.

    Source: Conover, Practical Nonparametric Statistics, "confidence interval for a quantile".
    """
    from scipy.stats import binom

    count = len(values)
    if count < FEWEST_FOR_MEDIAN:
        raise ValueError(f"{count} values; an interval of the median needs at least {FEWEST_FOR_MEDIAN}")
    # so many values are left out at each end: the true median lies beyond them with (1 - CONFIDENCE) / 2 at most
    beyond = int(binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    left_out = beyond if binom.cdf(beyond, count, 0.5) <= (1 - CONFIDENCE) / 2 else beyond - 1
    ordered = sorted(values)
    return ordered[left_out], ordered[count - 1 - left_out]
