"""Two networks whose epochs last alike, by the paper: is it the input pipeline that both wait for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.attribution.prediction import Prediction
from harness.papers.throughput import ALIKE_EPOCHS, ALIKE_RUNS
from harness.papers.wording import capitalised, described, share

Answer = Literal["yes", "yes, but not it alone", "no", "not asked"]


@dataclass(frozen=True)
class Closing:
    """Does the input pipeline explain the epochs that last alike?

    Attributes:
        answer: In one word.
        seconds: Of an epoch of the first network, by the paper.
        sentences: With the numbers.
    """

    answer: Answer
    seconds: float
    sentences: tuple[str, ...]


def close(predictions: Sequence[Prediction], alike: tuple[str, str]) -> Closing | None:
    """Compare two variants whose epochs last alike, by the paper; None where one was not predicted."""
    first, second = (_of(predictions, name) for name in alike)
    if not first or not second:
        return None
    one, other = first[0], second[0]
    apart, ratio = abs(one.seconds / other.seconds - 1), _ratio(one, other)
    told = [
        f"An epoch takes {one.seconds:.1f} s ({described(one.rate.variant)}) and {other.seconds:.1f} s "
        f"({described(other.rate.variant)}), {share(apart, 1)} apart ({one.rate.seconds.place}), for work that "
        f"differs {ratio:.1f}-fold as we read it."
    ]
    if apart > ALIKE_RUNS:
        return Closing("not asked", one.seconds, tuple(told))
    holds = one.seconds in one.pipeline and other.seconds in other.pipeline
    told.append(
        f"Making the pictures takes {one.pipeline_here:.1f} s on one core here and {one.pipeline} s on one of the "
        f"paper's, whatever the network: that {'holds' if holds else 'does not hold'} both."
    )
    if not holds:
        return Closing("no", one.seconds, tuple(told))
    rivals = [(a, b) for a in first for b in second if _ratio(a, b) <= 1 + ALIKE_EPOCHS and _takes_both(a, b)]
    if ratio > 1 + ALIKE_EPOCHS:
        told.append(
            "The step must then hide behind the pictures: one after the other, the epochs would lie "
            f"{abs(one.step.low - other.step.low):.0f} s apart at least."
        )
    told += [
        f"Read as {a.rate.variant.name} and {b.rate.variant.name}, though, the work is equal, and the step alone, of "
        f"{a.step} s, takes both times as well."
        for a, b in rivals
    ]
    told += [
        f"{capitalised(described(third.rate.variant))} takes, by one of its times, {third.seconds:.1f} s "
        f"({third.rate.seconds.place}) for {_ratio(one, third):.1f} times less work; its step alone takes {third.step} "
        "s, which leaves the pictures."
        for third in _thirds(predictions, one, alike)
    ]
    return Closing("yes, but not it alone" if rivals else "yes", one.seconds, tuple(told))


def _thirds(predictions: Sequence[Prediction], one: Prediction, networks: tuple[str, str]) -> list[Prediction]:
    """Other networks with a time as long an epoch, for which their step alone is too short in each reading."""
    others = [each for each in predictions if each.rate.variant.base_name not in networks]
    alike = [each for each in others if abs(each.seconds / one.seconds - 1) <= ALIKE_EPOCHS]
    excluded = {_name(each) for each in alike if each.explanation != "explained by the input pipeline"}
    found = {_name(each): each for each in reversed(alike) if "@" not in each.rate.variant.name}
    return [each for name, each in found.items() if name not in excluded]


def _name(prediction: Prediction) -> str:
    return prediction.rate.variant.base_name


def _of(predictions: Sequence[Prediction], name: str) -> list[Prediction]:
    """A variant's headline time in each reading, the default first."""
    found = [each for each in predictions if _name(each) == name]
    return [each for each in found if (each.rate.seconds, each.rate.epochs) == _headline(found[0])]


def _headline(prediction: Prediction) -> tuple[object, int]:
    return prediction.rate.seconds, prediction.rate.epochs


def _ratio(one: Prediction, other: Prediction) -> float:
    """Of their operations an epoch, at least 1."""
    work = one.operations, other.operations
    return max(work) / min(work)


def _takes_both(one: Prediction, other: Prediction) -> bool:
    """Whether the step alone may take both times."""
    return one.seconds in one.step and other.seconds in other.step
