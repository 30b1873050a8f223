"""Errors in the network of PyTorch; `table` says what each does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.architectures import BATCH_NORM_EPSILON
from impls.pytorch import implementation, pixels, resnet50
from tests.meta.mutations.patching import Patch, around

# Pixels


def channels_swapped(patch: Patch) -> None:
    around(patch, pixels, "scaling", lambda scaling, *of: tuple(each[::-1].copy() for each in scaling(*of)))


def mean_not_scaled(patch: Patch) -> None:
    def scaling(original: Any, *of: Any) -> tuple[Any, Any]:
        offset, scale = original(*of)
        return offset / 255, scale

    around(patch, pixels, "scaling", scaling)


def channel_missing(patch: Patch) -> None:
    def forward(original: Any, self: Any, images: Tensor, maps: Tensor) -> Tensor:
        kept: Tensor = original(self, images, maps) * torch.tensor([1, 1, 0])[:, None, None]
        return kept

    around(patch, pixels.Pixels, "forward", forward)


def pixels_shifted(patch: Patch, size: float) -> None:
    around(patch, pixels, "output_grid", lambda grid, count: grid(count) + size)


def nearest_neighbour(patch: Patch) -> None:
    patch.setattr(pixels, "interpolate", lambda first, second, share: torch.where(share < 0.5, first, second))


def shifts_exchanged(patch: Patch) -> None:
    def warp(original: Any, images: Tensor, maps: Tensor, *grids: Tensor) -> Any:
        return original(images, torch.cat([maps[..., :2], maps[..., 2:].flip(1)], -1), *grids)

    around(patch, pixels, "warp", warp)


def maps_ignored(patch: Patch) -> None:
    around(patch, pixels, "warp", lambda warp, images, maps, *grids: warp(images, 0 * maps + torch.eye(2, 3), *grids))


def maps_rounded(patch: Patch) -> None:
    around(patch, pixels, "warp", lambda warp, images, maps, *grids: warp(images, maps.bfloat16().float(), *grids))


# Layers


def stride_on_the_3x3(patch: Patch) -> None:
    def init(original: Any, self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        first, second = getattr(self.residual, "1_conv"), getattr(self.residual, "2_conv")
        first.stride, second.stride = second.stride, first.stride

    around(patch, resnet50.Bottleneck, "__init__", init)


def padding_asymmetric(patch: Patch) -> None:
    def init(original: Any, self: Any, border: int) -> None:
        original(self, (2, 4, 2, 4) if border == 3 else border)

    around(patch, nn.ZeroPad2d, "__init__", init)


def flattened_channels_first(patch: Patch) -> None:
    patch.setattr(implementation.Flatten, "forward", lambda _self, x: x.flatten(1))


def _change(patch: Patch, name: str, change: Callable[[Any, Tensor], Tensor]) -> None:
    """Change what the head's layer of one name makes."""

    def build_head(original: Any, *arguments: Any) -> nn.Module:
        head: nn.Module = original(*arguments)
        if hasattr(head, name):
            layer = getattr(head, name)
            forward = layer.forward
            layer.forward = lambda x: change(layer, forward(x))
        return head

    around(patch, implementation, "build_head", build_head)


def bias_dropped(patch: Patch, size: float) -> None:
    _change(patch, "dense2", lambda layer, y: y - size * layer.bias)


def relu_missing(patch: Patch) -> None:
    def build_head(original: Any, *arguments: Any) -> nn.Module:
        head: nn.Module = original(*arguments)
        head.dense1_relu.forward = lambda x: x
        return head

    around(patch, implementation, "build_head", build_head)


def relu_leaky(patch: Patch, size: float) -> None:
    patch.setattr(nn.ReLU, "forward", lambda _self, x: functional.leaky_relu(x, size))


def average_pooling(patch: Patch) -> None:
    patch.setattr(nn.MaxPool2d, "forward", lambda self, x: functional.avg_pool2d(x, self.kernel_size, self.stride))


def global_max_pooling(patch: Patch) -> None:
    patch.setattr(implementation.GlobalAveragePooling, "forward", lambda _self, x: x.amax((2, 3)))


def shortcut_missing(patch: Patch) -> None:
    patch.setattr(resnet50.Add, "forward", lambda _self, _shortcut, residual: residual)


def softmax_twice(patch: Patch) -> None:
    _change(patch, "logits", lambda _layer, y: y.softmax(1))


def outputs_rotated(patch: Patch) -> None:
    _change(patch, "logits", lambda _layer, y: y.roll(1, 1))


def one_nan(patch: Patch) -> None:
    _change(patch, "dense1", lambda _layer, y: torch.where(y == y.max(), torch.nan, y))


# Norms


def base_epsilon(patch: Patch, size: float) -> None:
    around(
        patch,
        resnet50.BatchNorm,
        "__init__",
        lambda init, self, channels, momentum, epsilon=size: init(self, channels, momentum, epsilon),
    )


def head_epsilon(patch: Patch, size: float) -> None:
    patch.setattr(implementation, "HEAD_BATCH_NORM_EPSILON", size)


def momentum(patch: Patch, size: float) -> None:
    around(
        patch,
        resnet50.BatchNorm,
        "__init__",
        lambda init, self, channels, _momentum, epsilon=BATCH_NORM_EPSILON: init(self, channels, size, epsilon),
    )


def variance_unbiased(patch: Patch) -> None:
    patch.setattr(resnet50.BatchNorm, "forward", nn.modules.batchnorm._BatchNorm.forward)


def batch_statistics_at_evaluation(patch: Patch) -> None:
    def forward(_original: Any, self: Any, x: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)

    around(patch, resnet50.BatchNorm, "forward", forward)


def frozen_norms_move(patch: Patch) -> None:
    patch.setattr(implementation.TorchModel, "_set_training", lambda self, training: self._network.train(training))


# Dropout


def dropout_at_evaluation(patch: Patch) -> None:
    around(patch, implementation.Dropout, "forward", lambda forward, self, x: forward(self.train(), x))


def dropout_rate(patch: Patch, size: float) -> None:
    def init(original: Any, self: Any, rate: float, generator: torch.Generator) -> None:
        original(self, size if rate else 0, generator)

    around(patch, implementation.Dropout, "__init__", init)


def dropout_not_rescaled(patch: Patch) -> None:
    def forward(original: Any, self: Any, x: Tensor) -> Tensor:
        dropped: Tensor = original(self, x) * (1 - self.rate if self.training else 1)
        return dropped

    around(patch, implementation.Dropout, "forward", forward)
