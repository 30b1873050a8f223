"""The variants of a paper, where each of their values comes from, and the rival readings of what it leaves open.

Values and their sources stand side by side in `variants.toml`, so that neither can drift from
the other: each field has a short quote and its place in the paper, or `assumed` and a reason, or both
where the paper says only part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from pydantic import TypeAdapter

from harness.strictness import STRICT
from harness.variant import Variant, VariantError, coerce_variant

NOT_FROM_THE_PAPER: Final = frozenset({"name", "width_divisor", "batch_norm_momentum"})
"""Fields of `Variant` that need no source: the name is ours, and hardly a paper divides a network's width or says how
much its norms keep of their old statistics."""


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from: a quote with its place, an assumption with its reason, or both.

    Attributes:
        quote: Words of the paper, at most 20, as they stand there up to white space.
        place: The section, table or figure where they stand.
        assumed: Why we chose what the paper does not say. Beside a quote: what the quote leaves open, so
            the value is cited in part only.
    """

    quote: str | None = None
    place: str | None = None
    assumed: str | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if (self.quote is None) != (self.place is None):
            raise ValueError(f"a source with quote={self.quote!r}, place={self.place!r}: they go together")
        if not (self.quote or self.assumed):
            raise ValueError("a source needs a quote with its place, or `assumed` with a reason, or both")


@dataclass(frozen=True)
class Reading:
    """One answer to a question that the paper leaves open.

    Attributes:
        name: What stands behind the at-sign.
        question: What is open; the readings of one question exclude each other.
        is_default: Whether the plain variant already answers so.
        reason: Why this answer is possible, and for the default why it is preferred.
        changes: Fields of `Variant` that it sets.
        unsets: Fields that it sets to None.
    """

    name: str
    question: str
    reason: str
    changes: Mapping[str, Any]
    unsets: tuple[str, ...] = ()
    is_default: bool = False

    __pydantic_config__ = STRICT

    @property
    def values(self) -> dict[str, Any]:
        """All fields that it sets (TOML has no word for None)."""
        return {**self.changes, **dict.fromkeys(self.unsets)}


_SOURCE: Final = TypeAdapter(Source)
_READING: Final = TypeAdapter(Reading)


def read_variant(name: str, entries: Mapping[str, Any]) -> Variant:
    """Return the variant of a table `[variants.NAME]`, in its default reading; raises pydantic's ValidationError."""
    values = {field: entry.get("value") for field, entry in entries.items()}
    return coerce_variant(values | {"name": name})


def read_sources(entries: Mapping[str, Any]) -> Mapping[str, Source]:
    """Return the source of each field of a table `[variants.NAME]`, by field name."""
    return {
        field: _SOURCE.validate_python({key: text for key, text in entry.items() if key != "value"})
        for field, entry in entries.items()
    }


def read_readings(entries: Mapping[str, Any]) -> tuple[Reading, ...]:
    """Return the readings of a table `[readings.NAME]`, in its order."""
    return tuple(_READING.validate_python(entry | {"name": name}) for name, entry in entries.items())


def apply_readings(variant: Variant, readings: tuple[Reading, ...], words: str) -> Variant:
    """Return a variant as it is read: `five-blocks,unstopped` for two of its readings.

    The name of the result lists the readings that differ from the default, in canonical order.

    Raises:
        VariantError: If a reading does not exist, or two readings answer one question.
    """
    known = {reading.name: reading for reading in readings}
    chosen: dict[str, Reading] = {}
    for word in filter(None, words.split(",")):
        if word not in known:
            raise VariantError(
                f"unknown reading {word!r} of {variant.name}; its readings are {', '.join(known) or 'none'}"
            )
        reading = known[word]
        if reading.question in chosen:
            other = chosen[reading.question].name
            raise VariantError(
                f"{variant.name}@{words}: {other!r} and {word!r} answer the same question: {reading.question}"
            )
        chosen[reading.question] = reading
    applied = [reading for reading in readings if reading in chosen.values() and not reading.is_default]
    if not applied:
        return variant
    values = asdict(variant)
    for reading in applied:
        values |= reading.values
    return coerce_variant(values | {"name": f"{variant.name}@{','.join(reading.name for reading in applied)}"})


def paper_fields() -> tuple[str, ...]:
    """Names of the fields that carry a claim about the paper, in order."""
    return tuple(field.name for field in fields(Variant) if field.name not in NOT_FROM_THE_PAPER)
