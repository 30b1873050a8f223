"""Find the weights a base starts from, get them where needed, and hand them on checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.architectures import Shape, base_weight_names, layers, require_equal_shapes
from harness.data.cache import cache_folder
from harness.interface import Weights
from harness.variant import Variant
from harness.weights import keras_h5, torch_zip
from harness.weights.canonical import digest, load_canonical, require_finite
from harness.weights.catalogue import (
    Checkpoint,
    Layout,
    WeightsError,
    catalogue,
    find_checkpoint,
)
from harness.weights.download import fetch

WEIGHTS_VARIABLE: Final = "FERBENCH_WEIGHTS"
"""Environment variable that names a folder of weights; `--weights-dir` goes before it."""

_READERS: Final[Mapping[Layout, Callable[[Path], dict[str, NDArray[np.float32]]]]] = {
    "keras-h5": keras_h5.read,
    "torch": torch_zip.read,
}


@dataclass(frozen=True, eq=False)
class BaseWeights:
    """What a variant's base starts from.

    Attributes:
        weights: Canonical name to array in Keras' layout, float32: all of the base, nothing of the head.
        source: The checkpoint's id in `catalogue.toml`: `keras-vgg16`.
        file_name: The file they were read from, without its folder.
        digest: SHA-256 (hex) of `weights`, from `harness.weights.canonical.digest`.
    """

    weights: Weights
    source: str
    file_name: str
    digest: str


def load_base_weights(source: str, variant: Variant, *, weights_dir: Path | None, download: bool = True) -> BaseWeights:
    """The pre-trained weights of a variant's base.

    Looked for in `weights_dir` (first as `<id>.safetensors`, from `save_canonical`), in Keras' and torch's own
    caches, and among earlier downloads.

    Args:
        source: `imagenet` (Keras' file) or `imagenet-torchvision`.
        variant: Whose base; layers of the file that it does not have are left out.
        weights_dir: A folder of the user's.
        download: Whether a file that is nowhere may be fetched.

    Raises:
        WeightsError: If there is no such file, it is damaged, or its weights do not fit the base.
    """
    name, checkpoint = find_checkpoint(source, variant.architecture)
    path = find_file(name, checkpoint, weights_dir=weights_dir, download=download)
    weights = _base_of(variant, _read(path, name, checkpoint), path, checkpoint)
    return BaseWeights(weights, name, path.name, digest(weights))


def load_checkpoint(name: str, *, weights_dir: Path | None, download: bool = True) -> BaseWeights:
    """All base weights of a published file by its id in the catalogue, whatever network is built here.

    Raises:
        WeightsError: If the id is unknown, there is no such file, or it is damaged.
    """
    if name not in catalogue():
        raise WeightsError(f"no checkpoint {name!r} is known; known are {', '.join(catalogue())}")
    checkpoint = catalogue()[name]
    path = find_file(name, checkpoint, weights_dir=weights_dir, download=download)
    weights = _read(path, name, checkpoint)
    missing = [each for each in base_weight_names(checkpoint.architecture) if each not in weights]
    if missing:
        raise WeightsError(
            f"{path} lacks {len(missing)} weights of {checkpoint.architecture}, {missing[0]} first. Remove that file; "
            f"the published one is at {checkpoint.url}"
        )
    return BaseWeights(weights, name, path.name, digest(weights))


def _read(path: Path, name: str, checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    try:
        if path.suffix == ".safetensors":
            weights, metadata = load_canonical(path)
            if metadata.get("source") != name:  # other weights may have the same names and shapes
                raise WeightsError(f"{path} holds the weights {metadata.get('source')!r}, expected {name!r}")
        else:
            weights = _READERS[checkpoint.layout](path)
        names = base_weight_names(checkpoint.architecture)
        if weights.keys().isdisjoint(names):
            raise WeightsError(
                f"{path} holds weights of another network, {', '.join(sorted(weights)[:3])} and so on; expected those "
                f"of {checkpoint.architecture}, {', '.join(names[:3])} and so on"
            )
        require_finite(weights, str(path))
    except WeightsError as error:
        raise WeightsError(f"{error}. Remove that file; the published one is at {checkpoint.url}") from error
    return weights


def check_folder(weights_dir: Path | None) -> None:
    """Refuse a folder of weights that is none, before anything is looked for elsewhere.

    Raises:
        WeightsError: If it is named and is no folder.
    """
    if weights_dir is not None and not weights_dir.is_dir():
        raise WeightsError(
            f"{weights_dir} is no folder; --weights-dir and {WEIGHTS_VARIABLE} name the folder in which files of "
            "weights lie, not a file"
        )


def find_file(name: str, checkpoint: Checkpoint, *, weights_dir: Path | None, download: bool) -> Path:
    """The file of a checkpoint, fetched where that is allowed and needed.

    Raises:
        WeightsError: If it is nowhere, the message lists all places; or `weights_dir` is no folder.
    """
    check_folder(weights_dir)
    ours = cache_folder() / "weights"
    places = [folder / checkpoint.file for folder in (*_framework_caches(), ours)]
    if weights_dir is not None:
        places = [weights_dir / f"{name}.safetensors", weights_dir / checkpoint.file, *places]
    for place in places:
        if place.is_file():
            return place
    reason = "fetching it was not allowed"
    if download:
        try:
            return fetch(checkpoint, ours)
        except WeightsError as error:
            reason = str(error)
    listed = "\n".join(f"  - {place}" for place in places)
    raise WeightsError(
        f"the weights {name} are in none of these places:\n{listed}\nand {reason}.\n"
        f"Get {checkpoint.url} elsewhere and put it into a folder that --weights-dir or {WEIGHTS_VARIABLE} names"
    )


def _framework_caches() -> tuple[Path, Path]:
    """Where Keras and torch.hub keep their downloads, by their own environment variables."""
    keras = os.environ.get("KERAS_HOME", "~/.keras")
    torch = os.environ.get("TORCH_HOME", str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"))
    return Path(keras).expanduser() / "models", Path(torch).expanduser() / "hub" / "checkpoints"


def _base_of(variant: Variant, found: Weights, path: Path, checkpoint: Checkpoint) -> Weights:
    expected: dict[str, Shape] = {
        f"{layer.name}.{weight}": shape
        for layer in layers(variant)
        if layer.part == "base"
        for weight, shape in layer.weights.items()
    }
    weights = {name: found[name] for name in expected if name in found}
    try:
        require_equal_shapes({name: array.shape for name, array in weights.items()}, expected)
    except ValueError as error:
        raise WeightsError(
            f"{path}: {error}; the base is that of {variant.name} with {variant.input_channels} input channels and "
            f"width divisor {variant.width_divisor}. The published file is at {checkpoint.url}; "
            "one of its name that an older release left in a cache has to be removed"
        ) from error
    return weights
