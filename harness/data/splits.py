"""Which images train, which are watched, which are scored; groups of identical images; class weights."""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import SPLITS, Dataset, DatasetError
from harness.interface import CLASSES

_TRAINING: Final = SPLITS.index("training")


def hash_groups(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number images so that two have the same number if, and only if, their pixels are the same.

    Args:
        images: Grey images, shape (n, height, width).

    Returns:
        Group of each image, shape (n,), numbered 0, 1, … in the order of first appearance. Pixels are
        compared by their SHA-256.
    """
    groups: dict[bytes, int] = {}
    pixels = np.ascontiguousarray(images)
    return np.fromiter(
        (groups.setdefault(hashlib.sha256(image.data).digest(), len(groups)) for image in pixels),
        dtype=np.int64,
        count=len(pixels),
    )


def paper_test_rows(dataset: Dataset) -> NDArray[np.intp]:
    """Rows of both tests, public before private, shape (k,): the paper's "validation", 7,178 in FER-2013."""
    return np.concatenate([dataset.rows("public_test"), dataset.rows("private_test")])


def leaked_rows(dataset: Dataset) -> NDArray[np.intp]:
    """Rows of tests whose pixels also lie in training, with whatever label, shape (k,): 568 in FER-2013."""
    tests = paper_test_rows(dataset)
    groups = hash_groups(dataset.images)
    return tests[np.isin(groups[tests], groups[dataset.rows("training")])]


def clean_test_rows(dataset: Dataset) -> NDArray[np.intp]:
    """Rows of both tests without `leaked_rows`, shape (k,): 6,610 in FER-2013."""
    return np.setdiff1d(paper_test_rows(dataset), leaked_rows(dataset), assume_unique=True)


def honest_split(dataset: Dataset, *, seed: int, fraction: float = 0.1) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split training into rows that train and rows that the rules watch, by groups of identical images.

    No image lies on both sides. Each class gives the fraction of its rows to the watched side, or less by
    fewer rows than its largest group has. Groups with conflicting labels count as the first of their classes.
    Groups that also lie in a test always train: rules that watch them would see test images.

    Groups are drawn by a hash of seed and pixels, so the same images fall on the same side with every version
    of NumPy and in every order of rows.

    Args:
        dataset: The data set; only its training split is divided.
        seed: Any integer; another seed draws other groups.
        fraction: Part of each class that is watched, in (0, 1).

    Returns:
        Rows that train and rows that are watched, each of shape (k,), ascending; together all of training.

    Raises:
        DatasetError: If `fraction` is not in (0, 1), or either side would be empty.
    """
    if not 0 < fraction < 1:
        raise DatasetError(f"fraction = {fraction}, expected a number between 0 and 1, both excluded")
    rows = dataset.rows("training")
    groups = hash_groups(dataset.images)
    in_tests = np.unique(groups[dataset.splits != _TRAINING])
    _, first, group, sizes = np.unique(groups[rows], return_index=True, return_inverse=True, return_counts=True)
    first_rows = rows[first]
    draw = np.array([_draw(seed, dataset.images[row]) for row in first_rows])
    group_labels = np.full(len(first_rows), len(CLASSES), dtype=np.uint8)
    np.minimum.at(group_labels, group, dataset.labels[rows])
    free = ~np.isin(groups[first_rows], in_tests)
    is_watched = np.zeros(len(first_rows), dtype=np.bool_)
    for label in range(len(CLASSES)):
        candidates = np.flatnonzero(free & (group_labels == label))
        candidates = candidates[np.argsort(draw[candidates], kind="stable")]
        wanted = round(fraction * np.count_nonzero(dataset.labels[rows] == label))
        is_watched[candidates[np.cumsum(sizes[candidates]) <= wanted]] = True
    watched, training = rows[is_watched[group]], rows[~is_watched[group]]
    if not len(watched) or not len(training):
        raise DatasetError(
            f"{len(rows):,} rows of training cannot be split: {len(training):,} would train and "
            f"{len(watched):,} be watched at fraction {fraction}; expected some on either side"
        )
    return training, watched


def class_weights(labels: NDArray[np.uint8], scheme: Literal["none", "balanced"]) -> NDArray[np.float64]:
    """Weight of each class in the loss.

    Args:
        labels: Labels of the rows that train, shape (n,), values 0..6.
        scheme: `none`: 1 each. `balanced`: n / (7 · count of the class), so that the mean over `labels` is 1.

    Returns:
        Weights, shape (7,), unitless.

    Raises:
        DatasetError: If a label is not a class, or `balanced` meets a class without an image.

    Source: scikit-learn, `compute_class_weight("balanced")`, after King and Zeng 2001.
    """
    counts = np.bincount(labels, minlength=len(CLASSES))
    if len(counts) > len(CLASSES):
        raise DatasetError(f"label {len(counts) - 1}, expected 0..{len(CLASSES) - 1}")
    if scheme == "none":
        return np.ones(len(CLASSES))
    absent = [name for name, count in zip(CLASSES, counts, strict=True) if count == 0]
    if absent:
        raise DatasetError(
            f"no image of {', '.join(absent)} among {len(labels):,} labels: balanced weights would be "
            "infinite; use more data, or no weights"
        )
    weights: NDArray[np.float64] = len(labels) / (len(CLASSES) * counts)
    return weights


def _draw(seed: int, image: NDArray[np.uint8]) -> int:
    """A number in [0, 2⁶³) from seed and pixels."""
    digest = hashlib.sha256(f"{seed}\0".encode())
    digest.update(image.tobytes())
    return int.from_bytes(digest.digest()[:8], "big") >> 1
