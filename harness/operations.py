"""What training costs: floating-point operations of a step and of an epoch, from the layers alone.

Operations are those of `harness.architectures`: two for each multiply-add of convolutions and dense layers, as direct
convolution needs them. Norms, poolings, the optimizer and the pictures are not counted.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from harness.architectures import (
    Layer,
    forward_flops,
    layers,
    segments,
    trainable_layers,
)
from harness.variant import Phase, Variant

DIRECT_SOURCE: Final = (
    "operations are counted as those of direct convolution; Winograd's algorithms take up to 4 times fewer for 3×3 "
    "filters (Lavin & Gray, arXiv 1509.09308)"
)
"""What stands beside a number of operations."""


@cache
def training_image_flops(variant: Variant, phase: Phase, *, kept_features: bool = False) -> int:
    """Operations that one training image takes in one step.

    Its forward pass; the gradient of each trainable layer's weights; and the gradient of the input of each trainable
    layer that stands behind another trainable one. What is frozen costs its forward pass alone.

    Args:
        variant: Its layers.
        phase: Which of them are trainable.
        kept_features: Whether the output of the frozen base is already there, so that the head alone is computed.

    Raises:
        ValueError: If features are kept in a phase that trains more than the head.
    """
    if kept_features and phase.trainable != "head":
        raise ValueError(f"{variant.name} trains {phase.trainable!r}: kept features serve while the base is frozen")
    computed = [layer for layer in layers(variant) if layer.flops and not (kept_features and layer.part == "base")]
    trained = [layer for layer in computed if layer.name in trainable_layers(variant, phase)]
    weights = sum(layer.flops for layer in trained)
    inputs = weights - sum(layer.flops for layer in _first(trained))
    return sum(layer.flops for layer in computed) + weights + inputs


@cache
def recomputed_image_flops(variant: Variant, phase: Phase) -> int:
    """Operations that activation checkpointing adds to a training image: another forward pass of the blocks that train.

    As if every one of their layers were computed again; PyTorch stops where nothing is wanted any longer.
    """
    trained = trainable_layers(variant, phase)
    again = {name for names in segments(variant) if trained.intersection(names) for name in names}
    return sum(layer.flops for layer in layers(variant) if layer.name in again)


def step_flops(variant: Variant, phase: Phase, *, kept_features: bool = False) -> int:
    """Return the operations of one training step of a full batch."""
    return variant.batch_size * training_image_flops(variant, phase, kept_features=kept_features)


def epoch_flops(
    variant: Variant, phase: Phase, *, training_images: int, watched_images: int, kept_features: bool = False
) -> int:
    """Operations of one epoch: every training image once forth and back, every watched one forth.

    Kept features serve both: neither passes the base then.
    """
    training = training_images * training_image_flops(variant, phase, kept_features=kept_features)
    base = sum(layer.flops for layer in layers(variant) if layer.part == "base") if kept_features else 0
    return training + watched_images * (forward_flops(variant) - base)


def _first(trained: list[Layer]) -> list[Layer]:
    """The trainable layers that nothing trainable stands before: of their inputs nobody wants a gradient.

    It is one layer, but for a block of ResNet50 whose shortcut is projected: both its ways begin at the same input.
    """
    first = trained[0]
    if not first.name.endswith("_0_conv"):
        return [first]
    return [first, next(layer for layer in trained if layer.name == first.name.replace("_0_conv", "_1_conv"))]
