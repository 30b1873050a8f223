"""Which images each score of a run counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.runs.assembly import scores_of
from harness.training.metrics import score
from tests.support.fake_model import numbered_dataset


def test_clean_scores_leave_out_images_that_train() -> None:
    dataset = numbered_dataset()
    images = dataset.images.copy()
    images[50] = images[3]
    dataset, rows = replace(dataset, images=images), np.arange(50, 90)
    logits = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
    scores, labels = scores_of(dataset, rows, logits), dataset.labels[rows]
    assert scores["paper_test"] == score(logits, labels)
    assert scores["clean_test"] == score(logits[1:], labels[1:])
