"""Records as an earlier schema had them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from harness.records.spec import RunSpec
from harness.variant import Variant

_SPEC = TypeAdapter(RunSpec)
_VARIANT = TypeAdapter(Variant)


def as_schema_4(values: dict[str, Any]) -> dict[str, Any]:
    """A record's JSON values as schema 4 stored them: the variant cut by its budget."""
    spec = dict(values["spec"])
    variant = _SPEC.validate_python(spec).variant
    for name in ("asked", "batch_size", "paper"):
        del spec[name]
    return values | {"schema_version": 4, "spec": {"variant": _VARIANT.dump_python(variant, mode="json"), **spec}}
