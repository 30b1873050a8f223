"""Which rows train, are watched and are scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.dataset import Dataset, DatasetError
from harness.training.budget import Budget
from harness.training.rows import make_plan
from tests.support.fake_model import numbered_dataset
from tests.support.fit_run import UNLIMITED


@given(examples=st.integers(7, 200), test_examples=st.integers(7, 100), seed=st.integers(0, 2**32))
def test_a_capped_plan_keeps_classes_and_order(examples: int, test_examples: int, seed: int) -> None:
    dataset = numbered_dataset(training=140, public_test=35, private_test=35)
    budget = Budget("custom", examples=examples, test_examples=test_examples)
    plan = make_plan(dataset, "paper", budget, seed=seed)
    for rows, wanted, splits in ((plan.training_rows, examples, {0}), (plan.test_rows, test_examples, {1, 2})):
        count = min(wanted, 140 if splits == {0} else 70)
        per_class = np.bincount(dataset.labels[rows], minlength=7)
        assert len(rows) == count
        assert per_class.min() >= count // 7
        assert per_class.max() <= -(-count // 7)
        assert (np.diff(rows) > 0).all(), "the data set's order is kept"
        assert set(dataset.splits[rows].tolist()) <= splits
    np.testing.assert_array_equal(plan.watched_rows, plan.test_rows)
    again = make_plan(dataset, "paper", budget, seed=seed)
    np.testing.assert_array_equal(plan.training_rows, again.training_rows)
    np.testing.assert_array_equal(plan.test_rows, again.test_rows)


def test_rare_classes_keep_their_proportions_and_at_least_one() -> None:
    labels = np.array([0] * 100 + [1] * 10 + [2] * 1, np.uint8)
    dataset = numbered_dataset(training=111, public_test=7, private_test=7)
    labels = np.concatenate([labels, dataset.labels[111:]])
    dataset = Dataset(dataset.images, labels, dataset.splits, "toyfaces", "toyfaces", "")
    plan = make_plan(dataset, "paper", Budget("custom", examples=22), seed=3)
    np.testing.assert_array_equal(np.bincount(labels[plan.training_rows]), [19, 2, 1])


def test_another_seed_draws_other_images() -> None:
    dataset, budget = numbered_dataset(training=140), Budget("custom", examples=21)
    first, second = (make_plan(dataset, "paper", budget, seed=seed).training_rows for seed in (0, 1))
    assert first.tolist() != second.tolist()


def test_an_uncapped_plan_takes_everything() -> None:
    dataset = numbered_dataset()
    plan = make_plan(dataset, "paper", UNLIMITED, seed=0)
    assert plan.training_rows.tolist() == list(range(50))
    assert plan.test_rows.tolist() == list(range(50, 90))


@pytest.mark.parametrize("split", [0, 1], ids=["training alone", "tests alone"])
def test_a_data_set_without_a_split_is_refused(split: int) -> None:
    dataset = numbered_dataset()
    dataset = replace(dataset, splits=np.full_like(dataset.splits, split))
    with pytest.raises(DatasetError, match="lacks a split"):
        make_plan(dataset, "paper", UNLIMITED, seed=0)
