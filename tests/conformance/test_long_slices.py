"""Slices longer than what one call of Keras' `fit` keeps the losses of, which a fast GPU reaches in seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.interface import Implementation
from tests.support.checks import check_same_bits
from tests.support.models import (
    build,
    faces,
    narrow_variant,
    shared_model,
)


def test_a_slice_of_several_calls_counts_every_step(
    implementation: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = replace(narrow_variant("vgg16-scratch"), blocks=1)
    model = shared_model(implementation, variant)
    batches = list(faces(variant))[:3]
    answers = [model.activations(batch, training=True)["logits"].argmax(1).astype(np.int32) for batch in batches]
    batches = [replace(batch, labels=labels) for batch, labels in zip(batches, answers, strict=True)]
    expected = model.train(batches, learning_rate=0.0)
    assert expected.correct == expected.examples == sum(map(len, batches)), "every answer is made right"
    with monkeypatch.context() as patch:
        if implementation.name == "keras3":
            patch.setattr("impls.keras3.implementation.STEPS_A_CALL", 2)
        observed = build(implementation, variant).train(batches, learning_rate=0.0)
    check_same_bits({"losses": observed.step_losses}, {"losses": expected.step_losses}, what="step losses")
    assert (observed.correct, observed.examples) == (expected.correct, expected.examples)
