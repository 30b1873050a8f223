"""The embedded default data set: drawn faces with the seven expressions of FER-2013.

FER-2013 may not be shipped, so everything that needs faces but not *those* faces runs on these. Expressions
are combinations of facial actions; pose, identity, light, occlusion and camera vary as
`toyfaces_parameters` says. The classes are as unequal as in FER-2013's training split.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import (
    SPLITS,
    Dataset,
    DatasetError,
    identity,
)
from harness.data.toyfaces_drawing import Field, draw_faces
from harness.data.toyfaces_parameters import (
    ACTIONS,
    EXPRESSIONS,
    NUISANCES,
    RESTLESSNESS,
    Span,
)
from harness.interface import CLASSES, IMAGE_SIZE

FER2013_TRAINING_COUNTS: Final = (3995, 436, 4097, 7215, 4965, 4830, 3171)
"""Images of each class, in the order of `CLASSES`, in FER-2013's training split."""

# Pictures drawn at a time: few enough for their fields to fit into a core's cache, enough to make little of
# the overhead of each call.
CHUNK: Final = 12


def toyfaces(training: int = 2870, public_test: int = 359, private_test: int = 359, *, seed: int = 2013) -> Dataset:
    """Draw the default data set; the defaults are a tenth of FER-2013.

    Picture k of a class in a split depends on the seed, the split, the class and k alone: a larger set holds
    the pictures of a smaller one. Canonical order: by split; within a split the classes are interleaved
    evenly, picture k of a class of m at (k + ½) / m of the way, equal places by label.

    Args:
        training: Images in the training split, at least 7.
        public_test: Images in the public test split, at least 7.
        private_test: Images in the private test split, at least 7.
        seed: Seed of all that varies, 0 or more.

    Returns:
        Dataset of n = training + public_test + private_test images, shape (n, 48, 48). Every class is in
        every split; counts follow FER-2013's training split by largest remainders.

    Raises:
        DatasetError: If a split is too small to hold every class, or the seed is negative.
    """
    sizes = (training, public_test, private_test)
    for split, size in zip(SPLITS, sizes, strict=True):
        if size < len(CLASSES):
            raise DatasetError(
                f"toyfaces: {split} = {size} images, expected at least {len(CLASSES)}, one of each class; "
                f"leave the argument out for the default"
            )
    if seed < 0:
        raise DatasetError(f"toyfaces: seed = {seed}, expected a whole number from 0")
    splits = np.repeat(np.arange(len(SPLITS), dtype=np.uint8), sizes)
    places = [_interleave(class_counts(size)) for size in sizes]
    labels = np.concatenate([place[0] for place in places])
    positions = np.concatenate([place[1] for place in places])
    images = np.empty((len(labels), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    _keep_freed_memory()
    for start in range(0, len(labels), CHUNK):
        rows = slice(start, start + CHUNK)
        images[rows] = _draw(seed, splits[rows], labels[rows], positions[rows])
    digest = identity(images, labels, splits, "toyfaces")
    return Dataset(images, labels, splits, name="toyfaces", door="toyfaces", digest=digest)


def _keep_freed_memory() -> None:
    """Have the C library reuse the memory of the fields instead of fetching it anew for each.

    glibc returns freed blocks to the system unless it has seen a larger one freed (mallopt(3),
    M_MMAP_THRESHOLD: the threshold is dynamic). Measured on the default set: 430,000 page faults and 3.1 s
    without, 6,400 and 1.7 s with. The block is never touched, so it costs nothing where it does not help.
    """
    np.empty(1 << 23, np.uint8)


def class_counts(size: int) -> tuple[int, ...]:
    """Share out `size` images (at least 7) among the classes as FER-2013 does, at least one each.

    Largest remainders; what a class needs to reach one is taken from the largest class.

    Returns:
        Seven counts in the order of `CLASSES`, of sum `size`.
    """
    weights = np.array(FER2013_TRAINING_COUNTS)
    counts, remainders = np.divmod(size * weights, weights.sum())
    counts[np.argsort(-remainders, kind="stable")[: size - counts.sum()]] += 1
    while counts.min() < 1:
        counts[counts.argmin()] += 1
        counts[counts.argmax()] -= 1
    return tuple(int(count) for count in counts)


def _interleave(counts: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Labels of a split in canonical order, and of each image its number within its class; shapes (n,)."""
    labels = np.repeat(np.arange(len(counts), dtype=np.uint8), counts)
    positions = np.concatenate([np.arange(count) for count in counts])
    order = np.lexsort((labels, (2 * positions + 1) / np.array(counts)[labels]))
    return labels[order], positions[order]


def _draw(
    seed: int, splits: NDArray[np.uint8], labels: NDArray[np.uint8], positions: NDArray[np.intp]
) -> NDArray[np.uint8]:
    """Draw the images named by split, label and position, shape (n, 48, 48)."""
    # One uniform number for the way of showing the expression, then one for each action and nuisance.
    uniform = np.empty((len(labels), 1 + len(ACTIONS) + len(NUISANCES)), np.float64)
    grain = np.empty((len(labels), 4, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for row, key in enumerate(zip(splits, labels, positions, strict=True)):
        random = np.random.default_rng(np.random.SeedSequence((seed, *map(int, key))))
        uniform[row] = random.random(uniform.shape[1])
        grain[row] = np.frombuffer(random.bytes(grain[row].size), np.uint8).reshape(grain.shape[1:])
    low, high = _spans(labels, uniform[:, 0])
    values = (low + (high - low) * uniform[:, 1:]).astype(np.float32)
    face = {name: values[:, at, None, None] for at, name in enumerate((*ACTIONS, *NUISANCES))}
    return draw_faces(face, _bell(grain))


def _spans(labels: NDArray[np.uint8], choices: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Lowest and highest value of every action and nuisance for each image, two arrays (n, parameters)."""
    spans = [list(_spans_of(CLASSES[label], choice)) for label, choice in zip(labels, choices, strict=True)]
    bounds = np.array(spans, np.float64)  # (n, parameters, 2)
    return bounds[..., 0], bounds[..., 1]


def _spans_of(expression: str, choice: float) -> Iterator[Span]:
    """Spans of `ACTIONS`, then of `NUISANCES`, for the way of showing it that `choice` in [0, 1) picks."""
    ways = EXPRESSIONS[expression]
    actions = ways[int(choice * len(ways))]
    yield from (actions.get(name, RESTLESSNESS) for name in ACTIONS)
    yield from NUISANCES.values()


def _bell(grain: NDArray[np.uint8]) -> Field:
    """Nearly normal noise (mean 0, deviation 1) from the sum of four random bytes, shape (n, 48, 48).

    Sums are exact; NumPy's own normal numbers pass through the system's logarithm.
    """
    deviation = np.float32(2 * np.sqrt((256**2 - 1) / 12))
    total: Field = grain.sum(axis=1, dtype=np.float32)
    return (total - np.float32(4 * 127.5)) / deviation
