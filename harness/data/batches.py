"""The order of examples, and batches of them: lazy sequences, equal for both frameworks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from harness.data.augment import draw_maps, identity_maps
from harness.data.dataset import Dataset
from harness.interface import CLASSES, Batch, Features, Images
from harness.variant import Variant

_STREAM: Final = 1  # sets these draws apart from others of the same seed and epoch


@dataclass(frozen=True, eq=False)
class Batches(Sequence[Batch]):
    """Batches of a data set's rows in a given order; each is made when it is asked for.

    The last one may be smaller. A slice is again a sequence of batches.

    Attributes:
        dataset: Where pixels and labels come from.
        rows: Rows in the order of training, shape (n,).
        batch_size: Examples a batch.
        class_weights: Sample weight of each class, shape (7,).
        maps: One map for each row of the whole data set, float32, shape (len(dataset), 2, 3); None for identity.
        features: What a frozen base makes of each row, shape (len(dataset), height, width, channels); None to
            compute it anew.
        pixels_of: Makes network input of rows on the host; None to leave that to the implementation.
    """

    dataset: Dataset
    rows: NDArray[np.intp]
    batch_size: int
    class_weights: NDArray[np.float64]
    maps: NDArray[np.float32] | None = None
    features: Features | None = None
    pixels_of: Callable[[NDArray[np.intp]], Images] | None = None

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.batch_size)

    @overload
    def __getitem__(self, index: int) -> Batch: ...

    @overload
    def __getitem__(self, index: slice) -> Batches: ...

    def __getitem__(self, index: int | slice) -> Batch | Batches:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise ValueError(f"batches can be sliced with step 1 alone, not {step}")
            return replace(self, rows=self.rows[start * self.batch_size : stop * self.batch_size])
        if not -len(self) <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        start = index % len(self) * self.batch_size
        rows = self.rows[start : start + self.batch_size]
        labels = self.dataset.labels[rows]
        return Batch(
            images=self.dataset.images[rows],
            maps=identity_maps(len(rows)) if self.maps is None else self.maps[rows],
            labels=labels.astype(np.int32),
            weights=self.class_weights[labels].astype(np.float32),
            features=None if self.features is None else np.asarray(self.features[rows]),
            pixels=None if self.pixels_of is None else self.pixels_of(rows),
        )


def training_order(rows: NDArray[np.intp], *, seed: int, epoch: int) -> NDArray[np.intp]:
    """The rows in the order of an epoch: each once, shuffled by seed and epoch alone."""
    return np.random.default_rng([seed, epoch, _STREAM]).permutation(rows)


def training_batches(
    dataset: Dataset,
    rows: NDArray[np.intp],
    variant: Variant,
    *,
    class_weights: NDArray[np.float64],
    seed: int,
    epoch: int,
    view: int | None = None,
) -> Batches:
    """Shuffled, augmented, weighted batches of one epoch.

    Args:
        dataset: Data set.
        rows: Rows to train on, in any order.
        variant: Its batch size and augmentation.
        class_weights: Shape (7,).
        seed: Of the run.
        epoch: Number of the epoch, from 0.
        view: Number of the epoch whose maps are taken; None for this one's own.
    """
    maps = None
    if variant.augmentation is not None:
        maps = draw_maps(variant.augmentation, seed=seed, epoch=epoch if view is None else view, count=len(dataset))
    order = training_order(rows, seed=seed, epoch=epoch)
    return Batches(dataset, order, variant.batch_size, class_weights, maps)


def plain_batches(dataset: Dataset, rows: NDArray[np.intp], batch_size: int) -> Batches:
    """Batches in the order given, without augmentation, every weight 1."""
    return Batches(dataset, rows, batch_size, np.ones(len(CLASSES)))
