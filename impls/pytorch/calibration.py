"""What a device is calibrated by: matrix products, convolutions and copies, each on what the last one left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.interface import (
    CalibrationInputs,
    CalibrationWork,
    Runtime,
    Work,
)


def calibration_work(inputs: CalibrationInputs, runtime: Runtime) -> CalibrationWork:
    """Tensors on the device, of the type that layers compute in, with the channels last as in training."""

    def send(array: NDArray[Any]) -> Tensor:
        dtype = torch.bfloat16 if runtime.precision == "mixed" else torch.float32
        return torch.from_numpy(array).to("cuda" if runtime.device == "gpu" else "cpu", dtype)

    factor, array = send(inputs.factor), send(inputs.array)
    pictures, kernel = send(inputs.pictures).permute(0, 3, 1, 2), send(inputs.kernel).permute(3, 2, 0, 1)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    return CalibrationWork(
        product=repeated(lambda x: torch.mm(x, factor), factor),
        convolution=repeated(lambda x: functional.conv2d(x, kernel, padding=1), pictures),
        copy=repeated(torch.neg, array),
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
    return float(x[(0,) * x.ndim].item())
