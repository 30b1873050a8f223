"""PyTorch's ways: torchvision and albumentations one image at a time in a `DataLoader`, Kornia on batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.papers import load_paper
from input_peers import BATCH_SIZE, Source, Task

PAPER = load_paper("jahangir2024")


def torchvision(task: Task) -> Source:
    """Transforms v2 on uint8 tensors, float at the end, as their documentation recommends."""
    import torch
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    variant = PAPER.variants[task.variant]
    augmentation = variant.augmentation
    assert augmentation is not None
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Resize(variant.input_size, v2.InterpolationMode.BILINEAR),
            v2.RandomAffine(
                augmentation.rotation_degrees,
                translate=(augmentation.width_shift, augmentation.height_shift),
                scale=(1 - augmentation.zoom, 1 + augmentation.zoom),
                shear=augmentation.shear_degrees,
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    return _load(ImageFolder(task.pictures, transform), task)


def albumentations(task: Task) -> Source:
    """One `Affine` and OpenCV's threads off, as its documentation recommends beside workers."""
    import albumentations as transforms
    import cv2
    import torch
    from torchvision.datasets import ImageFolder

    variant = PAPER.variants[task.variant]
    augmentation = variant.augmentation
    assert augmentation is not None
    cv2.setNumThreads(0)
    zoom, degrees = augmentation.zoom, augmentation.rotation_degrees
    transform = transforms.Compose(
        [
            transforms.Resize(variant.input_size, variant.input_size, interpolation=cv2.INTER_LINEAR),
            transforms.Affine(
                rotate=(-degrees, degrees),
                translate_percent={
                    "x": (-augmentation.width_shift, augmentation.width_shift),
                    "y": (-augmentation.height_shift, augmentation.height_shift),
                },
                scale={"x": (1 - zoom, 1 + zoom), "y": (1 - zoom, 1 + zoom)},
                shear=(-augmentation.shear_degrees, augmentation.shear_degrees),
                interpolation=cv2.INTER_LINEAR,
                border_mode=cv2.BORDER_REPLICATE,
                p=1,
            ),
            transforms.HorizontalFlip(p=0.5),
            transforms.ToFloat(255),
        ]
    )

    def load(path: str) -> np.ndarray:
        return np.asarray(cv2.cvtColor(cv2.imread(str(Path(path))), cv2.COLOR_BGR2RGB))

    return _load(
        ImageFolder(task.pictures, lambda image: torch.from_numpy(transform(image=image)["image"]), None, load), task
    )


def _load(dataset: Any, task: Task) -> Source:
    from torch.utils.data import DataLoader

    # on one core a worker only adds its copy of each batch to the same core's work
    workers = {"num_workers": 2, "persistent_workers": True} if task.cores > 1 else {}
    loader: Any = DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True, drop_last=True, **workers)

    def batches() -> Iterator[Any]:
        while True:
            yield from (images for images, _ in loader)

    return Source(batches())


def kornia(task: Task) -> Source:
    """On whole batches, from the same memory-mapped array as ours, and one channel until the end: in its favour."""
    import torch
    from kornia import augmentation as transforms
    from torch.nn import functional

    from input_peers.ours import epochs

    variant = PAPER.variants[task.variant]
    augmentation = variant.augmentation
    assert augmentation is not None
    torch.set_num_threads(task.cores)
    zoom = (1 - augmentation.zoom, 1 + augmentation.zoom)
    augment = transforms.AugmentationSequential(
        transforms.RandomAffine(
            augmentation.rotation_degrees,
            translate=(augmentation.width_shift, augmentation.height_shift),
            scale=(*zoom, *zoom),
            shear=augmentation.shear_degrees,
            padding_mode="border",
            p=1.0,
        ),
        transforms.RandomHorizontalFlip(p=0.5),
    )

    def batches() -> Iterator[Any]:
        with torch.inference_mode():
            for batch in epochs(task, []):
                images = torch.from_numpy(batch.images)[:, None].float() / 255
                images = functional.interpolate(images, size=variant.input_size, mode="bilinear", align_corners=False)
                yield augment(images).expand(-1, 3, -1, -1).contiguous()

    return Source(batches())
