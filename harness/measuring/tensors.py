"""The tensors of a training step: each put down when it is made and struck out when nobody holds it any longer.

Assumed is PyTorch as `impls.pytorch` uses it: eager, no operation in place, autograd frees what a layer kept once the
layer's backward pass is over. Left out: the making of the pictures, which is over before the first layer, and what
kernels take for themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from harness.architectures import (
    Layer,
    layers,
    segments,
    trainable_layers,
)
from harness.interface import CLASSES, Precision
from harness.variant import Phase, Variant

Storage = tuple[Literal["activation", "weight-gradient", "in flight"], str]
"""What a tensor is, and its name."""

INDEX_BYTES: Final = 8
"""Of where a maximum of a pooling was, and of a label: PyTorch has int64 for both."""
MASK_BYTES: Final = 1
"""Of a number that dropout kept or not."""
VALUE_BYTES: Final[Mapping[Precision, int]] = {"float32": 4, "tf32": 4, "mixed": 2, "float64": 8}
"""Of an activation. TF32 rounds inside a product; what is stored stays float32."""
WEIGHT_BYTES: Final[Mapping[Precision, int]] = {"float32": 4, "tf32": 4, "mixed": 4, "float64": 8}
"""Of a weight, its gradient, and each of Adam's two moments; `mixed` has a copy of kernels in 2 bytes beside them."""


class Network:
    """Layers with their tensors: who takes what, and what autograd keeps. Without a phase nothing is trainable."""

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
        found: dict[str, str] = {}
        for name, taken in self.inputs.items():
            found |= dict.fromkeys(map(self.owner, taken), name)
            if name.endswith("_out"):
                found[_block_input(self.inputs, name)] = name
        return found | {"pixels": next(each for each in reversed(self.names) if self.layers[each].part == "base")}


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
class Ledger:
    """What lies in memory now, and what did when it was most."""

    live: dict[Storage, int] = field(default_factory=dict)
    peak: dict[Storage, int] = field(default_factory=dict)
    moment: str = ""

    def note(self, moment: str) -> None:
        """Remember this moment if more is live than ever before."""
        if sum(self.live.values()) > sum(self.peak.values()):
            self.peak, self.moment = dict(self.live), moment

    def forward(self, network: Network, names: Iterable[str], keep: Mapping[Storage, int]) -> None:
        """Compute layers in order; `keep` is for a backward pass."""
        for name in names:
            if network.owner(name) == name:
                self.live["activation", name] = network.output_bytes(name)
            self.live |= {storage: size for storage, size in network.kept(name).items() if storage in keep}
            self.note(f"forward, {name}")
            for tensor, user in network.last_use.items():
                if user == name and ("activation", tensor) not in keep:
                    self.live.pop(("activation", tensor), None)

    def backward(self, network: Network, names: Sequence[str], gradients: dict[str, Storage]) -> None:
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


def train(network: Network, *, checkpointing: bool) -> tuple[int, Ledger]:
    """One step: bytes kept for the backward pass, and the ledger after it."""
    blocks = segments(network.variant) if checkpointing else ()
    computed_again = [each for each in blocks if network.tracked.intersection(each)]
    again = {name for segment in computed_again for name in segment}
    keep = network.kept_by(name for name in network.names if name not in again)
    entries = [network.owner(network.inputs[segment[0]][0]) for segment in computed_again]
    keep |= {("activation", entry): network.output_bytes(entry) for entry in entries}
    ledger = Ledger({("activation", "pixels"): network.output_bytes("pixels")})
    ledger.forward(network, network.names, keep)
    ledger.live = dict(keep)
    gradients: dict[str, Storage] = {"logits": ("in flight", "logits")}
    ledger.backward(network, [name for name in network.names if name not in again], gradients)
    for segment, entry in zip(reversed(computed_again), reversed(entries), strict=True):
        inside = network.kept_by(segment)
        ledger.forward(network, segment, inside | {("activation", entry): 0})
        if ("activation", segment[-1]) not in inside:  # computed again for what it keeps, and thrown away
            ledger.live.pop(("activation", segment[-1]), None)
        ledger.backward(network, segment, gradients)
        ledger.live.pop(("activation", entry), None)
    return sum(keep.values()), ledger


def evaluate(network: Network) -> int:
    """Most bytes of activations while a batch is evaluated."""
    ledger = Ledger({("activation", "pixels"): network.output_bytes("pixels")})
    ledger.forward(network, network.names, {})
    return sum(ledger.peak.values())
