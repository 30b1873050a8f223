"""Pairs of runs that two implementations were asked alike, judged from their stored logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.interface import CLASSES
from harness.records.options import OPTIONS
from harness.records.record import RunRecord
from harness.records.store import (
    RecordError,
    list_runs,
    read_arrays,
    read_run,
)
from harness.statistics.equivalence import Answers, Equivalence, compare_answers, judge_equivalence
from harness.statistics.multiplicity import holm
from harness.training.metrics import accuracy

DIFFERENCES_NAMED: Final = 4
"""Of a run without a partner; more of them tell nothing more."""

NOT_ASKED: Final = {"implementation", *(name for name, option in OPTIONS.items() if not option.is_asked)}
"""Fields of a spec in which the two runs of a pair may differ; the data's digest says what lay at the path."""

Run = tuple[Path, RunRecord]
Question = tuple[object, ...]
"""The seed, then all else that a run was asked."""


@dataclass(frozen=True)
class Side:
    """Runs of one implementation.

    Attributes:
        implementation: With its backend: `keras3-jax`.
        runs: The last complete run of each question.
        left_out: One line a run that does not count, with the reason.
        damaged: One line a file that is no sound record.
    """

    implementation: str
    runs: Mapping[Question, Run]
    left_out: tuple[str, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two runs that differ only in the implementation and in where they ran; `difference` is a fraction, A − B."""

    first: RunRecord
    second: RunRecord
    difference: float
    answers: Answers


@dataclass(frozen=True)
class Agreement:
    """Pairs that differ among themselves in their seeds alone; `holm_p_values` are McNemar's, one a pair."""

    pairs: tuple[Pair, ...]
    equivalence: Equivalence
    holm_p_values: tuple[float, ...]

    @property
    def stopped_alike(self) -> int:
        """Pairs that both ended on reaching the stop rule's accuracy: it is why theirs agree, so they show little."""
        return sum(all(map(_reached_threshold, (pair.first, pair.second))) for pair in self.pairs)


def read_side(path: Path, *, implementation: str | None, variant: str | None, option: str) -> Side:
    """Read the runs of one implementation.

    Args:
        path: A record, or a folder of records.
        implementation: `keras3`, `keras3-jax`, …; None where `path` holds one alone.
        variant: Name with its reading; None takes all.
        option: Name of the option that chooses the implementation, for the error.

    Raises:
        RecordError: If `path` cannot be read, or does not leave exactly one implementation.
    """
    found, errors = list_runs(path) if path.is_dir() else ([(path, read_run(path))], [])
    found = [run for run in found if variant in (None, run[1].spec.variant.name)]
    names = sorted({_implementation(record) for _, record in found})
    chosen = [name for name in names if implementation in (None, name, name.partition("-")[0])]
    if len(chosen) != 1:
        what = f"runs of {variant}" if variant else "runs"
        who = ", ".join(names) or "no implementation"
        given = f" (--{option} {implementation} leaves {', '.join(chosen) or 'none'})" if implementation else ""
        broken = f"; {len(errors)} files there are no sound records: {errors[0]}" if errors else ""
        raise RecordError(f"{path} holds {what} by {who}{given}; expected one: choose it with --{option} NAME{broken}")
    runs = [run for run in found if _implementation(run[1]) == chosen[0]]
    reasons = [_why_unusable(record) for _, record in runs]
    latest = {_question(run[1]): run for run, reason in zip(runs, reasons, strict=True) if not reason}
    left_out = []
    for run, reason in zip(runs, reasons, strict=True):
        if reason or latest[_question(run[1])] is not run:
            left_out.append(f"{run[0]}: {reason or 'a later run was asked the same'}")
    return Side(chosen[0], latest, tuple(left_out), tuple(map(str, errors)))


def judge_agreement(first: Side, second: Side, *, margin: float) -> tuple[list[Agreement], list[str]]:
    """Pair runs, and judge those together that differ in their seeds alone.

    Args:
        first: Runs of A.
        second: Runs of B.
        margin: See `judge_equivalence`.

    Returns:
        One agreement a variant (or more, if it was run on other data or budgets too), and one line for each run
        that was left out.

    Raises:
        RecordError: If no two runs pair, a run would pair with itself, or logits contradict their record.
    """
    left_out = [*first.left_out, *second.left_out]
    groups: dict[Question, list[Pair]] = {}
    for question, run in first.runs.items():
        if question not in second.runs:
            left_out.append(_unmatched(run, second))
            continue
        other = second.runs[question]
        pair, reason = _pair(run, other)
        if pair:
            groups.setdefault(_family(run[1]), []).append(pair)
        else:
            left_out.append(f"{run[0]} and {other[0]}: {reason}")
    left_out += [_unmatched(run, first) for question, run in second.runs.items() if question not in first.runs]
    if not groups:
        raise RecordError("\n  ".join(["no two runs pair; left out:", *left_out]))
    return [_judge_group(pairs, margin) for pairs in groups.values()], left_out


def _judge_group(pairs: list[Pair], margin: float) -> Agreement:
    pairs = sorted(pairs, key=lambda pair: pair.first.spec.seed)
    images = pairs[0].first.scores["paper_test"].examples
    return Agreement(
        pairs=tuple(pairs),
        equivalence=judge_equivalence([pair.difference for pair in pairs], images=images, margin=margin),
        holm_p_values=tuple(holm([pair.answers.p_value for pair in pairs])),
    )


def _reached_threshold(record: RunRecord) -> bool:
    return record.stop_reason is not None and record.stop_reason.kind == "accuracy-above"


def _implementation(record: RunRecord) -> str:
    return "-".join(filter(None, (record.spec.implementation, record.spec.keras_backend)))


def _why_unusable(record: RunRecord) -> str | None:
    if record.status != "complete":
        return f"run {record.status}"
    return None if record.dataset and record.arrays_sha256 else "no logits or no data set are recorded"


def _asked(record: RunRecord) -> dict[str, object]:
    """What decides a run's result, by name, the seed first."""
    spec, data = {**vars(record.spec)}, record.dataset
    spec.pop("asked"), spec.pop("batch_size")
    return {
        "seed": spec.pop("seed"),
        "data": data and data.name,
        "digest of data": data and data.digest,
        **{f"budget.{name}": value for name, value in vars(spec.pop("budget")).items()},
        "training images": data and data.training_examples,
        "test images": data and data.test_examples,
        "first weights": record.weights.source,
        "digest of first weights": record.weights.digest,
        "pipeline of the run": spec.pop("pipeline"),
        **vars(record.spec.variant),
        **{name: value for name, value in spec.items() if name not in NOT_ASKED},
    }


def _question(record: RunRecord) -> Question:
    return tuple(_asked(record).values())


def _family(record: RunRecord) -> Question:
    """What runs share that differ in their seeds alone; weights that are drawn follow from the seed."""
    asked = _asked(record)
    del asked["seed"]
    if record.weights.source in ("random", "stand-in"):
        del asked["digest of first weights"]
    return tuple(asked.values())


def _unmatched(run: Run, others: Side) -> str:
    """Why a run has no partner: in what the nearest one differs."""
    asked = _asked(run[1])
    candidates = [_asked(record) for _, record in others.runs.values() if record.spec.variant.name == asked["name"]]
    if not candidates:
        return f"{run[0]}: {others.implementation} has no complete run of {asked['name']}"
    nearest = min(candidates, key=lambda each: sum(asked[name] != each[name] for name in asked))
    names = [name for name in asked if asked[name] != nearest[name]]
    told = [_told(name, nearest[name], asked[name]) for name in names[:DIFFERENCES_NAMED]]
    return f"{run[0]}: {others.implementation} has no run that was asked the same; the nearest has {'; '.join(told)}"


def _told(name: str, observed: object, expected: object) -> str:
    is_short = all(value is None or isinstance(value, str | float | int) for value in (observed, expected))
    return f"{name} {observed!s:.20}, not {expected!s:.20}" if is_short else f"other {name}"


def _pair(first: Run, second: Run) -> tuple[Pair | None, str]:
    """The pair, or why there is none."""
    one, other = first[1], second[1]
    if one == other:
        raise RecordError(f"{first[0]} is on both sides; expected two runs: choose the sides with --a NAME --b NAME")
    epochs = len(one.history), len(other.history)
    was_cut = one.is_ended_by_seconds or other.is_ended_by_seconds
    if was_cut and epochs[0] != epochs[1]:  # a faster machine trained for longer: that compares machines
        return None, f"a budget of seconds ended them after {epochs[0]} and {epochs[1]} epochs"
    (rows, labels, answers), (other_rows, other_labels, other_answers) = _answers(first), _answers(second)
    if not (np.array_equal(rows, other_rows) and np.array_equal(labels, other_labels)):
        return None, "they were tested on other images or labels"
    compared = compare_answers(answers, other_answers, labels)
    return Pair(one, other, (compared.first_alone - compared.second_alone) / len(labels), compared), ""


def _answers(run: Run) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Rows, labels and answered classes, each (n,), checked against the record."""
    path, record = run
    arrays = read_arrays(path, record)
    try:
        rows, labels, logits = (arrays[f"test_{name}"] for name in ("rows", "labels", "logits"))
    except KeyError as error:
        raise RecordError(f"{path}: its arrays have no {error}; expected those of a complete run") from error
    if not rows.shape == labels.shape == logits.shape[:1] or logits.shape[1:] != (len(CLASSES),):
        raise RecordError(f"{path}: logits {logits.shape} for labels {labels.shape} and rows {rows.shape} do not fit")
    score, observed = record.scores["paper_test"], accuracy(logits, labels)
    if score.examples != len(labels) or abs(score.accuracy - observed) > 1e-9:  # far less than one image
        raise RecordError(
            f"{path}: its logits give {100 * observed:.4f} % on {len(labels):,} images, its record says "
            f"{100 * score.accuracy:.4f} % on {score.examples:,}; one of them was changed: run again"
        )
    return rows, labels, logits.argmax(axis=1)
