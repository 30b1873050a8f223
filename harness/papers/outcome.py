"""What a reproduction of a paper that was made for it comes to: `outcome.toml` in its folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from harness.papers.loading import BUILT_IN
from harness.strictness import STRICT


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

    __pydantic_config__ = STRICT


def made_paper() -> str:
    """Return the name of the built-in paper that was made to be reproduced: the one with an `outcome.toml`."""
    (file,) = BUILT_IN.glob("*/outcome.toml")
    return file.parent.name


def read_outcome(paper: str) -> Outcome:
    """Return what is to come out of a built-in paper; raises pydantic's ValidationError where the file is broken."""
    text = (BUILT_IN / paper / "outcome.toml").read_text(encoding="utf-8")
    return TypeAdapter(Outcome).validate_python(tomllib.loads(text))
