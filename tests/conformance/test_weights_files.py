"""Files as the frameworks themselves write them, read without the frameworks."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from harness.architectures import layers
from harness.interface import Weights
from harness.plugin.base import require_implementation
from harness.registry import load_implementation
from harness.variant import Variant
from harness.weights import keras_h5, torch_zip
from harness.weights.catalogue import WeightsError, catalogue
from harness.weights.locate import load_base_weights
from harness.weights.torch_names import TORCHVISION_NAMES
from tests.support.checks import check_same_bits, check_shapes
from tests.support.keras_files import write_keras_h5
from tests.support.papers import PAPER

VARIANTS = {"vgg16": PAPER.find_variant("vgg16-transfer"), "resnet50": PAPER.find_variant("resnet50-transfer")}
SMALLEST_INPUT = 32
"""Pixels; the weights of a base do not depend on it."""


def base_shapes(variant: Variant) -> dict[str, tuple[int, ...]]:
    return {
        f"{layer.name}.{weight}": shape
        for layer in layers(variant)
        if layer.part == "base"
        for weight, shape in layer.weights.items()
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    """Gone after the test: these files are large, and pytest would keep those of three runs."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def torch(request: pytest.FixtureRequest) -> Any:
    require_implementation(request.config, "pytorch")
    return importlib.import_module("torch")


@pytest.fixture(scope="module", params=VARIANTS)
def torchvision_state(request: pytest.FixtureRequest, torch: Any) -> tuple[str, dict[str, Any]]:
    """torchvision's own names and shapes with numbers drawn here; the classifiers small, for they are left out."""
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        network = getattr(models, request.param)(weights=None)
    torch.manual_seed(0)
    state = network.state_dict()
    for name, tensor in state.items():
        shape = (2, 2) if name.startswith(("classifier.", "fc.")) else tensor.shape
        state[name] = torch.randn(shape) if tensor.is_floating_point() else torch.tensor(7)
    return request.param, state


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "stream"])
def test_torchvisions_networks_are_read_to_the_bit(
    torch: Any, torchvision_state: tuple[str, dict[str, Any]], folder: Path, as_zip: bool
) -> None:
    architecture, state = torchvision_state
    torch.save(state, folder / "state.pth", _use_new_zipfile_serialization=as_zip)
    weights = torch_zip.read(folder / "state.pth")
    check_shapes(weights, base_shapes(VARIANTS[architecture]), what=architecture)
    back = {
        TORCHVISION_NAMES[name]: np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array)
        for name, array in weights.items()
        if name in TORCHVISION_NAMES
    }
    expected = {name: tensor.numpy() for name, tensor in state.items()}
    left_out = {name for name in state if name.startswith(("classifier.", "fc.")) or name.endswith("_tracked")}
    check_same_bits(back, {name: array for name, array in expected.items() if name not in left_out}, what="back")


def test_torchvisions_vgg16_becomes_a_base(
    torch: Any, torchvision_state: tuple[str, dict[str, Any]], folder: Path
) -> None:
    architecture, state = torchvision_state
    checkpoint = catalogue()[f"torchvision-{architecture}"]
    torch.save(state, folder / checkpoint.file, _use_new_zipfile_serialization=False)
    if architecture == "resnet50":
        with pytest.raises(WeightsError, match=r"v1\.5"):
            load_base_weights("imagenet-torchvision", VARIANTS[architecture], weights_dir=folder, download=False)
        return
    base = load_base_weights("imagenet-torchvision", VARIANTS[architecture], weights_dir=folder, download=False)
    assert base.source == "torchvision-vgg16"
    kernel = state["features.28.weight"].numpy()
    np.testing.assert_array_equal(base.weights["block5_conv3.kernel"], kernel.transpose(2, 3, 1, 0))


def channels_last(torch: Any, kernel: Any) -> dict[str, Any]:
    return {"features.0.weight": kernel.to(memory_format=torch.channels_last)}


def view_of_a_larger_storage(torch: Any, kernel: Any) -> dict[str, Any]:
    both = torch.cat([torch.zeros_like(kernel), kernel])
    return {"features.0.weight": both[len(kernel) :], "rest": both[: len(kernel)]}


def parameter(torch: Any, kernel: Any) -> dict[str, Any]:
    return {"features.0.weight": torch.nn.Parameter(kernel)}


def with_other_types(torch: Any, kernel: Any) -> dict[str, Any]:
    others = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool)
    rest = {f"classifier.{number}": torch.ones(3).to(kind) for number, kind in enumerate(others)}
    return {**rest, "features.0.weight": kernel}


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "stream"])
@pytest.mark.parametrize("make", [channels_last, view_of_a_larger_storage, parameter, with_other_types])
def test_tensors_however_they_lie_in_memory(torch: Any, folder: Path, make: Callable[..., Any], as_zip: bool) -> None:
    kernel = torch.randn(8, 3, 3, 3)
    torch.save(make(torch, kernel), folder / "state.pth", _use_new_zipfile_serialization=as_zip)
    expected = {"block1_conv1.kernel": np.ascontiguousarray(kernel.numpy().transpose(2, 3, 1, 0))}
    check_same_bits(torch_zip.read(folder / "state.pth"), expected, what="read")


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "stream"])
def test_a_whole_module_is_refused(torch: Any, folder: Path, as_zip: bool) -> None:
    torch.save(torch.nn.Conv2d(3, 4, 3), folder / "module.pth", _use_new_zipfile_serialization=as_zip)
    with pytest.raises(WeightsError, match=r"asks for 'torch\.nn\.modules\.conv Conv2d'"):
        torch_zip.read(folder / "module.pth")


def test_half_precision_is_refused(torch: Any, folder: Path) -> None:
    torch.save({"features.0.bias": torch.ones(4, dtype=torch.float16)}, folder / "half.pth")
    with pytest.raises(WeightsError, match=r"features\.0\.bias is a torch\.HalfStorage, expected torch\.FloatStorage"):
        torch_zip.read(folder / "half.pth")


@pytest.fixture(scope="module")
def keras(request: pytest.FixtureRequest) -> Any:
    require_implementation(request.config, "keras3")
    load_implementation("keras3", keras_backend=request.config.getoption("keras_backend"))
    return importlib.import_module("keras")


@pytest.fixture(scope="module", params=VARIANTS)
def keras_model(request: pytest.FixtureRequest, keras: Any) -> tuple[str, Any]:
    """keras.applications' own network, its norms and biases not at their start."""
    make = {"vgg16": keras.applications.VGG16, "resnet50": keras.applications.ResNet50}[request.param]
    model = make(weights=None, include_top=False, input_shape=(SMALLEST_INPUT, SMALLEST_INPUT, 3))
    generator = np.random.default_rng(0)
    for variable in model.weights:
        if len(variable.shape) == 1:
            variable.assign(generator.normal(size=variable.shape).astype(np.float32))
    return request.param, model


def weights_of(keras: Any, model: Any) -> Weights:
    """By layer and by the variables' own names, which in Keras 3 are the canonical ones."""
    return {
        f"{layer.name}.{variable.name}": np.array(keras.ops.convert_to_numpy(variable.value))
        for layer in model.layers
        for variable in layer.weights
    }


# Keras 3.15.1 on JAX hands its variables to NumPy 2 in the way of NumPy 1.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_keras_own_writer_is_read_to_the_bit(keras: Any, keras_model: tuple[str, Any], folder: Path) -> None:
    legacy = importlib.import_module("keras.src.legacy.saving.legacy_h5_format")
    architecture, model = keras_model
    path = folder / catalogue()[f"keras-{architecture}"].file
    with h5py.File(path, "w") as file:
        legacy.save_weights_to_hdf5_group(file, model)
    expected = weights_of(keras, model)
    check_same_bits(keras_h5.read(path), expected, what=architecture)
    base = load_base_weights("imagenet", VARIANTS[architecture], weights_dir=folder, download=False)
    check_same_bits(base.weights, expected, what=architecture)


def test_keras_reads_what_is_written_here(keras: Any, keras_model: tuple[str, Any], folder: Path) -> None:
    _, model = keras_model
    expected = {name: array + 1 for name, array in weights_of(keras, model).items()}
    write_keras_h5(folder / "ours.h5", expected)
    model.load_weights(folder / "ours.h5", by_name=True)
    check_same_bits(weights_of(keras, model), expected, what="read by Keras")
