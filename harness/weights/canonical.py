"""Weights under their canonical names: what they are known by, and a file format of their own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from harness.interface import Weights
from harness.weights.catalogue import WeightsError


def digest(weights: Weights) -> str:
    """SHA-256 (hex) over names, shapes and little-endian bytes, in the order of the sorted names."""
    summed = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name], dtype="<f4")
        summed.update(f"{name}\0{array.shape}\0".encode())
        summed.update(array.data)
    return summed.hexdigest()


def save_canonical(path: Path, weights: Weights, metadata: Mapping[str, str]) -> None:
    """Write weights as safetensors, exact to the bit, whole or not at all.

    Args:
        path: The file; one that exists is replaced.
        weights: By canonical name, float32.
        metadata: What should be known of them, `source` above all; `digest` is added.

    Raises:
        WeightsError: If an array is not float32, or the file cannot be written.
    """
    require_float32(weights, str(path))
    contiguous = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    content = save(contiguous, metadata={**metadata, "digest": digest(weights)})
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_canonical(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Read what `save_canonical` wrote.

    Returns:
        Weights by canonical name, float32, and the metadata with their digest.

    Raises:
        WeightsError: If it cannot be read, or the weights are not those it was written with.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from error
    require_float32(weights, str(path))
    observed = digest(weights)
    if observed != metadata.get("digest"):
        raise WeightsError(
            f"{path}: digest of the weights {observed}, expected {metadata.get('digest')} (from its metadata); "
            "it is damaged, or was not written by `save_canonical`"
        )
    return weights, metadata


def require_float32(weights: Mapping[str, NDArray[np.generic]], where: str) -> None:
    """Check the type of all weights.

    Raises:
        WeightsError: If one is not float32; nothing is converted, for that would be another checkpoint.
    """
    for name, array in weights.items():
        if array.dtype != np.float32:
            raise WeightsError(f"{where}: {name} is {array.dtype}, expected float32; convert it before, if you mean to")


def require_finite(weights: Weights, where: str) -> None:
    """Check the values of all weights.

    Raises:
        WeightsError: If one is NaN or infinite.
    """
    for name, array in weights.items():
        wrong = array.size - np.count_nonzero(np.isfinite(array))
        if wrong:
            raise WeightsError(f"{where}: {wrong} of {array.size} values of {name} are NaN or infinite; get it anew")
