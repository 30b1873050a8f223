"""FER-2013 itself, where it is given: the figures of the knowledge base, counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.data.dataset import Dataset, identity
from harness.data.fer2013 import inspect_fer2013, load_fer2013
from harness.data.inspection import Inspection
from harness.data.splits import (
    clean_test_rows,
    hash_groups,
    honest_split,
    leaked_rows,
    paper_test_rows,
)

pytestmark = pytest.mark.dataset

ZIP_DIGEST = "8669c3a3826b5b54062126ba0ae1b16925257783607d0599dc0d62a1a9775419"
"""Of the usual download's pixels as libjpeg-turbo decodes them, read by the door `zip`."""


@pytest.fixture(scope="module")
def dataset(fer2013_path: Path) -> Dataset:
    return load_fer2013(fer2013_path, cache=False)


@pytest.fixture(scope="module")
def inspection(fer2013_path: Path) -> Inspection:
    return inspect_fer2013(fer2013_path)


def test_it_is_the_known_data_set(dataset: Dataset) -> None:
    assert dataset.deviations == ()
    assert [len(dataset.rows(split)) for split in ("training", "public_test", "private_test")] == [
        28709,
        3589,
        3589,
    ]
    assert identity(dataset.images, dataset.labels, dataset.splits, dataset.door) == dataset.digest
    if dataset.door == "zip":
        assert dataset.digest == ZIP_DIGEST


def test_its_flaws_are_the_known_ones(inspection: Inspection) -> None:
    assert inspection.deviations == ()
    assert inspection.unique == 34_034
    assert inspection.duplicates == {"training": 1236, "public_test": 26, "private_test": 17}
    assert inspection.conflicting_groups == 57
    assert inspection.leaked == 568
    assert inspection.blank == 12
    assert len(inspection.blank_labels) == 5


def test_labels_of_leaked_images_by_each_way_of_counting(dataset: Dataset, inspection: Inspection) -> None:
    # A leaked image may have several twins in training, with several labels, so "the same label" has three
    # meanings. The 545 in circulation asks the first twin alone, and so depends on the order of files.
    groups = hash_groups(dataset.images)
    twins: dict[int, list[int]] = {}
    for row in dataset.rows("training"):
        twins.setdefault(int(groups[row]), []).append(int(dataset.labels[row]))
    leaked = [(int(dataset.labels[row]), twins[int(groups[row])]) for row in leaked_rows(dataset)]
    assert sum(label in labels for label, labels in leaked) == inspection.leaked_same_label == 552
    assert sum({label} == set(labels) for label, labels in leaked) == 540
    if dataset.door in ("zip", "folder"):
        assert sum(label == labels[0] for label, labels in leaked) == 545


def test_its_test_rows_are_of_the_known_number(dataset: Dataset) -> None:
    assert len(paper_test_rows(dataset)) == 7178
    assert len(clean_test_rows(dataset)) == 6610


def test_the_honest_split_watches_a_tenth(dataset: Dataset) -> None:
    training, watched = honest_split(dataset, seed=0)
    assert len(training) + len(watched) == 28_709
    per_class = np.bincount(dataset.labels[watched]) / np.bincount(dataset.labels[dataset.rows("training")])
    # Groups are small beside classes: the largest has 12 images, the smallest class 436.
    np.testing.assert_allclose(per_class, 0.1, atol=12 / 436)
