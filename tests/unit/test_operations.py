"""Operations of steps and epochs against counts by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.architectures import forward_flops, layers
from harness.operations import (
    epoch_flops,
    recomputed_image_flops,
    step_flops,
    training_image_flops,
)
from harness.variant import Phase, Variant
from tests.support.papers import PAPER

ALL, HEAD = Phase(1, "all"), Phase(1, "head")
every_variant = pytest.mark.parametrize("variant", PAPER.variants.values(), ids=PAPER.variants)

VGG16_HEAD = 2 * (25088 * 64 + 64 * 32 + 32 * 7)
"""Of vgg16-transfer and -fine-tune: 7·7·512 features, dense 64, dense 32, logits."""


@every_variant
def test_with_everything_trained_it_is_thrice_the_forward_pass_less_one_gradient(variant: Variant) -> None:
    first = {"vgg16": "block1_conv1", "resnet50": "conv1_conv"}[variant.architecture]
    (first_flops,) = (layer.flops for layer in layers(variant) if layer.name == first)
    assert training_image_flops(variant, ALL) == 3 * forward_flops(variant) - first_flops


@every_variant
def test_a_head_that_trains_on_a_frozen_base_costs_little_more_than_an_answer(variant: Variant) -> None:
    extra = training_image_flops(variant, HEAD) - forward_flops(variant)
    assert 0 < extra < 0.01 * forward_flops(variant)


def test_a_frozen_base_costs_its_forward_pass_alone() -> None:
    variant = PAPER.variants["vgg16-transfer"]
    first_dense = 2 * 25088 * 64
    assert training_image_flops(variant, HEAD) == forward_flops(variant) + 2 * VGG16_HEAD - first_dense


def test_kept_features_leave_the_head_alone() -> None:
    assert (
        training_image_flops(PAPER.variants["vgg16-transfer"], HEAD, kept_features=True)
        == 3 * VGG16_HEAD - 2 * 25088 * 64
    )


def test_of_vgg16_with_block5_trained_by_hand() -> None:
    """Three convolutions of 2·14²·3²·512² each, the first without the gradient of its input; then the head."""
    variant = PAPER.variants["vgg16-fine-tune"]
    convolution = 2 * 14**2 * 3**2 * 512**2
    expected = forward_flops(variant) + 3 * convolution + 2 * convolution + 2 * VGG16_HEAD
    assert training_image_flops(variant, Phase(1, "block5")) == expected


def test_both_ways_of_a_projected_block_begin_at_one_input() -> None:
    """conv5 begins at 14·14·1024: the projection to 2048 and the first 1×1 to 512, both with stride 2."""
    variant = PAPER.variants["resnet50-fine-tune"]
    trained = [layer for layer in layers(variant) if layer.name.startswith("conv5") or layer.part == "head"]
    projection, first = 2 * 7**2 * 1024 * 2048, 2 * 7**2 * 1024 * 512
    expected = forward_flops(variant) + 2 * sum(layer.flops for layer in trained) - projection - first
    assert training_image_flops(variant, Phase(1, "conv5_block1")) == expected


def test_a_block_that_is_not_projected_has_one_first_layer() -> None:
    variant = PAPER.variants["resnet50-fine-tune"]
    blocks = ("conv5_block2", "conv5_block3")
    trained = [layer for layer in layers(variant) if layer.name.startswith(blocks) or layer.part == "head"]
    first = 2 * 7**2 * 2048 * 512
    expected = forward_flops(variant) + 2 * sum(layer.flops for layer in trained) - first
    assert training_image_flops(variant, Phase(1, "conv5_block2")) == expected


@every_variant
def test_a_step_is_a_batch(variant: Variant) -> None:
    assert step_flops(replace(variant, batch_size=5), variant.phases[0]) == 5 * training_image_flops(
        variant, variant.phases[0]
    )


@every_variant
def test_an_epoch_trains_and_watches(variant: Variant) -> None:
    phase = variant.phases[0]
    expected = 100 * training_image_flops(variant, phase) + 30 * forward_flops(variant)
    assert epoch_flops(variant, phase, training_images=100, watched_images=30) == expected


def test_an_epoch_on_kept_features_never_passes_the_base() -> None:
    variant = PAPER.variants["vgg16-transfer"]
    found = epoch_flops(variant, HEAD, training_images=100, watched_images=30, kept_features=True)
    assert found == 100 * (3 * VGG16_HEAD - 2 * 25088 * 64) + 30 * VGG16_HEAD


def test_features_cannot_be_kept_of_a_base_that_trains() -> None:
    with pytest.raises(ValueError, match="vgg16-scratch trains 'all'"):
        training_image_flops(PAPER.variants["vgg16-scratch"], ALL, kept_features=True)


def test_checkpointing_computes_the_blocks_that_train_once_more() -> None:
    """All of VGG16's base; of vgg16-fine-tune the three convolutions of its last block; nothing under a head alone."""
    transfer = PAPER.variants["vgg16-transfer"]
    assert recomputed_image_flops(transfer, ALL) == forward_flops(transfer) - VGG16_HEAD
    assert (
        recomputed_image_flops(PAPER.variants["vgg16-fine-tune"], Phase(1, "block5")) == 3 * 2 * 14**2 * 3**2 * 512**2
    )
    assert recomputed_image_flops(transfer, HEAD) == 0
