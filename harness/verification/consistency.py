"""Whether the words of a record agree with each other, and are some that the harness has. No figure is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final, get_args

from harness.architectures import count_parameters
from harness.data.dataset import DatasetName, Door
from harness.data.pipelines import check_views
from harness.records.record import DatasetIdentity, RunRecord
from harness.training.budget import BUDGETS
from harness.training.features import check_cacheable
from harness.variant import VariantError
from harness.verification.flaws import Flaw, StoredRun

MOST: Final = 2**53
"""Of a whole number. Beyond it float64 has gaps, and nothing that is counted here comes near."""
MOST_PARAMETERS: Final = 200_000_000
"""Of a network, so that a forged one cannot keep a judge busy; VGG16 with its own head has 138 million."""


def check_reach(record: RunRecord) -> Iterator[Flaw]:
    """What must hold before anything is computed: numbers that can be computed with, a network that can be drawn."""
    for place, number in _whole_numbers(asdict(record)):
        if abs(number) > MOST:
            yield Flaw("reach", f"{place} = {number}", f"a whole number, at most {MOST:,}")
    spec, variant = record.spec, record.spec.variant
    sizes = [(name, getattr(variant, name)) for name in ("width_divisor", "input_size", "blocks", "batch_size")]
    sizes += [(f"units of {layer.kind}", layer.units) for layer in variant.head if layer.units is not None]
    small = [f"{name} = {size}" for name, size in sizes if size < 1]
    if small:
        yield Flaw("reach", f"a variant with {', '.join(small)}", "1 or more")
    elif (count := count_parameters(variant)) > MOST_PARAMETERS:
        yield Flaw("reach", f"a network of {count:,} parameters", f"at most {MOST_PARAMETERS:,}")
    if spec.seed < 0:
        yield Flaw("reach", f"seed {spec.seed}", "0 or more")


def _whole_numbers(value: object, place: str = "") -> Iterator[tuple[str, int]]:
    """All whole numbers in a record, with the fields that lead to them."""
    if isinstance(value, int):
        yield place, value
    elif isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _whole_numbers(part, f"{place}.{key}" if place else str(key))


def check_record(run: StoredRun) -> Iterator[Flaw]:
    """Names, budget and data; then what one field says and another denies."""
    record = run.record
    yield from _check_names(run)
    yield from _check_budget(record)
    if record.dataset is not None:
        yield from _check_origin(record.dataset)
    for seen, expected in _contradictions(record):
        yield Flaw("contradiction", seen, expected)


def _check_names(run: StoredRun) -> Iterator[Flaw]:
    name, label = run.record.run, run.record.spec.label
    labels = (label, replace(run.record.spec, deterministic=False).label)  # names did not always say deterministic
    if not any(name == each or name.startswith(f"{each}-") for each in labels):
        yield Flaw("name", f"the record calls itself {name}", f"a name that begins with {label}, from its spec")
    if name != run.path.stem:
        advice = "give the file and its arrays their own name again"
        yield Flaw("name", f"the record calls itself {name}", f"{run.path.stem}, as its file is named", advice)
    if not _is_moment(run.record.started):
        yield Flaw("started", f"started {run.record.started!r}", "a moment with its zone, 2024-01-31T12:00:00+00:00")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_budget(record: RunRecord) -> Iterator[Flaw]:
    """A name means its caps."""
    budget = record.spec.budget
    caps = {name: cap for name, cap in vars(budget).items() if name != "name" and cap is not None}
    told = f"budget {budget.name!r} with {', '.join(f'{name}={cap}' for name, cap in caps.items()) or 'no cap'}"
    known = {str(name): each for name, each in BUDGETS.items()}
    if budget.name not in {*known, "custom"}:
        yield Flaw("budget", told, f"one of {', '.join(known)}, or custom")
    elif budget != known.get(budget.name, budget):
        yield Flaw("budget", told, f"{known[budget.name]}, what the name means")


def _check_origin(identity: DatasetIdentity) -> Iterator[Flaw]:
    """Data sets and doors that the harness has; toyfaces, which are drawn, are their own door."""
    names, doors = get_args(DatasetName), get_args(Door)
    if identity.name not in names:
        yield Flaw("data", f"data set {identity.name!r}", f"one of {', '.join(names)}")
    if identity.door not in doors or (identity.name == "toyfaces") != (identity.door == "toyfaces"):
        expected = [door for door in doors if (identity.name == "toyfaces") == (door == "toyfaces")]
        yield Flaw("data", f"{identity.name} read from {identity.door!r}", f"from {', '.join(expected)}")


def _contradictions(record: RunRecord) -> Iterator[tuple[str, str]]:
    """What was seen, and what the rest of the record expects."""
    spec, data, weights = record.spec, record.dataset, record.weights
    if record.status == "complete":
        if data is None:
            yield "a complete run without a data set", "the one that it was done on"
        if record.error is not None:
            yield f"a complete run with the error {record.error!r}", "no error, or a run that failed"
    if spec.device == "gpu" and record.environment.gpu is None:
        yield "a run on the device gpu in an environment without one", "the GPU's name"
    yield from _of_calibration(record)
    if spec.stand_in_weights and spec.variant.weights_source == "random":
        yield f"stand-in weights for {spec.variant.name}", "none: it starts from random weights"
    if (weights.file is None) != (weights.source in ("random", "stand-in")):
        yield f"first weights {weights.source!r} with the file {weights.file!r}", "a file where they were not drawn"
    if data is not None and data.deviations and not spec.allow_deviating_data:
        yield "data that deviate", "allow_deviating_data, without which they are refused"
    try:
        check_views(spec.variant, spec.views, spec.pipeline)
    except VariantError as error:
        yield "views that repeat", f"none: {error}"
    if spec.cached_features and spec.pipeline != "device":
        yield f"features that were kept on the pipeline {spec.pipeline}", "the pipeline device, which alone keeps them"
    if spec.cached_features:
        try:
            check_cacheable(spec.variant, spec.views)
        except VariantError as error:
            yield "features that were kept", f"none: {error}"


def _of_calibration(record: RunRecord) -> Iterator[tuple[str, str]]:
    """It is of what the run trained on, and in."""
    spec, calibration = record.spec, record.calibration
    if calibration is None:
        return
    gpu = record.environment.gpu if spec.device == "gpu" else None
    seen = (calibration.implementation, calibration.keras_backend, calibration.gpu, calibration.precision)
    expected = (spec.implementation, spec.keras_backend, gpu, spec.precision)
    if seen != expected:
        told, wanted = (", ".join(filter(None, each)) for each in (seen, expected))
        yield f"a calibration of {told}", f"{wanted}, as the run"
