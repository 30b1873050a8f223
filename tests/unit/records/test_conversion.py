"""Records of an earlier schema in that of today."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.records.conversion import convert
from harness.records.record import SCHEMA_VERSION, from_json, to_json
from harness.training.budget import BUDGETS, Budget
from harness.training.stop_reason import StopReason
from tests.support.fake_records import fake_record
from tests.support.old_records import as_schema_4
from tests.support.papers import PAPER
from tests.support.repository import ROOT

WRITTEN_BY_SCHEMA_4 = ROOT / "tests" / "support" / "schema4.json"
"""By a run of `ferbench train vgg16-scratch --implementation pytorch --budget smoke --batch-size 16` and caps."""


def test_a_record_that_schema_4_wrote_says_what_was_asked() -> None:
    values = json.loads(WRITTEN_BY_SCHEMA_4.read_bytes())
    record = from_json(json.dumps(convert(values)).encode())
    assert record.schema_version == SCHEMA_VERSION
    assert (record.spec.asked, record.spec.batch_size) == (PAPER.variants["vgg16-scratch"], 16)
    assert record.spec.variant.epochs == values["spec"]["variant"]["epochs"] == 2
    assert record.run.startswith(record.spec.label)


@pytest.mark.parametrize("name", [*PAPER.variants, "vgg16-fine-tune@frozen,unaugmented"])
@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("budget", [*BUDGETS.values(), Budget("custom", epochs=3)], ids=lambda each: each.name)
def test_what_was_asked_is_found_by_its_name(name: str, budget: Budget, batch_size: int | None) -> None:
    record = fake_record(variant=name, budget=budget, batch_size=batch_size)
    values = json.loads(to_json(record))
    assert convert(as_schema_4(values)) == values


def test_a_variant_that_no_name_leads_to_is_what_was_asked() -> None:
    for variant in (
        replace(PAPER.variants["vgg16-scratch"], learning_rate=1.0),
        replace(PAPER.variants["vgg16-scratch"], name="vgg16-scratch@invented"),
    ):
        values = json.loads(to_json(fake_record(variant=variant)))
        assert convert(as_schema_4(values)) == values


@pytest.mark.parametrize(
    ("reason", "budget"),
    [
        (StopReason("interrupted", 2), BUDGETS["paper"]),
        (StopReason("accuracy-above", 2, threshold=0.67), BUDGETS["paper"]),
        (StopReason("no-improvement", 2, patience=10), BUDGETS["paper"]),
        (StopReason("budget-seconds", 2, seconds=3600.0), BUDGETS["hour"]),
        (StopReason("budget-seconds", 2, seconds=28.4), Budget("custom", seconds=28.4)),
        (None, BUDGETS["paper"]),
    ],
    ids=str,
)
def test_the_sentence_why_training_ended_becomes_a_kind(reason: StopReason | None, budget: Budget) -> None:
    values = json.loads(to_json(fake_record(stop_reason=reason, budget=budget)))
    assert convert(as_schema_4(values)) == values


def test_a_sentence_that_schema_4_did_not_have_is_refused() -> None:
    values = as_schema_4(json.loads(to_json(fake_record())))
    with pytest.raises(ValueError, match="stop_reason 'it was late' is none that schema 4 had"):
        convert(values | {"stop_reason": "it was late"})


def test_a_record_of_today_stays_as_it_is() -> None:
    values = json.loads(to_json(fake_record()))
    assert convert(values) == values
