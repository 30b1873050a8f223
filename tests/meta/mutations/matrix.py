"""The detection matrix as a page: `python -m tests.meta.mutations.matrix` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.meta.mutations.table import OF_FRAMEWORKS, OF_THE_HARNESS, Mutation

HEADINGS = ("where", "error", "Keras 3", "PyTorch", "noticed down to", "not noticed", "by")

PAGE = """# What the suite notices

{count} known errors are put into the code, one at a time. The suite must notice each of them. {both} go into the
Keras 3 implementation and into the PyTorch implementation, each alone. {shared} go into what both share.

A check of the default suite is named for each error. It passes on the code as it is, in the same process. With the
error it must fail; a crash is no detection. An error with a size is put in at its usual size and at smaller ones, down
to the smallest that is noticed. `--ferbench-slow` also shows that the next smaller one passes unnoticed.

This page is made from the table in `tests/meta/mutations`. `tests/meta/test_mutations.py` holds both to the code in
every run of the suite.

✓: noticed by the check whose id has `keras3` or `pytorch` in place of `{{}}`. An error is worded with its usual size.

{table}
"""


def page() -> str:
    """Return the page `docs/explanation/detection.md`, on which everything is noticed."""
    both, shared = len(OF_FRAMEWORKS), len(OF_THE_HARNESS)
    table = "\n".join(lines(lambda _where, _mutation: "✓"))
    return PAGE.format(count=both + shared, both=both, shared=shared, table=table)


def lines(mark: Callable[[str, Mutation], str]) -> list[str]:
    """Return the matrix in Markdown; `mark` says how an error in `keras3`, `pytorch` or `harness` went."""
    found = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    found += [_row(each, mark("keras3", each), mark("pytorch", each)) for each in OF_FRAMEWORKS]
    return found + [_row(each, *2 * [f"shared {mark('harness', each)}"]) for each in OF_THE_HARNESS]


def _row(mutation: Mutation, keras3: str, pytorch: str) -> str:
    sizes = [f"{size:.12g}" for size in mutation.sizes]
    error = mutation.what.format(*sizes[:1])
    unnoticed = "" if mutation.unnoticed is None else f"{mutation.unnoticed:.12g}"
    return _line([mutation.part, error, keras3, pytorch, sizes[-1] if sizes else "", unnoticed, f"`{mutation.check}`"])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")
