"""The checks fail where they must: a comparison that cannot fail would let anything pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.support.checks import (
    check_all_close_to_scale,
    check_close,
    check_close_to_scale,
    check_same_bits,
    check_shapes,
)

ONE = np.ones((2, 3), np.float32)
NOT_A_NUMBER = np.full((2, 3), np.nan, np.float32)


def test_check_close_passes_at_its_tolerance() -> None:
    check_close([1.0, 2.5], [1.0, 2.0], tolerance=0.5, what="halves")


@pytest.mark.parametrize(
    ("observed", "expected", "tolerance", "message"),
    [
        pytest.param([1.0, 2.6], [1.0, 2.0], 0.5, r"halves: .*2\.6.* at \(1,\), expected .*2\.0.* within", id="above"),
        pytest.param([1.4, 2.4], [1.0, 2.0], [0.5, 0.3], "1 of 2 values are off", id="above-its-own-tolerance"),
        pytest.param([1.0], [1.0, 1.0], 1.0, r"shape \(1,\), expected \(2,\)", id="broadcastable"),
        pytest.param([], [], 1.0, "nothing to compare", id="empty"),
        pytest.param([np.nan, 1.0], [1.0, 1.0], 1.0, "1 values are not finite", id="nan"),
        pytest.param([np.inf, 1.0], [1.0, 1.0], np.inf, "1 values are not finite", id="infinite"),
        pytest.param([np.nan], [np.nan], 1.0, "expected values are not finite", id="nan-expected"),
    ],
)
def test_check_close_fails(observed: Any, expected: Any, tolerance: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_close(observed, expected, tolerance=tolerance, what="halves")


def test_check_close_does_not_wrap_around_in_unsigned_integers() -> None:
    with pytest.raises(AssertionError, match="bytes"):
        check_close(np.array([0], np.uint8), np.array([255], np.uint8), tolerance=1, what="bytes")


def test_check_close_to_scale_measures_by_the_largest_value() -> None:
    check_close_to_scale([100.0, 1.9], [100.0, 1.0], tolerance=0.01, what="scaled")
    with pytest.raises(AssertionError, match=r"scaled: .*2\.1"):
        check_close_to_scale([100.0, 2.1], [100.0, 1.0], tolerance=0.01, what="scaled")


def test_check_close_to_scale_of_zeros_allows_zeros_alone() -> None:
    check_close_to_scale([0.0], [0.0], tolerance=0.1, what="zeros")
    with pytest.raises(AssertionError, match="zeros"):
        check_close_to_scale([1e-30], [0.0], tolerance=0.1, what="zeros")


@pytest.mark.parametrize(
    ("observed", "expected", "message"),
    [
        pytest.param({"a": ONE}, {"a": ONE, "b": ONE}, r"layers: \['b'\] missing", id="missing"),
        pytest.param({"a": ONE, "b": ONE}, {"a": ONE}, r"layers: \['b'\] not expected", id="unknown"),
        pytest.param({}, {}, "layers: nothing to compare", id="empty"),
        pytest.param({"a": 1.02 * ONE}, {"a": ONE}, "layers, a: .* 6 of 6", id="off"),
        pytest.param({"a": NOT_A_NUMBER}, {"a": ONE}, "layers, a: 6 values are not finite", id="nan"),
    ],
)
def test_check_all_close_to_scale_fails(observed: Mapping[str, Any], expected: Mapping[str, Any], message: str) -> None:
    check_all_close_to_scale({"a": 1.009 * ONE}, {"a": ONE}, tolerance=0.01, what="layers")
    with pytest.raises(AssertionError, match=message):
        check_all_close_to_scale(observed, expected, tolerance=0.01, what="layers")


@pytest.mark.parametrize(
    ("observed", "expected", "message"),
    [
        pytest.param({"a": ONE}, {"a": ONE, "b": ONE}, r"state: \['b'\] missing", id="missing"),
        pytest.param({"a": ONE, "b": ONE}, {"a": ONE}, r"state: \['b'\] not expected", id="unknown"),
        pytest.param({}, {}, "state: nothing to compare", id="empty"),
        pytest.param({"a": ONE.astype(np.float64)}, {"a": ONE}, "state, a: type and shape", id="type"),
        pytest.param({"a": ONE.T}, {"a": ONE}, "state, a: type and shape", id="shape"),
        pytest.param({"a": np.nextafter(ONE, np.float32(2))}, {"a": ONE}, "6 of 6 values differ", id="last-bit"),
        pytest.param({"a": -0.0 * ONE}, {"a": 0.0 * ONE}, "6 of 6 values differ", id="sign-of-zero"),
        pytest.param({"a": np.array(1)}, {"a": np.array(2)}, "1 of 1 values differ", id="scalar"),
    ],
)
def test_check_same_bits_fails(observed: Mapping[str, Any], expected: Mapping[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_same_bits(observed, expected, what="state")


@pytest.mark.parametrize(
    "array", [ONE, NOT_A_NUMBER, np.array(3), np.arange(6, dtype=np.uint8).reshape(2, 3).T], ids=str
)
def test_check_same_bits_passes(array: Any) -> None:
    check_same_bits({"a": array}, {"a": array.copy()}, what="state")


@pytest.mark.parametrize(
    ("observed", "expected", "message"),
    [
        pytest.param({}, {"a": (2, 3)}, r"layers: \['a'\] missing", id="missing"),
        pytest.param({"a": ONE, "b": ONE}, {"a": (2, 3)}, r"layers: \['b'\] not expected", id="unknown"),
        pytest.param({}, {}, "layers: nothing to compare", id="empty"),
        pytest.param({"a": ONE}, {"a": (3, 2)}, r"layers: .*\(2, 3\).*expected.*\(3, 2\)", id="shape"),
        pytest.param({"a": ONE.astype(np.float64)}, {"a": (2, 3)}, "layers: .*float64", id="type"),
    ],
)
def test_check_shapes_fails(observed: Mapping[str, Any], expected: Mapping[str, Any], message: str) -> None:
    check_shapes({"a": ONE}, {"a": (2, 3)}, what="layers")
    with pytest.raises(AssertionError, match=message):
        check_shapes(observed, expected, what="layers")
