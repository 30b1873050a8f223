"""The first convolution of grey pictures: three equal channels are one."""

from __future__ import annotations

from torch import Tensor, nn

from harness.variant import Variant


class GreyConvolution(nn.Conv2d):
    """A convolution of equal channels, Σ w·x = (Σ w)·x: while it is frozen it reads the first alone.

    A kernel that trains needs the gradient of each of its channels, so that nothing is folded then.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, filters, height, width) from (n, channels, height, width)."""
        if self.weight.requires_grad:
            return super().forward(x)
        folded: Tensor = self._conv_forward(x[:, :1], self.weight.sum(1, keepdim=True), self.bias)
        return folded


def first_convolution(variant: Variant) -> type[nn.Conv2d]:
    """Class of the first layer: channels are equal in [0, 1] alone, other conventions shift each its own way."""
    is_grey = variant.input_convention == "unit-range" and variant.input_channels > 1
    return GreyConvolution if is_grey else nn.Conv2d
