"""How fast a machine does work: clocks, and the matrix product, convolution and copy that training is held against."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np

from harness.interface import CalibrationInputs, CalibrationWork, Work
from harness.records.machine import Speed

MATRIX_SIZE: Final = 2048
"""Rows and columns: large enough for the full rate, and a tenth of a second on two cores. NumPy's products of 1024,
2048 and 4096 rows ran at 190-203, 201-207 and 208 GFLOP/s (two cores of AMD Zen 4, NumPy 2.4)."""
_SEED: Final = 0

DeviceName = Literal["cpu", "gpu"]


@dataclass(frozen=True)
class Pace:
    """How long a work is clocked.

    Attributes:
        repeats: How often.
        repeat_seconds: About how long a repeat takes: the work is done so many times in it that starting it, and
            waiting for the device, are lost in it.
        warm_up_seconds: For which it is done before: a GPU that was idle raises its clocks meanwhile.
    """

    repeats: int
    repeat_seconds: float
    warm_up_seconds: float


PACES: Final = {"cpu": Pace(5, repeat_seconds=0.05, warm_up_seconds=0.05), "gpu": Pace(10, 0.1, 1.0)}
"""By the device."""
AT_ONCE: Final = 16
"""Steps that are given to the device without a wait. A framework that runs ahead of it may hold what each of them left
until then: of the largest on a GPU, 256 MiB, they are 4 GiB."""


def clock(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def product_operations(size: int = MATRIX_SIZE) -> int:
    """Return the operations of a product of two square matrices; two for each multiply-add."""
    return 2 * size**3


def numpy_product(size: int = MATRIX_SIZE) -> Work:
    """Return NumPy's product of two matrices of this size, float32, drawn from a fixed seed."""
    left, right = np.random.default_rng(_SEED).random((2, size, size), np.float32)
    result = np.empty_like(left)

    def work(times: int) -> float:
        for _ in range(times):
            np.matmul(left, right, out=result)
        return float(result[0, 0])

    return work


@dataclass(frozen=True)
class CalibrationSizes:
    """Large enough for a device's full rate, small enough for its patience and 8 GB of memory.

    Attributes:
        product: Rows and columns.
        pictures: Of the convolution.
        edge: Of these pictures.
        channels: Of these pictures, and filters.
        copied: Numbers that are copied, far more than any cache holds.
    """

    product: int
    pictures: int
    edge: int
    channels: int
    copied: int


SIZES: Final = {
    "cpu": CalibrationSizes(MATRIX_SIZE, pictures=4, edge=56, channels=256, copied=2**25),
    "gpu": CalibrationSizes(8192, pictures=32, edge=56, channels=256, copied=2**26),
}
"""By the device. The convolution is VGG16's block3_conv2 at 224×224, from its middle; on a GPU of the paper's batch."""


def draw_inputs(sizes: CalibrationSizes) -> CalibrationInputs:
    """Numbers about 1 from a fixed seed: how much power a GPU takes, and so its clock, depends on what it computes."""
    draws, channels = np.random.default_rng(_SEED), sizes.channels

    def normal(*shape: int, terms: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return draws.standard_normal(shape, np.float32) / np.float32(np.sqrt(terms))

    return CalibrationInputs(
        factor=normal(sizes.product, sizes.product, terms=sizes.product),
        pictures=normal(sizes.pictures, sizes.edge, sizes.edge, channels),
        kernel=normal(3, 3, channels, channels, terms=9 * channels),
        array=np.ones(sizes.copied, np.float32),
    )


def speeds(work: CalibrationWork, sizes: CalibrationSizes, *, device: DeviceName, value_bytes: int) -> Iterator[Speed]:
    """Product, convolution and bandwidth, one after the other.

    Args:
        work: A framework's, on the inputs of these sizes.
        sizes: Of the inputs.
        device: On which it computes.
        value_bytes: Of a number there.
    """
    size, edge, channels = sizes.product, sizes.edge, sizes.channels
    yield measure_speed(work.product, f"{size:,} × {size:,}", product_operations(size), device=device)
    convolved = f"3×3, {sizes.pictures} pictures of {edge}×{edge}×{channels}, {channels} filters"
    operations = 2 * 9 * channels**2 * edge**2 * sizes.pictures
    yield measure_speed(work.convolution, convolved, operations, device=device)
    copied = sizes.copied * value_bytes
    yield measure_speed(work.copy, f"copy of {copied / 2**20:,.0f} MiB", 2 * copied, device=device)


def measure_speed(work: Work, name: str, amount: float, *, device: DeviceName) -> Speed:
    """Clock a work again and again, after some that is not clocked.

    Args:
        work: What is done, and waited for.
        name: In words, with its sizes.
        amount: Operations, bytes or images of doing it once.
        device: On which it is done.
    """
    pace, once = PACES[device], partial(work, 1)
    once()  # compiles
    times = max(1, round(pace.repeat_seconds / min(clock(once), clock(once))))
    start = time.perf_counter()
    while time.perf_counter() - start < pace.warm_up_seconds:
        _do(work, times)
    return Speed(name, amount * times, tuple(clock(partial(_do, work, times)) for _ in range(pace.repeats)))


def _do(work: Work, times: int) -> None:
    """So often, waiting for the device now and then."""
    for done in range(0, times, AT_ONCE):
        work(min(AT_ONCE, times - done))
