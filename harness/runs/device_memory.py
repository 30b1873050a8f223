"""What a run needs of its device's memory: said before the start, when it was too much, and in the record."""

from __future__ import annotations

import gc

import psutil

from harness.interface import Implementation
from harness.measuring.gpu import find_gpu
from harness.measuring.memory import (
    MemoryPrediction,
    out_of_memory_advice,
    predict_peak,
    too_large_warning,
)
from harness.records.record import Memory
from harness.records.spec import RunSpec


def memory_warning(spec: RunSpec, *, device_memory: int) -> str | None:
    """What to say before a run starts that is predicted to need more than its device has; None if it is not."""
    warning = too_large_warning(_predicted(spec), device_memory=device_memory, papers_batch=spec.asked.batch_size)
    return warning and f"may run out of memory: {warning}"


def out_of_memory(spec: RunSpec) -> str:
    """What was too much for the device, and what to do."""
    gpu = find_gpu() if spec.device == "gpu" else None
    memory = gpu[0].memory_bytes if gpu else psutil.virtual_memory().total
    return out_of_memory_advice(_predicted(spec), device_memory=memory, papers_batch=spec.asked.batch_size)


def used_memory(spec: RunSpec, implementation: Implementation) -> Memory:
    """What was predicted, and what the framework counted in this process so far."""
    predicted = _predicted(spec)
    measured = implementation.peak_memory() if spec.device == "gpu" else None
    return Memory(predicted.total, predicted.tensors, measured)


def settle() -> None:
    """Keep what was built so far out of Python's collector, for the rest of the process.

    A step may leave cycles behind that hold activations, as Keras does on torch (docs/explanation/runtime.md). Cycles
    that outlive two collections wait until Python's oldest generation has grown by a quarter. Without a freeze that is
    a quarter of the half a million objects that frameworks bring, and dozens of activations wait at once.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # which counts anew how many objects a quarter is taken of


def _predicted(spec: RunSpec) -> MemoryPrediction:
    return predict_peak(spec.variant, precision=spec.precision, checkpointing=spec.checkpointing)
