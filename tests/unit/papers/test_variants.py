"""The variants, their sources and readings: what `variants.toml` promises and `variants.py` refuses."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.papers.variants import NOT_FROM_THE_PAPER, Reading, Source, paper_fields
from harness.variant import (
    HeadLayer,
    Phase,
    StopRule,
    Variant,
    VariantError,
    narrow,
    parse_variant,
)
from tests.support.papers import PAPER

MAXIMUM_QUOTED_WORDS = 20
"""How much is quoted at a time: enough to be found again, short enough to stay a citation."""

NAMES = (
    "vgg16-scratch",
    "vgg16-transfer",
    "vgg16-fine-tune",
    "resnet50-scratch",
    "resnet50-transfer",
    "resnet50-fine-tune",
)
EVERY_SOURCE = [
    pytest.param(source, id=f"{name}-{field}") for name in NAMES for field, source in PAPER.sources[name].items()
]
EVERY_QUOTE = [
    pytest.param(source, id=f"{name}-{field}")
    for name in NAMES
    for field, source in PAPER.sources[name].items()
    if source.quote is not None
]
EVERY_READING = [
    pytest.param(name, reading, id=f"{name}@{reading.name}") for name in NAMES for reading in PAPER.readings[name]
]
EVERY_QUESTION = [
    pytest.param(name, question, id=f"{name}-{question}")
    for name in NAMES
    for question in dict.fromkeys(reading.question for reading in PAPER.readings[name])
]

every_variant = pytest.mark.parametrize("variant", PAPER.variants.values(), ids=PAPER.variants)


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def through_json(variant: Variant) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(variant)))
    return values


@st.composite
def names_with_readings(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A variant's name and at most one reading for each question, in any order."""
    name = draw(st.sampled_from(NAMES))
    by_question: dict[str, list[str | None]] = {}
    for reading in PAPER.readings[name]:
        by_question.setdefault(reading.question, [None]).append(reading.name)
    chosen = [draw(st.sampled_from(answers)) for answers in by_question.values()]
    return name, draw(st.permutations([word for word in chosen if word is not None]))


# The variants


def test_the_variants_are_the_papers_six_in_order() -> None:
    assert tuple(PAPER.variants) == NAMES


@every_variant
def test_name_joins_architecture_and_strategy(variant: Variant) -> None:
    assert variant.name == f"{variant.architecture}-{variant.strategy}"
    assert variant.base_name == variant.name


@every_variant
def test_phases_add_up_to_the_epochs(variant: Variant) -> None:
    assert sum(phase.epochs for phase in variant.phases) == variant.epochs


def test_phases_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="vgg16-scratch: the phases' epochs do not add up to epochs = 100"):
        replace(PAPER.variants["vgg16-scratch"], phases=(Phase(epochs=99, trainable="all"),))


@every_variant
def test_weights_and_input_fit_the_strategy(variant: Variant) -> None:
    expected = ("random", 48, 1) if variant.strategy == "scratch" else ("imagenet", 224, 3)
    assert (variant.weights_source, variant.input_size, variant.input_channels) == expected


@every_variant
def test_a_dropout_layer_stands_once_in_every_head(variant: Variant) -> None:
    assert [layer.kind for layer in variant.head].count("dropout") == 1
    assert 0 < variant.dropout < 1


@every_variant
def test_variants_are_frozen_and_hashable(variant: Variant) -> None:
    assert hash(variant) == hash(parse_variant(through_json(variant)))
    with pytest.raises(FrozenInstanceError):
        variant.epochs = 1  # type: ignore[misc]


def test_narrow_changes_width_and_size_alone() -> None:
    variant = PAPER.variants["vgg16-scratch"]
    assert narrow(variant, width_divisor=16) == replace(variant, width_divisor=16)
    assert narrow(variant, width_divisor=8, input_size=32) == replace(variant, width_divisor=8, input_size=32)


# Their sources


@pytest.mark.parametrize("name", NAMES)
def test_every_paper_field_has_a_source_and_nothing_else_has(name: str) -> None:
    assert set(PAPER.sources[name]) == set(paper_fields())


def test_paper_fields_leave_out_what_makes_no_claim() -> None:
    assert NOT_FROM_THE_PAPER.isdisjoint(paper_fields())
    assert len(paper_fields()) + len(NOT_FROM_THE_PAPER) == len(asdict(PAPER.variants["vgg16-scratch"]))


@pytest.mark.parametrize("source", EVERY_QUOTE)
def test_a_quote_is_short_and_placed(source: Source) -> None:
    assert source.quote
    assert len(source.quote.split()) <= MAXIMUM_QUOTED_WORDS
    assert source.place


@pytest.mark.parametrize("source", EVERY_QUOTE)
def test_a_quote_stands_in_the_paper(source: Source, paper_text: str) -> None:
    assert source.quote
    assert on_one_line(source.quote) in on_one_line(paper_text)


@pytest.mark.parametrize("source", EVERY_QUOTE)
def test_the_place_of_a_quote_stands_in_the_paper(source: Source, paper_text: str) -> None:
    assert source.place
    assert on_one_line(source.place) in on_one_line(paper_text)


@pytest.mark.parametrize("source", EVERY_SOURCE)
def test_an_assumption_has_a_reason_of_some_words(source: Source) -> None:
    assert source.assumed is None or len(source.assumed.split()) >= 5


@pytest.mark.parametrize(
    ("quote", "place", "assumed"),
    [
        pytest.param(None, None, None, id="nothing"),
        pytest.param("words", None, None, id="quote-without-place"),
        pytest.param(None, "Table 3", None, id="place-without-quote"),
        pytest.param(None, "Table 3", "reason", id="assumption-with-a-place-but-no-quote"),
        pytest.param("words", None, "reason", id="assumption-with-a-quote-but-no-place"),
        pytest.param("", "Table 3", None, id="empty-quote"),
        pytest.param(None, None, "", id="empty-reason"),
    ],
)
def test_half_a_source_is_refused(quote: str | None, place: str | None, assumed: str | None) -> None:
    with pytest.raises(ValueError, match="source"):
        Source(quote=quote, place=place, assumed=assumed)


def test_a_source_may_be_quoted_assumed_or_both() -> None:
    assert Source(quote="words", place="Table 3").assumed is None
    assert Source(assumed="reason").quote is None
    assert Source(quote="words", place="Table 3", assumed="the rest").assumed == "the rest"


# The parts


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: HeadLayer("dense"), id="dense-without-units"),
        pytest.param(lambda: HeadLayer("flatten", units=64), id="flatten-with-units"),
        pytest.param(lambda: HeadLayer("dropout", units=1), id="dropout-with-units"),
        pytest.param(lambda: StopRule("accuracy-above"), id="accuracy-above-without-threshold"),
        pytest.param(lambda: StopRule("never", threshold=0.5), id="never-with-threshold"),
        pytest.param(lambda: StopRule("no-improvement"), id="no-improvement-without-patience"),
        pytest.param(lambda: StopRule("accuracy-above", threshold=0.5, patience=3), id="accuracy-above-with-patience"),
    ],
)
def test_parts_that_contradict_themselves_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"alone$"):
        build()


# Their readings


@pytest.mark.parametrize(("name", "question"), EVERY_QUESTION)
def test_every_question_has_rivals_and_one_default(name: str, question: str) -> None:
    answers = [reading for reading in PAPER.readings[name] if reading.question == question]
    assert len(answers) >= 2
    assert [answer.is_default for answer in answers].count(True) == 1


@pytest.mark.parametrize(("name", "question"), EVERY_QUESTION)
def test_the_answers_to_a_question_set_the_same_fields_which_no_other_question_sets(name: str, question: str) -> None:
    answers = [reading for reading in PAPER.readings[name] if reading.question == question]
    inside = {frozenset(reading.values) for reading in answers}
    outside = {field for reading in PAPER.readings[name] if reading not in answers for field in reading.values}
    assert len(inside) == 1
    (fields_set,) = inside
    assert fields_set <= set(paper_fields())
    assert fields_set.isdisjoint(outside)


@pytest.mark.parametrize(("name", "reading"), EVERY_READING)
def test_a_default_changes_nothing_and_a_rival_something(name: str, reading: Reading) -> None:
    changed = parse_variant(asdict(PAPER.variants[name]) | reading.values)
    assert (changed == PAPER.variants[name]) == reading.is_default


@pytest.mark.parametrize(("name", "reading"), EVERY_READING)
def test_a_reading_is_named_unless_it_is_the_default(name: str, reading: Reading) -> None:
    variant = PAPER.find_variant(f"{name}@{reading.name}")
    assert variant.name == (name if reading.is_default else f"{name}@{reading.name}")
    assert variant.base_name == name


@pytest.mark.parametrize(("name", "reading"), EVERY_READING)
def test_a_reading_gives_its_reason(name: str, reading: Reading) -> None:
    assert reading.reason.endswith("."), name
    assert "," not in reading.name
    assert "@" not in reading.name


def test_readings_take_effect_and_stand_in_canonical_order() -> None:
    variant = PAPER.find_variant("vgg16-scratch@unstopped,five-blocks")
    assert variant.name == "vgg16-scratch@five-blocks,unstopped"
    assert variant.blocks == 5
    assert variant.stop_rule == StopRule("never")
    assert variant == replace(PAPER.variants["vgg16-scratch"], name=variant.name, blocks=5, stop_rule=StopRule("never"))


def test_a_default_reading_vanishes_from_the_name() -> None:
    assert PAPER.find_variant("vgg16-scratch@four-blocks,unstopped").name == "vgg16-scratch@unstopped"
    assert PAPER.find_variant("vgg16-scratch@four-blocks,stopped") is PAPER.variants["vgg16-scratch"]


@given(names_with_readings(), st.randoms(use_true_random=False))
def test_a_name_finds_the_same_variant_in_any_order_and_again(
    drawn: tuple[str, list[str]], shuffler: random.Random
) -> None:
    name, words = drawn
    variant = PAPER.find_variant(f"{name}@{','.join(words)}")
    assert PAPER.find_variant(variant.name) == variant
    shuffler.shuffle(words)
    assert PAPER.find_variant(f"{name}@{','.join(words)}") == variant
    assert parse_variant(through_json(variant)) == variant


def test_an_unknown_variant_is_refused_with_the_choices() -> None:
    with pytest.raises(VariantError, match="unknown variant 'vgg19-scratch'") as caught:
        PAPER.find_variant("vgg19-scratch")
    assert all(name in str(caught.value) for name in NAMES)


def test_an_unknown_reading_is_refused_with_the_choices() -> None:
    with pytest.raises(VariantError, match="unknown reading 'six-blocks' of vgg16-scratch") as caught:
        PAPER.find_variant("vgg16-scratch@six-blocks")
    assert all(reading.name in str(caught.value) for reading in PAPER.readings["vgg16-scratch"])


@pytest.mark.parametrize("suffix", ["three-blocks,five-blocks", "four-blocks,three-blocks", "balanced,balanced"])
def test_two_answers_to_one_question_are_refused(suffix: str) -> None:
    first, second = suffix.split(",")
    with pytest.raises(VariantError, match=f"'{first}' and '{second}' answer the same question"):
        PAPER.find_variant(f"vgg16-scratch@{suffix}")


# Records


@every_variant
def test_a_variant_comes_back_from_a_record(variant: Variant) -> None:
    assert parse_variant(asdict(variant)) == variant
    assert parse_variant(through_json(variant)) == variant


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("learning_rates",), 1e-4, id="unknown-field"),
        pytest.param(("optimizer", "momentum"), 0.9, id="unknown-field-of-a-part"),
        pytest.param(("stop_rule", "treshold"), 0.6, id="misspelt-field-of-a-part"),
        pytest.param(("blocks",), "many", id="wrong-type"),
        pytest.param(("input_channels",), 2, id="value-outside-the-choices"),
        pytest.param(("architecture",), "vgg19", id="unknown-architecture"),
        pytest.param(("epochs",), 99, id="phases-that-do-not-add-up"),
        pytest.param(("stop_rule", "patience"), 3, id="rule-that-contradicts-itself"),
    ],
)
def test_a_record_that_is_no_variant_is_refused(path: tuple[str, ...], value: object) -> None:
    values = through_json(PAPER.variants["vgg16-scratch"])
    part = values
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(VariantError, match=f"(?s)not a variant.*{path[0]}"):
        parse_variant(values)


@pytest.mark.parametrize("field", paper_fields())
def test_a_record_without_a_field_is_refused(field: str) -> None:
    values = through_json(PAPER.variants["vgg16-scratch"])
    del values[field]
    with pytest.raises(VariantError, match=f"(?s)not a variant.*{field}"):
        parse_variant(values)
