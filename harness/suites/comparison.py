"""Two suites of runs against each other: what was asked alike is matched, and seconds and accuracies are compared."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.records.store import RecordError
from harness.statistics.intervals import Values, paired, welch
from harness.statistics.ratios import FEWEST_EPOCHS, log_ratio_over_epochs
from harness.suites.matching import (
    called,
    group,
    last_epoch,
    match,
    unmatched,
    why_not,
)
from harness.suites.saved import SavedSuite
from harness.suites.saved_runs import SavedRun, differing

_FEWEST_SEEDS: Final = 2
Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A ratio B / A, or a difference B − A.

    Attributes:
        value: Of the mean; ratios are averaged as logarithms.
        interval: 95 %; None where there is none.
        method: What the interval is over, or why there is none.
    """

    value: float
    interval: Interval | None
    method: str


@dataclass(frozen=True)
class RunPair:
    """One run of each side; seconds are means of an epoch, and `ratio` is over epochs within these two runs."""

    first: SavedRun
    second: SavedRun
    seconds: tuple[float, float]
    ratio: Estimate


@dataclass(frozen=True)
class Compared:
    """Runs of both suites that were asked the same, but for their seeds.

    Attributes:
        first: A's runs that count, one a seed.
        second: B's.
        basis: Which seconds of which epochs.
        seconds: Of an epoch, A's and B's, geometric means over seeds.
        ratio: Of these, B / A, over seeds.
        images_per_second: Trained, A's and B's; None where the number of images is not known.
        accuracies: Means, fractions.
        accuracy: Difference B − A, over seeds; its value is NaN where the runs were not trained alike.
        pairs: Of the same seed, or of the only two runs.
    """

    first: tuple[SavedRun, ...]
    second: tuple[SavedRun, ...]
    basis: str
    seconds: tuple[float, float]
    ratio: Estimate
    images_per_second: tuple[float | None, float | None]
    accuracies: tuple[float, float]
    accuracy: Estimate
    pairs: tuple[RunPair, ...]

    @property
    def name(self) -> str:
        """Variant, implementation, and what is known of backend, pipeline and precision; `A/B` where they differ."""
        one, other = self.first[0], self.second[0]
        both = {**other.labels, **one.labels}
        told = [
            value if other.labels.get(key, value) == value else f"{value}/{other.labels[key]}"
            for key, value in both.items()
        ]
        return " ".join([one.variant, one.implementation, *told])


@dataclass(frozen=True)
class SuiteComparison:
    """What two suites say; `differences` and `alike` name device, versions and the like, A before B."""

    compared: tuple[Compared, ...]
    differences: tuple[str, ...]
    alike: tuple[str, ...]
    by_totals: tuple[str, ...]
    left_out: tuple[str, ...]


def compare_suites(first: SavedSuite, second: SavedSuite) -> SuiteComparison:
    """Match the runs of two suites and compare what matches.

    Raises:
        RecordError: If nothing does.
    """
    left_out = [f"A, {line}" for line in first.left_out] + [f"B, {line}" for line in second.left_out]
    groups, others = group(first, "A", left_out), group(second, "B", left_out)
    compared: list[Compared] = []
    for one, other in match(groups, others):
        reason = why_not(one, other)
        if reason is None:
            compared.append(_compare(list(one), list(other), left_out))
        else:
            left_out.append(f"{called(one[0])}: {reason}")
    left_out += [f"A, {unmatched(each, others, 'B')}" for each in groups]
    left_out += [f"B, {unmatched(each, groups, 'A')}" for each in others]
    if not compared:
        raise RecordError("\n  ".join(["nothing in both suites can be compared; left out:", *left_out]))
    runs = [run for each in compared for run in each.first], [run for each in compared for run in each.second]
    differences, alike = _conditions(*runs)
    by_totals = [
        f"{side}, {run.name}: {run.without_history}"
        for side, of_side in zip("AB", runs, strict=True)
        for run in of_side
        if not run.history
    ]
    return SuiteComparison(tuple(compared), differences, alike, tuple(by_totals), tuple(left_out))


def _epochs(run: SavedRun, last: int) -> Values:
    """Seconds of the epochs from the second to the last, evaluation included."""
    return np.array([sum(each) for each in run.history[1:last]])


def _epoch_seconds(run: SavedRun, last: int | None) -> float:
    return run.training_seconds / run.epochs if last is None else float(_epochs(run, last).mean())


def _images_per_second(runs: Sequence[SavedRun], last: int | None) -> float | None:
    rates = []
    for run in runs:
        if run.training_images is None:
            return None
        training = [each[0] for each in run.history[1:last]]
        rates.append(run.training_images / (statistics.fmean(training) if last else run.training_seconds / run.epochs))
    return statistics.geometric_mean(rates)


def _compare(one: list[SavedRun], other: list[SavedRun], left_out: list[str]) -> Compared:
    one, other, dropped = _chosen(one, other)
    left_out += dropped
    last = last_epoch([*one, *other])
    seconds = [{run.seed: _epoch_seconds(run, last) for run in side} for side in (one, other)]
    logs = [{seed: math.log(value) for seed, value in side.items()} for side in seconds]
    slower = _over_seeds(logs[0], logs[1])
    bounds = slower.interval and (math.exp(slower.interval[0]), math.exp(slower.interval[1]))
    return Compared(
        first=tuple(one),
        second=tuple(other),
        basis="training, all epochs" if last is None else f"training and evaluation, epochs 2 to {last}",
        seconds=(statistics.geometric_mean(seconds[0].values()), statistics.geometric_mean(seconds[1].values())),
        ratio=Estimate(math.exp(slower.value), bounds, slower.method),
        images_per_second=(_images_per_second(one, last), _images_per_second(other, last)),
        accuracies=(statistics.fmean(run.accuracy for run in one), statistics.fmean(run.accuracy for run in other)),
        accuracy=_accuracy(one, other),
        pairs=tuple(_pair(first, second, last) for first, second in _pairs(one, other)),
    )


def _chosen(one: list[SavedRun], other: list[SavedRun]) -> tuple[list[SavedRun], list[SavedRun], list[str]]:
    """Those of seeds on both sides, in order, where there are two of them, or nothing else could be done."""
    seeds = {run.seed for run in one} & {run.seed for run in other}
    can_be_tested_unpaired = min(len(one), len(other)) >= _FEWEST_SEEDS
    dropped = []
    if len(seeds) >= _FEWEST_SEEDS or (seeds and not can_be_tested_unpaired):
        for side, runs, without in (("A", one, "B"), ("B", other, "A")):
            dropped += [
                f"{side}, {run.name}: {without} has no seed {run.seed}" for run in runs if run.seed not in seeds
            ]
        one, other = ([run for run in runs if run.seed in seeds] for runs in (one, other))
    return sorted(one, key=lambda run: run.seed), sorted(other, key=lambda run: run.seed), dropped


def _pairs(one: Sequence[SavedRun], other: Sequence[SavedRun]) -> Iterator[tuple[SavedRun, SavedRun]]:
    is_paired = [run.seed for run in one] == [run.seed for run in other]
    if is_paired or len(one) == len(other) == 1:
        yield from zip(one, other, strict=True)


def _over_seeds(first: Mapping[int, float], second: Mapping[int, float], floor: float = 0.0) -> Estimate:
    """Mean of B − mean of A; paired where the seeds are the same, else by Welch, alone where a side has one."""
    arrays = np.array(list(first.values())), np.array(list(second.values()))
    if min(len(first), len(second)) < _FEWEST_SEEDS:
        counts = "one seed each" if len(first) == len(second) else f"{len(first)} and {len(second)} seeds"
        return Estimate(float(arrays[1].mean() - arrays[0].mean()), None, f"no test: {counts}")
    is_paired = list(first) == list(second)
    test: Callable[..., tuple[Values, Values]] = paired if is_paired else welch
    found, half = (float(each) for each in test(*arrays, floor=floor))
    method = f"{len(first)} seeds, paired" if is_paired else f"{len(first)} and {len(second)} other seeds, Welch"
    if half == 0:
        return Estimate(found, None, f"{method}: all alike, no spread")
    return Estimate(found, (found - half, found + half), method)


def _accuracy(one: Sequence[SavedRun], other: Sequence[SavedRun]) -> Estimate:
    """Difference in accuracy, where nothing else than the seed makes the runs of either side other ones."""
    apart = sorted({name for a in one for b in other for name in differing(a.training, b.training)})
    epochs = sorted({run.epochs for run in (*one, *other)})
    if len(epochs) > 1 and any(run.was_cut for run in (*one, *other)):
        apart.append(f"epochs ({', '.join(map(str, epochs))}), as seconds ended them")
    if apart:
        return Estimate(math.nan, None, f"not trained alike: other {', '.join(apart)}")
    images = [run.test_images for run in (*one, *other) if run.test_images]
    floor = 1 / min(images) if images else 0.0
    return _over_seeds({run.seed: run.accuracy for run in one}, {run.seed: run.accuracy for run in other}, floor)


def _pair(first: SavedRun, second: SavedRun, last: int | None) -> RunPair:
    seconds = _epoch_seconds(first, last), _epoch_seconds(second, last)
    ratio = seconds[1] / seconds[0]
    if last is None:
        return RunPair(first, second, seconds, Estimate(ratio, None, "no epochs after the first in both records"))
    if last - 1 < FEWEST_EPOCHS:
        reason = f"{last - 1} epochs after the first, {FEWEST_EPOCHS} are needed"
        return RunPair(first, second, seconds, Estimate(ratio, None, reason))
    found, half = (float(each) for each in log_ratio_over_epochs(_epochs(first, last), _epochs(second, last)))
    if half == 0:
        return RunPair(first, second, seconds, Estimate(ratio, None, "all epochs alike, no spread"))
    interval = math.exp(found - half), math.exp(found + half)
    return RunPair(first, second, seconds, Estimate(ratio, interval, f"{last - 1} epochs"))


def _conditions(first: Sequence[SavedRun], second: Sequence[SavedRun]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What differs between the sides, `name: A …; B …`, and what is the same, in the order in which runs name it."""
    sides = _values(first), _values(second)
    differences, alike = [], []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = (" and ".join(side.get(name, ("unknown",))) for side in sides)
        if one == other:
            alike.append(f"{name} {one}")
        else:
            differences.append(f"{name}: A {one}; B {other}")
    return tuple(differences), tuple(alike)


def _values(runs: Sequence[SavedRun]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, value in {**run.labels, **run.conditions}.items():
            found.setdefault(name, {})[value] = None
    return {name: tuple(sorted(values)) for name, values in found.items()}
