"""Keras' legacy HDF5 layout: names by position, both spellings, and everything that is refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from harness.weights import keras_h5
from harness.weights.catalogue import WeightsError
from tests.support.checks import check_same_bits
from tests.support.keras_files import write_keras_h5

KERNEL = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
BIAS = np.array([0.25, -0.0], np.float32)
NORM = {name: np.full(2, value, np.float32) for value, name in enumerate(("a", "b", "c", "d"))}


def write_layer(file: h5py.File, layer: str, arrays: dict[str, np.ndarray]) -> None:
    group = file.create_group(layer)
    group.attrs["weight_names"] = list(arrays)
    for name, array in arrays.items():
        group[name] = array


def test_weights_are_told_by_their_position_not_their_name(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "named_oddly.h5", "w") as file:
        file.attrs["layer_names"] = ["input_1", "block1_conv1", "norm"]  # as text, as newer h5py writes it
        write_layer(file, "input_1", {})
        write_layer(file, "block1_conv1", {"z_W_1:0": KERNEL, "a_b_1:0": BIAS})
        write_layer(file, "norm", NORM)
    expected = {"block1_conv1.kernel": KERNEL, "block1_conv1.bias": BIAS} | {
        f"norm.{name}": array
        for name, array in zip(("gamma", "beta", "moving_mean", "moving_variance"), NORM.values(), strict=True)
    }
    check_same_bits(keras_h5.read(tmp_path / "named_oddly.h5"), expected, what="read")


def test_what_is_written_comes_back_in_order_and_to_the_bit(tmp_path: Path) -> None:
    weights = {
        "conv1_conv.bias": BIAS,  # the order within a layer does not matter
        "conv1_conv.kernel": np.asfortranarray(KERNEL),
        "conv1_bn.moving_variance": NORM["d"],
        "conv1_bn.gamma": NORM["a"],
        "conv1_bn.beta": NORM["b"],
        "conv1_bn.moving_mean": NORM["c"],
    }
    write_keras_h5(tmp_path / "written.h5", weights)
    check_same_bits(keras_h5.read(tmp_path / "written.h5"), weights, what="read back")
    with h5py.File(tmp_path / "written.h5") as file:
        assert list(file.attrs["layer_names"]) == [b"conv1_conv", b"conv1_bn"]
        assert list(file["conv1_conv"].attrs["weight_names"]) == [b"conv1_conv/kernel:0", b"conv1_conv/bias:0"]


def test_a_layer_with_another_number_of_arrays_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "three.h5", "w") as file:
        file.attrs["layer_names"] = ["odd"]
        write_layer(file, "odd", {"x": KERNEL, "y": BIAS, "z": BIAS})
    with pytest.raises(WeightsError, match="layer odd has 3 arrays, expected 0, 2 or 4"):
        keras_h5.read(tmp_path / "three.h5")


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_another_precision_is_refused(tmp_path: Path, kind: type[np.generic]) -> None:
    with h5py.File(tmp_path / "half.h5", "w") as file:
        file.attrs["layer_names"] = ["conv"]
        write_layer(file, "conv", {"x": KERNEL.astype(kind), "y": BIAS})
    with pytest.raises(WeightsError, match=rf"half\.h5: conv\.kernel is {np.dtype(kind)}, expected float32"):
        keras_h5.read(tmp_path / "half.h5")


def test_another_layout_of_hdf5_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["layers/conv/vars/0"] = KERNEL  # as Keras 3 writes `.weights.h5`
    with pytest.raises(WeightsError, match="no attribute 'layer_names'; expected Keras' legacy layout"):
        keras_h5.read(tmp_path / "other.h5")


def test_a_dataset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "gone.h5", "w") as file:
        file.attrs["layer_names"] = ["conv"]
        write_layer(file, "conv", {"x": KERNEL, "y": BIAS})
        del file["conv/y"]
    with pytest.raises(WeightsError, match=r"gone\.h5 cannot be read as HDF5, it is damaged or incomplete"):
        keras_h5.read(tmp_path / "gone.h5")


@pytest.mark.parametrize("kept", [0, 8, 100, 2000, -1])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.h5"
    write_keras_h5(path, {"conv.kernel": KERNEL, "conv.bias": BIAS})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"cut\.h5 cannot be read as HDF5, it is damaged or incomplete"):
        keras_h5.read(path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No such file"):
        keras_h5.read(tmp_path / "none.h5")
