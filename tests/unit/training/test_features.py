"""Features that are computed once: what they are known by, what is kept, and what is never believed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.architectures import feature_shape, weight_shapes
from harness.data.augment import identity_maps
from harness.data.dataset import Dataset, DatasetError
from harness.interface import Features
from harness.training import features
from harness.training.features import (
    check_cacheable,
    compute_features,
    feature_folder,
    open_features,
)
from harness.training.fit import Interrupted, evaluation_batch_size
from harness.variant import (
    Phase,
    Variant,
    VariantError,
    narrow,
)
from tests.support.fake_model import (
    FakeModel,
    fake_variant,
    numbered_dataset,
    numbered_features,
)
from tests.support.papers import PAPER

DATASET = numbered_dataset(training=300)
VERSIONS = {"torch": "2.0"}


def frozen_variant(**changes: object) -> Variant:
    return fake_variant(epochs=1, phases=(Phase(1, "head"),), augmentation=None, width_divisor=64, **changes)


VARIANT = frozen_variant()
SIZE = evaluation_batch_size(VARIANT)


def model_of(variant: Variant = VARIANT, **changes: float) -> FakeModel:
    """A model whose weights are zeros, but for some that are named."""
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(variant).items()}
    return FakeModel(variant, weights=weights | {name: weights[name] + value for name, value in changes.items()})


def computed(model: FakeModel) -> list[int]:
    """Rows whose features the model was asked for, in order."""
    return [row for call in model.calls if call.method == "features" for row in call.all_rows]


def features_of(
    model: FakeModel,
    rows: NDArray[np.intp],
    dataset: Dataset = DATASET,
    is_interrupted: Callable[[], bool] = lambda: False,
) -> Features:
    found = compute_features(
        model, dataset, rows, versions=VERSIONS, say=lambda text: None, is_interrupted=is_interrupted
    )
    return found.features


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path))
    return tmp_path / "features"


# What is kept


def test_each_row_has_its_own_features_whatever_the_order(cache: Path) -> None:
    rows = np.array([7, 299, 3, 3, 150])
    found = features_of(model_of(), rows)
    assert (found.dtype, found.shape) == (np.float32, (len(DATASET), *feature_shape(VARIANT)))
    np.testing.assert_array_equal(found[rows], numbered_features(VARIANT, rows))
    assert [path.parent for path in cache.glob("*/features.npy")] == [feature_folder(model_of(), DATASET, VERSIONS)]


def test_whole_batches_are_computed_each_row_once() -> None:
    model, rows = model_of(), np.arange(200)
    features_of(model, rows)
    sizes = {len(batch) for call in model.calls if call.method == "features" for batch in call.rows}
    assert sizes == {SIZE}, "one shape, one compilation"
    assert computed(model) == [*range(200), *[199] * (-200 % SIZE)]


def test_the_second_time_nothing_is_computed() -> None:
    rows = np.arange(200)
    first = np.array(features_of(model_of(), rows))
    second = model_of()
    np.testing.assert_array_equal(features_of(second, rows[::-1]), first)
    assert computed(second) == []


def test_other_rows_are_computed_alone() -> None:
    features_of(model_of(), np.arange(0, 200, 2))
    second = model_of()
    found = features_of(second, np.arange(200))
    assert sorted(set(computed(second))) == list(range(1, 200, 2))
    np.testing.assert_array_equal(found[:200], numbered_features(VARIANT, range(200)))


def test_rows_that_were_not_asked_for_are_not_believed() -> None:
    file = open_features(feature_folder(model_of(), DATASET, VERSIONS), VARIANT, DATASET)
    file.features[:] = 99  # a run that was killed between numbers and marks leaves such
    file.put(np.array([4]), numbered_features(VARIANT, [4]))
    model = model_of()
    found = features_of(model, np.arange(8))
    assert sorted(set(computed(model))) == [0, 1, 2, 3, 5, 6, 7]
    np.testing.assert_array_equal(found[:8], numbered_features(VARIANT, range(8)))


@given(parts=st.lists(st.lists(st.integers(0, len(DATASET) - 1), max_size=9), min_size=1, max_size=4))
def test_parts_add_up(parts: list[list[int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, known = tmp_path_factory.mktemp("features"), set[int]()
    for part in parts:
        file = open_features(folder, VARIANT, DATASET)
        missing = file.missing(np.array(part, np.intp))
        assert missing.tolist() == sorted(set(part) - known)
        file.put(missing, numbered_features(VARIANT, missing))
        known |= set(part)
        assert set(np.flatnonzero(file.done)) == known
        np.testing.assert_array_equal(file.features[sorted(known)], numbered_features(VARIANT, sorted(known)))


def test_an_interruption_keeps_what_is_computed() -> None:
    first, second, rows = model_of(), model_of(), np.arange(300)
    with pytest.raises(Interrupted):
        features_of(first, rows, is_interrupted=lambda: bool(first.calls))
    assert computed(first) == list(range(SIZE)), "the first slice is one batch"
    found = features_of(second, rows)
    assert sorted(set(computed(second))) == list(range(SIZE, 300))
    np.testing.assert_array_equal(found[:300], numbered_features(VARIANT, rows))


def test_numbers_are_on_the_disk_before_their_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    file = open_features(feature_folder(model_of(), DATASET, VERSIONS), VARIANT, DATASET)

    def fail(_array: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(np.memmap, "flush", fail)
    with pytest.raises(OSError, match="no space left"):
        file.put(np.array([4]), numbered_features(VARIANT, [4]))
    assert not file.done.any()


# What they are known by


@pytest.mark.parametrize(
    ("model", "dataset", "versions"),
    [
        pytest.param(model_of(**{"block1_conv2.kernel": 1e-6}), DATASET, VERSIONS, id="weights"),
        pytest.param(model_of(), replace(DATASET, digest="1" * 64), VERSIONS, id="data"),
        pytest.param(model_of(), DATASET, {"torch": "2.1"}, id="version"),
        pytest.param(model_of(), DATASET, {"keras": "2.0"}, id="implementation"),
        pytest.param(model_of(frozen_variant(input_convention="caffe")), DATASET, VERSIONS, id="convention"),
        pytest.param(model_of(frozen_variant(input_channels=3)), DATASET, VERSIONS, id="channels"),
        pytest.param(model_of(frozen_variant(input_size=50)), DATASET, VERSIONS, id="size"),
        pytest.param(model_of(frozen_variant(blocks=3)), DATASET, VERSIONS, id="layers"),
    ],
)
def test_whatever_changes_the_numbers_changes_the_folder(
    model: FakeModel, dataset: Dataset, versions: dict[str, str]
) -> None:
    assert feature_folder(model, dataset, versions) != feature_folder(model_of(), DATASET, VERSIONS)


def test_each_set_of_maps_has_its_folder() -> None:
    maps = identity_maps(len(DATASET))
    other = maps.copy()
    other[-1, 0, 0] = np.nextafter(np.float32(1), np.float32(2))
    folders = [feature_folder(model_of(), DATASET, VERSIONS, each) for each in (None, maps, other)]
    assert len(set(folders)) == 3
    assert folders[1] == feature_folder(model_of(), DATASET, VERSIONS, maps.copy())


@pytest.mark.parametrize("weight", ["gamma", "beta", "moving_mean", "moving_variance"])
def test_a_norms_weights_change_the_folder(weight: str) -> None:
    variant = replace(narrow(PAPER.find_variant("resnet50-transfer"), width_divisor=64, input_size=48), blocks=1)
    one, other = model_of(variant), model_of(variant, **{f"conv2_block3_3_bn.{weight}": 1e-6})
    assert feature_folder(one, DATASET, VERSIONS) != feature_folder(other, DATASET, VERSIONS)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model_of(**{"logits.kernel": 1.0, "dense1.bias": 1.0}), id="weights of the head"),
        pytest.param(model_of(frozen_variant(dropout=0.1, batch_size=4, learning_rate=1.0)), id="training"),
    ],
)
def test_what_does_not_touch_the_base_shares_a_folder(model: FakeModel) -> None:
    assert feature_folder(model, DATASET, VERSIONS) == feature_folder(model_of(), DATASET, VERSIONS)


# What is refused


@pytest.mark.parametrize("name", ["features", "done"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="cut off"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(lambda path: path.write_bytes(b"<html>" + path.read_bytes()), id="another kind of file"),
        pytest.param(lambda path: np.save(path, np.zeros((3, 2), np.float32)), id="another shape"),
        pytest.param(lambda path: np.save(path, np.load(path).astype(np.float64)), id="another type"),
    ],
)
def test_a_damaged_file_is_refused_with_its_folder(name: str, damage: Callable[[Path], None]) -> None:
    folder = feature_folder(model_of(), DATASET, VERSIONS)
    features_of(model_of(), np.arange(8))
    damage(folder / f"{name}.npy")
    before = (folder / f"{name}.npy").read_bytes()
    with pytest.raises(DatasetError, match=rf"{folder} .*; remove that folder$"):
        features_of(model_of(), np.arange(8))
    assert (folder / f"{name}.npy").read_bytes() == before, "it is refused, not mended"


@pytest.mark.parametrize("name", ["features", "done"])
def test_half_of_a_pair_of_files_is_not_believed(name: str) -> None:
    features_of(model_of(), np.arange(8))
    (feature_folder(model_of(), DATASET, VERSIONS) / f"{name}.npy").unlink()
    model = model_of()
    found = features_of(model, np.arange(8))
    assert sorted(set(computed(model))) == list(range(8))
    np.testing.assert_array_equal(found[:8], numbered_features(VARIANT, range(8)))


def test_a_fast_device_does_not_get_more_at_once_than_its_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "SLICE_BYTES", 2 * SIZE * int(np.prod(feature_shape(VARIANT))) * 4)
    model = model_of()
    features_of(model, np.arange(len(DATASET)))
    assert max(len(call.all_rows) for call in model.calls if call.method == "features") == 2 * SIZE


def test_mended_code_makes_new_features(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = feature_folder(model_of(), DATASET, VERSIONS)
    (tmp_path / "pixels.py").write_text("# mended")
    monkeypatch.setattr(features.pixels, "__file__", str(tmp_path / "pixels.py"))
    assert feature_folder(model_of(), DATASET, VERSIONS) != before


def test_a_folder_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path / "file" / "x"))
    with pytest.raises(DatasetError, match=r"cannot hold features: .*; set FERBENCH_CACHE to another folder"):
        features_of(model_of(), np.arange(7))


@pytest.mark.parametrize("name", ["lock", "done.new", "features.new"])
def test_a_file_that_cannot_be_made_in_the_folder_is_told(name: str) -> None:
    folder = feature_folder(model_of(), DATASET, VERSIONS)
    (folder / name).mkdir(parents=True)
    with pytest.raises(DatasetError, match=rf"{folder} cannot hold features: Is a directory; set FERBENCH_CACHE"):
        features_of(model_of(), np.arange(7))


@pytest.mark.parametrize("name", ["features", "done"])
def test_looking_for_room_leaves_what_another_run_is_making_alone(name: str) -> None:
    features_of(model_of(), np.arange(8))
    folder = feature_folder(model_of(), DATASET, VERSIONS)
    (folder / f"{name}.npy").unlink()
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    features.require_room(model_of(), DATASET, VERSIONS, [(None, np.arange(8))])
    assert {path: path.stat().st_ino for path in folder.iterdir()} == before


def test_a_full_disk_is_noticed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    features_of(model_of(), np.arange(8))
    room = features.SPARE_BYTES + 2 * 4 * int(np.prod(feature_shape(VARIANT)))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=room))
    features_of(model_of(), np.arange(10))
    model = model_of()
    with pytest.raises(
        DatasetError, match=r"of 3 images, each view counted, of 0 KB need 1\.1 GB .* set FERBENCH_CACHE"
    ):
        features_of(model, np.arange(13))
    assert computed(model) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    features_of(model_of(), np.arange(10))  # nothing is to be written


@pytest.mark.parametrize(
    ("name", "figures"),
    [("vgg16-transfer", "of 100 KB need 8.3 GB under"), ("resnet50-transfer", "of 401 KB need 30.0 GB under")],
)
def test_a_disk_that_is_too_small_is_told_the_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, figures: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    with pytest.raises(DatasetError, match=f"the features of 72,000 images, each view counted, {figures}"):
        features._require_room(PAPER.find_variant(name), 72_000, tmp_path)


def test_an_augmenting_variant_is_refused_without_a_number_of_views() -> None:
    variant = replace(VARIANT, name="vgg16-transfer", augmentation=PAPER.variants["vgg16-scratch"].augmentation)
    with pytest.raises(VariantError, match=r"augments.*give one, choose a reading that does not augment, or leave"):
        check_cacheable(variant, None)
    check_cacheable(variant, 1)


@pytest.mark.parametrize("phases", [(Phase(1, "all"),), (Phase(1, "block5"),)])
def test_a_base_that_is_never_frozen_is_refused(phases: tuple[Phase, ...]) -> None:
    with pytest.raises(VariantError, match=r"never trains the head alone.*choose a reading whose base is frozen"):
        check_cacheable(replace(VARIANT, name="vgg16-transfer", phases=phases), None)


@pytest.mark.parametrize("base_name", ["vgg16-transfer", "vgg16-fine-tune", "resnet50-transfer", "resnet50-fine-tune"])
def test_the_readings_that_the_messages_name_help(base_name: str) -> None:
    check_cacheable(PAPER.find_variant(f"{base_name}@frozen,unaugmented"), None)


# Two runs at once


def test_another_run_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "LOCK_SECONDS", 0.01)
    folder = feature_folder(model_of(), DATASET, VERSIONS)
    folder.mkdir(parents=True)
    other, model, said = FileLock(folder / "lock"), model_of(), list[str]()

    def look() -> bool:
        if other.is_locked and len(said) == 1:
            open_features(folder, VARIANT, DATASET).put(np.arange(8), numbered_features(VARIANT, range(8)))
            other.release()
        return False

    other.acquire()
    compute_features(model, DATASET, np.arange(10), versions=VERSIONS, say=said.append, is_interrupted=look)
    assert said[0].startswith("another run computes features in ")
    assert sorted(set(computed(model))) == [8, 9]


def test_waiting_can_be_interrupted() -> None:
    folder = feature_folder(model_of(), DATASET, VERSIONS)
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"), pytest.raises(Interrupted):
        features_of(model_of(), np.arange(8), is_interrupted=lambda: True)
