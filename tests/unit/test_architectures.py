"""The networks as data, held against printed numbers: the paper's Table 3, Keras' summaries, other people's counts."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from harness.architectures import (
    Layer,
    check_features,
    count_parameters,
    feature_shape,
    head_names,
    initial_weights,
    layers,
    require_equal_shapes,
    trainable_layers,
    weight_shapes,
)
from harness.interface import CLASSES
from harness.variant import Phase, Variant, narrow
from tests.support.checks import check_same_bits
from tests.support.papers import PAPER

EVERY_READING = [
    *PAPER.variants,
    *(
        f"{name}@{reading.name}"
        for name in PAPER.variants
        for reading in PAPER.readings[name]
        if not reading.is_default
    ),
]
every_reading = pytest.mark.parametrize("name", EVERY_READING)

TABLE_3 = {
    "block1_conv1": ((48, 48, 64), 640),
    "block1_conv2": ((48, 48, 64), 36_928),
    "block1_pool": ((24, 24, 64), 0),
    "block2_conv1": ((24, 24, 128), 73_856),
    "block2_conv2": ((24, 24, 128), 147_584),
    "block2_pool": ((12, 12, 128), 0),
    "block3_conv1": ((12, 12, 256), 295_168),
    "block3_conv2": ((12, 12, 256), 590_080),
    "block3_conv3": ((12, 12, 256), 590_080),
}
"""The convolutional rows that the paper prints: output shape and number of parameters."""

ADDITIONS_OF_RESNET50 = 3.8e9
"""Multiply-adds at 224×224. Source: He et al. 2016, table 1 ("3.8×10⁹"), cut off after the first decimal."""


def base_of(variant: Variant) -> list[Layer]:
    return [layer for layer in layers(variant) if layer.part == "base"]


def by_name(variant: Variant) -> dict[str, Layer]:
    return {layer.name: layer for layer in layers(variant)}


# Against printed numbers


@pytest.mark.parametrize(("name", "row"), TABLE_3.items())
def test_a_row_of_table_3(name: str, row: tuple[tuple[int, ...], int]) -> None:
    layer = by_name(PAPER.find_variant("vgg16-scratch"))[name]
    assert (layer.output_shape, layer.parameters) == row


def test_printed_convolutions_of_table_3_add_up() -> None:
    assert sum(layer.parameters for layer in base_of(PAPER.find_variant("vgg16-scratch@three-blocks"))) == 1_734_336


def test_four_blocks_leave_table_3s_flatten() -> None:
    assert by_name(PAPER.find_variant("vgg16-scratch"))["flatten1"].output_shape == (4608,)


def test_table_3s_last_dense_rows() -> None:
    found = by_name(PAPER.find_variant("vgg16-scratch"))
    assert (found["dense2"].parameters, found["logits"].parameters) == (2_080, 231)


@pytest.mark.parametrize(
    ("name", "parameters", "output_shape"),
    [
        # keras.applications, include_top=False, as their summaries print them
        ("vgg16-transfer", 14_714_688, (7, 7, 512)),
        ("resnet50-transfer", 23_587_712, (7, 7, 2048)),
    ],
)
def test_base_at_224_is_keras(name: str, parameters: int, output_shape: tuple[int, ...]) -> None:
    base = base_of(PAPER.find_variant(name))
    assert sum(layer.parameters for layer in base) == parameters
    assert base[-1].output_shape == output_shape


def test_resnet50_has_fifty_layers_with_its_classifier() -> None:
    main_path = [layer for layer in base_of(PAPER.find_variant("resnet50-transfer")) if layer.kind == "convolution"]
    assert len([layer for layer in main_path if not layer.name.endswith("_0_conv")]) + 1 == 50


def test_resnet50_at_48_leaves_two_by_two() -> None:
    assert base_of(PAPER.find_variant("resnet50-scratch"))[-1].output_shape == (2, 2, 2048)


# Operations


def test_operations_of_one_layer_by_hand() -> None:
    layer = by_name(PAPER.find_variant("vgg16-scratch"))["block1_conv2"]
    assert layer.flops == 2 * (48 * 48) * (3 * 3 * 64) * 64 == 169_869_312


def test_operations_of_vgg16_are_the_published_ones() -> None:
    # 15,346,630,656 multiply-adds of the convolutions at 224×224, as counters of operations list them
    assert sum(layer.flops for layer in base_of(PAPER.find_variant("vgg16-transfer"))) == 2 * 15_346_630_656


def test_operations_of_resnet50_are_version_1s() -> None:
    multiply_adds = sum(layer.flops for layer in base_of(PAPER.find_variant("resnet50-transfer"))) / 2
    # version 1.5, with the stride on the 3×3 convolution, has 4.1e9
    assert ADDITIONS_OF_RESNET50 <= multiply_adds < ADDITIONS_OF_RESNET50 + 1e8


# Structure


@every_reading
def test_every_reading_has_layers(name: str) -> None:
    variant = PAPER.find_variant(name)
    found = layers(variant)
    assert len({layer.name for layer in found}) == len(found)
    assert found[-1].name == "logits"
    assert found[-1].output_shape == (len(CLASSES),)
    assert all(size > 0 for layer in found for size in layer.output_shape)
    parts = [layer.part for layer in found]
    assert parts == sorted(parts), "the base comes before the head"
    assert set(head_names(variant)) <= {layer.name for layer in found if layer.part == "head"}


@every_reading
def test_weights_are_those_of_the_layers(name: str) -> None:
    variant = PAPER.find_variant(name)
    shapes = weight_shapes(variant)
    assert sum(math.prod(shape) for shape in shapes.values()) == count_parameters(variant)
    owners = list(dict.fromkeys(name.rpartition(".")[0] for name in shapes))
    assert owners == [layer.name for layer in layers(variant) if layer.parameters]


def test_head_layers_are_counted_by_kind() -> None:
    assert head_names(PAPER.find_variant("vgg16-scratch")) == ("flatten1", "dense1", "dropout1", "dense2")


@pytest.mark.parametrize("name", ["vgg16-scratch", "resnet50-scratch"])
def test_narrow_networks_have_the_same_layers(name: str) -> None:
    wide, slim = PAPER.find_variant(name), narrow(PAPER.find_variant(name), width_divisor=8)
    assert [(layer.name, layer.kind) for layer in layers(slim)] == [(layer.name, layer.kind) for layer in layers(wide)]
    slim_base, wide_base = base_of(slim), base_of(wide)
    assert slim_base[-1].output_shape == (*wide_base[-1].output_shape[:2], wide_base[-1].output_shape[2] // 8)


# Phases


def weighted(variant: Variant) -> set[str]:
    return {layer.name for layer in layers(variant) if layer.weights}


@every_reading
def test_every_phase_of_every_reading_can_be_trained(name: str) -> None:
    variant = PAPER.find_variant(name)
    head = {layer.name for layer in layers(variant) if layer.part == "head" and layer.weights}
    for phase in variant.phases:
        found = trainable_layers(variant, phase)
        assert head <= found <= weighted(variant)
        assert (phase.trainable == "head") == (found == head)
        assert (phase.trainable == "all") == (found == weighted(variant))


def test_the_last_block_of_vgg16() -> None:
    variant = PAPER.find_variant("vgg16-fine-tune")
    found = trainable_layers(variant, Phase(1, "block5"))
    head = {"batch_norm1", "dense1", "dense2", "logits"}
    assert found == {"block5_conv1", "block5_conv2", "block5_conv3", *head}
    assert trainable_layers(variant, Phase(1, "head")) == head


@pytest.mark.parametrize(
    ("trainable", "convolutions"),
    [
        ("conv5_block1", 3 * 3 + 1),
        ("conv5_block3", 3),
        ("conv5", 3 * 3 + 1),
        ("conv4_block1", (6 + 3) * 3 + 2),
        ("conv4_block6", 3 + 3 * 3 + 1),
        ("conv2_block1", 16 * 3 + 4),
        ("conv1", 16 * 3 + 4 + 1),
    ],
)
def test_deeper_layers_of_resnet50(trainable: str, convolutions: int) -> None:
    variant = PAPER.find_variant("resnet50-fine-tune")
    found = trainable_layers(variant, Phase(1, trainable))
    assert len([name for name in found if name.endswith("_conv")]) == convolutions
    assert len([name for name in found if name.endswith("_bn")]) == convolutions, "its norms come with each"
    assert {"dense1", "dense2", "logits"} <= found


def test_a_projection_belongs_to_its_block() -> None:
    found = trainable_layers(PAPER.find_variant("resnet50-fine-tune"), Phase(1, "conv5_block1"))
    assert {"conv5_block1_0_conv", "conv5_block1_0_bn"} <= found
    assert not any(name.startswith("conv4") for name in found)


@pytest.mark.parametrize(
    ("name", "trainable", "known"),
    [
        ("vgg16-fine-tune", "block6", "it has block1, block2, block3, block4, block5$"),
        ("vgg16-scratch", "block5", "it has block1, block2, block3, block4$"),
        ("vgg16-fine-tune", "block", "it has block1"),
        ("vgg16-fine-tune", "dense1", "it has block1"),
        ("vgg16-fine-tune", "", "it has block1"),
        ("resnet50-fine-tune", "conv5_block4", "it has conv1, conv2_block1, .*, conv5_block2, conv5_block3$"),
    ],
)
def test_an_unknown_block_is_refused_with_those_that_exist(name: str, trainable: str, known: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} has no block '{trainable}' to train from; {known}"):
        trainable_layers(PAPER.find_variant(name), Phase(1, trainable))


# Features


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("vgg16-scratch", (3, 3, 512)),
        ("vgg16-transfer", (7, 7, 512)),
        ("resnet50-transfer", (7, 7, 2048)),
        ("resnet50-fine-tune", (7, 7, 2048)),
    ],
)
def test_features_are_what_the_base_leaves(name: str, shape: tuple[int, ...]) -> None:
    assert feature_shape(PAPER.find_variant(name)) == shape


def test_features_of_the_bases_shape_are_taken() -> None:
    check_features((5, 7, 7, 512), PAPER.find_variant("vgg16-transfer"), Phase(1, "head"))


@pytest.mark.parametrize("shape", [(5, 512, 7, 7), (7, 7, 512), (5, 25088), (5, 7, 7, 64), (5,)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"{re.escape(str(shape))}, expected \(n, 7, 7, 512\)"):
        check_features(shape, PAPER.find_variant("vgg16-transfer"), Phase(1, "head"))


@pytest.mark.parametrize("trainable", ["all", "block5"])
def test_features_are_refused_while_the_base_is_trained(trainable: str) -> None:
    with pytest.raises(ValueError, match=rf"vgg16-transfer trains '{trainable}' now"):
        check_features((5, 7, 7, 512), PAPER.find_variant("vgg16-transfer"), Phase(1, trainable))


# Initial weights


@pytest.mark.parametrize("name", ["vgg16-scratch", "resnet50-scratch"])
def test_initial_weights_are_keras_defaults(name: str) -> None:
    variant = PAPER.find_variant(name)
    weights = initial_weights(variant, seed=0)
    assert {name: array.shape for name, array in weights.items()} == weight_shapes(variant)
    constants = {"bias": 0.0, "gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}
    for key, array in weights.items():
        assert array.dtype == np.float32
        kind = key.rpartition(".")[2]
        if kind in constants:
            assert np.array_equal(array, np.full(array.shape, constants[kind])), key
            continue
        # Glorot and Bengio 2010: uniform in ±√(6 / (fan in + fan out)), fans counted over the window
        window = math.prod(array.shape[:-2])
        limit = math.sqrt(6 / (window * array.shape[-2] + window * array.shape[-1]))
        assert np.abs(array).max() <= np.float32(limit), key
        # of 200 values or more, the largest is almost surely near the limit
        assert np.abs(array).max() > 0.95 * limit, key


def test_kernels_are_uniform() -> None:
    kernel = initial_weights(PAPER.find_variant("vgg16-scratch"), seed=0)["block4_conv2.kernel"].astype(np.float64)
    limit = math.sqrt(6 / (9 * 512 + 9 * 512))
    # 2,359,296 values: the means of v and v² deviate by limit/2,660 and by limit²/5,150
    assert abs(kernel.mean()) < 5 * limit / 2660
    assert abs((kernel**2).mean() - limit**2 / 3) < 5 * limit**2 / 5150


def test_the_seed_alone_decides_the_weights() -> None:
    variant = narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=8)
    first = initial_weights(variant, seed=1)
    check_same_bits(initial_weights(variant, seed=1), first, what="same seed")
    other = initial_weights(variant, seed=2)
    kernels = [name for name in first if name.endswith(".kernel")]
    assert not any(np.array_equal(first[name], other[name]) for name in kernels)


def test_no_two_kernels_are_drawn_from_one_stream() -> None:
    weights = initial_weights(narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=8), seed=0)
    # block3_conv2 and block3_conv3 have the same shape
    assert not np.array_equal(weights["block3_conv2.kernel"], weights["block3_conv3.kernel"])


def test_a_layer_draws_the_same_whatever_else_there_is() -> None:
    four, five = (
        initial_weights(narrow(PAPER.find_variant(f"vgg16-scratch@{each}-blocks"), width_divisor=8), seed=0)
        for each in ("four", "five")
    )
    shared = [name for name in four if name.startswith("block")]
    check_same_bits({name: five[name] for name in shared}, {name: four[name] for name in shared}, what="blocks 1-4")


def test_dropout_and_size_leave_resnet50s_weights_as_they_are() -> None:
    variant = narrow(PAPER.find_variant("resnet50-scratch"), width_divisor=8)
    expected = initial_weights(variant, seed=0)
    check_same_bits(initial_weights(replace(variant, dropout=0.0, input_size=64), seed=0), expected, what="weights")


# Shapes that do not fit


SHAPES = {"logits.kernel": (32, 7), "logits.bias": (7,)}


def test_equal_shapes_pass_in_any_order() -> None:
    require_equal_shapes(dict(reversed(SHAPES.items())), SHAPES)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        pytest.param(
            {"logits.kernel": (32, 7)}, r"^1 weights .*: logits\.bias is missing, expected \(7,\)$", id="missing"
        ),
        pytest.param(SHAPES | {"a.b": (1,)}, r"^1 weights .*: a\.b is unknown$", id="unknown"),
        pytest.param(
            SHAPES | {"logits.kernel": (7, 32)},
            r"^1 weights .*: logits\.kernel has shape \(7, 32\), expected \(32, 7\)$",
            id="shape",
        ),
        pytest.param({"a.b": (1,)}, r"^3 weights .*a\.b is unknown; logits\.bias is missing.*", id="all-at-once"),
    ],
)
def test_shapes_that_do_not_fit_are_named(observed: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        require_equal_shapes(observed, SHAPES)


def test_only_the_first_five_problems_are_listed() -> None:
    expected = {f"layer{index}.bias": (1,) for index in range(9)}
    with pytest.raises(
        ValueError, match=r"^9 weights do not fit the network: (layer\d\.bias is missing[^;]*(; )?){5}$"
    ):
        require_equal_shapes({}, expected)
