"""The variants and their readings, for the terminal."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.architectures import count_parameters, forward_flops
from harness.papers.paper import Paper
from harness.variant import Variant


def variant_list(paper: Paper) -> RenderableType:
    """All variants of a paper with their readings."""
    table = Table(title="variants", title_justify="left")
    table.add_column("variant", no_wrap=True)
    table.add_column("input", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("GFLOP forward", justify="right")
    table.add_column("readings (* default)")
    for name, variant in paper.variants.items():
        table.add_row(
            name,
            _input(variant),
            f"{count_parameters(variant):,}",
            f"{forward_flops(variant) / 1e9:.3f}",
            ", ".join(each.name + ("*" if each.is_default else "") for each in paper.readings[name]),
        )
    hint = "A reading stands behind an at-sign: VARIANT@READING,READING. All of one: `ferbench variants VARIANT`."
    return Group(table, Text(hint))


def variant_page(paper: Paper, variant: Variant) -> RenderableType:
    """Every field of a variant with its source, then its readings with their reasons."""
    table = Table(title=variant.name, title_justify="left", show_lines=True)
    table.add_column("field", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("source", overflow="fold")
    found = paper.sources[variant.base_name]
    chosen = {
        field: f"READING {reading.name}: {' '.join(reading.reason.split())}"
        for reading in paper.readings[variant.base_name]
        if reading.name in variant.name.partition("@")[2].split(",")
        for field in reading.values
    }
    for field in (each.name for each in fields(Variant) if each.name in found):
        if field in chosen:
            table.add_row(field, field_text(getattr(variant, field)), Text(chosen[field]))
            continue
        source = found[field]
        parts = [f"“{source.quote}” ({source.place})"] if source.quote else []
        parts += [f"ASSUMED: {' '.join(source.assumed.split())}"] if source.assumed else []
        table.add_row(field, field_text(getattr(variant, field)), Text("\n".join(parts)))
    others = Table(title="readings", title_justify="left", show_lines=True)
    others.add_column("question")
    others.add_column("reading", no_wrap=True)
    others.add_column("reason", overflow="fold")
    for reading in paper.readings[variant.base_name]:
        mark = "*" if reading.is_default else ""
        others.add_row(reading.question, reading.name + mark, Text(" ".join(reading.reason.split())))
    return Group(table, others, Text("* default"))


def _input(variant: Variant) -> str:
    return f"{variant.input_size}×{variant.input_size}×{variant.input_channels}"


def field_text(value: object) -> str:
    """A field as people write it: `flatten → dense, units 64 → dropout`."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return " → ".join(field_text(each) for each in value)
    if not is_dataclass(value):
        return str(value)
    parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
    words = [each if name in {"kind", "name"} else f"{name} {each}" for name, each in parts if each is not None]
    return ", ".join(words).replace("_", " ")
