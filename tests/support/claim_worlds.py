"""Runs that only measures look at, and for each claim of the paper such as support and such as refute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.reading import KNOWN_COUNTS
from harness.interface import CLASSES
from harness.verification.flaws import StoredRun
from tests.support.fake_records import (
    MACHINE,
    epoch_record,
    fake_record,
    score_of,
)

SUPPORTS = np.array(KNOWN_COUNTS["public_test"]) + np.array(KNOWN_COUNTS["private_test"])
JITTER = (-0.001, 0.0, 0.002)
"""Of three seeds: enough of a spread for a t interval, too little to hide what a case is about."""

Recalls = Mapping[str, float]


def confusion(recalls: Recalls, *, taken_for: str | None = None) -> tuple[tuple[int, ...], ...]:
    """Counts with these recalls (others ½); wrong answers go to one class, or to all others alike."""
    rates = np.zeros((7, 7))
    for code, name in enumerate(CLASSES):
        rates[code] = (1 - recalls.get(name, 0.5)) / 6 if taken_for is None else 0
        if taken_for is not None:
            rates[code, CLASSES.index(taken_for)] = 1 - recalls.get(name, 0.5)
        rates[code, code] = recalls.get(name, 0.5) if name != taken_for else 1.0
    return tuple(tuple(int(count) for count in row) for row in np.rint(rates * SUPPORTS[:, None] * 10))


def run(
    variant: str,
    seed: int = 0,
    *,
    implementation: str = "pytorch",
    accuracy: float = 0.5,
    training: float = 0.6,
    recalls: Recalls | None = None,
    taken_for: str | None = None,
    mixed: tuple[str, str] | None = None,
    trained: list[float] | None = None,
    watched: list[float] | None = None,
    losses: list[float] | None = None,
    watched_losses: list[float] | None = None,
    seconds: float = 100.0,
    pipeline: str = "generator",
    gpu: str | None = "a card",
    epochs: int = 2,
    evaluation: float = 0.1,
    **spec: Any,
) -> StoredRun:
    """A run that only the measures look at; of its seconds `evaluation` is the share after the epochs."""
    jitter = JITTER[seed % 3]
    count = max(
        len(each) for each in ([0.5] * epochs, trained or [], watched or [], losses or [], watched_losses or [])
    )
    history = tuple(
        replace(
            epoch_record(epoch, training_accuracy=(trained or [training] * count)[epoch] + jitter),
            watched_accuracy=(watched or [0.5] * count)[epoch],
            training_loss=(losses or [1.0] * count)[epoch] + jitter,
            watched_loss=(watched_losses or [1.0] * count)[epoch] + jitter,
            training_seconds=seconds * (1 + jitter) * (1 - evaluation) / count,
            evaluation_seconds=seconds * (1 + jitter) * evaluation / count,
        )
        for epoch in range(count)
    )
    counts = np.array(confusion(dict.fromkeys(CLASSES, 0.5) | dict(recalls or {}), taken_for=taken_for))
    if mixed:
        one, other = (CLASSES.index(name) for name in mixed)
        counts[one, other] += 2000
    counts[0, 0] += seed  # no two seeds alike
    score = replace(score_of(accuracy + jitter, 7178), confusion=tuple(map(tuple, counts.tolist())))
    record = fake_record(
        variant=variant,
        implementation=implementation,
        seed=seed,
        history=history,
        scores={"paper_test": score, "clean_test": replace(score, examples=6610)},
        environment=replace(MACHINE, gpu=gpu),
    )
    record = replace(record, spec=replace(record.spec, pipeline=pipeline, **{"device": "gpu" if gpu else "cpu"} | spec))
    logits = np.eye(7, dtype=np.float32)[[0, 1, 2]]
    arrays = {"test_rows": np.arange(3), "test_labels": np.arange(3, dtype=np.uint8), "test_logits": logits}
    return StoredRun(Path(f"{record.run}.json"), record, arrays)


World = Mapping[str, Mapping[str, Any]]
"""What is particular about the runs of each variant."""


def runs_of(world: World, count: int = 3, **options: Any) -> list[StoredRun]:
    return [
        run(variant, seed, **(options | dict(fields))) for variant, fields in world.items() for seed in range(count)
    ]


def worlds(field: str, **values: float) -> World:
    """One number a variant, whose name is written vgg16_fine_tune."""
    return {
        name.replace("vgg16_", "vgg16-").replace("resnet50_", "resnet50-").replace("fine_tune", "fine-tune"): {
            field: value
        }
        for name, value in values.items()
    }


ACCURACY = worlds(
    "accuracy", vgg16_scratch=0.67, vgg16_transfer=0.70, vgg16_fine_tune=0.48,
    resnet50_scratch=0.55, resnet50_transfer=0.28, resnet50_fine_tune=0.25,
)  # fmt: skip


def with_accuracy(**values: float) -> World:
    return {**ACCURACY, **worlds("accuracy", **values)}


def falling(first: float, last: float, epochs: int = 20) -> list[float]:
    """A straight line from one to the other, which may lie above the first."""
    return np.linspace(first, last, epochs).tolist()


EASY = {"happy": 0.9, "neutral": 0.7, "fear": 0.4, "disgust": 0.3}
HARD = {"happy": 0.3, "neutral": 0.4, "fear": 0.7, "disgust": 0.8}
RISING = [0.2, 0.45, 0.5]
SLOW = [0.2, 0.25, 0.3, 0.3, 0.35, 0.38, 0.41]


def with_seconds(**values: float) -> World:
    """Seconds of all epochs that were planned where they are of unequal work."""
    given = {
        "vgg16_scratch": 100.0, "vgg16_transfer": 300.0, "vgg16_fine_tune": 300.0,
        "resnet50_scratch": 200.0, "resnet50_transfer": 700.0, "resnet50_fine_tune": 700.0,
    }  # fmt: skip
    return {name: {**fields, "epochs": 30} for name, fields in worlds("seconds", **(given | values)).items()}


SECONDS = with_seconds()

CASES: dict[str, tuple[World, World]] = {
    "vgg16-beats-resnet50": (ACCURACY, with_accuracy(resnet50_transfer=0.72)),
    "transfer-is-best-for-vgg16": (ACCURACY, with_accuracy(vgg16_transfer=0.66)),
    "scratch-is-best": (with_accuracy(vgg16_transfer=0.66), ACCURACY),
    "scratch-is-best-for-resnet50": (ACCURACY, with_accuracy(resnet50_fine_tune=0.6)),
    "fine-tuning-benefits-most": (with_accuracy(vgg16_fine_tune=0.72, resnet50_fine_tune=0.7), ACCURACY),
    "fine-tuning-reduces-accuracy": (ACCURACY, with_accuracy(vgg16_fine_tune=0.7)),
    "fine-tuning-costs-vgg16-little": (with_accuracy(vgg16_fine_tune=0.648), ACCURACY),
    "fine-tuning-does-not-enhance-resnet50": (ACCURACY, with_accuracy(resnet50_fine_tune=0.6)),
    "pretraining-improves-performance": (
        with_accuracy(vgg16_fine_tune=0.69, resnet50_transfer=0.6, resnet50_fine_tune=0.6),
        ACCURACY,
    ),
    "transfer-improves-vgg16": (
        {"vgg16-transfer": {"accuracy": 0.7, "training": 0.8}, "vgg16-scratch": {"accuracy": 0.67, "training": 0.72}},
        {"vgg16-transfer": {"accuracy": 0.7, "training": 0.7}, "vgg16-scratch": {"accuracy": 0.67, "training": 0.72}},
    ),
    "transfer-reduces-resnet50": (
        {"resnet50-transfer": {"accuracy": 0.28, "training": 0.27}, "resnet50-scratch": {"training": 0.56}},
        {"resnet50-transfer": {"accuracy": 0.6, "training": 0.27}, "resnet50-scratch": {"training": 0.56}},
    ),
    "vgg16-leads-most-by-transfer": (ACCURACY, with_accuracy(resnet50_transfer=0.69)),
    "pretraining-converges-faster": (
        {f"{net}-{way}": {"watched": SLOW if way == "scratch" else RISING}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer", "fine-tune")},
        {f"{net}-{way}": {"watched": RISING if way == "scratch" else SLOW}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer", "fine-tune")},
    ),
    "transfer-converges-faster-and-generalises-better": (
        {f"{net}-{way}": {"watched": SLOW if way == "scratch" else RISING, "training": 0.7 if way == "scratch" else 0.6}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer")},
        {f"{net}-{way}": {"watched": SLOW if way == "scratch" else RISING, "training": 0.6 if way == "scratch" else 0.7}
         for net in ("vgg16", "resnet50") for way in ("scratch", "transfer")},
    ),
    "transfer-avoids-overfitting": (
        worlds("training", vgg16_transfer=0.6, vgg16_scratch=0.7),
        worlds("training", vgg16_transfer=0.7, vgg16_scratch=0.6),
    ),
    "fine-tuning-overfits": (
        worlds("training", vgg16_fine_tune=0.7, vgg16_scratch=0.6),
        worlds("training", vgg16_fine_tune=0.4, vgg16_scratch=0.6),
    ),
    "resnet50-generalises-better": (
        worlds("training", resnet50_scratch=0.52, vgg16_scratch=0.6),
        worlds("training", resnet50_scratch=0.7, vgg16_scratch=0.6),
    ),
    "stop-rule-avoids-overfitting": (
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.65, "training": 0.8}},
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.69, "training": 0.8}},
    ),
    "no-way-to-improve": (
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.672}},
        {"vgg16-scratch": {"accuracy": 0.67}, "vgg16-scratch@unstopped": {"accuracy": 0.69}},
    ),
    "validation-loss-levels-off-higher": (
        {"vgg16-transfer": {"losses": falling(2.0, 0.5), "watched_losses": [2.0] * 5 + [1.1] * 15}},
        {"vgg16-transfer": {"losses": falling(2.0, 0.5), "watched_losses": [2.0] * 5 + [0.4] * 15}},
    ),
    "validation-accuracy-rises-more-slowly": (
        {"vgg16-transfer": {"trained": falling(0.3, 0.8), "watched": falling(0.4, 0.6)}},
        {"vgg16-transfer": {"trained": falling(0.3, 0.5), "watched": falling(0.3, 0.6)}},
    ),
    "loss-falls-in-ten-epochs": (
        {"resnet50-fine-tune": {"losses": [3.0] + [1.0] * 29, "watched_losses": [2.0] + [1.0] * 29}},
        {"resnet50-fine-tune": {"losses": [3.0] + [1.0] * 29, "watched_losses": [2.0] * 15 + [1.0] * 15}},
    ),
    "loss-falls-to-the-end": (
        {"resnet50-scratch": {"losses": falling(2.0, 1.0), "watched_losses": falling(2.0, 1.5)}},
        {"resnet50-scratch": {"losses": falling(2.0, 1.0), "watched_losses": falling(2.0, 1.0)[::2] + [1.3] * 10}},
    ),
    "fine-tuning-is-unsteady": (
        {"vgg16-fine-tune": {"trained": falling(0.3, 0.5), "watched": [0.4, 0.5] * 10}},
        {"vgg16-fine-tune": {"trained": [0.3, 0.4] * 10, "watched": falling(0.2, 0.6)}},
    ),
    "augmentation-improves-generalisation": (
        {f"{net}-transfer{way}": {"accuracy": 0.5 if way else 0.6}
         for net in ("vgg16", "resnet50") for way in ("", "@unaugmented")},
        {f"{net}-transfer{way}": {"accuracy": 0.6 if way else 0.5}
         for net in ("vgg16", "resnet50") for way in ("", "@unaugmented")},
    ),
    "class-weights-address-imbalance": (
        {f"{net}-scratch{way}": {"recalls": {"disgust": 0.6 if way else 0.4}}
         for net in ("vgg16", "resnet50") for way in ("", "@balanced")},
        {f"{net}-scratch{way}": {"recalls": {"disgust": 0.4 if way else 0.6}}
         for net in ("vgg16", "resnet50") for way in ("", "@balanced")},
    ),
    "better-than-human": (worlds("accuracy", vgg16_scratch=0.70), worlds("accuracy", vgg16_scratch=0.62)),
    "sets-a-new-standard": (worlds("accuracy", vgg16_scratch=0.70), worlds("accuracy", vgg16_scratch=0.62)),
    "surpasses-benchmarks": (worlds("accuracy", vgg16_scratch=0.62), worlds("accuracy", vgg16_scratch=0.50)),
    "happy-and-neutral-are-easy": (
        {"vgg16-scratch": {"recalls": EASY}, "resnet50-scratch": {"recalls": EASY}},
        {"vgg16-scratch": {"recalls": EASY}, "resnet50-scratch": {"recalls": HARD}},
    ),
    "vgg16-scratch-knows-happy-and-neutral": (
        {"vgg16-scratch": {"recalls": EASY}},
        {"vgg16-scratch": {"recalls": HARD}},
    ),
    "vgg16-fine-tune-excels-in-happy": (
        {"vgg16-fine-tune": {"recalls": EASY}},
        {"vgg16-fine-tune": {"recalls": EASY | {"fear": 0.6}}},
    ),
    "vgg16-transfer-confuses-two-pairs": (
        {"vgg16-transfer": {"recalls": dict.fromkeys(CLASSES, 0.9) | {"sad": 0.1}, "taken_for": "neutral",
                            "mixed": ("fear", "surprise")}},
        {"vgg16-transfer": {"mixed": ("angry", "happy")}},
    ),
    "resnet50-scratch-knows-happy-best": (
        {"resnet50-scratch": {"recalls": {"happy": 0.9}}},
        {"resnet50-scratch": {"recalls": {"surprise": 0.9}}},
    ),
    "resnet50-scratch-confuses-sad-and-neutral": (
        {"resnet50-scratch": {"mixed": ("sad", "neutral")}},
        {"resnet50-scratch": {"mixed": ("sad", "fear")}},
    ),
    "resnet50-transfer-takes-others-for-happy": (
        {"resnet50-transfer": {"taken_for": "happy"}},
        {"resnet50-transfer": {"taken_for": "sad"}},
    ),
    "resnet50-fine-tune-answers-happy": (
        {"resnet50-fine-tune": {"recalls": dict.fromkeys(CLASSES, 0.1), "taken_for": "happy"}},
        {"resnet50-fine-tune": {}},
    ),
    "resnet50-takes-twice-the-time": (SECONDS, with_seconds(resnet50_fine_tune=500)),
    "vgg16-trains-faster": (SECONDS, with_seconds(resnet50_fine_tune=200)),
    "pretraining-takes-longer": (SECONDS, with_seconds(resnet50_fine_tune=100)),
    "scratch-is-time-consuming": (with_seconds(vgg16_scratch=900, resnet50_scratch=900), SECONDS),
    "resnet50-transfer-takes-as-long-as-fine-tuning": (SECONDS, with_seconds(resnet50_fine_tune=800)),
}  # fmt: skip
