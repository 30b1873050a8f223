"""Predicted memory against sums by hand, and what people are told when it was not enough."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from harness.interface import Precision
from harness.measuring import memory
from harness.measuring.memory import (
    DEVICE_MEMORY,
    DISPLAY,
    FRAMEWORK,
    GIB,
    MemoryPrediction,
    memory_table,
    out_of_memory_advice,
    predict_memory,
    predict_peak,
    predictions,
    too_large_warning,
)
from harness.records.record import Memory
from harness.report.records import memory_line
from harness.variant import Phase
from tests.support.papers import PAPER
from tests.support.repository import ROOT

ALL, HEAD = Phase(1, "all"), Phase(1, "head")
LOSS = 7 * 4 + 4 + 8
"""Bytes an image: log-softmax, weight, label; and 4 of a sum for all images."""

every_reading = pytest.mark.parametrize(
    "name", [f"{name}@{reading.name}" for name in PAPER.variants for reading in PAPER.readings[name]]
)


def test_what_vgg16_keeps_by_hand() -> None:
    """One block at 48×48 with one image: pixels, two ReLUs, where the maxima were, what the pooling gave; the head."""
    variant = replace(PAPER.variants["vgg16-scratch"], blocks=1)
    base = 48 * 48 * 4 + 2 * 48 * 48 * 64 * 4 + 24 * 24 * 64 * (8 + 4)
    head = 64 * 4 + 64 * 1 + 64 * 4 + 32 * 4  # a ReLU, a mask, what dropout gave, a ReLU
    assert predict_memory(variant, ALL, batch_size=1).kept == base + head + LOSS + 4


def test_a_frozen_base_keeps_nothing_but_its_features() -> None:
    variant = PAPER.variants["resnet50-transfer"]
    head = 2048 * 4 + 128 * 4 + 128 * 1 + 128 * 4
    assert predict_memory(variant, HEAD).kept == 32 * (head + LOSS) + 4


def test_the_first_step_of_the_backward_pass_by_hand() -> None:
    """vgg16-transfer at the last ReLU of its first block: what is kept up to there, and two gradients of its size."""
    variant = replace(PAPER.variants["vgg16-transfer"], blocks=1, input_size=32)
    found, value = predict_memory(variant, ALL, batch_size=1), 32 * 32 * 64 * 4
    assert found.moment == "backward, block1_conv2_relu"
    assert found.activations == 32 * 32 * 3 * 4 + 2 * value
    assert found.in_flight == 2 * value
    head = 16 * 16 * 64 * 64 + 64 + 64 * 32 + 32 + 32 * 7 + 7
    assert found.gradients == 4 * head
    convolutions = 9 * 3 * 64 + 64 + 9 * 64 * 64 + 64
    assert (found.weights, found.moments, found.all_gradients) == tuple(
        4 * (head + convolutions) * each for each in (1, 2, 1)
    )
    assert found.training == found.weights + found.moments + found.gradients + found.activations + found.in_flight


def test_running_statistics_are_weights_without_a_gradient() -> None:
    found = predict_memory(PAPER.variants["resnet50-scratch"], ALL)
    assert found.weights - found.all_gradients == 4 * 2 * 26_560  # mean and variance of 26,560 channels


def test_checkpointing_keeps_the_inputs_of_blocks() -> None:
    variant = replace(PAPER.variants["vgg16-transfer"], input_size=32)
    found = predict_memory(variant, ALL, batch_size=1, checkpointing=True)
    inputs = [32 * 32 * 3, 16 * 16 * 64, 8 * 8 * 128, 4 * 4 * 256, 2 * 2 * 512]
    features = 512 * 4 + 512 * 1 + 512 * 4  # kept by nothing, for dropout; its mask; what it gave
    head = features - 512 * 4 + 64 * 4 + 32 * 4
    assert found.kept == 4 * sum(inputs) + head + LOSS + 4


def test_checkpointing_lowers_the_peak_to_that_of_the_largest_block() -> None:
    plain, frugal = (
        predict_memory(PAPER.variants["vgg16-transfer"], ALL, checkpointing=each) for each in (False, True)
    )
    assert frugal.moment == "backward, block1_conv2_relu"
    values, inputs, indices = 224 * 224 * 64 * 4, 224 * 224 * 3 * 4, 112 * 112 * 64 * 8
    assert frugal.activations + frugal.in_flight == 32 * (4 * values + inputs)
    assert frugal.training + 32 * indices < plain.training


@pytest.mark.parametrize(("precision", "share"), [("tf32", 1), ("float64", 2)])
def test_bytes_go_with_the_precision(precision: Precision, share: int) -> None:
    variant, plain = PAPER.variants["vgg16-scratch"], predict_memory(PAPER.variants["vgg16-scratch"], ALL)
    found = predict_memory(variant, ALL, precision=precision)
    assert (found.weights, found.moments, found.input) == (
        share * plain.weights, share * plain.moments, share * plain.input
    )  # fmt: skip


def test_mixed_halves_the_activations_and_copies_the_kernels() -> None:
    """One block at 48×48 with one image; labels, and where the maxima were, stay as they are, the loss is float32."""
    variant = replace(PAPER.variants["vgg16-scratch"], blocks=1)
    plain, mixed = (predict_memory(variant, ALL, batch_size=1, precision=each) for each in ("float32", "mixed"))
    assert (mixed.weights, mixed.moments) == (plain.weights, plain.moments)
    values = 48 * 48 + 2 * 48 * 48 * 64 + 24 * 24 * 64 + 64 + 64 + 32
    kernels = 9 * 64 + 9 * 64 * 64 + 24 * 24 * 64 * 64 + 64 * 32 + 32 * 7
    assert mixed.kept == 2 * (values + kernels) + 24 * 24 * 64 * 8 + 64 * 1 + LOSS + 4


@every_reading
def test_every_reading_fits_the_papers_card(name: str) -> None:
    variant = PAPER.find_variant(name)
    for phase in variant.phases:
        found = predict_memory(variant, phase)
        assert found.fits(), f"{name}, {phase.trainable}: {found.total / GIB:.2f} GiB"
        twice = 2 * max(found.training, found.evaluation) + FRAMEWORK  # Keras on JAX takes up to so much on a CPU
        assert twice <= DEVICE_MEMORY - DISPLAY, f"{name}, {phase.trainable}: {twice / GIB:.2f} GiB"


def test_fitting_leaves_room_for_a_display() -> None:
    found = next(predictions(PAPER.variants.values()))
    assert found.total == max(found.training, found.evaluation) + FRAMEWORK
    assert found.fits(found.total + DISPLAY)
    assert not found.fits(found.total + DISPLAY - 1)


def test_the_table_has_a_row_for_every_phase() -> None:
    _, _, *rows = memory_table(PAPER.variants.values()).splitlines()
    expected = [f"| {v.name}, {p.trainable} | {v.batch_size} |" for v in PAPER.variants.values() for p in v.phases]
    assert [row[: len(start)] for row, start in zip(rows, expected, strict=True)] == expected


def test_the_documentation_shows_the_table() -> None:
    text = (ROOT / "docs" / "explanation" / "memory.md").read_text(encoding="utf-8")
    assert memory_table(PAPER.variants.values()) in text


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="batch size 0; expected at least 1"):
        predict_memory(PAPER.variants["vgg16-scratch"], ALL, batch_size=0)


def test_a_record_shows_what_was_predicted_and_what_was_counted() -> None:
    shown = memory_line(Memory(4 * GIB, 2 * GIB, 3 * GIB))
    assert shown == (
        "memory: 2.00 GiB of tensors predicted, 3.00 GiB at most by the framework's allocator; "
        "with the framework's own share of the GPU 4.00 GiB predicted"
    )
    assert memory_line(Memory(4 * GIB, 2 * GIB, None)) == "memory: 2.00 GiB of tensors predicted, not measured"


# Out of memory


@pytest.fixture
def large() -> MemoryPrediction:
    return predict_memory(PAPER.variants["vgg16-transfer"], ALL)


def test_the_advice_names_the_figure_and_both_ways_out(large: MemoryPrediction) -> None:
    text = out_of_memory_advice(large, device_memory=5 * GIB, papers_batch=32)
    frugal = predict_memory(large.variant, ALL, checkpointing=True)
    assert text.startswith(
        "the device ran out of memory: vgg16-transfer, phase 'all', batch 32, float32 was predicted to need "
        f"{large.total / GIB:.2f} GiB"
    )
    assert "the device has 5.00 GiB, of which 1.00 GiB are left to a display. Two ways out:" in text
    assert "--checkpointing, which computes each block again and keeps the mathematics, is predicted to" in text
    assert f"need {frugal.total / GIB:.2f} GiB; --batch-size " in text
    assert text.endswith("but the paper's is 32, so that the run becomes NOT_COMPARABLE")


def test_the_smaller_batch_is_the_largest_that_fits(large: MemoryPrediction) -> None:
    text = out_of_memory_advice(large, device_memory=5 * GIB, papers_batch=32)
    (size,) = (n for n in range(1, 33) if f"--batch-size {n} is predicted" in text)
    smaller, larger = (predict_memory(large.variant, ALL, batch_size=n) for n in (size, size + 1))
    assert smaller.fits(5 * GIB)
    assert not larger.fits(5 * GIB)


def test_who_chose_a_larger_batch_is_shown_the_papers_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the largest that fits is found among 20,000 in few steps."""
    asked: list[int | None] = []

    def predict(*given: Any, batch_size: int | None = None, **how: Any) -> MemoryPrediction:
        asked.append(batch_size)
        return predict_memory(*given, batch_size=batch_size, **how)

    monkeypatch.setattr(memory, "predict_memory", predict)
    variant = replace(PAPER.variants["vgg16-scratch"], batch_size=20_000)
    text = out_of_memory_advice(predict_memory(variant, ALL), device_memory=6 * GIB, papers_batch=32)
    papers = predict_memory(PAPER.variants["vgg16-scratch"], ALL)
    (most,) = re.findall(r"\(up to (\d+) should fit\)$", text)
    assert text.endswith(
        f"--batch-size 32, the paper's and the only comparable one, is predicted to need {papers.total / GIB:.2f} GiB "
        f"(up to {most} should fit)"
    )
    fits = [predict_memory(variant, ALL, batch_size=int(most) + more).fits(6 * GIB) for more in (0, 1)]
    assert fits == [True, False]
    assert len(asked) < 20


def test_checkpointing_that_does_not_fit_is_called_so(large: MemoryPrediction) -> None:
    frugal = predict_memory(large.variant, ALL, checkpointing=True)
    told = f"is predicted to need {frugal.total / GIB:.2f} GiB, too much as well; --batch-size"
    assert told in out_of_memory_advice(large, device_memory=4 * GIB, papers_batch=32)


def test_where_it_should_have_fitted_something_else_is_suspected(large: MemoryPrediction) -> None:
    text = out_of_memory_advice(large, device_memory=16 * GIB, papers_batch=32)
    assert "It should have fitted: look for another process on the device first" in text
    assert "--batch-size 16 is predicted" in text


def test_who_has_too_little_is_warned_before_the_start(large: MemoryPrediction) -> None:
    text = too_large_warning(large, device_memory=5 * GIB, papers_batch=32)
    assert text is not None
    assert text.startswith("vgg16-transfer, phase 'all', batch 32, float32 is predicted to need ")
    advice = out_of_memory_advice(large, device_memory=5 * GIB, papers_batch=32)
    assert text.partition(". Two ways out: ")[2] == advice.partition(". Two ways out: ")[2]


def test_who_has_enough_is_told_nothing(large: MemoryPrediction) -> None:
    assert too_large_warning(large, device_memory=large.total + DISPLAY, papers_batch=32) is None


def test_the_phase_that_needs_most_is_predicted() -> None:
    """resnet50-fine-tune trains its head, and then from conv5_block1 on, which needs more."""
    variant = PAPER.variants["resnet50-fine-tune"]
    head, later = (predict_memory(variant, each) for each in variant.phases)
    assert head.total < later.total
    assert predict_peak(variant) == later


def test_the_advice_ends_where_nothing_is_left_to_do() -> None:
    found = predict_memory(PAPER.variants["vgg16-transfer"], ALL, checkpointing=True)
    text = out_of_memory_advice(found, device_memory=2 * GIB, papers_batch=32)
    assert text.endswith("activation checkpointing is on already; no smaller batch is predicted to fit")
