"""The machine that a paper names, and what is known of it: `hardware.toml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from harness.interval import Interval
from harness.strictness import STRICT
from harness.variant import Pipeline


@dataclass(frozen=True)
class Gpu:
    """The graphics card that a paper names.

    Attributes:
        name: As people call it.
        number: The number in its name, as the paper prints it.
        pattern: Regular expression that finds the name of a card of its class, as drivers give it.
        cores: Each makes one multiply-add a cycle.
        clock_hertz: Boost clock of the reference card.
        product_share: Share of the nominal peak that a large matrix product reaches on a card of its class.
        source: Where cores and clock are from.
    """

    name: str
    number: int
    pattern: str
    cores: int
    clock_hertz: float
    product_share: Interval
    source: str

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        re.compile(self.pattern)

    @property
    def peak(self) -> float:
        """Float32 operations a second, nominal."""
        return self.cores * 2 * self.clock_hertz

    def is_called_alike(self, gpu: str | None) -> bool:
        """Return whether a GPU has the name of this class."""
        return gpu is not None and self._pattern.search(gpu) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Cpu:
    """The processor that a paper names.

    Attributes:
        name: As people call it.
        number: The number in its name, as the paper prints it.
        cores: How many it has.
        source: Where that is from.
    """

    name: str
    number: int
    cores: int
    source: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Hardware:
    """What a paper's times were taken on.

    Attributes:
        gpu: Its graphics card.
        cpu: Its processor, which makes the pictures in the input pipelines `generator` and `manual`.
        pipelines: Input pipelines on which the paper's seconds are judged.
        alike: Two variants whose epochs last alike although their work differs, if the paper has such.
    """

    gpu: Gpu
    cpu: Cpu
    pipelines: tuple[Pipeline, ...]
    alike: tuple[str, str] | None = None

    __pydantic_config__ = STRICT
