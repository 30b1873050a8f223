"""Which answers a network gives to which class, beside a published confusion matrix; and answers that are none.

Two networks of one accuracy may err in different ways. Compared is what each answers to the images of a class, so the
frequency of the classes plays no part. All matrices: counts, row = label, column = answer, shape (7, 7).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.data.reading import KNOWN_COUNTS
from harness.interface import CLASSES
from harness.judging.verdicts import Verdict, seeds_text
from harness.records.record import RunRecord
from harness.statistics.intervals import CONFIDENCE, normal_quantile, prediction_margin
from harness.statistics.multiplicity import bonferroni
from harness.statistics.seeds import SEEDS_NEEDED, further_seeds
from harness.training.metrics import Score

Confusion = NDArray[np.integer]

DECLARED_DISTANCE: Final = 0.05
"""Fraction of answers. Added to the allowance with one or two seeds, as the declared margin is for accuracies.
Declared: as much again as bands allow for what is unsaid, so that with chance on top (5 of 100 for 7,178 images) a
single run is still told from other networks: those of the first paper differ in 24 of 100 at least."""
WIDEST_DISTANCE: Final = 0.12
"""If our own seeds lie further than this from each other, INCONCLUSIVE: it is half of what lies between the two nearest
of the first paper's four matrices, which are two different networks."""
DECLARED_RECALL_SPREAD: Final = 0.05
"""Fraction: the least standard deviation over seeds that one or two seeds are granted for a recall. Declared: seven
times the accuracy's declared spread, because a network that leans to one class takes from its neighbours, so that
recalls move against each other while the accuracy stands; and what chance alone gives 111 images, a class's fewest."""
WIDEST_RECALL_MARGIN: Final = 0.25
"""Fraction. With it, and the 5 points that bands allow, a recall of a half is still told from a fifth and from four
fifths; beyond it hardly from anything. Seeds that spread as declared come below it when there are nine or ten."""
RECALL_CONFIDENCE: Final = bonferroni(CONFIDENCE, len(CLASSES))
"""Of each recall, so that all seven together have `CONFIDENCE`."""
DRAWS: Final = 500
"""Of chance: their 95 % quantile is good to a tenth of a point."""
NEAR_MAJORITY: Final = 0.01
"""Fraction: a training accuracy at most so far above the commonest class's share is no more than that share. One point
holds what a network gains by a few right answers on the way; two published networks that hardly learn, half a
point below it and one above, lie on either side of it."""


def rates(confusion: Confusion) -> NDArray[np.float64]:
    """Fractions of each label's images by answer; rows without an image are nan."""
    counts = np.asarray(confusion, dtype=np.float64)
    totals = counts.sum(axis=-1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    return shares


def recalls(confusion: Confusion) -> NDArray[np.float64]:
    """Fraction of each class's images that are answered rightly, shape (7,); nan without an image."""
    return np.asarray(np.diagonal(rates(confusion)))


def distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Total variation between two tables of rates, mean of their rows: 0 alike, 1 nothing in common.

    It is the fraction of a class's images whose answers would have to change, and at least the mean difference of
    recalls.
    """
    return float(np.nanmean(np.abs(first - second).sum(axis=-1) / 2))


def sampling_distance(confusion: Confusion, count: int, confidence: float = CONFIDENCE) -> float:
    """Distance that chance alone exceeds in 1 − confidence of cases between one run and the mean of `count` others.

    Answers are drawn image by image at the matrix's own rates (multinomial rows, from a fixed seed). Images differ in
    how certain their answer is, so counts over seeds vary less than these draws do: the value is an upper bound of that
    part.
    """
    return _sampling_distance(np.asarray(confusion, dtype=np.int64).tobytes(), count, confidence)


@cache
def _sampling_distance(matrix: bytes, count: int, confidence: float) -> float:
    counts = np.frombuffer(matrix, dtype=np.int64).reshape(len(CLASSES), len(CLASSES))
    random = np.random.default_rng(0)
    totals, shares = counts.sum(axis=1), np.nan_to_num(rates(counts))
    ones, others = (
        rates(np.stack([random.multinomial(total * runs, row, size=DRAWS) if total else np.zeros((DRAWS, len(row)))
                        for total, row in zip(totals, shares, strict=True)], axis=1))
        for runs in (1, count)
    )  # fmt: skip
    distances = np.nanmean(np.abs(ones - others).sum(axis=-1) / 2, axis=-1)
    return float(np.quantile(distances, confidence))


def judge_pattern(expected: Confusion, allowance: float, observed: Sequence[Confusion]) -> Verdict:
    """Judge whole confusion matrices by their distance to the paper's.

    With k >= 3 seeds the paper's distance to our mean is held against each of our runs' distance to the mean of our
    others: at most allowance + mean + t(.975, k−1)·s·√(1+1/k); a distance is never too small. (.95 would do for a bound
    on one side, but the k distances have runs in common and spread too little for it: 93 % in place of 95, by
    simulation.) With fewer, against the allowance, chance (`sampling_distance`) and a declared margin.

    By simulation without any allowance (`tests/unit/judging/test_bands_coverage.py`) a paper's run that is one more of
    ours is kept in 95 % of cases or more where runs lean otherwise for each class, as a trained network's do, but in 91
    to 94 % where all answers lean along one axis, or where few answers are given: k distances are then no
    normal sample. With the 5 points that bands allow it is above 99 % while answers lean by 15 %.

    Args:
        expected: The published matrix.
        allowance: Distance, in [0, 1].
        observed: One matrix a seed.

    Raises:
        ValueError: If nothing was observed.
    """
    if not observed:
        raise ValueError("nothing was observed; a verdict needs at least one run")
    count, ours, paper = len(observed), [rates(each) for each in observed], rates(expected)
    apart = distance(paper, np.mean(ours, axis=0))
    if count < SEEDS_NEEDED:
        limit = allowance + sampling_distance(expected, count) + DECLARED_DISTANCE
        reason = _pattern_sentence(apart, limit, count)
        if apart > limit:
            return Verdict("NOT_REPRODUCED", reason)
        return Verdict("INCONCLUSIVE", reason, SEEDS_NEEDED - count)
    own = own_distances(ours)
    mean, spread = statistics.fmean(own), float(np.std(own, ddof=1))
    limit = allowance + mean + prediction_margin(spread, count)
    reason = _pattern_sentence(apart, limit, count)
    if apart > limit:
        return Verdict("NOT_REPRODUCED", reason)
    if limit - allowance > WIDEST_DISTANCE:
        more = further_seeds(count, lambda seeds: mean + prediction_margin(spread, seeds) <= WIDEST_DISTANCE)
        own_text = f"{100 * (limit - allowance):.1f} for them, at most {100 * WIDEST_DISTANCE:.1f}"
        reason = f"{reason}, but our own seeds spread too widely: {own_text}"
        return Verdict("INCONCLUSIVE", reason, more)
    return Verdict("REPRODUCED", reason)


def own_distances(tables: Sequence[NDArray[np.float64]]) -> list[float]:
    """Distance of each table of rates to the mean of the others."""
    total = np.sum(tables, axis=0)
    return [distance(each, (total - each) / (len(tables) - 1)) for each in tables]


def _pattern_sentence(apart: float, limit: float, count: int) -> str:
    side = "within" if apart <= limit else "beyond"
    return f"{100 * apart:.1f} of 100 answers to a class differ, {side} {100 * limit:.1f} ({seeds_text(count)})"


def judge_recalls(expected: Confusion, allowance: float, observed: Sequence[Confusion]) -> Verdict:
    """Judge the seven recalls together, two-sided; the class that lies farthest out is named.

    With k >= 3 seeds as `judge_values`, each class with its own spread at `RECALL_CONFIDENCE`. With fewer,
    allowance and z·√2·(√(R(1−R)/n) or `DECLARED_RECALL_SPREAD`, whichever is larger).

    The largest of seven spreads is what has to become small: `further_seeds` is the number with which all seven do in
    half of all cases, if each varies as it did (`seeds_to_settle` has that of one). With the declared spread it is
    nine in all; plan ten seeds where recalls are to be settled.

    Args:
        expected: The published matrix.
        allowance: Fraction.
        observed: One matrix a seed.

    Raises:
        ValueError: If nothing was observed.
    """
    if not observed:
        raise ValueError("nothing was observed; a verdict needs at least one run")
    count, paper = len(observed), recalls(expected)
    ours, is_few = np.array([recalls(each) for each in observed]), count < SEEDS_NEEDED
    signed = ours.mean(axis=0) - paper
    spread = _few_spreads(expected) if is_few else ours.std(axis=0, ddof=1)
    margins = few_recall_margins(expected) if is_few else spread * prediction_margin(1.0, count, RECALL_CONFIDENCE)
    worst = int(np.argmax(np.abs(signed) - margins))
    limit = allowance + margins[worst]
    side = "beyond" if abs(signed[worst]) > limit else "within"
    apart = f"{100 * abs(signed[worst]):.1f} points {'below' if signed[worst] < 0 else 'above'}"
    told = (
        f"{CLASSES[worst]} {100 * (paper + signed)[worst]:.1f} %, {apart} the paper's {100 * paper[worst]:.1f} %, "
        f"{side} ±{100 * limit:.1f}"
    )
    if side == "beyond":
        return Verdict("NOT_REPRODUCED", f"{told}, the farthest of {len(CLASSES)} recalls ({seeds_text(count)})")
    reason = f"{len(CLASSES)} of {len(CLASSES)} recalls within; nearest to its limit {told} ({seeds_text(count)})"
    if not is_few and margins.max() <= WIDEST_RECALL_MARGIN:
        return Verdict("REPRODUCED", reason)
    if not is_few:
        widest = int(np.argmax(margins))
        reason += f", but seeds spread too widely: {CLASSES[widest]} ±{100 * margins[widest]:.1f} for them"
    return Verdict(
        "INCONCLUSIVE", reason, further_seeds(count, lambda seeds: settling_probability(spread, seeds) >= 0.5)
    )


def settling_probability(spreads: NDArray[np.float64], count: int) -> float:
    """How likely the margins of all recalls are narrow enough with so many seeds, if recalls have these spreads.

    (k−1)·s²/σ² is χ² with k−1 degrees of freedom; recalls are taken as independent.
    """
    from scipy.special import chdtr

    bound = WIDEST_RECALL_MARGIN / prediction_margin(1.0, count, RECALL_CONFIDENCE)
    moving = spreads[spreads > 0]
    return float(np.prod(chdtr(count - 1, (count - 1) * (bound / moving) ** 2)))


def few_recall_margins(expected: Confusion) -> NDArray[np.float64]:
    """What one or two seeds are granted beyond the allowance, by class, shape (7,)."""
    return _few_spreads(expected) * normal_quantile(RECALL_CONFIDENCE) * 2**0.5


def _few_spreads(expected: Confusion) -> NDArray[np.float64]:
    paper, images = recalls(expected), np.asarray(expected).sum(axis=1)
    return np.asarray(np.maximum(np.sqrt(paper * (1 - paper) / images), DECLARED_RECALL_SPREAD))


def degenerate(run: RunRecord | Score | Confusion) -> str | None:
    """Name a solution that is none: what a network answers without looking, or no better than that.

    Args:
        run: A record (all signs), a score (answers and loss), or a confusion matrix (answers alone).

    Returns:
        The signs in words, or None. A reported number can be reproduced by such a solution; it is one all the same.
    """
    if isinstance(run, RunRecord):
        score = run.scores.get("paper_test")
        signs = _signs_of_score(score) if score else []
        return "; ".join(signs + _signs_of_training(run)) or None
    signs = _signs_of_score(run) if isinstance(run, Score) else _signs_of_answers(np.asarray(run))
    return "; ".join(signs) or None


def _signs_of_answers(confusion: Confusion) -> list[str]:
    answers, labels = confusion.sum(axis=0), confusion.sum(axis=1)
    given = np.flatnonzero(answers)
    if len(given) == 1:
        return [f"every image is answered {CLASSES[given[0]]}"]
    missing = [name for name, answer, label in zip(CLASSES, answers, labels, strict=True) if label and not answer]
    return [f"never answers {', '.join(missing)}"] if missing and len(given) else []


def _signs_of_score(score: Score) -> list[str]:
    confusion = np.array(score.confusion)
    labels = confusion.sum(axis=1)
    shares = labels[labels > 0] / max(1, labels.sum())
    entropy = float(-(shares * np.log(shares)).sum())
    signs = _signs_of_answers(confusion)
    if not score.loss < np.log(len(CLASSES)):  # nan knows nothing either
        signs.append(f"test loss {score.loss:.4g} is not below that of uniform guessing, {np.log(len(CLASSES)):.4f}")
    elif len(shares) > 1 and score.loss >= entropy:
        signs.append(f"test loss {score.loss:.4f} is at or above the entropy of the labels, {entropy:.4f}")
    return signs


def _signs_of_training(record: RunRecord) -> list[str]:
    """Whether training has found nothing but the commonest class; known for FER-2013."""
    if not record.history or record.dataset is None or record.dataset.name != "fer2013":
        return []
    counts = KNOWN_COUNTS["training"]
    majority, reached = max(counts) / sum(counts), record.history[-1].training_accuracy
    if reached > majority + NEAR_MAJORITY:
        return []
    share = f"{100 * NEAR_MAJORITY:.0f} point above the share of the commonest class, {100 * majority:.1f} %"
    return [f"training accuracy {100 * reached:.1f} % is no more than {share}"]
