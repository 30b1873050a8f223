"""Several tests at once: p values and confidences corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, in the order given.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = values.argsort()
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1)
    return [float(value) for value in corrected]


def bonferroni(confidence: float, count: int) -> float:
    """Return the confidence that each of `count` intervals needs so that all together have `confidence`."""
    return 1 - (1 - confidence) / count
