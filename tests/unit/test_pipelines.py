"""Input pipelines that a spec can name and no run can use yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_records import fake_record

from harness.interface import ImplementationError
from harness.runs.execute import check_pipeline, execute
from harness.runs.record import from_json, to_json

SPEC = fake_record().spec


@pytest.mark.parametrize("pipeline", ["generator", "manual"])
def test_what_is_not_built_is_refused_before_anything_starts(pipeline, tmp_path: Path) -> None:
    with pytest.raises(ImplementationError, match=f"input pipeline '{pipeline}' is not built yet"):
        execute(replace(SPEC, pipeline=pipeline), tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_the_default_is_built() -> None:
    check_pipeline(SPEC)


@pytest.mark.parametrize("pipeline", ["device", "generator", "manual"])
def test_a_record_names_its_pipeline(pipeline) -> None:
    record = replace(fake_record(), spec=replace(SPEC, pipeline=pipeline))
    assert from_json(to_json(record)) == record
