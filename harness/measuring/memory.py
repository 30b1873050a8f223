"""What training keeps on the device, from the layers alone: every tensor of a step put down and struck out in order.

Assumed is PyTorch as `impls.pytorch` uses it: eager, no operation in place, autograd frees what a layer kept once the
layer's backward pass is over. Keras under XLA may keep less, where it fuses or computes again, or more, where its plan
of buffers has gaps. Left out: the making of the pictures, which is over before the first layer, and scalars.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from harness.architectures import Layer, layers, trainable_layers
from harness.data.dataset import CLASSES
from harness.training.fit import evaluation_batch_size
from harness.variants import VARIANTS, Phase, Variant

Precision = Literal["float32", "tf32", "mixed", "float64"]
Storage = tuple[Literal["activation", "weight-gradient", "in flight"], str]
"""What a tensor is, and its name."""

MIB: Final = 2**20
GIB: Final = 2**30
INDEX_BYTES: Final = 8
"""Of where a maximum of a pooling was, and of a label: PyTorch has int64 for both."""
MASK_BYTES: Final = 1
"""Of a number that dropout kept or not."""
VALUE_BYTES: Final[Mapping[Precision, int]] = {"float32": 4, "tf32": 4, "mixed": 2, "float64": 8}
"""Of an activation. TF32 rounds inside a product; what is stored stays float32."""
WEIGHT_BYTES: Final[Mapping[Precision, int]] = {"float32": 4, "tf32": 4, "mixed": 4, "float64": 8}
"""Of a weight, its gradient, and each of Adam's two moments; `mixed` has a copy of kernels in 2 bytes beside them."""

DEVICE_MEMORY: Final = 16 * GIB
"""Of the paper's class of card, an RTX 4080 SUPER. What a driver reports may be a little less: give that instead."""
DISPLAY: Final = GIB
"""Left to a desktop that shares the card; declared, not measured."""
CONTEXT: Final = 768 * MIB
"""Of a process that has done nothing but start CUDA and load cuBLAS, cuDNN and the framework's kernels; declared."""
WORKSPACE: Final = 1 * GIB
"""For cuDNN's convolutions (both frameworks take an algorithm that needs less where there is no more), cuBLAS, and
what the allocator holds in blocks too small to be used again; declared, not measured."""
FRAMEWORK: Final = CONTEXT + WORKSPACE


class _Network:
    """Layers with their tensors: who takes what, and what autograd keeps of it."""

    def __init__(self, variant: Variant, phase: Phase | None, batch_size: int, precision: Precision) -> None:
        self.variant = variant
        self.layers = {layer.name: layer for layer in layers(variant)}
        self.names = tuple(self.layers)
        self.inputs = _inputs(layers(variant))
        self.trainable = trainable_layers(variant, phase) if phase else frozenset()
        self.batch_size = batch_size
        self.value_bytes, self.weight_bytes = VALUE_BYTES[precision], WEIGHT_BYTES[precision]
        self.has_copies = precision == "mixed"
        self.tracked: set[str] = set()  # whose output wants a gradient
        for name, taken in self.inputs.items():
            if name in self.trainable or self.tracked.intersection(taken):
                self.tracked.add(name)

    def owner(self, name: str) -> str:
        """The layer whose output lies in the same memory: flattening copies nothing, nor does dropout at rate 0."""
        while name in self.layers and self._is_view(self.layers[name]):
            (name,) = self.inputs[name]
        return name

    def _is_view(self, layer: Layer) -> bool:
        return layer.kind == "flatten" or (layer.kind == "dropout" and self.variant.dropout == 0)

    def passes_gradient_on(self, name: str) -> bool:
        """Whether the gradient of its inputs is that of its output, in the same memory."""
        return self.layers[name].kind == "add" or self._is_view(self.layers[name])

    def output_bytes(self, name: str) -> int:
        """Of a layer's output, or of the network's input."""
        size = self.variant.input_size
        shape = self.layers[name].output_shape if name in self.layers else (size, size, self.variant.input_channels)
        return self.batch_size * math.prod(shape) * self.value_bytes

    def gradient_bytes(self, name: str) -> int:
        """Of the gradient of a layer's weights."""
        layer = self.layers[name]
        moving = sum(math.prod(shape) for weight, shape in layer.weights.items() if weight.startswith("moving_"))
        return (layer.parameters - moving) * self.weight_bytes if name in self.trainable else 0

    def kept(self, name: str) -> dict[Storage, int]:
        """What autograd keeps for a layer's backward pass, parameters themselves excluded."""
        if name not in self.tracked:
            return {}
        layer, taken = self.layers[name], self.owner(self.inputs[name][0])
        numbers = self.batch_size * math.prod(layer.output_shape)
        found = {}
        if layer.kind in ("convolution", "dense", "batch-norm", "max-pooling"):
            found[taken] = self.output_bytes(taken)
        match layer.kind:
            case "relu":
                found[name] = self.output_bytes(name)
            case "max-pooling":
                found[f"{name}.indices"] = numbers * INDEX_BYTES
            case "batch-norm":  # mean and variance of the batch, and copies of the running ones
                found[f"{name}.statistics"] = layer.parameters * self.weight_bytes
            case "dropout" if self.variant.dropout and self.inputs[name][0] in self.tracked:
                found[f"{name}.mask"] = numbers * MASK_BYTES
            case "convolution" | "dense" if self.has_copies:
                found[f"{name}.copy"] = math.prod(layer.weights["kernel"]) * self.value_bytes
        if name == "logits":  # log-softmax, label and weight of each image; one sum
            per_image = (len(CLASSES) + 1) * self.weight_bytes + INDEX_BYTES
            found["loss"] = self.batch_size * per_image + self.weight_bytes
        return {("activation", each): size for each, size in found.items()}

    def kept_by(self, names: Iterable[str]) -> dict[Storage, int]:
        """What autograd keeps for several layers, every tensor once."""
        return {storage: size for name in names for storage, size in self.kept(name).items()}

    @cached_property
    def last_use(self) -> dict[str, str]:
        """Tensor to the layer after which nothing but autograd holds it. A block's input is held until its end, and
        the pixels are until the end of the base, by the callers."""
        found = {}
        for name, taken in self.inputs.items():
            found |= dict.fromkeys(map(self.owner, taken), name)
            if name.endswith("_out"):
                found[_block_input(self.inputs, name)] = name
        return found | {"pixels": next(each for each in reversed(self.names) if self.layers[each].part == "base")}

    def segments(self) -> list[tuple[str, ...]]:
        """The base's blocks, `block1` or `conv2_block1` (what stands before ResNet50's first is one as well)."""
        found: dict[str, list[str]] = {}
        for name, layer in self.layers.items():
            if layer.part == "base":
                words = name.split("_")
                key = "stem" if words[0] in ("conv1", "pool1") else "_".join(words[: 1 + ("block" in words[1])])
                found.setdefault(key, []).append(name)
        return [tuple(names) for names in found.values()]


def _inputs(ordered: Sequence[Layer]) -> dict[str, tuple[str, ...]]:
    """Layer to the layers that it takes, `pixels` where it takes the network's input."""
    found: dict[str, tuple[str, ...]] = {}
    last = entry = shortcut = "pixels"
    for layer in ordered:
        if layer.name.endswith("_0_conv"):
            entry = last
        elif layer.name.endswith("_1_conv"):  # its block began with a projection, or begins here
            entry, shortcut = (entry if last.endswith("_0_bn") else last), last
            last = entry
        found[layer.name] = (last, shortcut) if layer.kind == "add" else (last,)
        last = layer.name
    return found


def _block_input(inputs: Mapping[str, tuple[str, ...]], out: str) -> str:
    return inputs[f"{out.removesuffix('_out')}_1_conv"][0]


@dataclass
class _Ledger:
    """What lies in memory now, and what did when it was most."""

    live: dict[Storage, int] = field(default_factory=dict)
    peak: dict[Storage, int] = field(default_factory=dict)
    moment: str = ""

    def note(self, moment: str) -> None:
        """Remember this moment if more is live than ever before."""
        if sum(self.live.values()) > sum(self.peak.values()):
            self.peak, self.moment = dict(self.live), moment

    def forward(self, network: _Network, names: Iterable[str], keep: Mapping[Storage, int]) -> None:
        """Compute layers in order; `keep` is for a backward pass."""
        for name in names:
            if network.owner(name) == name:
                self.live["activation", name] = network.output_bytes(name)
            self.live |= {storage: size for storage, size in network.kept(name).items() if storage in keep}
            self.note(f"forward, {name}")
            for tensor, user in network.last_use.items():
                if user == name and ("activation", tensor) not in keep:
                    self.live.pop(("activation", tensor), None)

    def backward(self, network: _Network, names: Sequence[str], gradients: dict[str, Storage]) -> None:
        """Go back through layers. `gradients` maps a layer to where the gradient of its output lies, and back here."""
        first_keeper = {storage: name for name in reversed(names) for storage in network.kept(name)}
        for name in (each for each in reversed(names) if each in network.tracked):
            arriving = gradients.pop(name)
            for taken in (each for each in network.inputs[name] if each in network.tracked):
                if network.passes_gradient_on(name):
                    gradients[taken] = arriving
                else:  # a second one is added to the first
                    storage: Storage = ("in flight", f"{name} to {taken}")
                    self.live[storage] = network.output_bytes(taken)
                    gradients.setdefault(taken, storage)
            self.live["weight-gradient", name] = network.gradient_bytes(name)
            self.note(f"backward, {name}")
            for storage in [each for each in self.live if each[0] == "in flight" and each not in gradients.values()]:
                del self.live[storage]
            for storage in (each for each, keeper in first_keeper.items() if keeper == name):
                self.live.pop(storage, None)


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
    def total(self) -> int:
        """Bytes of the device when a run needs most."""
        return max(self.training, self.evaluation) + self.framework

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
    network = _Network(variant, phase, size, precision)
    weights = sum(layer.parameters for layer in layers(variant)) * network.weight_bytes
    all_gradients = sum(map(network.gradient_bytes, network.names))
    kept, ledger = _train(network, checkpointing=checkpointing)
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
        evaluation=weights + 3 * all_gradients + _evaluation(variant, precision),
    )  # fmt: skip


def _train(network: _Network, *, checkpointing: bool) -> tuple[int, _Ledger]:
    """One step: bytes kept for the backward pass, and the ledger after it."""
    segments = [each for each in network.segments() if network.tracked.intersection(each)] if checkpointing else []
    again = {name for segment in segments for name in segment}
    keep = network.kept_by(name for name in network.names if name not in again)
    entries = [network.owner(network.inputs[segment[0]][0]) for segment in segments]
    keep |= {("activation", entry): network.output_bytes(entry) for entry in entries}
    ledger = _Ledger({("activation", "pixels"): network.output_bytes("pixels")})
    ledger.forward(network, network.names, keep)
    ledger.live = dict(keep)
    gradients: dict[str, Storage] = {"logits": ("in flight", "logits")}
    ledger.backward(network, [name for name in network.names if name not in again], gradients)
    for segment, entry in zip(reversed(segments), reversed(entries), strict=True):
        inside = network.kept_by(segment)
        ledger.forward(network, segment, inside | {("activation", entry): 0})
        if ("activation", segment[-1]) not in inside:  # computed again for what it keeps, and thrown away
            ledger.live.pop(("activation", segment[-1]), None)
        ledger.backward(network, segment, gradients)
        ledger.live.pop(("activation", entry), None)
    return sum(keep.values()), ledger


def _evaluation(variant: Variant, precision: Precision) -> int:
    """Most bytes of activations while a batch is evaluated."""
    network = _Network(variant, None, evaluation_batch_size(variant), precision)
    ledger = _Ledger({("activation", "pixels"): network.output_bytes("pixels")})
    ledger.forward(network, network.names, {})
    return sum(ledger.peak.values())


def predictions(precision: Precision = "float32", *, checkpointing: bool = False) -> Iterator[MemoryPrediction]:
    """All variants in all phases, at the paper's batch sizes."""
    for variant in VARIANTS.values():
        for phase in variant.phases:
            yield predict_memory(variant, phase, precision=precision, checkpointing=checkpointing)


def memory_table(precision: Precision = "float32", device_memory: int = DEVICE_MEMORY) -> str:
    """All predictions in Markdown, in MiB, against a device of so many bytes."""
    lines = [
        "| variant, phase | batch | weights | Adam's moments | kept for backward | peak of a step | when "
        "| evaluation | in all | of the device | with checkpointing |",
        "|---|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|",
    ]
    both = zip(predictions(precision), predictions(precision, checkpointing=True), strict=True)
    for plain, frugal in both:
        sizes = (plain.weights, plain.moments, plain.kept, plain.training)
        cells = [
            f"{plain.variant.name}, {plain.phase.trainable}", f"{plain.batch_size}", *map(_mib, sizes), plain.moment,
            _mib(plain.evaluation), _mib(plain.total), f"{100 * plain.total / (device_memory - DISPLAY):.0f} %",
            _mib(frugal.total),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def out_of_memory_advice(prediction: MemoryPrediction, *, device_memory: int) -> str:
    """What to tell people whose device ran out of memory: the figure, and the two ways out.

    Args:
        prediction: Of the phase that was running.
        device_memory: Of the device, in bytes, as its driver reports it.
    """
    asked = (
        f"{prediction.variant.name}, phase {prediction.phase.trainable!r}, batch {prediction.batch_size}, "
        f"{prediction.precision}{', activation checkpointing on' if prediction.checkpointing else ''}"
    )
    need = (
        f"the device ran out of memory: {asked} was predicted to need {_gib(prediction.total)} "
        f"({_gib(prediction.total - prediction.framework)} of tensors, the rest for the framework); the device has "
        f"{_gib(device_memory)}, of which {_gib(DISPLAY)} are left to a display"
    )
    if prediction.fits(device_memory):
        need += ". It should have fitted: look for another process on the device first (nvidia-smi)"
    return f"{need}. Two ways out: {_checkpointing_advice(prediction)}; {_batch_advice(prediction, device_memory)}"


def _checkpointing_advice(prediction: MemoryPrediction) -> str:
    if prediction.checkpointing:
        return "activation checkpointing is on already"
    frugal = _again(prediction, prediction.batch_size, checkpointing=True)
    return (
        "activation checkpointing, which computes each block again and keeps the mathematics, is predicted to need "
        f"{_gib(frugal.total)}"
    )


def _batch_advice(prediction: MemoryPrediction, device_memory: int) -> str:
    smaller = (_again(prediction, size) for size in range(prediction.batch_size - 1, 0, -1))
    if prediction.fits(device_memory):  # whatever was in the way
        smaller = (_again(prediction, size) for size in (prediction.batch_size // 2,) if size)
    found = next((each for each in smaller if each.fits(device_memory)), None)
    if found is None:
        return "no smaller batch is predicted to fit"
    return (
        f"a smaller batch, {found.batch_size}, is predicted to need {_gib(found.total)}, but the batch size is the "
        "paper's, so that the run becomes NOT_COMPARABLE"
    )


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
