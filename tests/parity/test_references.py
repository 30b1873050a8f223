"""Our networks against the ones they are named after, without pre-trained weights: Keras' and torchvision's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.architectures import layers
from harness.interface import Implementation
from harness.plugin.base import require_implementation
from harness.registry import load_implementation
from harness.variant import Variant
from tests.support.checks import check_close_to_scale
from tests.support.models import build, faces, lively_weights
from tests.support.papers import PAPER

FEATURES_TOLERANCE = 1e-5
"""Of the largest feature: the same layers in the same framework, one pass compiled and one not. Seen: 5e-7."""

SMALL = {
    "VGG16": (replace(PAPER.find_variant("vgg16-scratch@five-blocks"), input_channels=3, batch_size=2), "block5_pool"),
    "ResNet50": (replace(PAPER.find_variant("resnet50-scratch"), input_channels=3, batch_size=2), "conv5_block3_out"),
}
"""By name in `keras.applications`: the base at 48×48×3, and the layer that ends it."""


@pytest.fixture(scope="module")
def keras3(request: pytest.FixtureRequest) -> Implementation:
    """Keras on the session's backend; to be asked for before Keras is imported."""
    require_implementation(request.config, "keras3")
    return load_implementation("keras3", keras_backend=request.config.getoption("keras_backend"))


@pytest.fixture(scope="module", params=list(SMALL))
def reference(keras3: Implementation, request: pytest.FixtureRequest) -> Any:
    """The convolutional base as Keras ships it, randomly initialised: nothing is downloaded."""
    from keras import applications

    make = getattr(applications, request.param)
    return make(weights=None, include_top=False, input_shape=(48, 48, 3), name=request.param)


def parameters(reference: Any) -> dict[str, int]:
    return {layer.name: layer.count_params() for layer in reference.layers if layer.count_params()}


def base_parameters(variant: Variant) -> dict[str, int]:
    return {layer.name: layer.parameters for layer in layers(variant) if layer.part == "base" and layer.parameters}


def test_every_layer_has_the_references_parameters(reference: Any) -> None:
    transfer = {"VGG16": "vgg16-transfer", "ResNet50": "resnet50-transfer"}[reference.name]
    assert base_parameters(PAPER.find_variant(transfer)) == parameters(reference)


def test_features_are_the_references(keras3: Implementation, reference: Any) -> None:
    variant, last = SMALL[reference.name]
    weights = lively_weights(variant)
    for layer in reference.layers:
        layer.set_weights([weights[f"{layer.name}.{variable.name}"] for variable in layer.weights])
    model = build(keras3, variant)
    model.set_weights(weights)
    batch = faces(variant)[0]
    expected = np.asarray(reference.predict(model.pixels(batch), verbose=0))
    observed = model.activations(batch, training=False)[last]
    check_close_to_scale(observed, expected, tolerance=FEATURES_TOLERANCE, what=last)


def test_features_are_torchvisions(request: pytest.FixtureRequest) -> None:
    """VGG16 alone: torchvision's ResNet50 is another (version 1.5, stride on the 3×3 convolution, no biases)."""
    require_implementation(request.config, "pytorch")
    models = pytest.importorskip("torchvision.models", reason="needs 'torchvision', which is not installed")
    import torch

    variant, last = SMALL["VGG16"]
    weights = lively_weights(variant)
    reference = models.vgg16(weights=None).features
    convolutions = [layer for layer in layers(variant) if layer.kind == "convolution"]
    theirs = [module for module in reference if isinstance(module, torch.nn.Conv2d)]
    with torch.no_grad():
        for ours, module in zip(convolutions, theirs, strict=True):
            module.weight.copy_(torch.from_numpy(weights[f"{ours.name}.kernel"]).permute(3, 2, 0, 1))
            module.bias.copy_(torch.from_numpy(weights[f"{ours.name}.bias"]))
    model = build(load_implementation("pytorch"), variant)
    model.set_weights(weights)
    batch = faces(variant)[0]
    with torch.inference_mode():
        expected = reference(torch.from_numpy(model.pixels(batch)).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    observed = model.activations(batch, training=False)[last]
    check_close_to_scale(observed, expected.numpy(), tolerance=FEATURES_TOLERANCE, what=last)
