"""What a reproduction of a paper that was made for it comes to: `outcome.toml` in its folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, TypeAdapter

BUILT_IN: Final = Path(__file__).parent


@dataclass(frozen=True)
class Outcome:
    """What was put into a paper on purpose.

    Attributes:
        learned: The least accuracy on the tests of each of its variants, a fraction.
        verdicts: On the accuracy, by variant.
        claims: Answers, by the claim's name.
    """

    learned: float
    verdicts: Mapping[str, str]
    claims: Mapping[str, str]

    __pydantic_config__ = ConfigDict(extra="forbid")


def read_outcome(paper: str) -> Outcome:
    """Return what is to come out of a built-in paper; raises pydantic's ValidationError where the file is broken."""
    text = (BUILT_IN / paper / "outcome.toml").read_text(encoding="utf-8")
    return TypeAdapter(Outcome).validate_python(tomllib.loads(text))
