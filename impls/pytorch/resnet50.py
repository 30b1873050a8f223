"""ResNet50's convolutional base: Keras' version 1, stride on the first 1×1 convolution, biases kept."""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from harness.architectures import (
    BATCH_NORM_EPSILON,
    RESNET50_STAGES,
    RESNET50_STEM_FILTERS,
)
from harness.variant import Variant
from impls.pytorch.folding import first_convolution


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with the reference's ε; its running variance is the biased one.

    `moves_statistics` is False where a batch is computed a second time.
    """

    moves_statistics = True

    def __init__(self, channels: int, momentum: float, epsilon: float = BATCH_NORM_EPSILON) -> None:
        super().__init__(channels, eps=epsilon, momentum=1 - momentum)
        self.kept_share = momentum

    def _check_input_dim(self, _x: Tensor) -> None:
        """Take (n, channels, height, width) and (n, channels) alike."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel."""
        if not self.training:
            return super().forward(x)
        if x.numel() == x.shape[1]:
            return self._forward_one(x)
        # PyTorch adds the unbiased variance of the batch to what is kept; Keras adds the biased one.
        # The statistics are computed on copies, because autograd keeps those that it was given.
        old_mean, old_variance = cast(Tensor, self.running_mean), cast(Tensor, self.running_var)
        mean, variance = old_mean.clone(), old_variance.clone()
        normalised = functional.batch_norm(
            x,
            mean,
            variance,
            self.weight,
            self.bias,
            training=True,
            momentum=1 - self.kept_share,
            eps=self.eps,
        )
        if self.moves_statistics:
            count = x.numel() // x.shape[1]
            kept = old_variance * self.kept_share
            old_mean.copy_(mean)
            old_variance.copy_(kept + (variance - kept) * ((count - 1) / count))
        return normalised

    def _forward_one(self, x: Tensor) -> Tensor:
        """One value a channel, which PyTorch refuses: it is its own mean, and its variance is 0."""
        if self.moves_statistics:
            cast(Tensor, self.running_mean).lerp_(x.detach().flatten(), 1 - self.kept_share)
            cast(Tensor, self.running_var).mul_(self.kept_share)
        shape = (-1, *x.shape[2:])
        return (x - x) * self.weight.view(shape) + self.bias.view(shape)


class Add(nn.Module):
    """A sum as a layer, so that its output has a name."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Add two tensors of one shape."""
        return first + second


class Bottleneck(nn.Module):
    """Three convolutions around a shortcut, which is projected where shapes change."""

    def __init__(self, channels: int, filters: int, stride: int, *, momentum: float, projects: bool) -> None:
        super().__init__()
        projection: OrderedDict[str, nn.Module] = OrderedDict()
        if projects:
            projection["0_conv"] = nn.Conv2d(channels, 4 * filters, 1, stride)
            projection["0_bn"] = BatchNorm(4 * filters, momentum)
        self.shortcut = nn.Sequential(projection)
        residual: OrderedDict[str, nn.Module] = OrderedDict()
        residual["1_conv"] = nn.Conv2d(channels, filters, 1, stride)
        residual["1_bn"] = BatchNorm(filters, momentum)
        residual["1_relu"] = nn.ReLU()
        residual["2_conv"] = nn.Conv2d(filters, filters, 3, padding=1)
        residual["2_bn"] = BatchNorm(filters, momentum)
        residual["2_relu"] = nn.ReLU()
        residual["3_conv"] = nn.Conv2d(filters, 4 * filters, 1)
        residual["3_bn"] = BatchNorm(4 * filters, momentum)
        self.residual = nn.Sequential(residual)
        self.add = Add()
        self.out = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 4 · filters, height, width)."""
        return cast(Tensor, self.out(self.add(self.shortcut(x), self.residual(x))))


def resnet50(variant: Variant) -> nn.Sequential:
    """The base: features (n, channels, height, width) from network input."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    momentum = variant.batch_norm_momentum
    channels = RESNET50_STEM_FILTERS // variant.width_divisor
    layers["conv1_pad"] = nn.ZeroPad2d(3)
    layers["conv1_conv"] = first_convolution(variant)(variant.input_channels, channels, 7, 2)
    layers["conv1_bn"] = BatchNorm(channels, momentum)
    layers["conv1_relu"] = nn.ReLU()
    layers["pool1_pad"] = nn.ZeroPad2d(1)
    layers["pool1_pool"] = nn.MaxPool2d(3, 2)
    for stage, (filters, blocks, stride) in enumerate(RESNET50_STAGES[: variant.blocks], start=2):
        for block in range(1, blocks + 1):
            name, width = f"conv{stage}_block{block}", filters // variant.width_divisor
            first = block == 1
            layers[name] = Bottleneck(channels, width, stride if first else 1, momentum=momentum, projects=first)
            channels = 4 * width
    return nn.Sequential(layers)
