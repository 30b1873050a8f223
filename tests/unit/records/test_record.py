"""Records as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.interface import CLASSES
from harness.records.record import (
    DatasetIdentity,
    Environment,
    RunRecord,
    Timings,
    WeightsIdentity,
    from_json,
    to_json,
)
from harness.training.budget import Budget
from harness.training.fit import EpochRecord
from harness.training.metrics import Score
from tests.support.fake_records import (
    FER2013,
    MACHINE,
    SECONDS,
    fake_record,
)
from tests.support.papers import PAPER

number = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=20)
score_values = st.builds(
    Score,
    examples=st.integers(1, 10**6),
    accuracy=st.floats(0, 1),
    loss=number,
    confusion=st.tuples(*[st.tuples(*[st.integers(0, 10**6)] * 7)] * 7),
    areas=st.fixed_dictionaries(dict.fromkeys(CLASSES, st.none() | st.floats(0, 1))),
)
records = st.builds(
    replace,
    st.builds(
        fake_record,
        variant=st.sampled_from(list(PAPER.variants)),
        implementation=st.sampled_from(["keras3", "pytorch"]),
        seed=st.integers(0, 2**31),
        budget=st.builds(
            Budget,
            name=text,
            seconds=st.none() | st.floats(1e-3, 1e9),
            epochs=st.none() | st.integers(1, 99),
        ),
        protocol=st.sampled_from(["paper", "honest"]),
    ),
    status=st.sampled_from(["complete", "interrupted", "failed"]),
    error=st.none() | text,
    history=st.lists(
        st.builds(EpochRecord, st.integers(0, 99), *[number] * 8),
        min_size=1,
        max_size=3,
    ).map(tuple),
    dataset=st.none()
    | st.builds(
        DatasetIdentity,
        name=text,
        door=text,
        digest=text,
        deviations=st.lists(text, max_size=2).map(tuple),
        training_examples=st.integers(0, 10**6),
        watched_examples=st.integers(0, 10**6),
        test_examples=st.integers(0, 10**6),
        class_weights=st.tuples(*[number] * 7),
    ),
    weights=st.builds(WeightsIdentity, text, st.none() | text, text),
    environment=st.builds(
        Environment,
        cpu=text,
        cpu_cores=st.integers(1, 512),
        memory_gigabytes=number,
        gpu=st.none() | text,
        gpu_driver=st.none() | text,
        operating_system=text,
        python=text,
        versions=st.dictionaries(text, text, max_size=2),
        threads=st.dictionaries(text, st.integers(1, 512), max_size=2),
        git_commit=st.none() | text,
    ),
    scores=st.fixed_dictionaries({"paper_test": score_values}, optional={"clean_test": score_values}),
    timings=st.none() | st.builds(Timings, *[number] * 6, st.none() | number, st.none() | number),
    arrays_sha256=st.none() | text,
)


@given(records)
def test_a_record_survives_json(record: RunRecord) -> None:
    assert from_json(to_json(record)) == record


@pytest.mark.parametrize("name", ["vgg16-scratch@five-blocks,unstopped", "resnet50-scratch"])
def test_variants_survive_json(name: str) -> None:
    record = fake_record(variant=name)
    assert from_json(to_json(record)).spec.variant == PAPER.find_variant(name)


def changed(path: str, change: Any) -> bytes:
    """A good record as JSON in which the object at a dotted path is changed."""
    values = json.loads(to_json(fake_record()))
    target = values
    for part in filter(None, path.split(".")):
        target = target[int(part) if part.isdigit() else part]
    change(target)
    return json.dumps(values).encode()


OBJECTS = [
    "",
    "spec",
    "spec.asked",
    "spec.budget",
    "dataset",
    "environment",
    "history.0",
    "scores.paper_test",
    "timings",
]


@pytest.mark.parametrize("path", OBJECTS)
def test_unknown_fields_are_refused(path: str) -> None:
    with pytest.raises(ValidationError, match=r"surprise\n"):
        from_json(changed(path, lambda target: target.update(surprise=1)))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("", "status"),
        ("", "history"),
        ("spec", "asked"),
        ("dataset", "digest"),
        ("environment", "cpu"),
        ("history.1", "watched_loss"),
        ("scores.paper_test", "accuracy"),
        ("timings", "total_seconds"),
    ],
)
def test_missing_fields_are_refused(path: str, field: str) -> None:
    with pytest.raises(ValidationError, match=rf"{field}\n"):
        from_json(changed(path, lambda target: target.pop(field)))


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("", "status", "excellent"),
        ("", "scores", None),
        ("spec", "implementation", "abacus"),
        ("spec", "keras_backend", "jax"),
        ("history.0", "epoch", 0.5),
        ("scores.paper_test", "loss", None),
    ],
)
def test_wrong_values_are_refused(path: str, field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        from_json(changed(path, lambda target: target.update({field: value})))


def test_the_json_is_for_people_too() -> None:
    text = to_json(fake_record()).decode()
    assert text.count("\n") > 50
    assert list(json.loads(text)) == list(asdict(fake_record()))
    assert (FER2013.digest in text, MACHINE.cpu in text, str(SECONDS.total_seconds) in text) == (True, True, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"history": ()},
        {"scores": {}},
    ],
    ids=["no epochs", "no scores"],
)
def test_a_record_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="complete run"):
        replace(fake_record(), **fields)
