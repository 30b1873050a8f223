"""The paper's pipeline: Keras' `ImageDataGenerator.flow_from_directory`."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import keras
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from numpy.typing import NDArray

from harness.data.picture_files import picture_row, reading
from harness.interface import CLASSES, Images, PictureReader
from harness.variant import Variant

MODES = {1: "grayscale", 3: "rgb"}
"""Keras' name of a picture with so many channels."""
_STREAM = 4  # sets these draws apart from others of the same seed and epoch


def picture_reader(root: Path, variant: Variant, *, seed: int) -> PictureReader:
    """Read, enlarge, augment and scale by Keras' own generator, which draws its augmentation from `seed`.

    In the installed Keras (3.15) `height_shift_range` moves sideways and `width_shift_range` up and down. It is given
    the variant's values under the names that the paper would have written.
    """
    iterators = {augmented: directory_iterator(root, variant, augmented=augmented) for augmented in (False, True)}
    names = iterators[False].filenames
    places = {picture_row(name): place for place, name in enumerate(names)}

    def read(rows: NDArray[np.intp], *, epoch: int | None) -> Images:
        iterator = iterators[epoch is not None]
        # order and draws are set from here: a batch depends on seed, epoch and rows, not on what was asked for before
        iterator.index_array = np.array([places[int(row)] for row in rows])
        iterator.batch_size = len(rows)
        iterator.seed = int(np.random.default_rng([seed, epoch or 0, int(rows[0]), _STREAM]).integers(2**31))
        iterator.total_batches_seen = 0
        with reading(root), catch_warnings():  # Keras 3.15 asks SciPy by a name that goes in its version 2
            simplefilter("ignore", DeprecationWarning)
            pixels, _ = iterator[0]
        return np.asarray(pixels, np.float32)

    return read


def directory_iterator(root: Path, variant: Variant, *, augmented: bool) -> Any:
    """Keras' own iterator over the pictures of a folder, in the order of their names."""
    generator = ImageDataGenerator(**scaling_options(variant), **(augmentation_options(variant) if augmented else {}))
    with redirect_stdout(StringIO()):  # "Found 35887 images belonging to 7 classes."
        return generator.flow_from_directory(
            root,
            target_size=(variant.input_size, variant.input_size),
            color_mode=MODES[variant.input_channels],
            classes=list(CLASSES),
            class_mode="sparse",
            batch_size=variant.batch_size,
            shuffle=False,
            interpolation=variant.interpolation,
        )


def augmentation_options(variant: Variant) -> dict[str, Any]:
    """What `ImageDataGenerator` is told of a variant's augmentation."""
    chosen = variant.augmentation
    if chosen is None:
        return {}
    return {
        "rotation_range": chosen.rotation_degrees,
        "width_shift_range": chosen.width_shift,
        "height_shift_range": chosen.height_shift,
        "shear_range": chosen.shear_degrees,
        "zoom_range": chosen.zoom,
        "horizontal_flip": chosen.horizontal_flip,
        "fill_mode": "nearest",
    }


def scaling_options(variant: Variant) -> dict[str, Any]:
    """What it is told of the input convention."""
    match variant.input_convention:
        case "unit-range":
            return {"rescale": 1 / 255}
        case "caffe":
            mode = "caffe"
        case "imagenet":
            mode = "torch"

    def preprocess(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = keras.applications.imagenet_utils.preprocess_input(
            pixels, data_format="channels_last", mode=mode
        )
        return found

    return {"preprocessing_function": preprocess}
