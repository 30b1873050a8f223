"""What a run made of the machine: its step's operations a second, as shares of the rates that were calibrated."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.operations import training_image_flops
from harness.records.record import RunRecord


@dataclass(frozen=True)
class Shares:
    """Of the calibrated rates, by operations that the network needs: what is computed twice, for activations that were
    not kept, is not counted.

    Attributes:
        convolution: Of a convolution's rate.
        product: Of a matrix product's.
    """

    convolution: float
    product: float


def training_rate(record: RunRecord) -> float | None:
    """Floating-point operations of forward and backward passes over training seconds, which contain the input.

    None without a complete epoch.
    """
    seconds = sum(each.training_seconds for each in record.history)
    if record.dataset is None or not seconds:
        return None
    spec = record.spec
    phases = [phase for phase in spec.variant.phases for _ in range(phase.epochs)]
    an_image = (
        training_image_flops(spec.variant, phase, kept_features=spec.cached_features and phase.trainable == "head")
        for phase in phases[: len(record.history)]
    )
    return record.dataset.training_examples * sum(an_image) / seconds


def calibrated_shares(record: RunRecord) -> Shares | None:
    """Of the rates in the record; None where it has none, or no epoch."""
    rate, calibration = training_rate(record), record.calibration
    if rate is None or calibration is None:
        return None
    return Shares(rate / calibration.convolution.rate, rate / calibration.product.rate)


def epoch_split(record: RunRecord) -> dict[str, float] | None:
    """Mean seconds of an epoch by what they were spent on; None without epochs.

    `training` contains `input`; `step` is the rest of it, and with a pipeline that works ahead the wait for the device.
    """
    if not record.history:
        return None
    training, reading, evaluation = (
        statistics.fmean(getattr(each, f"{name}_seconds") for each in record.history)
        for name in ("training", "input", "evaluation")
    )
    return {"input": reading, "step": training - reading, "training": training, "evaluation": evaluation}
