"""Several tests at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.multiplicity import bonferroni, holm


def test_holm_by_hand() -> None:
    """0.01·4, 0.02·3 and so on, never falling: Holm 1979."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_lies_between_nothing_and_bonferroni(p_values: list[float]) -> None:
    for corrected, p_value in zip(holm(p_values), p_values, strict=True):
        assert p_value <= corrected <= min(1.0, len(p_values) * p_value) + 1e-12


def test_bonferroni_by_hand() -> None:
    """Ten intervals of 99.5 % hold together with 95 %."""
    assert bonferroni(0.95, 10) == pytest.approx(0.995)
    assert bonferroni(0.95, 1) == pytest.approx(0.95)
