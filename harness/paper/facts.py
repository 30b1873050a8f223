"""Typed access to what the paper reports."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import ConfigDict, TypeAdapter

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Fact:
    """A number as the paper prints it: accuracies as fractions, times in seconds."""

    value: float
    place: str

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Facts:
    """What the paper reports of one variant."""

    accuracy: Fact
    training_accuracy: Fact
    training_seconds: Fact
    other_accuracies: tuple[Fact, ...]

    __pydantic_config__ = _STRICT


@cache
def facts() -> Mapping[str, Facts]:
    """The paper's figures by variant, without readings."""
    text = (files("harness.paper") / "facts.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Facts]).validate_python(tomllib.loads(text))
