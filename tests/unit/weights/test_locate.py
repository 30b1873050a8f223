"""Where weights are looked for, in which order, and what is said of those that do not fit."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from harness.architectures import initial_weights, layers
from harness.interface import Weights
from harness.records.spec import RunSpec
from harness.runs.first_weights import first_weights
from harness.variant import Variant, narrow
from harness.weights import locate
from harness.weights.canonical import digest, save_canonical
from harness.weights.catalogue import Checkpoint, WeightsError, catalogue
from harness.weights.locate import WEIGHTS_VARIABLE, load_base_weights
from tests.support.checks import check_same_bits
from tests.support.keras_files import write_keras_h5
from tests.support.papers import PAPER

VGG16 = narrow(PAPER.find_variant("vgg16-transfer"), width_divisor=32, input_size=48)
RESNET50 = narrow(PAPER.find_variant("resnet50-transfer"), width_divisor=32, input_size=48)
VGG16_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"


def base_weights(variant: Variant, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of a base in which every number is another, biases and statistics too."""
    generator = np.random.default_rng(seed)
    names = [f"{layer.name}.{weight}" for layer in layers(variant) if layer.part == "base" for weight in layer.weights]
    shapes = {name: array.shape for name, array in initial_weights(variant, seed).items()}
    return {name: generator.normal(size=shapes[name]).astype(np.float32) for name in names}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any weights, for caches and downloads."""
    for variable in ("KERAS_HOME", "TORCH_HOME", "XDG_CACHE_HOME", WEIGHTS_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path / "ours"))

    def no_network(checkpoint: Checkpoint, folder: Path) -> Path:
        raise WeightsError("there is no network")

    monkeypatch.setattr(locate, "fetch", no_network)
    return tmp_path


@pytest.fixture
def folder(home: Path) -> Path:
    (home / "given").mkdir()
    return home / "given"


@pytest.mark.parametrize("variant", [VGG16, RESNET50], ids=["vgg16", "resnet50"])
def test_the_base_is_read_and_nothing_else(folder: Path, variant: Variant) -> None:
    expected = base_weights(variant)
    checkpoint = catalogue()[f"keras-{variant.architecture}"]
    shuffled = dict(sorted(expected.items(), reverse=True))
    write_keras_h5(
        folder / checkpoint.file,
        shuffled | {"predictions.kernel": np.ones((2, 2), np.float32), "predictions.bias": np.ones(2, np.float32)},
    )
    found = load_base_weights("imagenet", variant, weights_dir=folder)
    check_same_bits(found.weights, expected, what="base")
    assert list(found.weights) == list(expected)
    assert (found.source, found.file_name) == (f"keras-{variant.architecture}", checkpoint.file)
    assert found.digest == digest(expected)


def test_weights_of_another_source_are_refused_whatever_their_name(folder: Path) -> None:
    save_canonical(folder / "keras-vgg16.safetensors", base_weights(VGG16), {"source": "torchvision-vgg16"})
    with pytest.raises(WeightsError, match="holds the weights 'torchvision-vgg16', expected 'keras-vgg16'"):
        load_base_weights("imagenet", VGG16, weights_dir=folder)


@pytest.mark.parametrize("content", [b"", b"no HDF5 at all"])
def test_a_damaged_file_is_said_to_be_replaceable(folder: Path, content: bytes) -> None:
    (folder / VGG16_FILE).write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_base_weights("imagenet", VGG16, weights_dir=folder)
    assert f"Remove that file; the published one is at {catalogue()['keras-vgg16'].url}" in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", VGG16_FILE])
def test_a_folder_that_is_none_is_refused(folder: Path, name: str) -> None:
    write_keras_h5(folder / VGG16_FILE, base_weights(VGG16))
    with pytest.raises(WeightsError, match=f"{name} is no folder"):
        load_base_weights("imagenet", VGG16, weights_dir=folder / name)


def test_blocks_that_the_variant_does_not_have_are_left_out(folder: Path) -> None:
    write_keras_h5(folder / VGG16_FILE, base_weights(VGG16))
    four_blocks = replace(VGG16, blocks=4)
    found = load_base_weights("imagenet", four_blocks, weights_dir=folder).weights
    assert found.keys() == base_weights(four_blocks).keys()
    assert "block5_conv1.kernel" not in found


def test_the_first_place_that_has_the_file_is_taken(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(home / "keras"))
    places = [home / "ours" / "weights", home / ".cache/torch/hub/checkpoints", home / "keras" / "models", folder]
    for seed, place in enumerate(places):
        place.mkdir(parents=True, exist_ok=True)
        expected = base_weights(VGG16, seed)
        write_keras_h5(place / VGG16_FILE, expected)
        assert load_base_weights("imagenet", VGG16, weights_dir=folder).digest == digest(expected), place
    ours = base_weights(VGG16, seed=9)
    save_canonical(folder / "keras-vgg16.safetensors", ours, {"source": "keras-vgg16"})
    found = load_base_weights("imagenet", VGG16, weights_dir=folder)
    assert (found.digest, found.file_name) == (digest(ours), "keras-vgg16.safetensors")


@pytest.mark.parametrize(
    ("variables", "keras", "torch"),
    [
        ({}, "~/.keras", "~/.cache/torch"),
        ({"KERAS_HOME": "/k", "TORCH_HOME": "/t", "XDG_CACHE_HOME": "/x"}, "/k", "/t"),
        ({"XDG_CACHE_HOME": "/x"}, "~/.keras", "/x/torch"),
    ],
)
def test_all_places_are_told_when_the_file_is_nowhere(
    monkeypatch: pytest.MonkeyPatch, home: Path, folder: Path, variables: dict[str, str], keras: str, torch: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WeightsError) as caught:
        load_base_weights("imagenet", VGG16, weights_dir=folder)
    lines = [line.removeprefix("  - ") for line in str(caught.value).splitlines() if line.startswith("  - ")]
    expanded = [Path(place).expanduser() for place in (f"{keras}/models", f"{torch}/hub/checkpoints")]
    assert lines == [
        str(folder / "keras-vgg16.safetensors"),
        *(str(each / VGG16_FILE) for each in (folder, *expanded, home / "ours" / "weights")),
    ]
    for part in ("there is no network", catalogue()["keras-vgg16"].url, "--weights-dir", "FERBENCH_WEIGHTS"):
        assert part in str(caught.value)


def test_nothing_is_fetched_where_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(locate, "fetch")
    with pytest.raises(WeightsError, match="fetching it was not allowed"):
        load_base_weights("imagenet", VGG16, weights_dir=None, download=False)


def test_what_was_fetched_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(checkpoint: Checkpoint, folder: Path) -> Path:
        assert folder == home / "ours" / "weights"
        write_keras_h5(home / checkpoint.file, base_weights(VGG16))
        return home / checkpoint.file

    monkeypatch.setattr(locate, "fetch", fetch)
    assert load_base_weights("imagenet", VGG16, weights_dir=None).digest == digest(base_weights(VGG16))


def with_wrong_shape(weights: Weights) -> Weights:
    return {**weights, "block3_conv2.kernel": np.zeros((3, 3, 4, 8), np.float32)}


def without_a_layer(weights: Weights) -> Weights:
    return {name: array for name, array in weights.items() if not name.startswith("block3_conv2")}


def with_nan(weights: Weights) -> Weights:
    return {**weights, "block3_conv2.bias": np.full(8, np.nan, np.float32)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_wrong_shape, r"block3_conv2\.kernel has shape \(3, 3, 4, 8\), expected \(3, 3, 8, 8\)"),
        (without_a_layer, r"2 weights .* block3_conv2\.bias is missing, expected \(8,\)"),
        (with_nan, r"8 of 8 values of block3_conv2\.bias are NaN or infinite"),
    ],
    ids=["shape", "missing", "NaN"],
)
def test_weights_that_do_not_fit_are_refused_by_name(
    folder: Path, change: Callable[[Weights], Weights], message: str
) -> None:
    write_keras_h5(folder / VGG16_FILE, change(base_weights(VGG16)))
    with pytest.raises(WeightsError, match=message) as caught:
        load_base_weights("imagenet", VGG16, weights_dir=folder)
    assert str(folder / VGG16_FILE) in str(caught.value)


def test_weights_of_another_network_are_refused_by_name(folder: Path) -> None:
    checkpoint = catalogue()["keras-resnet50"]
    write_keras_h5(folder / checkpoint.file, base_weights(VGG16))
    with pytest.raises(WeightsError, match=r"another network, block1_conv1\.bias.*conv1_conv\.kernel") as caught:
        load_base_weights("imagenet", RESNET50, weights_dir=folder)
    assert checkpoint.url in str(caught.value)


def test_a_base_with_one_channel_is_refused_with_the_reason(folder: Path) -> None:
    write_keras_h5(folder / VGG16_FILE, base_weights(VGG16))
    with pytest.raises(WeightsError, match="with 1 input channels and width divisor 32") as caught:
        load_base_weights("imagenet", replace(VGG16, input_channels=1), weights_dir=folder)
    assert "block1_conv1.kernel has shape (3, 3, 3, 2), expected (3, 3, 1, 2)" in str(caught.value)
    assert catalogue()["keras-vgg16"].url in str(caught.value)


def test_half_a_file_is_refused(folder: Path) -> None:
    write_keras_h5(folder / VGG16_FILE, base_weights(VGG16))
    content = (folder / VGG16_FILE).read_bytes()
    (folder / VGG16_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="damaged or incomplete"):
        load_base_weights("imagenet", VGG16, weights_dir=folder)


def test_another_precision_is_refused(folder: Path) -> None:
    write_keras_h5(folder / VGG16_FILE, base_weights(VGG16))
    with h5py.File(folder / VGG16_FILE, "r+") as file:
        name = "block1_conv1/block1_conv1/bias:0"
        half = file[name][()].astype(np.float16)
        del file[name]
        file[name] = half
    with pytest.raises(WeightsError, match=r"block1_conv1\.bias is float16, expected float32"):
        load_base_weights("imagenet", VGG16, weights_dir=folder)


@pytest.mark.parametrize("source", ["imagenet-torchvision", "imagenet-torchvision-v2"])
def test_weights_of_another_graph_are_refused_whatever_their_shapes(folder: Path, source: str) -> None:
    with pytest.raises(WeightsError, match=r"resnet50 v1\.5, whose stride stands on the 3×3 convolution"):
        load_base_weights(source, RESNET50, weights_dir=folder)


def test_an_unknown_source_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(WeightsError, match=r"'random' are known for vgg16; known are imagenet, imagenet-torchvision$"):
        load_base_weights("random", VGG16, weights_dir=None)


def test_checksums_of_torchvision_are_those_in_its_file_names() -> None:
    for checkpoint in catalogue().values():
        assert checkpoint.url.endswith(f"/{checkpoint.file}")
        if checkpoint.layout == "torch":
            assert checkpoint.checksum == f"sha256:{Path(checkpoint.file).stem.partition('-')[2]}"


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://example.org/weights.h5"},
        {"checksum": "md5:123"},
        {"file": "../weights.h5"},
        {"colour": "green"},
        {"graph": "v2"},
    ],
)
def test_an_entry_that_is_wrong_is_refused(change: dict[str, str]) -> None:
    text = (Path(locate.__file__).parent / "catalogue.toml").read_text(encoding="utf-8")
    entry = tomllib.loads(text)["keras-vgg16"]
    TypeAdapter(Checkpoint).validate_python(entry)
    with pytest.raises(ValidationError):
        TypeAdapter(Checkpoint).validate_python(entry | change)


def test_a_run_begins_with_the_files_base_and_a_drawn_head(folder: Path) -> None:
    base = base_weights(VGG16, seed=99)
    write_keras_h5(folder / VGG16_FILE, base)
    weights, identity = first_weights(RunSpec(VGG16, "pytorch", seed=5, weights_dir=str(folder)))
    check_same_bits(weights, initial_weights(VGG16, 5) | base, what="first weights")
    assert identity.digest == digest(base)
