"""What a frozen base makes of every image, computed once and kept on disk.

A file is known by all that its numbers depend on: weights and layers of the base, data, pixels, maps where pictures
are augmented, and the implementation with its versions. Rows are computed when they are first asked for, so an
interrupted run loses nothing, and runs on different parts of a data set share a file.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from harness.architectures import feature_shape, layers
from harness.data import pixels
from harness.data.batches import plain_batches
from harness.data.cache import CACHE_VARIABLE, cache_folder
from harness.data.dataset import Dataset, DatasetError
from harness.interface import Features, Model
from harness.training.fit import Interrupted, evaluation_batch_size
from harness.variant import Variant, VariantError
from harness.weights.canonical import digest

_FORMAT: Final = 1
"""Part of every key: raise it when pixels or layers compute anything differently than before."""
SLICE_SECONDS: Final = 20.0
"""About how long it takes from one writing to the next: how much an interruption loses."""
LOCK_SECONDS: Final = 1.0
"""How soon an interruption is noticed while another run is waited for."""
SLICE_BYTES: Final = 2**28
"""Of features at once on the device: a fast one would make gigabytes in the seconds of a slice."""
SPARE_BYTES: Final = 2**30
"""Of the disk, left free."""


def check_cacheable(variant: Variant, views: int | None) -> None:
    """Refuse features for a variant whose base never gives the same twice.

    Raises:
        VariantError: If it augments anew in every epoch, or no phase trains the head alone.
    """
    if variant.augmentation is not None and views is None:
        raise VariantError(
            f"{variant.name} augments, so without a number of views its features differ from epoch to epoch and "
            f"cannot be kept; give one, choose a reading that does not augment, or leave --cached-features away"
        )
    if all(phase.trainable != "head" for phase in variant.phases):
        raise VariantError(
            f"{variant.name} never trains the head alone, so its features change and cannot be kept; "
            "choose a reading whose base is frozen, or leave --cached-features away"
        )


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """Features of a data set's rows in a folder: `features.npy`, and `done.npy` which says of which rows."""

    folder: Path
    features: Features
    done: NDArray[np.bool_]

    def missing(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the rows that are not computed yet, ascending, each once."""
        asked = np.unique(rows)
        return asked[~self.done[asked]]

    def put(self, rows: NDArray[np.intp], features: Features) -> None:
        """Write rows; `done` follows when their numbers are on the disk."""
        self.features[rows] = features
        self.features.flush()  # type: ignore[attr-defined]  # a memmap, which NumPy's types call an array
        self.done[rows] = True
        self.done.flush()  # type: ignore[attr-defined]


def feature_folder(
    model: Model, dataset: Dataset, versions: Mapping[str, str], maps: NDArray[np.float32] | None = None
) -> Path:
    """Where the features of a model's base on a data set lie, under these maps or as its pictures are."""
    variant = model.variant
    names = {layer.name for layer in layers(variant) if layer.part == "base"}
    base = {name: array for name, array in model.get_weights().items() if name.partition(".")[0] in names}
    identity: dict[str, object] = {
        "format": _FORMAT,
        "weights": digest(base),
        "data": dataset.digest,
        "layers": [(layer.name, layer.output_shape) for layer in layers(variant) if layer.part == "base"],
        "pixels": [variant.input_size, variant.input_channels, variant.input_convention, variant.interpolation],
        "versions": sorted(versions.items()),
        "code": _code_digest(model),
    }
    if maps is not None:  # themselves, and not what they were drawn from: seed, view, augmentation, code
        identity["maps"] = hashlib.sha256(maps.tobytes()).hexdigest()
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    return _root() / key


def _root() -> Path:
    return cache_folder() / "features"


def _code_digest(model: Model) -> str:
    """SHA-256 (hex) over the code that computes features: a bug that is mended there must not live on in files."""
    summed = hashlib.sha256()
    for path in [*sorted(Path(inspect.getfile(type(model))).parent.glob("*.py")), Path(pixels.__file__)]:
        summed.update(path.read_bytes())
    return summed.hexdigest()


def open_features(folder: Path, variant: Variant, dataset: Dataset) -> FeatureFile:
    """The file of a folder, made where it is missing. It takes disk space only for rows that are computed.

    Raises:
        DatasetError: If what lies there is damaged or has another shape, or nothing can be written there.
    """
    # `done` comes first: with it made anew nothing is believed, while old marks on new features would be
    shapes: dict[str, tuple[type[Any], tuple[int, ...]]] = {
        "done": (np.bool_, (len(dataset),)),
        "features": (np.float32, (len(dataset), *feature_shape(variant))),
    }
    paths = {name: folder / f"{name}.npy" for name in shapes}
    _make(folder)
    if not _is_there(folder):
        for name, (dtype, shape) in shapes.items():
            new = folder / f"{name}.new"
            with _writing(folder):
                open_memmap(new, mode="w+", dtype=dtype, shape=shape).flush()
                new.replace(paths[name])
    try:  # for reading: opened for writing, NumPy fills up a file that was cut off
        found = {name: open_memmap(path, mode="r") for name, path in paths.items()}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder} is damaged ({error}); remove that folder") from error
    observed = {name: (array.dtype, array.shape) for name, array in found.items()}
    expected = {name: (np.dtype(dtype), shape) for name, (dtype, shape) in shapes.items()}
    if observed != expected:
        raise DatasetError(f"{folder} holds {observed}, expected {expected}; remove that folder")
    with _writing(folder):
        done, features = (open_memmap(path, mode="r+") for path in paths.values())
    return FeatureFile(folder, features, done)


def _is_there(folder: Path) -> bool:
    """Whether both files are: a run that makes them has one for a moment."""
    return all((folder / f"{name}.npy").exists() for name in ("done", "features"))


def _lock(
    folder: Path, say: Callable[[str], None], is_interrupted: Callable[[], bool]
) -> AbstractContextManager[object]:
    """The folder's lock, held. Another run that computes the same is waited for.

    Raises:
        DatasetError: If the folder cannot hold a lock.
        Interrupted: If `is_interrupted` says so meanwhile.
    """
    lock = FileLock(folder / "lock")
    with _writing(folder), suppress(Timeout):  # a time-out is an OSError too
        return lock.acquire(blocking=False)
    say(f"another run computes features in {folder}: waiting for it")
    while not is_interrupted():
        with _writing(folder), suppress(Timeout):
            return lock.acquire(timeout=LOCK_SECONDS)
    raise Interrupted


@dataclass(frozen=True, eq=False)
class Computed:
    """What `compute_features` found or made.

    Attributes:
        features: Memory-mapped, shape (len(dataset), height, width, channels), valid at the rows asked for.
        images: How many were computed; the others lay on the disk.
        seconds: What that took, writing included.
    """

    features: Features
    images: int
    seconds: float


def compute_features(
    model: Model,
    dataset: Dataset,
    rows: NDArray[np.intp],
    *,
    maps: NDArray[np.float32] | None = None,
    what: str = "images",
    versions: Mapping[str, str],
    say: Callable[[str], None],
    is_interrupted: Callable[[], bool] = lambda: False,
) -> Computed:
    """Features of a data set's rows, read from the disk or computed and kept there.

    Args:
        model: Its base is frozen and in the state in which it stays.
        dataset: Data set.
        rows: Rows that are needed, in any order.
        maps: One for each row of the data set, shape (len(dataset), 2, 3); None for pictures as they are.
        what: They are called so in what is said.
        versions: Of the implementation, and all else of the machine that its numbers depend on.
        say: Told how far it is.
        is_interrupted: Asked between two slices.

    Raises:
        DatasetError: If the disk has no room for them, or their folder cannot be written to.
        Interrupted: If `is_interrupted` says so; what is computed stays.
    """
    variant, seconds = model.variant, 0.0
    folder = feature_folder(model, dataset, versions, maps)
    _make(folder)
    with _lock(folder, say, is_interrupted):
        file = open_features(folder, variant, dataset)
        missing = file.missing(rows)
        _require_room(variant, len(missing), folder)
        say(f"features of {len(np.unique(rows)):,} {what}: {len(missing):,} to compute, kept in {folder}")
        size, done, steps = evaluation_batch_size(variant), 0, 1
        start = time.perf_counter()
        while done < len(missing):
            if is_interrupted():
                raise Interrupted
            part = missing[done : done + steps * size]
            filled = np.concatenate([part, np.repeat(part[-1:], -len(part) % size)])
            file.put(part, model.features(replace(plain_batches(dataset, filled, size), maps=maps))[: len(part)])
            done += len(part)
            seconds = time.perf_counter() - start
            steps = max(1, int(min(done / seconds * SLICE_SECONDS, SLICE_BYTES / file.features[0].nbytes) / size))
            left = (len(missing) - done) * seconds / done
            say(f"features {done:,} of {len(missing):,}, {done / seconds:.1f} images/s, {left / 60:.0f} min left")
    return Computed(file.features, len(missing), seconds)


def require_room(
    model: Model,
    dataset: Dataset,
    versions: Mapping[str, str],
    wanted: Sequence[tuple[NDArray[np.float32] | None, NDArray[np.intp]]],
) -> None:
    """See before anything is computed that the disk has room for all that a run may want.

    Args:
        model: As for `compute_features`.
        dataset: Data set.
        versions: As for `compute_features`.
        wanted: Maps and rows, each pair as for `compute_features`.

    Raises:
        DatasetError: If it has not, or cannot be written to.
    """
    missing = 0
    for maps, rows in wanted:
        folder = feature_folder(model, dataset, versions, maps)
        # without the lock: files that are there are opened, but none is made
        opened = open_features(folder, model.variant, dataset) if _is_there(folder) else None
        missing += len(np.unique(rows) if opened is None else opened.missing(rows))
    _make(_root())
    _require_room(model.variant, missing, _root())


def _make(folder: Path) -> None:
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot hold features: {error.strerror or error}; set {CACHE_VARIABLE} to another folder, "
            "or leave --cached-features away"
        ) from error


def _require_room(variant: Variant, images: int, folder: Path) -> None:
    image_bytes = math.prod(feature_shape(variant)) * np.dtype(np.float32).itemsize
    needed, free = images * image_bytes + SPARE_BYTES, shutil.disk_usage(folder).free
    if images and needed > free:
        raise DatasetError(
            f"the features of {images:,} images, each view counted, of {image_bytes / 1e3:,.0f} KB need "
            f"{needed / 1e9:.1f} GB under {folder}, {free / 1e9:.1f} GB are free; set {CACHE_VARIABLE} to a larger "
            "disk, ask for fewer views, or leave --cached-features away"
        )
