"""Whether a stored run can have come about as it says: each figure is computed anew from what else is stored.

Needs neither framework nor GPU nor the pictures. What a forger could still do, and what notices it, stands in
docs/explanation/judging.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Final

import numpy as np

from harness.architectures import count_parameters, initial_weights
from harness.data.dataset import Dataset
from harness.data.splits import class_weights
from harness.interface import CLASSES
from harness.records.record import DatasetIdentity, RunRecord
from harness.variant import Variant
from harness.verification.flaws import Flaw, StoredRun
from harness.verification.history import check_history, check_timings
from harness.verification.known_data import (
    TEST_SPLITS,
    Layout,
    known_layout,
    layout_of,
)
from harness.verification.scores import check_results
from harness.weights.canonical import digest
from harness.weights.catalogue import WeightsError, find_checkpoint

MOST_PARAMETERS: Final = 10**8
"""Of a network whose first weights are drawn to see whether the seed gives them: 400 MB."""


def verify(run: StoredRun, data: Dataset | None = None) -> tuple[Flaw, ...]:
    """All that contradicts itself, or what is known of the data, in a stored run; empty for a sound one.

    Args:
        run: The record and its arrays.
        data: The data set, if it is at hand: then the labels of every door, the images of every split and the rows
            that a budget drew are checked as well.
    """
    record = run.record
    count = count_parameters(record.spec.variant)
    if count > MOST_PARAMETERS:
        return (Flaw("reach", f"a network of {count:,} parameters", f"at most {MOST_PARAMETERS:,}"),)
    layout = find_layout(record.dataset, data)
    flaws = [*_check_name_and_start(run), *_check_first_weights(record), *check_history(record), *check_timings(record)]
    if record.dataset is not None:
        flaws += _check_data(record, record.dataset, layout)
    if record.status == "complete":
        if record.dataset is None:
            flaws.append(Flaw("data", "a complete run without a data set", "the one that it was done on"))
        flaws += check_results(run, layout)
    elif record.scores:
        flaws.append(
            Flaw("scores", f"a run that was {record.status} has scores", "none: only a complete run is scored")
        )
    return tuple(flaws)


def find_layout(identity: DatasetIdentity | None, data: Dataset | None) -> Layout | None:
    """What is known of a run's data: all where the data set given is its own."""
    if identity is None:
        return None
    if data is not None:
        is_meant = data.door == identity.door and not data.deviations and not identity.deviations
        if is_meant or data.digest == identity.digest:
            return layout_of(data)
    return known_layout(identity)


def _check_name_and_start(run: StoredRun) -> Iterator[Flaw]:
    """By the one runs are told apart, by the other they are put in order."""
    name, started = run.record.run, run.record.started
    if name != run.path.stem:
        advice = "give the file and its arrays their own name again"
        yield Flaw("name", f"the record calls itself {name}", f"{run.path.stem}, as its file is named", advice)
    try:
        is_moment = datetime.fromisoformat(started).tzinfo is not None
    except ValueError:
        is_moment = False
    if not is_moment:
        yield Flaw("started", f"started {started!r}", "a moment with its zone, 2024-01-31T12:00:00+00:00")


def _check_first_weights(record: RunRecord) -> Iterator[Flaw]:
    """Their source and digest. The seed decides drawn weights, so another seed shows."""
    spec, weights = record.spec, record.weights
    expected = _first_weights(spec.variant, stand_in=spec.stand_in_weights)
    if expected is None:
        return
    if weights.source != expected:
        yield Flaw("weights", f"first weights {weights.source!r}", f"{expected!r}, from the variant")
    elif expected in ("random", "stand-in") and weights.digest != _drawn_digest(spec.variant, spec.seed):
        yield Flaw(
            "seed",
            f"digest {weights.digest[:12]}… of the first weights",
            f"{_drawn_digest(spec.variant, spec.seed)[:12]}…, what seed {spec.seed} draws for {spec.variant.name}",
            "the seed, the variant or the digest was changed after the run: take the record from where it was made",
        )


def _first_weights(variant: Variant, *, stand_in: bool) -> str | None:
    """Name of the source that a run begins with; None where no run could."""
    if variant.weights_source == "random":
        return "random"
    if stand_in:
        return "stand-in"
    try:
        return find_checkpoint(variant.weights_source, variant.architecture)[0]
    except WeightsError:
        return None


@cache
def _drawn_digest(variant: Variant, seed: int) -> str:
    return digest(initial_weights(variant, seed))


def _check_data(record: RunRecord, identity: DatasetIdentity, layout: Layout | None) -> Iterator[Flaw]:
    """Digest, sizes and class weights, as far as the layout is known."""
    if layout is None:
        return
    if layout.digest not in (None, identity.digest):
        yield Flaw(
            "digest",
            f"data digest {identity.digest[:12]}… of {identity.name} from its {identity.door}, without a deviation",
            f"{str(layout.digest)[:12]}…",
            "it was trained on other data, or the digest was changed: `ferbench data inspect` says what a data set is",
        )
    for what, observed, expected in _sizes(record, identity, layout):
        if observed != expected:
            yield Flaw("sizes", f"{observed:,} images {what}", f"{expected:,} by protocol and budget")
    yield from _check_class_weights(record, identity, layout)


def _sizes(record: RunRecord, identity: DatasetIdentity, layout: Layout) -> Iterator[tuple[str, int, int]]:
    budget, tests = record.spec.budget, len(layout.rows(*TEST_SPLITS))
    yield "to test on", identity.test_examples, min(tests, budget.test_examples or tests)
    if record.spec.protocol == "paper":
        training = len(layout.rows("training"))
        yield "to train on", identity.training_examples, min(training, budget.examples or training)
        yield "to watch", identity.watched_examples, identity.test_examples
    elif budget.examples is None:
        together = identity.training_examples + identity.watched_examples
        yield "to train on and to watch", together, len(layout.rows("training"))


def _check_class_weights(record: RunRecord, identity: DatasetIdentity, layout: Layout) -> Iterator[Flaw]:
    scheme = record.spec.variant.class_weights
    if scheme == "none":
        expected = np.ones(len(CLASSES))
    elif record.spec.protocol == "paper" and record.spec.budget.examples is None and layout.labels is not None:
        expected = class_weights(layout.labels[layout.rows("training")], scheme)
    else:
        return
    if identity.class_weights != tuple(map(float, expected)):
        told = ", ".join(f"{weight:.3f}" for weight in identity.class_weights)
        yield Flaw("class-weights", f"class weights {told}", ", ".join(f"{weight:.3f}" for weight in expected))
