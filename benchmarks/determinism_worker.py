"""Times training steps on torch in turns: deterministic ones, the same on memory as it comes, and ordinary ones.

    python benchmarks/determinism_worker.py vgg16-scratch pytorch --batches 2 --turns 24

The switch is the process', and is thrown between turns: all ways share one network and one heap. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count

import numpy as np

from harness.architectures import initial_weights
from harness.data.batches import training_batches
from harness.data.toyfaces import toyfaces
from harness.interface import CLASSES, Runtime
from harness.measuring.turns import take_turns
from harness.papers import load_paper
from harness.registry import IMPLEMENTATIONS, load_implementation
from harness.variant import Variant

PAPER = load_paper("jahangir2024")

SEED = 0


@dataclass(frozen=True)
class Timings:
    """Seconds of the same work, in turns.

    Attributes:
        images: How many are trained a turn.
        deterministic: Seconds with torch's deterministic operations, which fill new memory with NaN first.
        unfilled: The same without that filling.
        ordinary: Seconds without either.
        versions: Of the frameworks.
    """

    images: int
    deterministic: list[float]
    unfilled: list[float]
    ordinary: list[float]
    versions: dict[str, str]


def measure(variant: Variant, name: str, *, batches: int, turns: int) -> Timings:
    """Train `batches` full batches a turn; order and maps are drawn anew."""
    import torch

    dataset = toyfaces(training=batches * variant.batch_size, public_test=7, private_test=7)
    rows, ones, epochs = dataset.rows("training"), np.ones(len(CLASSES)), count()
    implementation = load_implementation(name, keras_backend="torch")
    model = implementation.build(variant, weights=initial_weights(variant, SEED), seed=SEED, runtime=Runtime())

    def way(*, is_deterministic: bool, fills: bool) -> Callable[[], None]:
        def train() -> None:
            torch.use_deterministic_algorithms(is_deterministic)
            torch.utils.deterministic.fill_uninitialized_memory = fills
            feed = training_batches(dataset, rows, variant, class_weights=ones, seed=SEED, epoch=next(epochs))
            model.train(feed, learning_rate=variant.learning_rate)
            model.wait()

        return train

    seconds = take_turns(
        way(is_deterministic=True, fills=True),
        way(is_deterministic=True, fills=False),
        way(is_deterministic=False, fills=False),
        turns=turns,
    )
    return Timings(len(rows), *seconds, versions=dict(implementation.versions()))


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=PAPER.variants)
    parser.add_argument("implementation", choices=IMPLEMENTATIONS)
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--turns", type=int, default=24)
    given = parser.parse_args()
    found = measure(PAPER.variants[given.variant], given.implementation, batches=given.batches, turns=given.turns)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
