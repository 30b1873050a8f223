"""What training needs on the device, predicted from the layers, and what to tell people who have less.

What is counted, and as what framework, stands in `harness.measuring.tensors`. Keras under XLA may need less than
PyTorch, where it fuses or computes again, or more, where its plan of buffers has gaps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from harness.architectures import count_parameters
from harness.interface import Precision
from harness.measuring.tensors import Network, evaluate, train
from harness.training.fit import evaluation_batch_size
from harness.variant import Phase, Variant

MIB: Final = 2**20
GIB: Final = 2**30
DEVICE_MEMORY: Final = 16 * GIB
"""Of a large consumer card. What a driver reports may be a little less: give that instead."""
DISPLAY: Final = GIB
"""Left to a desktop that shares the card; declared, not measured."""
CONTEXT: Final = 768 * MIB
"""Of a process that has done nothing but start CUDA and load cuBLAS, cuDNN and the framework's kernels; declared."""
WORKSPACE: Final = 1 * GIB
"""For cuDNN's convolutions (both frameworks take an algorithm that needs less where there is no more), cuBLAS, and
what the allocator holds in blocks too small to be used again; declared, not measured."""
FRAMEWORK: Final = CONTEXT + WORKSPACE


@dataclass(frozen=True)
class MemoryPrediction:
    """Bytes on the device in one phase; parts are those of the moment at which a training step needs most.

    Attributes:
        variant: Its layers.
        phase: Which of them are trainable.
        batch_size: Images a step.
        precision: Of values and weights.
        checkpointing: Whether the base's blocks keep their inputs alone, and compute the rest again.
        weights: All, running statistics included.
        moments: Adam's two, of the trainable weights.
        all_gradients: Of all trainable weights, when the backward pass is over.
        kept: All that autograd keeps from the forward pass to the backward pass.
        input: The network's input, part of `activations` where it is still held.
        gradients: Of weights, that are there at the peak.
        activations: Kept or just computed, at the peak.
        in_flight: Gradients of activations, at the peak.
        moment: When the peak is: `backward, block1_conv2_relu`.
        evaluation: Peak of a batch of evaluation, with weights, moments and gradients of the last step.
        framework: Allowance for what is no tensor (see `FRAMEWORK`).
    """

    variant: Variant
    phase: Phase
    batch_size: int
    precision: Precision
    checkpointing: bool
    weights: int
    moments: int
    all_gradients: int
    kept: int
    input: int
    gradients: int
    activations: int
    in_flight: int
    moment: str
    evaluation: int
    framework: int = FRAMEWORK

    @property
    def training(self) -> int:
        """Bytes of tensors when a training step needs most."""
        return self.weights + self.moments + self.gradients + self.activations + self.in_flight

    @property
    def tensors(self) -> int:
        """Bytes of tensors when a run needs most."""
        return max(self.training, self.evaluation)

    @property
    def total(self) -> int:
        """Bytes of the device when a run needs most."""
        return self.tensors + self.framework

    def fits(self, device_memory: int = DEVICE_MEMORY) -> bool:
        """Whether a device of so many bytes takes it, beside its display."""
        return self.total <= device_memory - DISPLAY


def predict_memory(
    variant: Variant,
    phase: Phase,
    *,
    batch_size: int | None = None,
    precision: Precision = "float32",
    checkpointing: bool = False,
) -> MemoryPrediction:
    """Predict what a phase needs on the device.

    A head that is trained on kept features needs less than is said here, where the frozen base is computed each time.

    Args:
        variant: Its layers.
        phase: Which of them are trainable.
        batch_size: Images a step; None is the variant's own.
        precision: Of values and weights.
        checkpointing: Whether the base's blocks keep their inputs alone; the head is computed once in any case.

    Raises:
        ValueError: If the batch size is below 1, or no block begins as the phase says.
    """
    size = variant.batch_size if batch_size is None else batch_size
    if size < 1:
        raise ValueError(f"batch size {size}; expected at least 1")
    network = Network(variant, phase, size, precision)
    weights = count_parameters(variant) * network.weight_bytes
    all_gradients = sum(map(network.gradient_bytes, network.names))
    watched = Network(variant, None, evaluation_batch_size(variant), precision)
    kept, ledger = train(network, checkpointing=checkpointing)
    parts = {part: sum(n for (each, _), n in ledger.peak.items() if each == part) for part, _ in ledger.peak}
    return MemoryPrediction(
        variant, phase, size, precision, checkpointing,
        weights=weights,
        moments=2 * all_gradients,
        all_gradients=all_gradients,
        kept=kept,
        input=network.output_bytes("pixels"),
        gradients=parts.get("weight-gradient", 0),
        activations=parts["activation"],
        in_flight=parts.get("in flight", 0),
        moment=ledger.moment,
        evaluation=weights + 3 * all_gradients + evaluate(watched),
    )  # fmt: skip


def predict_peak(
    variant: Variant, *, precision: Precision = "float32", checkpointing: bool = False
) -> MemoryPrediction:
    """Of the phase in which a run of a variant needs most."""
    found = (predict_memory(variant, each, precision=precision, checkpointing=checkpointing) for each in variant.phases)
    return max(found, key=lambda each: each.total)


def predictions(
    variants: Iterable[Variant], precision: Precision = "float32", *, checkpointing: bool = False
) -> Iterator[MemoryPrediction]:
    """Variants in all phases, at their batch sizes."""
    for variant in variants:
        for phase in variant.phases:
            yield predict_memory(variant, phase, precision=precision, checkpointing=checkpointing)


def memory_table(
    variants: Collection[Variant], precision: Precision = "float32", device_memory: int = DEVICE_MEMORY
) -> str:
    """All predictions in Markdown, in MiB, against a device of so many bytes."""
    lines = [
        "| variant, phase | batch | weights | Adam's moments | kept for backward | peak of a step | when "
        "| evaluation | in all | of the device | with checkpointing |",
        "|---|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|",
    ]
    both = zip(predictions(variants, precision), predictions(variants, precision, checkpointing=True), strict=True)
    for plain, frugal in both:
        sizes = (plain.weights, plain.moments, plain.kept, plain.training)
        cells = [
            f"{plain.variant.name}, {plain.phase.trainable}", f"{plain.batch_size}", *map(_mib, sizes), plain.moment,
            _mib(plain.evaluation), _mib(plain.total), f"{100 * plain.total / (device_memory - DISPLAY):.0f} %",
            _mib(frugal.total),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def out_of_memory_advice(prediction: MemoryPrediction, *, device_memory: int, papers_batch: int) -> str:
    """What to tell people whose device ran out of memory: the figure, and the two ways out.

    Args:
        prediction: Of the phase that needs most.
        device_memory: Of the device, in bytes, as its driver reports it.
        papers_batch: Images a step by the paper, which alone are comparable.
    """
    need = f"the device ran out of memory: {_need(prediction, device_memory, 'was predicted to need')}"
    if prediction.fits(device_memory):
        need += ". It should have fitted: look for another process on the device first (nvidia-smi)"
    return f"{need}. {_ways_out(prediction, device_memory, papers_batch)}"


def too_large_warning(prediction: MemoryPrediction, *, device_memory: int, papers_batch: int) -> str | None:
    """What to tell people before the start if their device is predicted to be too small; None if it is not."""
    if prediction.fits(device_memory):
        return None
    need = _need(prediction, device_memory, "is predicted to need")
    return f"{need}. {_ways_out(prediction, device_memory, papers_batch)}"


def _need(prediction: MemoryPrediction, device_memory: int, predicted: str) -> str:
    """What was asked, the figure, and what the device has."""
    asked = (
        f"{prediction.variant.name}, phase {prediction.phase.trainable!r}, batch {prediction.batch_size}, "
        f"{prediction.precision}{', activation checkpointing on' if prediction.checkpointing else ''}"
    )
    return (
        f"{asked} {predicted} {_gib(prediction.total)} ({_gib(prediction.tensors)} of tensors, the rest for the "
        f"framework); the device has {_gib(device_memory)}, of which {_gib(DISPLAY)} are left to a display"
    )


def _ways_out(prediction: MemoryPrediction, device_memory: int, papers_batch: int) -> str:
    ways = (_checkpointing_advice(prediction, device_memory), _batch_advice(prediction, device_memory, papers_batch))
    return f"Two ways out: {'; '.join(ways)}"


def _checkpointing_advice(prediction: MemoryPrediction, device_memory: int) -> str:
    if prediction.checkpointing:
        return "activation checkpointing is on already"
    frugal = _again(prediction, prediction.batch_size, checkpointing=True)
    return (
        "--checkpointing, which computes each block again and keeps the mathematics, is predicted to need "
        f"{_gib(frugal.total)}{'' if frugal.fits(device_memory) else ', too much as well'}"
    )


def _batch_advice(prediction: MemoryPrediction, device_memory: int, papers_batch: int) -> str:
    # half of one that should have fitted: something else was in the way
    smaller = prediction.batch_size // 2 if prediction.fits(device_memory) else prediction.batch_size - 1
    sizes = range(1, smaller + 1)
    most = bisect_left(sizes, True, key=lambda size: not _again(prediction, size).fits(device_memory))
    if not most:
        return "no smaller batch is predicted to fit"
    need = f"is predicted to need {_gib(_again(prediction, min(most, papers_batch)).total)}"
    if papers_batch <= most:
        return f"--batch-size {papers_batch}, the paper's and the only comparable one, {need} (up to {most} should fit)"
    return f"--batch-size {most} {need}, but the paper's is {papers_batch}, so that the run becomes NOT_COMPARABLE"


def _again(prediction: MemoryPrediction, batch_size: int, *, checkpointing: bool | None = None) -> MemoryPrediction:
    return predict_memory(
        prediction.variant,
        prediction.phase,
        batch_size=batch_size,
        precision=prediction.precision,
        checkpointing=prediction.checkpointing if checkpointing is None else checkpointing,
    )


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f}"


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"
