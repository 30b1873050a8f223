"""Predicates by name, and what all of them know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from harness.judging.claims.comparisons import Comparison
from harness.judging.claims.samples import Sample
from harness.papers.variants import VARIANTS

Predicate = Callable[[Sample], Iterator[Comparison]]

STRATEGIES: Final = ("scratch", "transfer", "fine-tune")
ARCHITECTURES: Final = ("vgg16", "resnet50")

_PREDICATES: dict[str, Predicate] = {}
PREDICATES: Final[Mapping[str, Predicate]] = _PREDICATES


def predicate(function: Predicate) -> Predicate:
    """Register a function under its name."""
    _PREDICATES[function.__name__] = function
    return function


def others(name: str, architecture: str = "") -> list[str]:
    """All variants but one, of one architecture or of both."""
    return [each for each in VARIANTS if each != name and each.startswith(architecture)]
