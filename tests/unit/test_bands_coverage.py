"""How often the verdicts refuse what is true, by simulation: the paper's run is drawn as one more of ours.

No allowance is given, so that nothing but the formulae decides. `coverage_table` is what can be printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.judging.patterns import judge_pattern, judge_recalls
from harness.judging.verdicts import (
    FACTOR,
    LEVEL,
    POINTS,
    Scale,
    Verdict,
    judge_epochs,
    judge_reached,
    judge_values,
)
from harness.paper.facts import facts

DRAWS = 2000
MATRIX_DRAWS = 400
PLANNED = 100
THRESHOLD = 0.67


@dataclass(frozen=True)
class Row:
    """One line of the table: shares are fractions, `error` is the Monte-Carlo error of `observed`.

    `exact`: whether the level is what should be observed, or the least that should be.
    """

    rule: str
    seeds: int
    spread: str
    censored: float
    stated: float
    observed: float
    error: float
    exact: bool

    def __str__(self) -> str:
        bound = "=" if self.exact else "≥"
        shares = f"{100 * self.censored:.0f} % | {bound} {100 * self.stated:.0f} %"
        kept = f"{100 * self.observed:.1f} ± {100 * self.error:.1f} %"
        return f"| {self.rule} | {self.seeds} | {self.spread} | {shares} | {kept} |"


def _row(rule: str, seeds: int, spread: str, kinds: Sequence[str], *, exact: bool = False, censored: float = 0) -> Row:
    kept = 1 - list(kinds).count("NOT_REPRODUCED") / len(kinds)
    error = math.sqrt(LEVEL * (1 - LEVEL) / len(kinds))
    return Row(rule, seeds, spread, censored, LEVEL, kept, error, exact)


def _values(seeds: int, scale: Scale, spread: float, text: str) -> Row:
    random = np.random.default_rng([seeds, round(1e5 * spread)])
    drawn = random.normal(0, spread, size=(DRAWS, seeds + 1))
    values = 0.6 + drawn if scale is POINTS else 80 * np.exp(drawn)
    kinds = [judge_values(scale, float(paper), 0.0, list(ours)).kind for paper, *ours in values]
    name = "accuracy" if scale is POINTS else "epochs or seconds, uncensored"
    return _row(name, seeds, text, kinds, exact=seeds > 2)


def _epochs(seeds: int, spread: float, median: float) -> Row:
    """Times of one log-normal law, the paper's among them, none seen beyond the planned epochs."""
    random = np.random.default_rng([seeds, round(1000 * spread), round(median)])
    times = np.ceil(median * np.exp(random.normal(0, spread, size=(DRAWS, seeds + 1))))
    seen = np.where(times > PLANNED, math.inf, times)
    kinds = [judge_epochs(float(paper), 0.0, list(ours), planned=PLANNED).kind for paper, *ours in seen]
    return _row(
        "first crossing, log-normal", seeds, f"{100 * spread:.0f} %", kinds, censored=float(np.isinf(seen).mean())
    )


def curves(seeds: int, plateau: float, spread: float) -> NDArray[np.float64]:
    """Watched accuracies by epoch, shape (draws, seeds + 1, epochs): a rise to a plateau of its own, and noise."""
    random = np.random.default_rng([seeds, round(1e4 * plateau), round(1e4 * spread)])
    plateaus = random.normal(plateau, spread, size=(DRAWS, seeds + 1, 1))
    paces = 25 * np.exp(random.normal(0, 0.1, size=(DRAWS, seeds + 1, 1)))
    rise = 1 - 0.6 * np.exp(-np.arange(1, PLANNED + 1) / paces)
    return plateaus * rise + random.normal(0, 0.003, size=(DRAWS, seeds + 1, PLANNED))


def crossings(watched: NDArray[np.float64]) -> NDArray[np.float64]:
    above = watched > THRESHOLD
    return np.where(above.any(axis=-1), above.argmax(axis=-1) + 1.0, math.inf)


def _refusal(paper: float, ours: Sequence[float], highest: Sequence[float]) -> str:
    """What the stop rule's bands say together: as for a paper that reached the threshold, or one that did not."""
    epochs = judge_epochs(paper, 0.0, ours, planned=PLANNED).kind
    if math.isinf(paper) or epochs == "NOT_REPRODUCED":
        return epochs
    return judge_reached(THRESHOLD, 0.0, highest).kind


def _stop_rule(seeds: int, plateau: float, spread: float) -> Row:
    watched = curves(seeds, plateau, spread)
    times, highest = crossings(watched), watched.max(axis=-1)
    kinds = [
        _refusal(float(each[0]), list(each[1:]), list(best[1:])) for each, best in zip(times, highest, strict=True)
    ]
    text = f"{100 * spread:.1f} points"
    return _row("stop rule, learning curves", seeds, text, kinds, censored=float(np.isinf(times).mean()))


def matrices(count: int, tilt: float, seed: int, draws: int = MATRIX_DRAWS) -> NDArray[np.int64]:
    """Matrices of one procedure, shape (draws, count, 7, 7): Figure 20's rates, leaning otherwise in each run."""
    random = np.random.default_rng([seed, count, round(1000 * tilt)])
    paper = facts().confusion("vgg16-scratch")
    rates = paper / paper.sum(axis=1, keepdims=True)
    leaning = rates * np.exp(random.normal(0, tilt, size=(draws, count, 1, 7)))
    leaning /= leaning.sum(axis=-1, keepdims=True)
    return random.multinomial(np.broadcast_to(paper.sum(axis=1), leaning.shape[:-1]), leaning)


def _matrix(rule: str, judge: Callable[..., Verdict], seeds: int, tilt: float) -> Row:
    is_slow = judge is judge_pattern and seeds < 3  # chance is simulated anew for each matrix there
    draws = MATRIX_DRAWS // 2 if is_slow else MATRIX_DRAWS
    kinds = [judge(drawn[0], 0.0, list(drawn[1:])).kind for drawn in matrices(seeds + 1, tilt, 1, draws)]
    return _row(rule, seeds, f"tilt {100 * tilt:.0f} %", kinds)


@cache
def coverage_table() -> tuple[Row, ...]:
    """How often a paper's run that is one more of ours is not refused, for each rule."""
    rows = [_values(seeds, POINTS, 0.0072, "0.72 points") for seeds in (1, 2)]
    rows += [_values(seeds, POINTS, 0.004, "0.40 points") for seeds in (1, 3, 5, 10)]
    rows += [_values(seeds, FACTOR, 0.1, "10 %") for seeds in (3, 5)]
    rows += [_epochs(seeds, 0.15, median) for seeds in (3, 5) for median in (78, 90, 100)]
    rows += [_stop_rule(seeds, plateau, 0.005) for seeds in (1, 3, 5) for plateau in (0.68, 0.67, 0.664)]
    rows += [_matrix("confusion pattern", judge_pattern, seeds, tilt) for seeds in (1, 3, 5) for tilt in (0.0, 0.15)]
    rows += [_matrix("seven recalls", judge_recalls, seeds, 0.15) for seeds in (1, 3, 5)]
    return tuple(rows)


HEADINGS = (
    "| rule | seeds | spread over seeds | never within 100 | stated | kept, by simulation |\n|---|---|---|---|---|---|"
)
"""Of `coverage_table`, for a page."""


@pytest.mark.parametrize("row", range(32))
def test_what_is_true_is_kept_as_often_as_is_stated(row: int) -> None:
    """Within four Monte-Carlo errors: one such row of 15,000 fails by chance, and the draws are fixed."""
    observed = coverage_table()[row]
    assert observed.observed >= observed.stated - 4 * observed.error, str(observed)
    if observed.exact:
        assert observed.observed <= observed.stated + 4 * observed.error, str(observed)


def test_the_table_has_every_rule_and_censored_runs() -> None:
    table = coverage_table()
    assert len(table) == 32
    assert len({row.rule for row in table}) == 6
    assert max(row.censored for row in table) > 0.9
    assert str(table[0]).count("|") == HEADINGS.splitlines()[0].count("|")


def test_an_allowance_makes_refusals_rarer() -> None:
    random = np.random.default_rng(0)
    accuracies = random.normal(0.6, 0.004, size=(500, 4))
    kinds = [judge_values(POINTS, float(paper), 0.01, list(ours)).kind for paper, *ours in accuracies]
    assert kinds.count("NOT_REPRODUCED") / 500 < (1 - LEVEL) / 2


@pytest.mark.parametrize("side", [-1, 1])
def test_what_is_false_is_refused(side: int) -> None:
    """Power at the widest allowance of an accuracy: three seeds most often refuse six points, on either side; five
    nearly always do."""
    random = np.random.default_rng(side + 1)
    for seeds, least in ((3, 0.6), (5, 0.95)):
        drawn = random.normal(0.6 + side * 0.06, 0.004, size=(500, seeds))
        kinds = [judge_values(POINTS, 0.6, 0.038, list(ours)).kind for ours in drawn]
        assert kinds.count("NOT_REPRODUCED") / 500 > least


def test_a_threshold_out_of_reach_is_refused() -> None:
    """Power with every run censored: plateaus four points below the threshold, where no epoch is known."""
    watched = curves(3, 0.63, 0.005)[:500, 1:]
    assert np.isinf(crossings(watched)).all()
    kinds = [judge_reached(THRESHOLD, 0.015, list(best)).kind for best in watched.max(axis=-1)]
    assert kinds.count("NOT_REPRODUCED") / len(kinds) > 0.5


def test_another_network_is_refused_by_its_answers() -> None:
    """Power: what Figure 20's procedure gives, held against Figure 16, another network of the paper."""
    other, ours = facts().confusion("vgg16-fine-tune"), matrices(5, 0.15, 2, draws=50)
    for judge in (judge_pattern, judge_recalls):
        assert {judge(other, 0.05, list(each)).kind for each in ours} == {"NOT_REPRODUCED"}


if __name__ == "__main__":
    print(HEADINGS, *coverage_table(), sep="\n")
