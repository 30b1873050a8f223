"""Keras' legacy HDF5 layout of weights, read with h5py alone.

The root has an attribute `layer_names`; each layer is a group with an attribute `weight_names`, which leads
to its arrays. What those are called differs from file to file (`block1_conv1_W_1:0`, `conv1_conv/kernel:0`),
so they are told by their position, as Keras itself does.

Source: keras 3.15.1, keras/src/legacy/saving/legacy_h5_format.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from harness.weights.canonical import require_float32
from harness.weights.catalogue import WeightsError

BY_COUNT: Final[Mapping[int, tuple[str, ...]]] = {
    0: (),
    2: ("kernel", "bias"),
    4: ("gamma", "beta", "moving_mean", "moving_variance"),
}
"""What a layer's arrays are, by how many it has."""


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read all weights of a file under their canonical names.

    Returns:
        Name (`block1_conv1.kernel`) to array in Keras' layout, HWIO.

    Raises:
        WeightsError: If it is damaged, not of this layout or not float32.
    """
    weights: dict[str, NDArray[Any]] = {}
    try:
        with h5py.File(path, "r") as file:
            for layer in _names(file, "layer_names", path):
                group = file[layer]
                arrays = _names(group, "weight_names", path)
                if len(arrays) not in BY_COUNT:
                    raise WeightsError(f"{path}: layer {layer} has {len(arrays)} arrays, expected 0, 2 or 4")
                for name, array in zip(BY_COUNT[len(arrays)], arrays, strict=True):
                    weights[f"{layer}.{name}"] = np.asarray(group[array])
    except WeightsError:
        raise
    except (OSError, LookupError, RuntimeError, TypeError, ValueError) as error:  # h5py's, for a damaged file
        raise WeightsError(f"{path} cannot be read as HDF5, it is damaged or incomplete: {error}") from error
    require_float32(weights, str(path))
    return weights


def _names(group: Any, attribute: str, path: Path) -> list[str]:
    """The names in an attribute: bytes in the official files, text where another h5py wrote them anew."""
    if attribute not in group.attrs:
        raise WeightsError(
            f"{path}: {group.name} has no attribute {attribute!r}; expected Keras' legacy layout of weights, "
            "as the files of keras.applications have it"
        )
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs[attribute]]
