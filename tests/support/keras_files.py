"""Files of weights as Keras writes them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from harness.interface import Weights
from harness.weights.keras_h5 import BY_COUNT


def write_keras_h5(path: Path, weights: Weights) -> None:
    """Write weights in the official layout, layers in the order in which the mapping has them.

    Keras reads it by `load_weights(path, by_name=True)`; without, it expects the order of its own `model.layers`.
    """
    layers: dict[str, list[str]] = {}
    for name in weights:
        layer, _, weight = name.rpartition(".")
        layers.setdefault(layer, []).append(weight)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([layer.encode() for layer in layers])
        for layer, found in layers.items():
            order = BY_COUNT[len(found)]
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}/{weight}:0".encode() for weight in order])
            for weight in order:
                group.create_dataset(f"{layer}/{weight}:0", data=weights[f"{layer}.{weight}"])
