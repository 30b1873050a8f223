"""Between canonical weights and PyTorch's names and layouts."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.architectures import require_equal_shapes
from harness.interface import Weights

CONTAINERS: Final = frozenset({"base", "head", "shortcut", "residual"})
"""Modules that group layers without being part of a layer's canonical name."""

CANONICAL: Final = {
    "weight": "kernel",
    "bias": "bias",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
CANONICAL_BATCH_NORM: Final = CANONICAL | {"weight": "gamma", "bias": "beta"}


def layer_name(path: str) -> str:
    """Canonical name of the module at a path: `base.conv2_block1.residual.1_conv` is `conv2_block1_1_conv`."""
    return "_".join(part for part in path.split(".") if part not in CONTAINERS)


def variables(network: nn.Module) -> dict[str, Tensor]:
    """Canonical name to the tensor that holds the weight, in PyTorch's layout."""
    named: dict[str, Tensor] = {}
    for path, module in network.named_modules():
        names = CANONICAL_BATCH_NORM if isinstance(module, nn.modules.batchnorm._BatchNorm) else CANONICAL
        tensors = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
        for own, canonical in names.items():
            if own in tensors:
                named[f"{layer_name(path)}.{canonical}"] = tensors[own]
    return named


def export_weights(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Return copies of all weights in canonical layout."""
    return {
        name: np.array(to_canonical(tensor.detach()).cpu().numpy(), order="C")
        for name, tensor in variables(network).items()
    }


def import_weights(network: nn.Module, weights: Weights) -> None:
    """Copy canonical weights into a network.

    Raises:
        ValueError: If names or shapes differ; the message lists them.
    """
    named = variables(network)
    observed = {name: tuple(array.shape) for name, array in weights.items()}
    expected = {name: tuple(to_canonical(tensor).shape) for name, tensor in named.items()}
    require_equal_shapes(observed, expected)
    with torch.no_grad():
        for name, tensor in named.items():
            tensor.copy_(from_canonical(torch.from_numpy(np.array(weights[name]))))


def to_canonical(tensor: Tensor) -> Tensor:
    """OIHW to HWIO, (out, in) to (in, out); vectors as they are."""
    if tensor.ndim == 4:
        return tensor.permute(2, 3, 1, 0)
    return tensor.T if tensor.ndim == 2 else tensor


def from_canonical(tensor: Tensor) -> Tensor:
    """HWIO to OIHW, (in, out) to (out, in); vectors as they are."""
    if tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1)
    return tensor.T if tensor.ndim == 2 else tensor
