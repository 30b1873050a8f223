"""Activation checkpointing: a block keeps its input alone, and computes the rest again in the backward pass."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from harness.architectures import segments
from harness.variant import Variant
from impls.pytorch.resnet50 import BatchNorm


class Block(nn.Sequential):
    """A part of a base. While it is frozen, or nothing trains, it is computed as it is: nothing is kept then."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, channels, height, width)."""
        if not (torch.is_grad_enabled() and any(each.requires_grad for each in self.parameters())):
            return self.compute(x)
        result: Tensor = checkpoint(
            self.compute, x, use_reentrant=False, preserve_rng_state=False, context_fn=self._contexts
        )
        return result

    def compute(self, x: Tensor) -> Tensor:
        """The layers one after the other."""
        for layer in self:
            x = layer(x)
        return x

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """For the first time, and for the second."""
        return nullcontext(), self._statistics_left_alone()

    @contextmanager
    def _statistics_left_alone(self) -> Iterator[None]:
        """The first time has moved those of the norms already."""
        norms = [module for module in self.modules() if isinstance(module, BatchNorm)]
        for norm in norms:
            norm.moves_statistics = False
        try:
            yield
        finally:
            for norm in norms:
                norm.moves_statistics = True


class Checkpointed(nn.Sequential):
    """A base with the same layers under the same names, computed block by block."""

    def __init__(self, base: nn.Sequential, variant: Variant) -> None:
        layers = OrderedDict(base.named_children())
        super().__init__(layers)
        self._blocks = [Block(*_of_segment(layers, segment)) for segment in segments(variant)]  # a list: not by name

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, channels, height, width)."""
        for block in self._blocks:
            x = block(x)
        return x


def _of_segment(layers: OrderedDict[str, nn.Module], segment: tuple[str, ...]) -> list[nn.Module]:
    """Modules of a block: a bottleneck is one module of many layers."""
    return [
        module
        for name, module in layers.items()
        if any(layer == name or layer.startswith(f"{name}_") for layer in segment)
    ]
