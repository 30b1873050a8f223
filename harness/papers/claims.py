"""What a paper claims in words, and what would have to be seen for each claim to hold: data, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, get_args, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from harness.papers.stated import NEED_NO_RUN, Stated, variants_in
from harness.strictness import STRICT
from harness.variant import Variant, VariantError

MAXIMUM_QUOTED_WORDS: Final = 20


class ClaimError(ValueError):
    """A claim that cannot be asked. The message names the claim, the comparison and the key, and says what is known."""


@dataclass(frozen=True)
class Claim:
    """What the paper says in words, and what would have to be seen.

    Attributes:
        name: Key in `claims.toml`.
        quote: At most 20 words, as they stand in the paper up to white space.
        place: Section where they stand.
        means: What would have to be seen, in one sentence.
        holds_if: The same as comparisons; the claim holds if all of them do.
        findings: Names of findings of the review that speak of it.
        caution: What keeps a comparison from being only about what it names.
    """

    name: str
    quote: str
    place: str
    means: str
    holds_if: tuple[Annotated[Stated, Field(discriminator="kind")], ...]
    findings: tuple[str, ...] = ()
    caution: str | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        words = len(self.quote.split())
        if not 0 < words <= MAXIMUM_QUOTED_WORDS:
            raise ClaimError(f"a quote of {words} words; expected 1 to {MAXIMUM_QUOTED_WORDS}")
        if not self.holds_if:
            raise ClaimError("holds_if is empty; expected one comparison at least")

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants that it names, with their readings, each once."""
        return tuple(dict.fromkeys(name for each in self.holds_if for name in variants_in(each)))

    @property
    def needs(self) -> tuple[str, ...]:
        """Variants of which runs are asked, each once; empty where no run is needed."""
        asked = [each for each in self.holds_if if not isinstance(each, NEED_NO_RUN)]
        return tuple(dict.fromkeys(name for each in asked for name in variants_in(each)))


def read_claims(tables: Mapping[str, Any]) -> dict[str, Claim]:
    """Read the tables of a `claims.toml`: claims by name, in its order.

    Raises:
        ClaimError: If a claim lacks a key, has an unknown one, or states what is no comparison.
    """
    adapter, found = TypeAdapter(Claim), {}
    for name, entry in tables.items():
        try:
            found[name] = adapter.validate_python({"name": name} | entry)
        except ValidationError as error:
            raise ClaimError(f"claim {name}: {_told(error.errors()[0])}") from error
    return found


def check_variants(claim: Claim, find_variant: Callable[[str], Variant]) -> None:
    """Refuse a claim that names a variant which its paper does not have, or calls otherwise.

    Raises:
        ClaimError: If it does.
    """
    for name in claim.variants:
        try:
            known_as = find_variant(name).name
        except VariantError as error:
            raise ClaimError(f"claim {claim.name}: {error}") from error
        if known_as != name:
            raise ClaimError(f"claim {claim.name}: holds_if names {name!r}, which is called {known_as!r}")


def _told(error: Mapping[str, Any]) -> str:
    """Which comparison and key are wrong, and what is known there."""
    where = [f"comparison {part + 1}" if isinstance(part, int) else str(part) for part in error["loc"]]
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "unexpected_keyword_argument":
        message = f"unknown key; known are {', '.join(field.name for field in fields(_class_at(error['loc'])))}"
    return ": ".join([", ".join(where), message] if where else [message])


def _class_at(location: tuple[int | str, ...]) -> type[Any]:
    """The class whose keys a location is about: that of a comparison, or the claim."""
    by_kind = {get_args(get_type_hints(each)["kind"])[0]: each for each in get_args(Stated)}
    return next((by_kind[part] for part in location if part in by_kind), Claim)
