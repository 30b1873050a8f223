"""Trains a narrow network again and again, and prints what became of it, a line each: `bits_worker FRAMEWORK HOW…`.

A process of its own: Keras reads its backend at import. FRAMEWORK is `pytorch` or such as `keras3-torch`. A HOW is
`ordinary` or `deterministic`, with the seed of the dropout behind a hyphen; a process stays deterministic once it was.
A line is a digest of weights, running statistics, losses and logits. The network is VGG16 with dropout and a batch norm
in its head, and all of it is trained.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from harness.architectures import initial_weights
from harness.registry import load_implementation
from harness.weights.canonical import digest
from tests.support.models import (
    RUNTIMES,
    SEED,
    faces,
    pretrained_variant,
)

STEPS = 2


def main() -> None:
    """Read the command line, train, print."""
    name, _, backend = sys.argv[1].partition("-")
    implementation = load_implementation(name, keras_backend=backend or None)
    variant = pretrained_variant("vgg16-fine-tune@unfrozen")
    batches, weights = faces(variant), initial_weights(variant, SEED)
    runtime = RUNTIMES["pytorch" if backend == "torch" else name]
    for how in sys.argv[2:]:
        word, _, seed = how.partition("-")
        chosen = replace(runtime, deterministic={"ordinary": False, "deterministic": True}[word])
        model = implementation.build(variant, weights=weights, seed=int(seed), runtime=chosen)
        losses = model.train(batches[:STEPS], learning_rate=1e-3).step_losses
        print(digest({**model.get_weights(), "losses": losses, "logits": model.logits(batches[STEPS:])}))


if __name__ == "__main__":
    main()
