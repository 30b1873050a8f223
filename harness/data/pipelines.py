"""Input pipelines: `device` (ours), `generator` and `manual` (the paper's), behind one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import psutil
from numpy.typing import NDArray

from harness.data.batches import Batches, plain_batches, training_batches
from harness.data.dataset import Dataset, DatasetError
from harness.data.host_pixels import resize_all
from harness.data.picture_files import write_pictures
from harness.data.splits import class_weights
from harness.interface import (
    Features,
    Images,
    Implementation,
    InputPipeline,
    PictureReader,
)
from harness.variant import Pipeline, Variant, VariantError

SPARE_MEMORY: Final = 0.25
"""Share of the memory that is left to the network and its optimizer where all pixels lie in memory."""


@dataclass(frozen=True, eq=False)
class DevicePipeline:
    """Grey levels and maps go to the device, and the implementation's own step makes pixels of them.

    Attributes:
        dataset: Where pixels and labels come from.
        rows: Rows to train on.
        variant: Its batch size and augmentation.
        class_weights: Shape (7,).
        seed: Of the run.
        views: Augmented views of each picture, which epochs show in turn; None for a new one in every epoch.
        features: By view (None: the picture as it is), what a frozen base makes of each row of the data set; None
            to compute it anew.
    """

    dataset: Dataset
    rows: NDArray[np.intp]
    variant: Variant
    class_weights: NDArray[np.float64]
    seed: int
    views: int | None = None
    features: Mapping[int | None, Features] | None = None

    @classmethod
    def of(
        cls, dataset: Dataset, rows: NDArray[np.intp], variant: Variant, *, seed: int, views: int | None = None
    ) -> DevicePipeline:
        """With the class weights that the variant's scheme gives to these rows."""
        return cls(dataset, rows, variant, class_weights(dataset.labels[rows], variant.class_weights), seed, views)

    def view(self, epoch: int) -> int | None:
        """Number of the view that an epoch shows, which is that of the first epoch with it; None unaugmented."""
        if self.variant.augmentation is None:
            return None
        return epoch if self.views is None else epoch % self.views

    def training_batches(self, epoch: int) -> Batches:
        """Shuffled, augmented, weighted batches of an epoch, counted from 0."""
        view, weights = self.view(epoch), self.class_weights
        batches = training_batches(
            self.dataset, self.rows, self.variant, class_weights=weights, seed=self.seed, epoch=epoch, view=view
        )
        return replace(batches, features=self._features_of(view))

    def plain_batches(self, rows: NDArray[np.intp], batch_size: int) -> Batches:
        """Batches in the order given, without augmentation, every weight 1."""
        return replace(plain_batches(self.dataset, rows, batch_size), features=self._features_of(None))

    def _features_of(self, view: int | None) -> Features | None:
        return None if self.features is None else self.features[view]


@dataclass(frozen=True, eq=False)
class GeneratorPipeline:
    """The paper's: picture files, read, enlarged and augmented one by one on the host while training waits.

    Order and weights are those of `device`, so that two runs differ by their pixels alone.
    """

    device: DevicePipeline
    read: PictureReader

    def training_batches(self, epoch: int) -> Batches:
        """Shuffled, augmented, weighted batches of an epoch, counted from 0."""
        batches = self.device.training_batches(epoch)
        return replace(batches, maps=None, pixels_of=partial(self.read, epoch=epoch))

    def plain_batches(self, rows: NDArray[np.intp], batch_size: int) -> Batches:
        """Batches in the order given, without augmentation, every weight 1."""
        batches = self.device.plain_batches(rows, batch_size)
        return replace(batches, pixels_of=partial(self.read, epoch=None))


@dataclass(frozen=True, eq=False)
class ManualPipeline:
    """The paper's other way: all pictures enlarged beforehand into one array in memory, none augmented.

    Attributes:
        device: Order and weights, which are the same.
        pixels: Network input, float32, shape (k, size, size, channels).
        position: Where in `pixels` a row of the data set lies, shape (len(dataset),).
    """

    device: DevicePipeline
    pixels: Images
    position: NDArray[np.intp]

    def training_batches(self, epoch: int) -> Batches:
        """Shuffled, weighted batches of an epoch, counted from 0; never augmented."""
        return replace(self.device.training_batches(epoch), maps=None, pixels_of=self._pixels_of)

    def plain_batches(self, rows: NDArray[np.intp], batch_size: int) -> Batches:
        """Batches in the order given, every weight 1."""
        return replace(self.device.plain_batches(rows, batch_size), pixels_of=self._pixels_of)

    def _pixels_of(self, rows: NDArray[np.intp]) -> Images:
        return self.pixels[self.position[rows]]


def open_pipeline(
    name: Pipeline, device: DevicePipeline, rows: NDArray[np.intp], implementation: Implementation
) -> InputPipeline:
    """A pipeline by its name.

    Args:
        name: `device`, `generator` or `manual`.
        device: Ours, from which the others take order and weights.
        rows: All rows that will be asked for, training and evaluation, in any order.
        implementation: Reads the files of `generator`.

    Raises:
        DatasetError: If `generator`'s files cannot be written, or `manual`'s array has no room in memory.
    """
    rows = np.unique(rows)
    match name:
        case "device":
            return device
        case "generator":
            root = write_pictures(device.dataset, rows)
            return GeneratorPipeline(device, implementation.picture_reader(root, device.variant, seed=device.seed))
        case "manual":
            require_memory(device.variant, len(rows))
            position = np.zeros(len(device.dataset), np.intp)
            position[rows] = np.arange(len(rows))
            return ManualPipeline(device, resize_all(device.dataset.images, rows, device.variant), position)


def check_views(variant: Variant, views: int | None, pipeline: Pipeline) -> None:
    """Refuse a number of views that a variant and a pipeline cannot have.

    Raises:
        VariantError: If it is below 1, the variant does not augment and has one view alone, or the pipeline is the
            paper's, which draws anew in every epoch or not at all.
    """
    if views is None:
        return
    if views < 1:
        raise VariantError(f"{views} views of each picture; expected 1 or more")
    if variant.augmentation is None and views > 1:
        raise VariantError(
            f"{variant.name} does not augment, so there is 1 view of each picture, not {views}; "
            "give 1, or choose a variant that augments"
        )
    if pipeline != "device":
        raise VariantError(
            f"views are chosen, and features kept, by pipeline device alone, not by {pipeline}: leave --views and "
            "--cached-features away, or --pipeline"
        )


def require_memory(variant: Variant, images: int, *, available_bytes: int | None = None) -> None:
    """Refuse an array of all pixels that would not fit.

    Args:
        variant: Size and channels of its input.
        images: How many.
        available_bytes: Free memory; None asks the system.

    Raises:
        DatasetError: If it would not fit.
    """
    available = psutil.virtual_memory().available if available_bytes is None else available_bytes
    needed = images * variant.input_size**2 * variant.input_channels * np.dtype(np.float32).itemsize
    if needed > available * (1 - SPARE_MEMORY):
        raise DatasetError(
            f"pipeline manual holds all pixels in memory: {images:,} images of {variant.input_size}×"
            f"{variant.input_size}×{variant.input_channels} float32 take {needed / 1e9:.1f} GB, of "
            f"{available / 1e9:.1f} GB available at most {available * (1 - SPARE_MEMORY) / 1e9:.1f} GB may be taken; "
            "take --pipeline generator or device, or fewer --examples"
        )
