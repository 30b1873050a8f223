"""Which rows train, which are watched, and which are scored at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset, DatasetError
from harness.data.splits import honest_split, paper_test_rows
from harness.training.budget import Budget

ProtocolName = Literal["paper", "honest"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Which rows train and which are watched.

    Attributes:
        protocol: `paper` watches the tests after each epoch, as the paper did; `honest` a part of training.
        training_rows: Shape (n,).
        watched_rows: Shape (k,).
        test_rows: Rows scored at the end, shape (m,): both tests, in the data set's order.
    """

    protocol: ProtocolName
    training_rows: NDArray[np.intp]
    watched_rows: NDArray[np.intp]
    test_rows: NDArray[np.intp]


def make_plan(dataset: Dataset, protocol: ProtocolName, budget: Budget, *, seed: int) -> Plan:
    """Decide which rows train, are watched and are scored.

    Raises:
        DatasetError: If the data set is too small to be split.
    """
    tests = _draw_rows(dataset, paper_test_rows(dataset), budget.test_examples, seed)
    if protocol == "paper":
        training, watched = dataset.rows("training"), tests
    else:
        training, watched = honest_split(dataset, seed=seed)
    if not len(training) or not len(tests):
        raise DatasetError(
            f"{len(training):,} images to train on and {len(tests):,} to test on; expected some of either: "
            "the data set lacks a split"
        )
    return Plan(protocol, _draw_rows(dataset, training, budget.examples, seed), watched, tests)


def _draw_rows(dataset: Dataset, rows: NDArray[np.intp], count: int | None, seed: int) -> NDArray[np.intp]:
    """At most `count` rows in the proportions of the classes, each class at least once, ascending order kept."""
    if count is None or count >= len(rows):
        return rows
    shuffled = np.random.default_rng([seed, 3]).permutation(len(rows))
    labels = dataset.labels[rows[shuffled]]
    # position of each row within its class, as a fraction: taking the smallest is a stratified draw
    share = np.empty(len(rows))
    for label in np.unique(labels):
        (members,) = np.nonzero(labels == label)
        share[members] = np.arange(len(members)) / len(members)
    kept = shuffled[np.argsort(share, kind="stable")[:count]]
    return rows[np.sort(kept)]
