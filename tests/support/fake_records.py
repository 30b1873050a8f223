"""Records of runs that never took place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.interface import CLASSES
from harness.papers import Paper
from harness.records.machine import DeviceCalibration, Speed
from harness.records.record import (
    SCHEMA_VERSION,
    DatasetIdentity,
    Environment,
    RunRecord,
    Timings,
    WeightsIdentity,
)
from harness.records.spec import RunSpec
from harness.training.budget import BUDGETS, Budget
from harness.training.fit import EpochRecord
from harness.training.metrics import Score, score
from harness.training.stop_reason import StopReason
from harness.variant import Variant
from harness.verification.known_data import known_layout
from harness.weights.catalogue import find_checkpoint
from tests.support.papers import PAPER

FER2013 = DatasetIdentity("fer2013", "zip", "", (), 28709, 7178, 7178, (1.0,) * 7)
FER2013 = replace(FER2013, digest=known_layout(FER2013).digest)  # type: ignore[union-attr, arg-type]
TOYFACES = DatasetIdentity("toyfaces", "toyfaces", "cd" * 32, (), 960, 512, 512, (1.0,) * 7)
MACHINE = Environment(
    cpu="a processor",
    cpu_cores=2,
    memory_gigabytes=8.0,
    gpu=None,
    gpu_driver=None,
    operating_system="Linux 6.1",
    python="3.11.9",
    versions={"torch": "2.0", "numpy": "2.0"},
    threads={"libopenblas": 2},
    git_commit=None,
)
DRAWN = WeightsIdentity("random", None, "ef" * 32)
"""What a run from scratch begins with."""
SECONDS = Timings(1.0, 0.0, 20.0, 2.0, 4.0, 30.0, 96.0)


def fake_calibration(product: float = 40e12, **fields: Any) -> DeviceCalibration:
    """Rates of a GPU: its product, half of it by convolution, 700 GB/s, 180 pictures/s; each clocked three times."""

    def speed(work: str, rate: float) -> Speed:
        return Speed(work, rate, (1.0, 1.25, 0.8))

    values: dict[str, Any] = {
        "implementation": "pytorch",
        "keras_backend": None,
        "gpu": "NVIDIA GeForce RTX 4080 SUPER",
        "precision": "float32",
        "pipeline": "generator",
        "product": speed("8,192 × 8,192", product),
        "convolution": speed("3×3", product / 2),
        "bandwidth": speed("copy", 7e11),
        "pictures": (speed("generator, 224×224×3", 180.0),),
    }
    return DeviceCalibration(**(values | fields))


def epoch_record(
    epoch: int = 0, *, training_loss: float = 1.9, training_accuracy: float = 0.3, watched_accuracy: float = 0.35
) -> EpochRecord:
    return EpochRecord(epoch, 1e-3, training_loss, training_accuracy, 1.8, watched_accuracy, 10.0, 1.0, 2.0)


def history_of(watched: Sequence[float], *, training_accuracy: float = 0.4) -> tuple[EpochRecord, ...]:
    """Epochs with these watched accuracies, in order."""
    return tuple(
        epoch_record(
            epoch, training_loss=1.9 - 0.01 * epoch, training_accuracy=training_accuracy, watched_accuracy=each
        )
        for epoch, each in enumerate(watched)
    )


def score_of(accuracy: float, examples: int = 10_000) -> Score:
    """A score of this accuracy, to a ten-thousandth, in every class; wrong answers are the next class."""
    images = [len(part) for part in np.array_split(np.arange(examples), len(CLASSES))]
    rights = [len(part) for part in np.array_split(np.arange(round(accuracy * examples)), len(CLASSES))]
    confusion = np.diag(rights) + np.roll(np.diag(np.subtract(images, rights)), 1, axis=1)
    return Score(examples, accuracy, 1.0, _rows(confusion), dict.fromkeys(CLASSES, 0.5))


def score_of_confusion(confusion: NDArray[np.integer], loss: float = 1.0) -> Score:
    """The score of these answers."""
    accuracy = float(np.trace(confusion) / confusion.sum())
    return Score(int(confusion.sum()), accuracy, loss, _rows(confusion), dict.fromkeys(CLASSES, 0.5))


def _rows(confusion: NDArray[np.integer]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(count) for count in row) for row in confusion)


def first_weights(variant: Variant) -> WeightsIdentity:
    """What a run of a variant begins with."""
    if variant.weights_source == "random":
        return DRAWN
    name, checkpoint = find_checkpoint(variant.weights_source, variant.architecture)
    return WeightsIdentity(name, checkpoint.file, checkpoint.digest or "ef" * 32)


def fake_record(
    accuracy: float | None = 0.6723,
    *,
    variant: str | Variant = "vgg16-scratch",
    implementation: str = "pytorch",
    seed: int = 0,
    budget: Budget = BUDGETS["paper"],
    batch_size: int | None = None,
    protocol: str = "paper",
    paper: Paper = PAPER,
    **fields: Any,
) -> RunRecord:
    """A complete run of FER-2013 by the paper's protocol; None has no scores."""
    spec = RunSpec(
        asked=paper.find_variant(variant) if isinstance(variant, str) else variant,
        implementation=implementation,  # type: ignore[arg-type]
        keras_backend="jax" if implementation == "keras3" else None,
        fer2013="fer2013.zip",
        protocol=protocol,  # type: ignore[arg-type]
        budget=budget,
        batch_size=batch_size,
        seed=seed,
        paper=paper.name,
    )
    values: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run": spec.label,
        "status": "complete",
        "error": None,
        "started": "2024-01-01T00:00:00+00:00",
        "spec": spec,
        "dataset": FER2013,
        "weights": first_weights(spec.variant),
        "environment": MACHINE,
        "history": (
            epoch_record(0),
            epoch_record(1, training_loss=1.7, training_accuracy=0.4, watched_accuracy=accuracy or 0.35),
        ),
        "scores": {} if accuracy is None else {"paper_test": score_of(accuracy), "clean_test": score_of(accuracy)},
        "timings": SECONDS,
        "arrays_sha256": None,
    }
    values |= fields
    return RunRecord(**({"stop_reason": StopReason("all-epochs", len(values["history"]))} | values))


def fake_arrays(count: int = 14, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Arrays as a complete run leaves them."""
    logits = np.random.default_rng(seed).normal(size=(count, 7)).astype(np.float32)
    return {
        "initial_logits": logits[:7].copy(),
        "initial_rows": np.arange(7, dtype=np.int64),
        "test_logits": logits,
        "test_rows": np.arange(count, dtype=np.int64),
        "test_labels": (np.arange(count) % 7).astype(np.uint8),
    }


def scored(arrays: dict[str, NDArray[Any]]) -> Score:
    """What the arrays say of themselves."""
    return score(arrays["test_logits"], arrays["test_labels"])
