"""From one schema of a record to the next: JSON values in, JSON values out. Each change of the schema adds a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from pydantic import TypeAdapter

from harness.papers import load_paper
from harness.records.options import DEFAULT_PAPER
from harness.records.record import SCHEMA_VERSION
from harness.training.budget import Budget, limit_variant
from harness.training.stop_reason import StopKind, StopReason
from harness.variant import Variant, parse_variant

Values = dict[str, Any]

_VARIANT: Final = TypeAdapter(Variant)
_BUDGET: Final = TypeAdapter(Budget)


def convert(values: Mapping[str, Any]) -> Values:
    """A record's JSON values in the schema of today.

    Args:
        values: Of a record whose `schema_version` is in `CONVERTERS`, or is today's.

    Raises:
        ValueError: If a value is wrong that has to be understood; KeyError or TypeError if it is missing or misplaced.
    """
    converted = dict(values)
    while converted["schema_version"] != SCHEMA_VERSION:
        version = converted["schema_version"]
        converted = CONVERTERS[version](converted) | {"schema_version": version + 1}
    return converted


def _from_4(values: Values) -> Values:
    """Schema 4 stored the variant as its budget had cut it, and why training ended as a sentence."""
    spec = dict(values["spec"])
    asked, batch_size = _asked(parse_variant(spec.pop("variant")), _BUDGET.validate_python(spec["budget"]))
    asked_json = _VARIANT.dump_python(asked, mode="json")
    sentence, epochs = values["stop_reason"], len(values["history"])
    return values | {
        "spec": {"asked": asked_json, **spec, "batch_size": batch_size, "paper": DEFAULT_PAPER},
        "stop_reason": sentence and asdict(_stop_reason(sentence, epochs, spec["budget"]["seconds"])),
    }


def _asked(stored: Variant, budget: Budget) -> tuple[Variant, int | None]:
    """The variant that was asked for, by its name, and the batch size where another one was chosen.

    Where today's variant of that name does not lead to the stored one, the stored one is what was asked for.
    """
    declared = load_paper(DEFAULT_PAPER).declared(stored.name)
    if declared is None:
        return stored, None
    limited = limit_variant(declared, budget)
    chosen = stored.batch_size if stored.batch_size != limited.batch_size else None
    if replace(limited, batch_size=stored.batch_size) == stored:
        return declared, chosen
    return stored, None


def _stop_reason(sentence: str, epochs: int, seconds: float | None) -> StopReason:
    """Why training ended, from the sentence that schema 4 stored."""
    plain: dict[str, StopKind] = {"all epochs run": "all-epochs", "interrupted": "interrupted"}
    if sentence in plain:
        return StopReason(plain[sentence], epochs)
    if found := re.fullmatch(r"accuracy \S+ exceeded (\S+)", sentence):
        return StopReason("accuracy-above", epochs, threshold=float(found[1]))
    if found := re.fullmatch(r"accuracy has not exceeded \S+ for (\d+) epochs", sentence):
        return StopReason("no-improvement", epochs, patience=int(found[1]))
    if found := re.fullmatch(r"budget: \d+ of (\d+) s spent, another epoch would exceed it", sentence):
        return StopReason("budget-seconds", epochs, seconds=float(found[1]) if seconds is None else seconds)
    raise ValueError(f"stop_reason {sentence!r} is none that schema 4 had")


CONVERTERS: Final[Mapping[int, Callable[[Values], Values]]] = {4: _from_4}
"""By the version that they read; each leads to the next one."""
