"""Between canonical weights and Keras' variables."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from harness.architectures import require_equal_shapes
from harness.interface import Weights

Variable = Any  # keras.Variable

UNSET: Final = "zeros"
"""Initializer of every kernel: the harness sets them next, and JAX takes seconds to draw what nobody uses."""


def variables(network: keras.Model) -> dict[str, Variable]:
    """Canonical name to the variable that holds the weight; layouts are canonical as they are."""
    return {f"{layer.name}.{variable.name}": variable for layer in network.layers for variable in layer.weights}


def export_weights(network: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Return copies of all weights in canonical layout."""
    return {name: np.array(ops.convert_to_numpy(variable.value)) for name, variable in variables(network).items()}


def import_weights(network: keras.Model, weights: Weights) -> None:
    """Copy canonical weights into a network.

    Raises:
        ValueError: If names or shapes differ; the message lists them.
    """
    named = variables(network)
    observed = {name: tuple(array.shape) for name, array in weights.items()}
    expected = {name: tuple(variable.shape) for name, variable in named.items()}
    require_equal_shapes(observed, expected)
    for name, variable in named.items():
        variable.assign(np.array(weights[name]))
