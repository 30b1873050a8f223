"""Tables, links and escapes of Markdown, as GitHub and MkDocs both read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

APPENDICES: Final = "docs/paper"
"""Folder of the appendices, from the root of the repository."""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars and line breaks within cells are taken out of its way."""
    lines = [headings, ["---"] * len(headings), *rows]
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def link(page: str, anchor: str, *, folder: str = "") -> str:
    """A link to a heading of an appendix: the name in code, linked to its heading.

    Args:
        page: Name of the appendix, without its suffix.
        anchor: The heading, of letters, digits and hyphens alone.
        folder: Where the appendices lie as seen from the page that links; empty for a page beside them.
    """
    return f"[`{anchor}`]({folder}{'/' if folder else ''}{page}.md#{anchor})"


def escaped(text: str) -> str:
    """Words of others, none of whose letters is Markdown."""
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*")


def page(title: str, *parts: str) -> str:
    """A whole appendix."""
    note = "<!-- Made by `ferbench expected --write`; changes by hand are lost. -->"
    return "\n\n".join([f"# {title}", note, *(part.strip() for part in parts if part)]) + "\n"
