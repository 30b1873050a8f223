"""Another batch size than the paper's: how it is asked for, what follows it, and what is said of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from harness.interval import Interval
from harness.judging.comparability import differences
from harness.measuring.forecast import Machine, count_operations, forecast
from harness.measuring.memory import predict_memory
from harness.operations import recomputed_image_flops
from harness.records.options import RunOptions
from harness.records.spec import RunSpec
from harness.report.tables import small_print
from harness.runs import specification
from harness.runs.specification import make_spec
from harness.training.budget import BUDGETS, BudgetName
from harness.training.fit import evaluation_batch_size
from harness.variant import VariantError
from tests.support.fake_records import fake_record
from tests.support.papers import PAPER, told


@pytest.fixture(autouse=True)
def frameworks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specification, "missing_framework", lambda name, backend: None)


def asked(batch_size: int | None, budget: BudgetName = "paper", variant: str = "vgg16-transfer") -> RunSpec:
    return make_spec(variant, "pytorch", RunOptions(budget=budget, batch_size=batch_size))


@pytest.mark.parametrize(
    ("batch_size", "budget", "used", "chosen"),
    [
        (None, "paper", 32, None),
        (16, "paper", 16, 16),
        (32, "paper", 32, None),
        (64, "hour", 64, 64),
        (None, "rehearsal", 8, None),
        (64, "rehearsal", 8, None),  # the budget caps it
        (4, "rehearsal", 4, 4),
    ],
)
def test_a_batch_size_replaces_the_papers(
    batch_size: int | None, budget: BudgetName, used: int, chosen: int | None
) -> None:
    spec = asked(batch_size, budget)
    assert (spec.variant.batch_size, spec.batch_size) == (used, chosen)
    assert ("-batch" in spec.label) == (chosen is not None)


def test_the_label_says_it() -> None:
    assert asked(16).label == "vgg16-transfer-pytorch-batch16-seed0"
    assert asked(16, variant="vgg16-scratch@balanced").label == "vgg16-scratch@balanced-pytorch-batch16-seed0"


@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_of_none_is_refused_for_people(batch_size: int) -> None:
    with pytest.raises(VariantError, match=f"batch size {batch_size}; expected at least 1"):
        asked(batch_size)


@pytest.mark.parametrize("budget", ["paper", "hour"])
def test_it_is_not_comparable_and_the_reason_names_it(budget: BudgetName) -> None:
    record = fake_record(variant="vgg16-transfer", budget=BUDGETS[budget], batch_size=16)
    assert told(differences(record, PAPER)) == ["batch size 16, the paper's is 32"]


def test_what_else_is_changed_is_not_hidden_by_it() -> None:
    record = fake_record(variant=replace(PAPER.variants["vgg16-scratch"], learning_rate=1.0), batch_size=16)
    assert [each.kind for each in differences(record, PAPER)] == ["declared-otherwise", "batch-size"]


def test_the_conditions_of_a_table_say_it() -> None:
    record = fake_record(batch_size=16)
    (*_, conditions) = cast(Any, small_print([(cast(Any, None), record)])).renderables
    assert conditions.plain.endswith("budget paper; batch size 16, n = 1 run each")


def test_the_forecast_counts_its_steps() -> None:
    """Twice as many batches of training: 898 more of 28,709 images, an epoch."""
    machine = Machine("a card", Interval(1e30, 1e30), "fast", Interval(1.0, 1.0))
    papers, half = (forecast(replace(asked(size), fer2013="fer2013.zip"), machine, []).seconds for size in (None, 16))
    assert papers is not None
    assert half is not None
    assert half.low - papers.low == pytest.approx(100 * (1795 - 898))


def test_the_forecast_counts_what_checkpointing_computes_again() -> None:
    spec = replace(asked(None), fer2013="fer2013.zip")
    again = recomputed_image_flops(spec.variant, spec.variant.phases[0])
    assert count_operations(replace(spec, checkpointing=True)) - count_operations(spec) == 100 * 28_709 * again


def test_memory_follows_it_and_evaluation_does_not() -> None:
    """The evaluation's batches are chosen for their pictures' size, so that very small ones need no less."""
    half, one = asked(16).variant, asked(1).variant
    sizes = [predict_memory(each, each.phases[0]) for each in (PAPER.variants["vgg16-transfer"], half, one)]
    assert [each.batch_size for each in sizes] == [32, 16, 1]
    assert sizes[0].total > sizes[1].total > sizes[2].total
    assert {evaluation_batch_size(each.variant) for each in sizes} == {8}
    assert sizes[2].training < sizes[2].evaluation
