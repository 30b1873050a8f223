"""Times training steps of one variant in one framework, in turns with a bare loop, and prints them as JSON.

A process of its own: Keras reads its backend at import, and frameworks in one process take each other's threads.

    python benchmarks/step_worker.py vgg16-scratch keras3 --backend jax --batches 4 --turns 20
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count

import numpy as np
from bare_loops import bare_keras, bare_pytorch

from harness.architectures import initial_weights
from harness.data.batches import plain_batches, training_batches
from harness.data.toyfaces import toyfaces
from harness.interface import CLASSES, Runtime
from harness.measuring.speed import numpy_product, product_operations
from harness.measuring.turns import take_turns
from harness.operations import step_flops
from harness.papers import load_paper
from harness.registry import IMPLEMENTATIONS, KERAS_BACKENDS, load_implementation
from harness.variant import Variant

PAPER = load_paper("jahangir2024")

SEED = 0
PRODUCT_TURNS = 8


@dataclass(frozen=True)
class Timings:
    """Seconds of the same work, in turns.

    Attributes:
        images: How many each side trains a turn.
        flops: Floating-point operations of a turn.
        ours: Seconds of the harness' turns, pictures and totals included.
        bare: Seconds of the bare loop's turns.
        beside_products: Seconds of the harness' turns among the machine's own matrix products.
        rates: Of those products, in GFLOP/s, one in each turn.
        versions: Of the frameworks.
    """

    images: int
    flops: int
    ours: list[float]
    bare: list[float]
    beside_products: list[float]
    rates: list[float]
    versions: dict[str, str]


def measure(variant: Variant, name: str, backend: str | None, *, batches: int, turns: int) -> Timings:
    """Train `batches` full batches a turn, as a whole epoch of that many pictures: order and maps are drawn anew."""
    dataset = toyfaces(training=batches * variant.batch_size, public_test=7, private_test=7)
    rows, ones, epochs = dataset.rows("training"), np.ones(len(CLASSES)), count()
    implementation = load_implementation(name, keras_backend=backend)
    model = implementation.build(variant, weights=initial_weights(variant, SEED), seed=SEED, runtime=Runtime())

    def ours() -> None:
        feed = training_batches(dataset, rows, variant, class_weights=ones, seed=SEED, epoch=next(epochs))
        model.train(feed, learning_rate=variant.learning_rate)
        model.wait()

    plain = plain_batches(dataset, rows, variant.batch_size)
    pictures = np.concatenate([model.pixels(batch) for batch in plain])
    bare = {"keras3": bare_keras, "pytorch": bare_pytorch}[name](
        variant, pictures, dataset.labels[rows].astype(np.int32)
    )
    of_ours, of_bare = take_turns(ours, bare, turns=turns)
    # not in the same turns: the product's threads spin on for a while, and whoever comes next would pay for it
    beside_products, of_products = take_turns(ours, partial(numpy_product(), 1), turns=PRODUCT_TURNS)
    return Timings(
        images=len(rows),
        flops=batches * step_flops(variant, variant.phases[0]),
        ours=of_ours,
        bare=of_bare,
        beside_products=beside_products,
        rates=[product_operations() / each / 1e9 for each in of_products],
        versions=dict(implementation.versions()),
    )


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=PAPER.variants)
    parser.add_argument("implementation", choices=IMPLEMENTATIONS)
    parser.add_argument("--backend", choices=KERAS_BACKENDS)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--turns", type=int, default=20)
    given = parser.parse_args()
    variant = replace(PAPER.variants[given.variant], batch_size=given.batch_size)
    found = measure(variant, given.implementation, given.backend, batches=given.batches, turns=given.turns)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
