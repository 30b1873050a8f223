"""Comparisons with messages. Each has a test in `tests/meta/test_checks.py` in which it must fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_close(observed: ArrayLike, expected: ArrayLike, *, tolerance: ArrayLike, what: str) -> None:
    """Assert equal shapes, finite values, and no difference above `tolerance` (absolute; may be an array)."""
    ours, theirs = _as_float64(observed), _as_float64(expected)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, expected {theirs.shape}"
    assert ours.size, f"{what}: nothing to compare"
    assert np.isfinite(theirs).all(), f"{what}: expected values are not finite"
    assert np.isfinite(ours).all(), f"{what}: {np.count_nonzero(~np.isfinite(ours))} values are not finite"
    excess = np.abs(ours - theirs) - tolerance
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert excess[worst] <= 0, (
        f"{what}: {ours[worst]!r} at {tuple(map(int, worst))}, expected {theirs[worst]!r} "
        f"within {np.broadcast_to(tolerance, excess.shape)[worst]!r}; "
        f"{np.count_nonzero(excess > 0)} of {excess.size} values are off"
    )


def check_close_to_scale(observed: ArrayLike, expected: ArrayLike, *, tolerance: float, what: str) -> None:
    """Assert no difference above `tolerance` times the largest expected magnitude."""
    scale = float(np.abs(_as_float64(expected)).max(initial=0.0))
    check_close(observed, expected, tolerance=tolerance * scale, what=what)


def check_all_close_to_scale(
    observed: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]], *, tolerance: float, what: str
) -> None:
    """Assert the same names, and `check_close_to_scale` under each, in the order of `expected`."""
    _check_names(observed, expected, what)
    for name, array in expected.items():
        check_close_to_scale(observed[name], array, tolerance=tolerance, what=f"{what}, {name}")


def check_same_bits(observed: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]], *, what: str) -> None:
    """Assert the same names, and under each the same type, shape and bits."""
    _check_names(observed, expected, what)
    for name, array in expected.items():
        ours = observed[name]
        seen, wanted = (ours.dtype, ours.shape), (array.dtype, array.shape)
        assert seen == wanted, f"{what}, {name}: type and shape {seen}, expected {wanted}"
        unequal = np.flatnonzero(_bits(ours) != _bits(array))
        assert not unequal.size, (
            f"{what}, {name}: {unequal.size} of {array.size} values differ, the first at {unequal[0]}: "
            f"{ours.flat[unequal[0]]!r}, expected {array.flat[unequal[0]]!r}"
        )


def check_shapes(observed: Mapping[str, NDArray[Any]], expected: Mapping[str, tuple[int, ...]], *, what: str) -> None:
    """Assert the same names, and float32 of the expected shape under each."""
    _check_names(observed, expected, what)
    seen = {name: (array.dtype, array.shape) for name, array in observed.items()}
    wanted = {name: (np.dtype(np.float32), shape) for name, shape in expected.items()}
    unequal = {name: f"{seen[name]}, expected {wanted[name]}" for name in wanted if seen[name] != wanted[name]}
    assert not unequal, f"{what}: {unequal}"


def _check_names(observed: Mapping[str, Any], expected: Mapping[str, Any], what: str) -> None:
    assert expected, f"{what}: nothing to compare"
    missing, unknown = sorted(expected.keys() - observed.keys()), sorted(observed.keys() - expected.keys())
    assert not missing, f"{what}: {missing} missing"
    assert not unknown, f"{what}: {unknown} not expected"


def _as_float64(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Each element as its bytes, shape (n,), so that NaN equals itself and -0 is not 0."""
    return np.ascontiguousarray(array).reshape(-1).view(f"V{array.itemsize}")
