"""What training begins with: drawn weights, or a published base that is fetched before the run starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.architectures import initial_weights
from harness.records.record import WeightsIdentity
from harness.records.spec import RunSpec
from harness.weights.canonical import digest
from harness.weights.catalogue import find_checkpoint
from harness.weights.locate import find_file, load_base_weights


def fetch_weights(spec: RunSpec) -> None:
    """Download what a run will want and this machine has not.

    Raises:
        WeightsError: If it cannot be had.
    """
    variant = spec.variant
    if variant.weights_source != "random" and not spec.stand_in_weights:
        name, checkpoint = find_checkpoint(variant.weights_source, variant.architecture)
        find_file(name, checkpoint, weights_dir=Path(spec.weights_dir) if spec.weights_dir else None, download=True)


def first_weights(spec: RunSpec) -> tuple[dict[str, NDArray[np.float32]], WeightsIdentity]:
    """What training begins with: drawn from the seed, the base from ImageNet where the variant says so.

    Raises:
        WeightsError: If ImageNet's weights cannot be had or do not fit.
    """
    drawn = initial_weights(spec.variant, spec.seed)
    source = spec.variant.weights_source
    if source == "random" or spec.stand_in_weights:
        return drawn, WeightsIdentity("random" if source == "random" else "stand-in", None, digest(drawn))
    base = load_base_weights(source, spec.variant, weights_dir=Path(spec.weights_dir) if spec.weights_dir else None)
    return {**drawn, **base.weights}, WeightsIdentity(base.source, base.file_name, base.digest)
