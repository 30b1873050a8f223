"""What a device is calibrated by: matrix products, convolutions and copies, each on what the last one left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops
from numpy.typing import NDArray

from harness.interface import (
    CalibrationInputs,
    CalibrationWork,
    Runtime,
    Work,
)

Tensor = Any  # a backend's tensor


def calibration_work(inputs: CalibrationInputs, runtime: Runtime) -> CalibrationWork:
    """Tensors on the device, of the type that layers compute in, with the channels last as in training."""

    def send(array: NDArray[Any]) -> Tensor:
        dtype = "bfloat16" if runtime.precision == "mixed" else "float32"
        return ops.cast(ops.convert_to_tensor(array), dtype)

    factor, array = send(inputs.factor), send(inputs.array)
    pictures, kernel = send(inputs.pictures), send(inputs.kernel)
    return CalibrationWork(
        product=repeated(lambda x: ops.matmul(x, factor), factor),
        convolution=repeated(lambda x: ops.conv(x, kernel, padding="same", data_format="channels_last"), pictures),
        copy=repeated(ops.negative, array),
    )


def repeated(step: Callable[[Tensor], Tensor], start: Tensor) -> Work:
    """Repeat a step, each on the result of the last."""

    def work(times: int) -> float:
        x = start
        for _ in range(times):
            x = step(x)
        return first_number(x)

    return work


def first_number(x: Tensor) -> float:
    """Return the first number of a tensor, once all of it is computed."""
    return float(ops.convert_to_numpy(ops.cast(x[(0,) * len(x.shape)], "float32")))
