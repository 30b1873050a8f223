"""The measured speed of Keras' generator: by hand, and as the documents print it."""

from __future__ import annotations

import pytest

from harness.data.generator_speed import SPEEDS, Measured, source, speed_at
from tests.support.repository import ROOT


def test_an_epoch_of_fer2013_at_224_is_165_seconds_of_one_core() -> None:
    """28,709 / 178 + 7,178 / 1,809; the paper reports 163.0 and 163.3 s."""
    assert speed_at(224).seconds(augmented=28_709, plain=7_178) == pytest.approx(165.25, abs=0.01)
    assert speed_at(48).seconds(augmented=28_709, plain=7_178) == pytest.approx(10.26, abs=0.01)


@pytest.mark.parametrize(("edge", "size"), [(24, 48), (48, 48), (49, 224), (224, 224)])
def test_small_pictures_have_the_speed_of_small_ones(edge: int, size: int) -> None:
    assert speed_at(edge) is SPEEDS[size]


def printed(measured: Measured) -> str:
    return f"{measured.median:,.0f} ({measured.span.low:,.0f}–{measured.span.high:,.0f})"


@pytest.mark.parametrize("size", SPEEDS)
def test_it_is_what_the_documents_print(size: int) -> None:
    speed = SPEEDS[size]
    text = (ROOT / "docs" / "explanation" / "attribution.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if f"| {printed(speed.augmented)} | {printed(speed.plain)} |" in line]
    assert row.startswith(f"| {size}×{size}×")
    assert f"(n = {speed.rounds})" in row
    assert speed.augmented.median in speed.augmented.span
    assert speed.plain.median in speed.plain.span


def test_its_source_says_where_and_how_often() -> None:
    assert source(224) == (
        "measured by this project, not on the paper's machine: Keras' ImageDataGenerator on one core of an AMD EPYC "
        "(Zen 4), 178 augmented images/s (175 to 179, n = 3) and 1,809 plain ones at 224×224 from a folder"
    )
