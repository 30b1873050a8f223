"""The runs of one implementation, by variant and seed, and what claims ask of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harness.judging.claims import curves
from harness.judging.claims.comparisons import (
    Comparison,
    Shown,
    compare_seeds,
    more_seeds,
    points,
    seeds_named,
    times,
)
from harness.judging.claims.measures import NamedMeasure, RunOutcome, accuracy, shift_text
from harness.statistics.equivalence import compare_answers
from harness.statistics.seeds import SEEDS_NEEDED
from harness.variant import Pipeline
from harness.verification.flaws import StoredRun
from harness.verification.known_data import known_layout


@dataclass(frozen=True, eq=False)
class Sample:
    """Comparable runs of one implementation.

    Attributes:
        runs: By variant (with its readings), then by seed.
        pipelines: Input pipelines on which the paper's seconds are compared.
    """

    runs: Mapping[str, Mapping[int, StoredRun]]
    pipelines: tuple[Pipeline, ...] = ()

    def compare(self, named: NamedMeasure, first: str, second: str, *, margin: float = 0.0) -> Comparison:
        """Whether a measure is greater for `first` than for `second` by more than a margin, seed by seed."""
        what = f"{named.called}, {first} − {second}{shift_text(-margin, named.shown)}"
        pairs = self._pairs(first, second)

        def difference(one: StoredRun, other: StoredRun) -> float:
            return named.measure(RunOutcome(one)) - named.measure(RunOutcome(other)) - margin

        values = {seed: difference(*pair) for seed, pair in pairs.items()}
        found = self._compared(what, (first, second), values, shown=named.shown)
        if 0 < len(pairs) < SEEDS_NEEDED and named.measure is accuracy and not margin:
            return _with_networks(found, first, second, pairs)
        return found

    def measured(
        self,
        measure: Callable[[StoredRun], float],
        variant: str,
        *,
        called: str,
        above: float = 0.0,
        shown: Shown = points,
        fewest_epochs: int = 0,
    ) -> Comparison:
        """Whether `measure` of a variant lies above a number; open where a run has too few epochs to show it."""
        what = f"{called}, {variant}{shift_text(-above, shown)}"
        runs = self.runs.get(variant, {})
        short = [seed for seed, run in runs.items() if len(run.record.history) < fewest_epochs]
        if short:
            seen = f"fewer than {fewest_epochs} epochs in {seeds_named(short)}"
            return Comparison(what, seen, wanted=f"runs of {variant} over {fewest_epochs} epochs or more")
        values = {seed: measure(run) - above for seed, run in runs.items()}
        return self._compared(what, (variant,), values, shown=shown)

    def compare_leads(
        self, pairs: Sequence[tuple[str, str]], measure: Callable[[Sequence[float]], float], *, called: str
    ) -> Comparison:
        """Whether a measure of leads in accuracy, each of the first of a pair over the second, lies above 0."""
        names = tuple(name for pair in pairs for name in pair)
        seeds = set.intersection(*(set(self.runs.get(name, {})) for name in names))

        def accuracy_of(name: str, seed: int) -> float:
            return accuracy(RunOutcome(self.runs[name][seed]))

        values = {
            seed: measure([accuracy_of(first, seed) - accuracy_of(second, seed) for first, second in pairs])
            for seed in sorted(seeds)
        }
        return self._compared(f"accuracy, {called}", names, values)

    def beyond_these_images(
        self, variant: str, above: float, *, called: str, test: Literal["paper_test", "clean_test"]
    ) -> Comparison:
        """Whether a variant's accuracy on images like these lies above a number that was found on others.

        The images are a draw themselves: √(A(1−A)/n) is added to the error over seeds. Those that lie in training
        too stand for no others: where the number comes from none such, `clean_test` is asked, of runs whose leaked
        images are known.
        """
        runs = self.runs.get(variant, {})
        what = f"accuracy on {test}, {variant} − {called} ({100 * above:.2f} %)"
        unknown = [seed for seed, run in runs.items() if test == "clean_test" and not _knows_leaks(run)]
        values = {seed: run.record.scores[test].accuracy - above for seed, run in runs.items() if seed not in unknown}
        note = _unknown_leaks(runs, unknown)
        if not values and unknown:
            wanted = f"{SEEDS_NEEDED} seeds of {variant} on data from a zip or a folder"
            return Comparison(what, note, wanted=wanted)
        if not values:
            return self._missing(what, (variant,))
        mean = statistics.fmean(values.values()) + above
        images = next(iter(runs.values())).record.scores[test].examples
        found = self._compared(what, (variant,), values, image_error=math.sqrt(mean * (1 - mean) / images))
        return replace(found, observed=f"{found.observed}; {note}, left out") if unknown else found

    def epochs_saved(self, fast: str, slow: str, target: float) -> Comparison:
        """Whether `fast` crosses a target accuracy in fewer epochs than `slow`.

        Open as soon as a pair tells nothing: those that remain were selected by what is asked.
        """
        pairs = self._pairs(fast, slow)
        found = {seed: curves.epochs_saved(*pair, target) for seed, pair in pairs.items()}
        values = {seed: value for seed, value in found.items() if value is not None}
        what = f"epochs to {100 * target:.0f} %, {slow} − {fast}"
        if not pairs:
            return self._missing(what, (fast, slow))
        crossed = [sum(curves.crossing(pair[side], target) is not None for pair in pairs.values()) for side in (0, 1)]
        counts = f"crossed by {fast} in {crossed[0]} of {len(pairs)} runs, by {slow} in {crossed[1]}"
        if dropped := found.keys() - values.keys():
            seen = (
                f"{len(dropped)} of {len(pairs)} pairs tell{'s' if len(dropped) == 1 else ''} nothing "
                f"({seeds_named(dropped)}): neither crosses, or one ended too early; {counts}"
            )
            wanted = f"pairs of {fast} and {slow} of which one crosses no later than the other ends"
            return Comparison(what, seen, wanted=wanted)
        result = self._compared(what, (fast, slow), values, floor=1.0, shown=lambda value: f"{value:+.1f}")
        return replace(result, observed=f"{result.observed}; {counts}")

    def ratio_of_seconds(self, slow: str, fast: str, *, above: float = 1.0, most: bool = False) -> Comparison:
        """Whether `slow` trains for more than `above` times the seconds of `fast` (`most`: for less than that).

        Both by one GPU and one of the paper's pipelines, every epoch computed: pairs that differ there compare
        machines, and others are of other work than the paper's.
        """
        what = f"seconds of training, {slow} ÷ {fast}, held against {above:g}"
        pairs = self._pairs(slow, fast)
        if not pairs:
            return self._missing(what, (slow, fast))
        reasons = {seed: why for seed, pair in pairs.items() if (why := _untimed(self.pipelines, *pair))}
        by_reason = {why: [seed for seed in reasons if reasons[seed] == why] for why in reasons.values()}
        left_out = "; ".join(f"{seeds_named(seeds)}, {why}" for why, seeds in by_reason.items())
        if len(reasons) == len(pairs):
            ways = f"on one GPU, on the pipeline {' or '.join(self.pipelines)}, without kept features"
            return Comparison(what, left_out, wanted=f"{SEEDS_NEEDED} seeds of {slow} and of {fast} {ways}")
        sign = -1 if most else 1
        ratios = {seed: _ratio(*pair) for seed, pair in pairs.items() if seed not in reasons}
        values = {seed: sign * (math.log(ratio) - math.log(above)) for seed, ratio in ratios.items()}
        shown: Callable[[float], str] = lambda value: times(sign * value + math.log(above))  # noqa: E731
        found = self._compared(what, (slow, fast), values, floor=0.01, shown=shown)
        cards = sorted({str(pairs[seed][0].record.environment.gpu) for seed in ratios})
        note = "; ".join([f"on {', '.join(cards)}", *([f"left out: {left_out}"] if left_out else [])])
        return replace(found, observed=f"{found.observed}; {note}")

    def _pairs(self, first: str, second: str) -> dict[int, tuple[StoredRun, StoredRun]]:
        one, other = self.runs.get(first, {}), self.runs.get(second, {})
        return {seed: (one[seed], other[seed]) for seed in sorted(one.keys() & other.keys())}

    def _compared(
        self,
        what: str,
        variants: Sequence[str],
        values: Mapping[int, float],
        *,
        floor: float | None = None,
        shown: Shown = points,
        image_error: float = 0.0,
    ) -> Comparison:
        if not values:
            return self._missing(what, variants)
        run = next(iter(self.runs[variants[0]].values()))
        least = 1 / run.record.scores["paper_test"].examples if floor is None else floor
        found = compare_seeds(what, values, variants=variants, floor=least, shown=shown, image_error=image_error)
        shared = set.intersection(*(set(self.runs[name]) for name in variants))
        alone = {name: self.runs[name].keys() - shared for name in variants}
        unpaired = ", ".join(f"{name} {seeds_named(seeds)}" for name, seeds in alone.items() if seeds)
        return replace(found, observed=f"{found.observed}; unpaired: {unpaired}") if unpaired else found

    def _missing(self, what: str, variants: Sequence[str]) -> Comparison:
        missing = tuple(name for name in variants if not self.runs.get(name))
        seen = f"no comparable run of {', '.join(missing)}"
        if not missing:
            has = ", ".join(f"{name} has {seeds_named(self.runs[name])}" for name in variants)
            seen = f"no seed in common: {has}"
        return Comparison(what, seen, wanted=more_seeds(SEEDS_NEEDED, missing or variants), missing=missing)


def _knows_leaks(run: StoredRun) -> bool:
    """Whether it is known which of a run's test images lie in training too, and so what `clean_test` is."""
    layout = known_layout(run.record.dataset) if run.record.dataset else None
    return layout is not None and layout.leaked is not None


def _unknown_leaks(runs: Mapping[int, StoredRun], seeds: Sequence[int]) -> str:
    doors = sorted({identity.door for seed in seeds if (identity := runs[seed].record.dataset)})
    return f"which images are in clean_test is not known of data from {', '.join(doors)} ({seeds_named(seeds)})"


def _place(run: StoredRun) -> tuple[object, ...]:
    """What seconds depend on besides the network."""
    spec, environment = run.record.spec, run.record.environment
    where = environment.gpu, environment.cpu, environment.cpu_cores, tuple(sorted(environment.versions.items()))
    return *where, spec.device, spec.threads, spec.pipeline, spec.precision, spec.deterministic, spec.checkpointing


def _untimed(pipelines: tuple[Pipeline, ...], *pair: StoredRun) -> str:
    """Why the seconds of two runs cannot be compared as the paper does; empty if they can."""
    specs = [run.record.spec for run in pair]
    others = sorted({str(spec.pipeline) for spec in specs} - set(pipelines))
    if any(spec.device != "gpu" or run.record.environment.gpu is None for spec, run in zip(specs, pair, strict=True)):
        return "computed by a processor, the paper's seconds are of a GPU"
    if others:
        return f"on the pipeline {', '.join(others)}; the paper's seconds are those of its own pipelines"
    if any(spec.cached_features for spec in specs):
        return "features of the frozen base kept, which the paper computes in every epoch"
    if any(curves.seconds(run) is None for run in pair):
        return "epochs of unequal work, not all run"
    if _place(pair[0]) != _place(pair[1]):
        return "the two differ in machine, versions, pipeline, threads, precision, determinism or checkpointing"
    return ""


def _ratio(one: StoredRun, other: StoredRun) -> float:
    return (curves.seconds(one) or math.nan) / (curves.seconds(other) or math.nan)


def _with_networks(
    found: Comparison, first: str, second: str, pairs: Mapping[int, tuple[StoredRun, StoredRun]]
) -> Comparison:
    """What one or two pairs show of the networks themselves, image by image."""
    texts = [found.observed]
    for seed, (one, other) in pairs.items():
        arrays, others = one.arrays, other.arrays
        if not all(np.array_equal(arrays[name], others[name]) for name in ("test_rows", "test_labels")):
            continue
        answers = [each["test_logits"].argmax(axis=1) for each in (arrays, others)]
        told = compare_answers(answers[0], answers[1], arrays["test_labels"])
        p_value = f"p {told.p_value:.3f}" if told.p_value >= 0.001 else "p < 0.001"
        texts.append(
            f"seed {seed}: {told.first_alone:,} images right by {first} alone, {told.second_alone:,} by {second} alone "
            f"(McNemar {p_value}: about these two networks, not about two ways of training)"
        )
    return Comparison(found.what, "; ".join(texts), wanted=found.wanted)
