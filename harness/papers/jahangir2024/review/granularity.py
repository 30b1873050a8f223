"""A share of n images is k/n: which printed figures are, of which n, and which can be one network's.

Two ways of printing are allowed: rounding, halves to either side, and cutting digits off. A single figure says little,
since most are some k/n; a set of them, or a figure beside a matrix, says more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np

from harness.interface import CLASSES
from harness.papers.facts import Fact
from harness.papers.finding import Finding
from harness.papers.paper import Paper, Predicate
from harness.papers.wording import listed, mention, percent
from harness.statistics.chance import hypergeometric_at_most

LARGEST_BATCH: Final = 512
FOUR_DIGITS: Final = 0.0001
"""Resolution of 67.23 %, as a fraction: coarser figures tell nothing of single images."""
NEAR: Final = 0.01
"""Fraction. Figures farther apart than this are no matter of rounding, and other findings name them."""
POWERS_OF_TWO: Final = tuple(2**power for power in range(10))
"""Batch sizes that people choose, up to `LARGEST_BATCH`."""

State = tuple[int, int]
"""So many images, so many of them answered right."""


@lru_cache(maxsize=8192)
def rounded_counts(fact: Fact, images: int) -> frozenset[int]:
    """Numbers of right answers whose share of `images` rounds to the printed digits, halves to either side."""
    value, unit = _exact(fact)
    return frozenset(
        k for k in _near(value, unit, images) if abs(Fraction(k, images) - value) <= unit / 2 and k <= images
    )


@lru_cache(maxsize=8192)
def counts(fact: Fact, images: int) -> frozenset[int]:
    """The same, where digits may also have been cut off."""
    value, unit = _exact(fact)
    cut_off = {k for k in _near(value, unit, images) if 0 <= Fraction(k, images) - value < unit and k <= images}
    return rounded_counts(fact, images) | cut_off


def _exact(fact: Fact) -> tuple[Fraction, Fraction]:
    # through the shortest decimals of the floats: 0.6723 is meant, not its binary neighbour
    return Fraction(Decimal(repr(fact.value))), Fraction(10) ** round(math.log10(fact.resolution))


def _near(value: Fraction, unit: Fraction, images: int) -> range:
    return range(max(0, math.floor((value - unit) * images)), math.ceil((value + unit) * images) + 1)


def share_of_figures(images: int) -> float:
    """Which share of the figures 0.00 % to 100.00 % is some k/images, rounded: what one figure's fitting is worth."""
    right = np.arange(images + 1, dtype=np.int64)
    return np.unique((20_000 * right + images) // (2 * images)).size / 10_001


def whole_batches(images: int, batch_size: int) -> int:
    """Images in whole batches: what is left without the last, incomplete one."""
    return images // batch_size * batch_size


def can_be_one(first: Iterable[State], second: Iterable[State]) -> bool:
    """Whether one network can have both: of images that one has more, none to all may be right."""
    pairs = [sorted((one, other)) for one in first for other in second]
    return any(few <= many <= few + (larger - smaller) for (smaller, few), (larger, many) in pairs)


def states(fact: Fact, images: int) -> frozenset[State]:
    """What can be behind a figure: all images, or whole batches of a power of two."""
    sizes = {whole_batches(images, batch_size) for batch_size in POWERS_OF_TWO}
    return frozenset((size, k) for size in sizes for k in counts(fact, size))


def state_of_matrix(paper: Paper, variant: str) -> State:
    """Images in a confusion matrix, and those on its diagonal."""
    confusion = paper.facts.confusion(variant)
    return int(confusion.sum()), int(np.trace(confusion))


def near_matrix(paper: Paper, fact: Fact) -> bool:
    """Whether a figure of four digits is so near its variant's matrix that rounding or a last batch might excuse it."""
    if fact.subject not in paper.confusions or fact.quantity != "accuracy" or fact.resolution > FOUR_DIGITS * 1.01:
        return False
    images, right = state_of_matrix(paper, fact.subject)
    return abs(fact.value - right / images) < NEAR


def places_by_figure(mentions: Iterable[Fact]) -> str:
    """`67.23 % (Table 6, Abstract), 67.08 % (VGG16 Trained from Scratch)`, each figure once."""
    places: dict[str, list[str]] = {}
    for fact in mentions:
        places.setdefault(percent(fact), []).append(fact.place)
    return ", ".join(f"{figure} ({', '.join(dict.fromkeys(found))})" for figure, found in places.items())


def place_of_matrix(paper: Paper, variant: str) -> str:
    """`Figure 20`."""
    return paper.facts[matrix_names(paper, variant)[0]].place


def batch_sizes_left(paper: Paper) -> tuple[int, ...]:
    """Batch sizes up to `LARGEST_BATCH` whose whole batches fit Table 6, and the matrices of one answer.

    The images are taken in the order of their folders, as for a matrix they must be: those that are left out
    are of the last class, so of a network that has one other answer none of them was right.
    """
    test_images = state_of_matrix(paper, paper.confusions[0])[0]
    headlines = {name: paper.facts.headline(name, "accuracy") for name in paper.reported}
    constant = [name for name in paper.confusions if np.count_nonzero(paper.facts.confusion(name).sum(axis=0)) == 1]
    found = []
    for batch_size in range(1, LARGEST_BATCH + 1):
        size = whole_batches(test_images, batch_size)
        fit = {name: rounded_counts(fact, size) for name, fact in headlines.items()}
        if all(fit.values()) and all(state_of_matrix(paper, name)[1] in fit[name] for name in constant):
            found.append(batch_size)
    return tuple(found)


def accuracies_of_whole_batches(paper: Paper) -> Iterator[Finding]:
    """Table 6's accuracies leave out the last, incomplete batch."""
    test_images = state_of_matrix(paper, paper.confusions[0])[0]
    headlines = {name: paper.facts.headline(name, "accuracy") for name in paper.reported}
    strangers = [fact for fact in headlines.values() if not rounded_counts(fact, test_images)]
    left = [size for size in batch_sizes_left(paper) if whole_batches(test_images, size) < test_images]
    if not strangers or not left:
        return
    sizes = sorted({whole_batches(test_images, batch_size) for batch_size in left})
    size = sizes[-1]
    likely = [each for each in left if each in POWERS_OF_TWO]
    said = [fact for name in paper.reported for fact in paper.facts.mentions(name, "batch-size")]
    yield Finding(
        "accuracies-of-whole-batches",
        "unsaid",
        2,
        f"{listed(map(mention, strangers))} is no rounded share of {test_images:,} images; all validation accuracies "
        f"of Table 6 fit {listed(f'{each:,}' for each in sizes)}: whole batches of "
        f"{listed(map(str, likely or left))} ({len(left)} sizes up to {LARGEST_BATCH} fit). The last "
        f"{test_images - size} test images seem to have been left out{_joined(paper, headlines, size)}.",
        "\n".join(_lines(paper, headlines, said, left)),
        (
            *(fact.name for fact in [*headlines.values(), *said]),
            *(paper.facts.headline(name, "training-accuracy").name for name in paper.reported),
            *matrix_names(paper),
        ),
    )


def _lines(paper: Paper, headlines: Mapping[str, Fact], said: Sequence[Fact], left: Sequence[int]) -> Iterator[str]:
    """How it follows, for the most images that whole batches leave."""
    test_images = state_of_matrix(paper, paper.confusions[0])[0]
    size = max(whole_batches(test_images, batch_size) for batch_size in left)
    batch_size = next((int(fact.value) for fact in said if fact.value in left), left[0])
    for name, fact in headlines.items():
        of_all, of_whole = _as_counts(fact, test_images), _as_counts(fact, size)
        yield f"{percent(fact)} ({name}): {of_all} of {test_images:,}, {of_whole} of {size:,}"
    yield from (f"{fact.printed} is the batch size that {fact.place} gives" for fact in said)
    yield from _matrix_lines(paper, headlines, size)
    yield f"Batch sizes of 1 to {LARGEST_BATCH} that fit them and the matrix of one answer: {_short(left)}"
    yield from _order_lines(paper, headlines, size)
    share = share_of_figures(size)
    yield (
        f"What it is worth: {100 * share:.1f} % of all figures with four digits are some k/{size:,}, so "
        f"{len(headlines)} fit by chance in {100 * share ** len(headlines):.0f} % of cases; the matrices say more"
    )
    yield from _training_lines(paper, batch_size)


def _joined(paper: Paper, headlines: Mapping[str, Fact], size: int) -> str:
    """How many matrices give the headline in this way, of those that do not as they stand."""
    found = {name: state_of_matrix(paper, name) for name in paper.confusions}
    apart = [name for name, (images, right) in found.items() if right not in counts(headlines[name], images)]
    joined = [name for name in apart if can_be_one({found[name]}, {(size, k) for k in counts(headlines[name], size)})]
    if not joined:
        return ""
    return f": that also joins {len(joined)} of the {len(apart)} matrices whose share is another than Table 6's"


def _matrix_lines(paper: Paper, headlines: Mapping[str, Fact], size: int) -> Iterator[str]:
    """Matrices that become the headline where their last images are left out."""
    for name in paper.confusions:
        images, right = state_of_matrix(paper, name)
        kept = [k for k in rounded_counts(headlines[name], size) if k <= right <= k + images - size]
        if kept:
            left_out = right - max(kept)
            yield f"Matrix of {name}: {right:,} of {images:,} right, so {left_out} of the last {images - size}"


def _order_lines(paper: Paper, headlines: Mapping[str, Fact], size: int) -> Iterator[str]:
    """What the sizes assume of the order of the images, and what follows without it."""
    yield f"They take the images unshuffled, folder by folder, as a matrix needs them: the last are {CLASSES[-1]}"
    for name in paper.confusions:
        images, right = state_of_matrix(paper, name)
        if np.count_nonzero(paper.facts.confusion(name).sum(axis=0)) == 1 and right in rounded_counts(
            headlines[name], size
        ):
            answer = CLASSES[int(paper.facts.confusion(name).sum(axis=0).argmax())]
            yield (
                f"Shuffled, {percent(headlines[name])} needs none of the {images - size} left out to be {answer}: "
                f"chance {hypergeometric_at_most(0, images - size, right, images):.2f}"
            )


def _training_lines(paper: Paper, batch_size: int) -> Iterator[str]:
    """Whether training accuracies tell as much. They do not, but for a network that has one answer."""
    supports = [int(paper.facts[f"dataset.training-{name}.table-2"].value) for name in CLASSES]
    everything = sum(supports)
    share = share_of_figures(everything)
    yield f"Training accuracies tell nothing so: {100 * share:.0f} % of all such figures are some k/{everything:,}"
    for name in paper.reported:
        fact = paper.facts.headline(name, "training-accuracy")
        yield f"{percent(fact)} ({name}, training): {_as_counts(fact, everything)} of {everything:,}"
    size = whole_batches(everything, batch_size)
    for name in paper.confusions:
        answered = paper.facts.confusion(name).sum(axis=0)
        fact = paper.facts.headline(name, "training-accuracy")
        right = supports[int(answered.argmax())]
        if np.count_nonzero(answered) == 1 and right in rounded_counts(fact, size) - rounded_counts(fact, everything):
            chance = hypergeometric_at_most(0, everything - size, right, everything)
            yield (
                f"Its one answer is right for {right:,} of {everything:,} training images, "
                f"{100 * right / everything:.2f} %; printed is {percent(fact)}, {right:,} of {size:,} in whole batches "
                f"of {batch_size} (none of the {everything - size} left out was right: chance {chance:.2f} if shuffled)"
            )


def _as_counts(fact: Fact, images: int) -> str:
    found = sorted(rounded_counts(fact, images))
    return " or ".join(f"{k:,}" for k in found) if found else "no number"


def _short(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:20]))
    return f"{shown} and {len(numbers) - 20} more" if len(numbers) > 20 else shown


def matrix_names(paper: Paper, *variants: str) -> tuple[str, ...]:
    """Names of the rows of confusion matrices; of all of them unless variants are named."""
    chosen = variants or paper.confusions
    return tuple(
        fact.name for fact in paper.facts.values() if fact.subject in chosen and fact.quantity.startswith("confusion-")
    )


PREDICATES: tuple[Predicate, ...] = (accuracies_of_whole_batches,)
