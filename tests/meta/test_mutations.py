"""Fault injection: every known error is noticed, by the check that the table names, in either framework."""

from __future__ import annotations

import pytest

from harness.plugin.base import require_implementation
from tests.meta.mutations.matrix import lines, page
from tests.meta.mutations.table import MUTATIONS, Mutation
from tests.meta.mutations.workers import Workers
from tests.support.repository import ROOT

CASES = [(where, mutation) for where, chosen in MUTATIONS.items() for mutation in chosen]


@pytest.mark.parametrize(("where", "mutation"), CASES, ids=lambda each: getattr(each, "name", each))
def test_an_error_is_noticed(where: str, mutation: Mutation, workers: Workers, request: pytest.FixtureRequest) -> None:
    if where != "harness":
        require_implementation(request.config, where)
    check = {f"tests/{mutation.check.format(where)}"}
    assert check <= workers.passed(where), "on the code as it is"
    for size in mutation.sizes_or_none:
        assert workers.of(where, mutation, size) == dict.fromkeys(check, "noticed")
    if request.config.getoption("ferbench_slow") and mutation.unnoticed is not None:
        smaller = workers.of(where, mutation, mutation.unnoticed)
        assert smaller == dict.fromkeys(check, "passed"), "smaller than the table says"


def test_the_matrix_is_printed(workers: Workers, request: pytest.FixtureRequest) -> None:
    """In the output, with what was seen in this run."""

    def mark(where: str, mutation: Mutation) -> str:
        if where not in workers.running:
            return "not run"
        seen = {outcome for size in mutation.sizes_or_none for outcome in workers.of(where, mutation, size).values()}
        return "✓" if seen == {"noticed"} else "MISSED"

    table = ["", *lines(mark)]
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(*table, sep="\n")
    assert "MISSED" not in "".join(table)


def test_the_page_is_the_table() -> None:
    observed = (ROOT / "docs" / "explanation" / "detection.md").read_text(encoding="utf-8")
    assert observed == page(), "python -m tests.meta.mutations.matrix > docs/explanation/detection.md"


def test_names_and_sizes_make_sense() -> None:
    for where, chosen in MUTATIONS.items():
        assert len({mutation.name for mutation in chosen}) == len(chosen) >= (24 if where != "harness" else 1)
        for mutation in chosen:
            assert ("{}" in mutation.what) == bool(mutation.sizes), mutation.name
            assert ("{}" in mutation.check) == (where != "harness"), mutation.name
