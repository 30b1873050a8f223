"""The comparisons that a paper's claim can state, as data: a class for each kind, whose fields are its keys in TOML.

How runs answer a comparison stands in `harness.judging.claims.by_runs`, how the paper's own figures do in
`harness.judging.claims.by_figures`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from harness.strictness import STRICT

Class = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
"""As `harness.interface.CLASSES`; a test holds the two together."""
Measure = Literal[
    "accuracy", "training-accuracy", "gap", "training-ratio", "loss-gap",
    "recall-angry", "recall-disgust", "recall-fear", "recall-happy", "recall-neutral", "recall-sad", "recall-surprise",
]  # fmt: skip
"""What a run has one number of: accuracy on the tests and in training, the latter less and divided by the former, the
loss on the tests less that in training after the last epoch, and of the images of a class the share recognised."""
Curve = Literal["training_loss", "watched_loss", "training_accuracy", "watched_accuracy"]
"""Figures of an epoch (`harness.training.fit.EpochRecord`)."""
Pair = tuple[str, str]
"""Two variants, or two facts: the first is compared with the second."""


class _Stated:
    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Greater(_Stated):
    """`measure` is greater for `first` than for `second`, by more than `margin` (a fraction, or the measure's unit)."""

    kind: Literal["greater"]
    measure: Measure
    first: str
    second: str
    margin: float = 0.0


@dataclass(frozen=True)
class Above(_Stated):
    """`measure` of a variant is above `than`; open where a run has fewer than `fewest_epochs`."""

    kind: Literal["above"]
    measure: Measure
    variant: str
    than: float = 0.0
    fewest_epochs: int = 0


@dataclass(frozen=True)
class Recalls(_Stated):
    """A variant recognises each of `classes` more often than each of `over` (empty: than every other class)."""

    kind: Literal["recalls"]
    variant: str
    classes: tuple[Class, ...]
    over: tuple[Class, ...] = ()


@dataclass(frozen=True)
class Confused(_Stated):
    """A variant takes two classes for each other more often than two classes on average."""

    kind: Literal["confused"]
    variant: str
    classes: tuple[Class, Class]


@dataclass(frozen=True)
class AnsweredOften(_Stated):
    """A variant gives one answer to more than a fraction of all images."""

    kind: Literal["answered-often"]
    variant: str
    answer: Class
    more_than: float


@dataclass(frozen=True)
class CommonestMistake(_Stated):
    """One answer is the commonest among a variant's wrong ones."""

    kind: Literal["commonest-mistake"]
    variant: str
    answer: Class


@dataclass(frozen=True)
class MiddleLead(_Stated):
    """The first of a pair is more accurate than the second in most pairs: the median of the leads is positive."""

    kind: Literal["middle-lead"]
    pairs: tuple[Pair, ...]
    called: str


@dataclass(frozen=True)
class GreaterLead(_Stated):
    """The lead in accuracy within `pair` is greater than the lead within `other`."""

    kind: Literal["greater-lead"]
    pair: Pair
    other: Pair


@dataclass(frozen=True)
class BeatsFigure(_Stated):
    """A variant is more accurate, on images like those of `test`, than the best of the paper's `figures` for others.

    Attributes:
        figures: Name of a fact, or a pattern of names; only accuracies are taken.
        called: What these figures are.
        test: `clean_test` leaves out the images that lie in training too.
    """

    kind: Literal["beats-figure"]
    variant: str
    figures: str
    called: str
    test: Literal["paper_test", "clean_test"] = "paper_test"


@dataclass(frozen=True)
class Sooner(_Stated):
    """`first` passes an accuracy on the watched images in fewer epochs than `second`."""

    kind: Literal["sooner"]
    first: str
    second: str
    target: float


@dataclass(frozen=True)
class Seconds(_Stated):
    """The seconds of training of `first` divided by those of `second` lie above, or below, a ratio."""

    kind: Literal["seconds"]
    first: str
    second: str
    ratio_above: float | None = None
    ratio_below: float | None = None

    def __post_init__(self) -> None:
        if (self.ratio_above is None) == (self.ratio_below is None):
            raise ValueError("expected one of ratio_above and ratio_below")


@dataclass(frozen=True)
class Settles(_Stated):
    """A curve falls within the first `epochs` (none given: the first half), and by more than it changes after them."""

    kind: Literal["settles"]
    variant: str
    curve: Curve
    epochs: int | None = None
    fewest_epochs: int = 20


@dataclass(frozen=True)
class FallsToTheEnd(_Stated):
    """A curve falls over its first half and over its later half."""

    kind: Literal["falls-to-the-end"]
    variant: str
    curve: Curve
    fewest_epochs: int = 20


@dataclass(frozen=True)
class Rises(_Stated):
    """A curve rises from the first epoch to the last, or, with `over`, rises by more than another one."""

    kind: Literal["rises"]
    variant: str
    curve: Curve
    over: Curve | None = None
    fewest_epochs: int = 20


@dataclass(frozen=True)
class Fluctuates(_Stated):
    """Over the later half, a curve turns more from epoch to epoch than another one (mean second difference)."""

    kind: Literal["fluctuates"]
    variant: str
    curve: Curve
    over: Curve
    fewest_epochs: int = 20


@dataclass(frozen=True)
class FiguresAbove(_Stated):
    """Each accuracy among the paper's `figures` lies above the fact `than`. No run is needed.

    Attributes:
        figures: Name of a fact, or a pattern of names; only accuracies are taken.
        than: Name of a fact.
        called: What `than` is.
    """

    kind: Literal["figures-above"]
    figures: str
    than: str
    called: str


@dataclass(frozen=True)
class FiguresInOrder(_Stated):
    """In all pairs of facts the same one is ahead. No run is needed."""

    kind: Literal["figures-in-order"]
    pairs: tuple[Pair, ...]
    called: str


@dataclass(frozen=True)
class Operations(_Stated):
    """`first` takes more floating-point operations an image than `second`, to answer and to train. No run is needed."""

    kind: Literal["operations"]
    first: str
    second: str


@dataclass(frozen=True)
class OperationsRatio(_Stated):
    """The ratio of operations to train, within `pair`, is greater than within each of `others`. No run is needed."""

    kind: Literal["operations-ratio"]
    pair: Pair
    others: tuple[Pair, ...]
    called: str


Stated = (
    Greater | Above | Recalls | Confused | AnsweredOften | CommonestMistake | MiddleLead
    | GreaterLead | BeatsFigure | Sooner | Seconds | Settles | FallsToTheEnd | Rises | Fluctuates
    | FiguresAbove | FiguresInOrder | Operations | OperationsRatio
)  # fmt: skip
"""What a claim states, as a comparison."""
NEED_NO_RUN: Final = (FiguresAbove, FiguresInOrder, Operations, OperationsRatio)


def variants_in(stated: Stated) -> Iterator[str]:
    """Variants, with their readings, that a comparison names."""
    for name in ("variant", "first", "second"):
        if hasattr(stated, name):
            yield getattr(stated, name)
    if isinstance(stated, MiddleLead):
        yield from (name for pair in stated.pairs for name in pair)
    elif isinstance(stated, GreaterLead):
        yield from (*stated.pair, *stated.other)
    elif isinstance(stated, OperationsRatio):
        yield from (name for pair in (stated.pair, *stated.others) for name in pair)
