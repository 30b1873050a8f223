"""The machine's own rate of matrix products, against which a training step is held."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

MATRIX_SIZE: Final = 2048
"""Rows and columns: large enough for the full rate, and a tenth of a second on two cores. NumPy's products of 1024,
2048 and 4096 rows ran at 190-203, 201-207 and 208 GFLOP/s (two cores of AMD Zen 4, NumPy 2.4)."""
_SEED: Final = 0

Product = Callable[[], object]
"""Computes one product of two square float32 matrices, and returns when it is there."""


@dataclass(frozen=True)
class Calibration:
    """How fast products of large matrices were computed.

    Attributes:
        size: Rows and columns of the square matrices.
        seconds: Of each product that was clocked, in order.
    """

    size: int
    seconds: Sequence[float]

    @property
    def rates(self) -> tuple[float, ...]:
        """Of each product, in GFLOP/s; two operations for each multiply-add."""
        return tuple(2 * self.size**3 / each / 1e9 for each in self.seconds)

    @property
    def rate(self) -> float:
        """Median, in GFLOP/s."""
        return statistics.median(self.rates)


def clock(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def calibrate(product: Product, *, size: int = MATRIX_SIZE, repeats: int = 5) -> Calibration:
    """Clock a product of two float32 matrices, after one that is not clocked.

    Args:
        product: The framework's own, so that library and threads are those of its training; `numpy_product` else.
        size: Of the matrices that it multiplies.
        repeats: How many are clocked.

    Raises:
        ValueError: If `repeats` is below 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats = {repeats}; a rate needs at least one product")
    product()
    return Calibration(size, [clock(product) for _ in range(repeats)])


def numpy_product(size: int = MATRIX_SIZE) -> Product:
    """NumPy's product of two matrices of this size, float32, drawn from a fixed seed."""
    left, right = np.random.default_rng(_SEED).random((2, size, size), np.float32)
    result = np.empty_like(left)
    return lambda: np.matmul(left, right, out=result)
