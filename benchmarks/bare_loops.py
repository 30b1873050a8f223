"""What a user writes who has no harness: the same layers, float arrays in memory, nothing else.

Neither warps pictures, weighs examples, keeps the loss of each step, nor minds where Adam's ε stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.architectures import HEAD_BATCH_NORM_EPSILON, trainable_layers
from harness.interface import CLASSES
from harness.variant import Variant

Epoch = Callable[[], object]
"""Trains once over all pictures, in a new order each time."""


def bare_pytorch(variant: Variant, pictures: NDArray[np.float32], labels: NDArray[np.int32]) -> Epoch:
    """A loop by hand: channels last, fused Adam, one sum of losses and one of right answers.

    Args:
        variant: Its layers, batch size and learning rate.
        pictures: Network input, shape (n, size, size, channels).
        labels: Index of the class, shape (n,).
    """
    import torch
    from torch import nn

    network = _pytorch_layers(variant).to(memory_format=torch.channels_last)
    trained = [each for each in network.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=variant.learning_rate, fused=True)
    inputs = torch.from_numpy(pictures).permute(0, 3, 1, 2)  # channels last in memory
    targets = torch.from_numpy(labels).long()

    def epoch() -> tuple[float, int]:
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
                module.eval()
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for rows in torch.randperm(len(inputs)).split(variant.batch_size):
            x, y = inputs[rows], targets[rows]
            optimizer.zero_grad()
            scores = network(x)
            loss = nn.functional.cross_entropy(scores, y)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            correct += (scores.detach().argmax(1) == y).sum()
        return float(loss_sum), int(correct)

    return epoch


def _pytorch_layers(variant: Variant) -> Any:
    """Base and head of PyTorch's own modules; what the variant freezes asks for no gradient."""
    from torch import nn

    from impls.pytorch.resnet50 import BatchNorm, resnet50
    from impls.pytorch.vgg16 import vgg16
    from impls.pytorch.weights import layer_name

    base = {"vgg16": vgg16, "resnet50": resnet50}[variant.architecture](variant)
    trained = trainable_layers(variant, variant.phases[0])
    for path, module in list(base.named_modules()):
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(layer_name(path) in trained)
        if isinstance(module, BatchNorm):
            norm = nn.BatchNorm2d(module.num_features, module.eps, 1 - variant.batch_norm_momentum)
            norm.requires_grad_(layer_name(path) in trained)
            base.set_submodule(path, norm)
    head = []
    for layer in variant.head:
        match layer.kind:
            case "flatten":
                head.append(nn.Flatten())
            case "global-average-pooling":
                head += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            case "batch-norm":
                head.append(nn.LazyBatchNorm1d(HEAD_BATCH_NORM_EPSILON, 1 - variant.batch_norm_momentum))
            case "dropout":
                head.append(nn.Dropout(variant.dropout))
            case "dense":
                head += [nn.LazyLinear(layer.units), nn.ReLU()]
    return _initialised(nn.Sequential(base, *head, nn.LazyLinear(len(CLASSES))), variant)


def _initialised(network: Any, variant: Variant) -> Any:
    """Let lazy layers see one picture."""
    import torch

    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, variant.input_channels, variant.input_size, variant.input_size))
    return network


def bare_keras(variant: Variant, pictures: NDArray[np.float32], labels: NDArray[np.int32]) -> Epoch:
    """`keras.Model.fit` on arrays in memory, with accuracy as its metric; without XLA on TensorFlow, which is faster.

    Args:
        variant: Its layers, batch size and learning rate.
        pictures: Network input, shape (n, size, size, channels).
        labels: Index of the class, shape (n,).
    """
    import keras

    from impls.keras3.implementation import build_head
    from impls.keras3.resnet50 import resnet50
    from impls.keras3.vgg16 import vgg16

    inputs = keras.Input(pictures.shape[1:])
    features = {"vgg16": vgg16, "resnet50": resnet50}[variant.architecture](inputs, variant)
    network = keras.Model(inputs, build_head(features, variant, seed=0))
    trained = trainable_layers(variant, variant.phases[0])
    for layer in network.layers:
        layer.trainable = layer.name in trained
    for variable in network.variables:  # its initial values are zeros, which the harness replaces
        if variable.name == "kernel":
            variable.assign(keras.initializers.GlorotUniform(seed=0)(variable.shape))
    network.compile(
        optimizer=keras.optimizers.Adam(variant.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    return lambda: network.fit(pictures, labels, batch_size=variant.batch_size, shuffle=True, verbose=0)
