"""Records as an earlier schema had them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from harness.records.spec import RunSpec
from harness.variant import Variant

SENTENCES = {
    "all-epochs": "all epochs run",
    "accuracy-above": "accuracy 0.6800 exceeded {threshold}",
    "no-improvement": "accuracy has not exceeded 0.0000 for {patience} epochs",
    "budget-seconds": "budget: 21 of {seconds:.0f} s spent, another epoch would exceed it",
    "interrupted": "interrupted",
}
_SPEC = TypeAdapter(RunSpec)
_VARIANT = TypeAdapter(Variant)


def as_schema_4(values: dict[str, Any]) -> dict[str, Any]:
    """A record's JSON values as schema 4 stored them: the variant cut by its budget, the end's reason a sentence."""
    spec = dict(values["spec"])
    variant = _SPEC.validate_python(spec).variant
    for name in ("asked", "batch_size", "paper"):
        del spec[name]
    reason = values["stop_reason"]
    return values | {
        "schema_version": 4,
        "spec": {"variant": _VARIANT.dump_python(variant, mode="json"), **spec},
        "stop_reason": reason and SENTENCES[reason["kind"]].format_map(reason),
    }
