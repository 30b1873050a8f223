"""The paper's pipeline: the work of Keras' `ImageDataGenerator` on each picture, in a `DataLoader`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from harness.data.augment import draw_maps
from harness.data.host_pixels import enlarge, scale, warp_enlarged
from harness.data.picture_files import picture_row, reading
from harness.interface import Images, PictureReader
from harness.variant import Variant


class Pictures(Dataset[NDArray[np.float32]]):
    """Network input of a picture by its row in the data set, augmented with the row's map where there is one."""

    def __init__(self, paths: dict[int, Path], variant: Variant, maps: NDArray[np.float32] | None) -> None:
        self.paths = paths
        self.variant = variant
        self.maps = maps

    def __getitem__(self, row: int) -> NDArray[np.float32]:
        with Image.open(self.paths[row]) as picture:
            levels = enlarge(picture, self.variant)
        if self.maps is not None:
            levels = warp_enlarged(levels, self.maps[row])
        return scale(levels, self.variant)


def picture_reader(root: Path, variant: Variant, *, seed: int) -> PictureReader:
    """Read, enlarge, augment and scale in a `DataLoader` without workers: Keras' `fit` starts none either."""
    paths = {picture_row(path.name): path for path in root.glob("*/*")}

    @lru_cache(maxsize=1)
    def maps(epoch: int) -> NDArray[np.float32] | None:
        chosen = variant.augmentation
        return None if chosen is None else draw_maps(chosen, seed=seed, epoch=epoch, count=max(paths) + 1)

    def read(rows: NDArray[np.intp], *, epoch: int | None) -> Images:
        pictures = Pictures(paths, variant, None if epoch is None else maps(epoch))
        with reading(root):
            (pixels,) = DataLoader(pictures, batch_size=len(rows), sampler=rows.tolist())
        return np.asarray(pixels)

    return read
