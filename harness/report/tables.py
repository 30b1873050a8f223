"""Tables for the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.judging.bands import judge
from harness.judging.verdicts import Verdict, VerdictKind
from harness.papers.paper import Paper
from harness.records.record import RunRecord
from harness.records.store import read_arrays
from harness.report.differences import reason_text
from harness.report.records import features_line, stop_line, views_told

_STYLES: dict[VerdictKind, str] = {
    "REPRODUCED": "green",
    "NOT_REPRODUCED": "red",
    "INCONCLUSIVE": "yellow",
    "NOT_COMPARABLE": "dim",
}

Runs = Sequence[tuple[Path, RunRecord]]


def group_runs(runs: Runs) -> dict[tuple[str, str], list[tuple[Path, RunRecord]]]:
    """Runs by (variant, implementation with backend), in order of first appearance."""
    groups: dict[tuple[str, str], list[tuple[Path, RunRecord]]] = {}
    for path, record in runs:
        backend = f" ({record.spec.keras_backend})" if record.spec.keras_backend else ""
        key = (record.spec.variant.name, record.spec.implementation + backend)
        groups.setdefault(key, []).append((path, record))
    return groups


def judge_groups(runs: Runs, paper: Paper) -> dict[tuple[str, str], Verdict]:
    """The verdict on each group of `group_runs`."""
    return {key: judge([record for _, record in group], paper) for key, group in group_runs(runs).items()}


def result_table(runs: Runs, paper: Paper) -> Table:
    """Paper, ours and verdict, one row for each variant and implementation."""
    table = Table(title="test accuracy: paper · ours · verdict", title_justify="left")
    table.add_column("variant", overflow="fold")  # in 80 columns NOT_… would be two verdicts
    table.add_column("implementation", overflow="fold")
    for heading in ("paper", "ours", "clean", "train", "images/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    verdicts = judge_groups(runs, paper)
    for key, group in group_runs(runs).items():
        name, implementation = key
        records = [record for _, record in group]
        reported = paper.facts.mentions(records[0].spec.variant.base_name, "accuracy")
        verdict = verdicts[key]
        table.add_row(
            name,
            implementation,
            _percent(fact.value for fact in reported[:1]),
            _percent(record.scores["paper_test"].accuracy for record in records if record.scores),
            _percent(r.scores["clean_test"].accuracy for r in records if "clean_test" in r.scores),
            _percent(record.history[-1].training_accuracy for record in records if record.history),
            _rate(records[-1]),
            Text.assemble((verdict.kind, _STYLES[verdict.kind]), f": {reason_text(verdict)}"),
        )
    return table


def _percent(values: Iterable[float]) -> str:
    found = list(values)
    return f"{100 * statistics.fmean(found):.2f} %" if found else "–"


def _rate(record: RunRecord) -> str:
    rate = record.timings.training_images_per_second if record.timings else None
    if rate is None:
        return "–"
    # with kept features nothing but the head is computed: no rate of the network
    only_head = all(phase.trainable == "head" for phase in record.spec.variant.phases)
    return f"head {rate:.0f}" if record.spec.cached_features and only_head else f"{rate:.1f}"


def small_print(runs: Runs) -> RenderableType:
    """What these runs show whatever their size: did the loss fall, and do the frameworks agree?"""
    lines = [_loss_line(record) for _, record in runs]
    lines += [
        f"{record.spec.label}: {features_line(record, record.timings)}"
        for _, record in runs
        if record.spec.cached_features and record.timings
    ]
    lines += _agreement_lines(runs)
    conditions = sorted({f"{_conditions(record)}, {_number(runs)}" for _, record in runs})
    return Group(*(Text(line) for line in [*lines, *conditions]))


def _number(runs: Runs) -> str:
    counts = [len(group) for group in group_runs(runs).values()]
    if max(counts) == 1:
        return "n = 1 run each"
    return f"n = {max(counts) if min(counts) == max(counts) else f'{min(counts)} to {max(counts)}'} runs each"


def _loss_line(record: RunRecord) -> str:
    label = record.spec.label
    if record.status != "complete":
        return f"{label}: {record.status}{f': {record.error}' if record.error else ''}"
    if len(record.history) < 2:
        last = record.history[-1]
        return f"{label}: training loss {last.training_loss:.4f} after one epoch; uniform guessing has {np.log(7):.4f}"
    first, last = record.history[0], record.history[-1]
    verb = "fell" if last.training_loss < first.training_loss else "DID NOT FALL"
    return (
        f"{label}: the training loss {verb}, {first.training_loss:.4f} → {last.training_loss:.4f} "
        f"in {len(record.history)} epochs ({stop_line(record.stop_reason)})"
    )


def _agreement_lines(runs: Runs) -> list[str]:
    """One line for each run in PyTorch that Keras made with the same network, seed and images."""
    usable = [(path, record) for path, record in runs if record.scores and record.arrays_sha256]
    torch = {_start(record): (path, record) for path, record in usable if record.spec.implementation == "pytorch"}
    return [
        _agreement_line(torch[_start(record)], (path, record))
        for path, record in usable
        if record.spec.implementation == "keras3" and _start(record) in torch
    ]


def _start(record: RunRecord) -> tuple[object, ...]:
    """What the logits before training depend on."""
    variant, data = record.spec.variant, record.dataset
    images = (data.digest, data.test_examples) if data else ()
    return (variant.name, variant.width_divisor, variant.input_size, record.spec.seed, record.weights.digest, *images)


def _agreement_line(first: tuple[Path, RunRecord], second: tuple[Path, RunRecord]) -> str:
    """How far logits before training and accuracies after it lie apart."""
    one, other = (read_arrays(*pair)["initial_logits"] for pair in (first, second))
    error = np.abs(one - other).max() / np.abs(one).max()
    records = (first[1], second[1])
    line = (
        f"{second[1].spec.label}: before training, its logits and PyTorch's agree to {error:.1e} of their scale "
        f"on {len(one)} images"
    )
    same_work = len({(len(each.history), each.dataset and each.dataset.training_examples) for each in records}) == 1
    if not same_work:
        return f"{line}; the runs are of different length"
    accuracies = [100 * each.scores["paper_test"].accuracy for each in records]
    return f"{line}; after it, accuracies are {accuracies[1]:.1f} % and {accuracies[0]:.1f} % (dropout masks differ)"


def _conditions(record: RunRecord) -> str:
    spec, environment = record.spec, record.environment
    where = environment.gpu or f"{environment.cpu}, {environment.cpu_cores} cores"
    frameworks = ", ".join(
        f"{name} {version}"
        for name, version in environment.versions.items()
        if name in {"torch", "keras", "jax", "tensorflow", "tensorflow-cpu"}
    )
    data = record.dataset
    what = (
        f"{data.name} ({data.door}), {data.training_examples:,} + {data.test_examples:,} images" if data else "no data"
    )
    weights = f"weights {record.weights.source}"
    unusual = {
        f"pipeline {spec.pipeline}": spec.pipeline != "device",
        f"precision {spec.precision}": spec.precision != "float32",
        f"batch size {spec.variant.batch_size}": spec.batch_size,
        "deterministic": spec.deterministic,
        "activation checkpointing": spec.checkpointing,
        views_told(record): spec.views,
        "features of the frozen base kept": spec.cached_features,
    }
    said = "".join(f"; {each}" for each, is_so in unusual.items() if is_so)
    return f"conditions: {where}; {frameworks}; {what}; {weights}; budget {spec.budget.name}{said}"


def run_list(runs: Runs) -> Table:
    """One row a record."""
    table = Table(title="runs, oldest first", title_justify="left")
    for heading in ("run", "status", "epochs", "accuracy", "clean", "data", "budget"):
        table.add_column(heading, overflow="fold")
    for _, record in runs:
        table.add_row(
            record.run,
            record.status,
            str(len(record.history)),
            _percent(record.scores[name].accuracy for name in ("paper_test",) if name in record.scores),
            _percent(record.scores[name].accuracy for name in ("clean_test",) if name in record.scores),
            record.dataset.name if record.dataset else "–",
            record.spec.budget.name,
        )
    return table
