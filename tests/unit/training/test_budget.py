"""Caps on variants."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.bands import judge, judge_all
from harness.judging.comparability import differences
from harness.training.budget import BUDGETS, Budget, limit_variant
from harness.variant import Phase, Variant
from tests.support.fake_model import fake_variant
from tests.support.fake_records import fake_record
from tests.support.papers import PAPER

every_variant = pytest.mark.parametrize("variant", PAPER.variants.values(), ids=PAPER.variants)


@every_variant
@pytest.mark.parametrize("name", ["paper", "hour"])
def test_no_cap_changes_nothing(variant: Variant, name: str) -> None:
    assert limit_variant(variant, BUDGETS[name]) == variant  # type: ignore[index]


@every_variant
def test_smoke_is_small(variant: Variant) -> None:
    limited = limit_variant(variant, BUDGETS["smoke"])
    assert (limited.epochs, limited.input_size) == (2, min(48, variant.input_size))
    assert limited.name == variant.name


@every_variant
def test_a_rehearsal_crosses_every_phase_in_two_batches_an_epoch(variant: Variant) -> None:
    budget = BUDGETS["rehearsal"]
    limited = limit_variant(variant, budget)
    assert (limited.batch_size, limited.input_size, limited.epochs) == (8, 48, 2)
    assert [phase.trainable for phase in limited.phases] == [phase.trainable for phase in variant.phases]
    assert budget.examples == 2 * limited.batch_size


@every_variant
def test_four_epochs_time_every_phase_beside_its_first(variant: Variant) -> None:
    limited = limit_variant(variant, BUDGETS["times"])
    assert limited.epochs == 4
    assert [phase.trainable for phase in limited.phases] == [phase.trainable for phase in variant.phases]
    assert min(phase.epochs for phase in limited.phases) >= 2


@every_variant
@pytest.mark.parametrize("name", ["rehearsal", "custom", "paper"])
def test_a_smaller_batch_is_never_comparable(variant: Variant, name: str) -> None:
    """Whatever the budget is called, and on the real data from the right weights."""
    record = fake_record(variant=variant, budget=Budget(name, batch_size=8))
    assert [(each.kind, each.observed) for each in differences(record, PAPER)] == [("budget", name)]
    assert judge([record], PAPER).kind == "NOT_COMPARABLE"


@every_variant
def test_a_rehearsal_is_never_comparable(variant: Variant) -> None:
    record = fake_record(variant=variant, budget=BUDGETS["rehearsal"])
    assert {judgement.verdict.kind for judgement in judge_all([record], PAPER)} == {"NOT_COMPARABLE"}


@pytest.mark.parametrize("cap", [0, -5, math.nan])
def test_a_cap_of_nothing_is_refused(cap: float) -> None:
    with pytest.raises(ValueError, match=r"budget 'custom' with seconds=.*; expected caps above 0"):
        Budget("custom", seconds=cap)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (1, (Phase(1, "head"),)),
        (2, (Phase(1, "head"), Phase(1, "block5"))),
        (3, (Phase(1, "head"), Phase(1, "block5"), Phase(1, "all"))),
        (5, (Phase(3, "head"), Phase(1, "block5"), Phase(1, "all"))),
        (6, (Phase(2, "head"), Phase(2, "block5"), Phase(2, "all"))),
        (9, (Phase(5, "head"), Phase(2, "block5"), Phase(2, "all"))),
        (17, (Phase(5, "head"), Phase(10, "block5"), Phase(2, "all"))),
        (99, (Phase(5, "head"), Phase(10, "block5"), Phase(3, "all"))),
    ],
)
def test_phases_are_cut_from_the_end_but_keep_two_epochs_or_one(epochs: int, expected: tuple[Phase, ...]) -> None:
    variant = fake_variant(epochs=18, phases=(Phase(5, "head"), Phase(10, "block5"), Phase(3, "all")))
    assert limit_variant(variant, Budget("custom", epochs=epochs)).phases == expected


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    epochs=st.none() | st.integers(1, 100),
    input_size=st.sampled_from([48, 96, 224]),
    cap=st.none() | st.integers(32, 300),
    batch=st.none() | st.integers(1, 64),
)
def test_nothing_grows(
    lengths: list[int], epochs: int | None, input_size: int, cap: int | None, batch: int | None
) -> None:
    phases = tuple(Phase(length, "all") for length in lengths)
    variant = fake_variant(epochs=sum(lengths), phases=phases, input_size=input_size)
    budget = Budget("custom", epochs=epochs, input_size=cap, batch_size=batch)
    limited = limit_variant(variant, budget)
    assert limited.batch_size == min(variant.batch_size, batch or variant.batch_size)
    assert limited.epochs == min(sum(lengths), epochs or sum(lengths))
    assert limited.input_size == min(input_size, cap or input_size)
    assert sum(phase.epochs for phase in limited.phases) == limited.epochs
    assert len(limited.phases) == min(len(phases), limited.epochs), "an epoch each while there are enough"
    for phase, length in zip(limited.phases, lengths, strict=False):
        assert 1 <= phase.epochs <= length
        assert phase.epochs >= min(length, 2) or limited.epochs < 2 * len(phases), "a second one while there are enough"
    assert limit_variant(limited, budget) == limited
