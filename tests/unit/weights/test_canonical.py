"""Weights under canonical names: their digest and their own file format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from safetensors.numpy import save_file

from harness.interface import Weights
from harness.weights.canonical import (
    digest,
    load_canonical,
    require_finite,
    save_canonical,
)
from harness.weights.catalogue import WeightsError
from tests.support.checks import check_same_bits

WEIGHTS = {
    "block1_conv1.kernel": np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2),
    "block1_conv1.bias": np.array([-0.0, np.float32(1e-45)], np.float32),
}

any_weights = st.dictionaries(
    st.from_regex(r"[a-z0-9_]{1,8}\.(kernel|bias)", fullmatch=True),
    arrays(np.float32, array_shapes(max_dims=4, max_side=3), elements=st.floats(width=32)),
    min_size=1,
    max_size=4,
)


@given(weights=any_weights)
def test_every_bit_comes_back(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> None:
    path = tmp_path_factory.mktemp("canonical") / "weights.safetensors"
    save_canonical(path, weights, {"source": "drawn"})
    found, metadata = load_canonical(path)
    check_same_bits(found, weights, what="read back")
    assert metadata == {"source": "drawn", "digest": digest(weights)}


def test_arrays_in_another_order_of_memory_are_the_same_weights(tmp_path: Path) -> None:
    turned = {name: np.asfortranarray(array) for name, array in WEIGHTS.items()}
    assert digest(turned) == digest(WEIGHTS)
    save_canonical(tmp_path / "turned.safetensors", turned, {})
    check_same_bits(load_canonical(tmp_path / "turned.safetensors")[0], WEIGHTS, what="read back")


@pytest.mark.parametrize(
    "change",
    [
        {"block1_conv1.bias": np.array([0.0, 1e-45], np.float32)},
        {"block1_conv1.bias": np.array([[-0.0, 1e-45]], np.float32)},
        {"block1_conv2.bias": np.zeros(0, np.float32)},
    ],
    ids=["a sign of zero", "a shape", "one more name"],
)
def test_the_digest_sees(change: dict[str, NDArray[np.float32]]) -> None:
    assert digest(WEIGHTS | change) != digest(WEIGHTS)


def test_the_digest_does_not_see_the_order_of_names() -> None:
    assert digest(dict(reversed(WEIGHTS.items()))) == digest(WEIGHTS)


def test_the_digest_is_what_it_was() -> None:
    # Records name weights by it: a change of the definition would make them strangers.
    assert digest(WEIGHTS) == "dda69d9cc755eb787ff5a54ffe9fe8acb8233863867a3ef2e415d178c9b9a50d"


def test_weights_changed_on_disk_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_canonical(path, WEIGHTS, {})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"digest of the weights .*, expected {digest(WEIGHTS)}"):
        load_canonical(path)


def test_a_file_without_a_digest_is_refused(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "plain.safetensors")
    with pytest.raises(WeightsError, match=r"expected None .* not written by `save_canonical`"):
        load_canonical(tmp_path / "plain.safetensors")


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64])
def test_what_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.safetensors cannot be read"):
        load_canonical(path)


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int32])
def test_other_types_are_refused_both_ways(tmp_path: Path, kind: type[np.generic]) -> None:
    wrong = {"block1_conv1.bias": np.zeros(2, kind)}
    message = f"block1_conv1.bias is {np.dtype(kind)}, expected float32"
    with pytest.raises(WeightsError, match=message):
        save_canonical(tmp_path / "weights.safetensors", wrong, {})
    save_file(wrong, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=message):
        load_canonical(tmp_path / "other.safetensors")


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    save_canonical(path, WEIGHTS, {})

    def fail(self: Path, target: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(WeightsError, match="full"):
        save_canonical(path, {"block1_conv1.bias": np.zeros(2, np.float32)}, {})
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    check_same_bits(load_canonical(path)[0], WEIGHTS, what="what was there")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_name(value: float) -> None:
    with pytest.raises(WeightsError, match=r"here: 1 of 2 values of block1_conv1\.bias are NaN or infinite"):
        require_finite(WEIGHTS | {"block1_conv1.bias": np.array([0.0, value], np.float32)}, "here")
    require_finite(WEIGHTS, "here")
