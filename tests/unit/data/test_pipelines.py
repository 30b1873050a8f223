"""Input pipelines of the harness: order, weights and pixels of `device`, `generator` and `manual`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.data import pixels
from harness.data.augment import draw_maps, identity_maps
from harness.data.dataset import DatasetError
from harness.data.host_pixels import (
    enlarge,
    resize_all,
    scale,
    warp_enlarged,
)
from harness.data.picture_files import (
    picture_name,
    picture_row,
    reading,
    write_pictures,
)
from harness.data.pipelines import DevicePipeline, open_pipeline, require_memory
from harness.data.toyfaces import toyfaces
from harness.interface import CLASSES
from harness.records.options import RunOptions
from harness.records.record import from_json, to_json
from harness.records.spec import RunSpec
from harness.runs.specification import make_spec
from harness.variant import Pipeline, VariantError, narrow
from tests.support.fake_records import fake_record
from tests.support.papers import PAPER

PILLOW_LARGEST = 1.001
"""Grey levels between the fused lookup and pictures that Pillow enlarged: it rounds to bytes after each of two axes."""
WARPED_MEAN, WARPED_99_PERCENT = 0.3, 2.0
"""Grey levels between the fused lookup and a picture that was enlarged, rounded and then looked up once more (0.27 and
1.7 on faces). At 48×48, where nothing is enlarged, the two are the same."""
INPUT_SIZE = 224
PNG_TAIL = 24
"""Bytes at the end of a file, checksums and the mark of the end, of which Pillow misses none."""

NO_IMPLEMENTATION: Any = None
"""The pipeline computes on the host alone."""


@pytest.fixture(scope="module")
def device() -> DevicePipeline:
    dataset = toyfaces(training=28, public_test=7, private_test=7)
    variant = replace(
        narrow(PAPER.find_variant("vgg16-transfer"), width_divisor=8, input_size=INPUT_SIZE), batch_size=8
    )
    return DevicePipeline.of(dataset, dataset.rows("training"), variant, seed=3)


@pytest.fixture(scope="module")
def manual(device: DevicePipeline) -> Any:
    return open_pipeline("manual", device, np.arange(len(device.dataset)), NO_IMPLEMENTATION)


@pytest.mark.parametrize("pipeline", ["device", "generator", "manual"])
def test_a_record_names_its_pipeline(pipeline: Any) -> None:
    record = fake_record()
    record = replace(record, spec=replace(record.spec, pipeline=pipeline))
    assert from_json(to_json(record)) == record
    assert (pipeline in record.spec.label) == (pipeline != "device")


# Views


@pytest.mark.parametrize("views", [None, 1, 2, 5])
def test_views_are_shown_in_turn_and_the_order_goes_on(device: DevicePipeline, views: int | None) -> None:
    ours = replace(device, views=views)
    for epoch in range(4):
        batches = ours.training_batches(epoch)
        shown = epoch if views is None else epoch % views
        assert device.variant.augmentation is not None
        maps = draw_maps(device.variant.augmentation, seed=device.seed, epoch=shown, count=len(device.dataset))
        np.testing.assert_array_equal(batches.maps, maps)
        np.testing.assert_array_equal(batches.rows, device.training_batches(epoch).rows)
        assert ours.view(epoch) == shown


def test_pictures_that_are_not_augmented_have_no_views(device: DevicePipeline) -> None:
    plain = replace(device, variant=replace(device.variant, augmentation=None), views=2)
    assert [plain.view(epoch) for epoch in range(3)] == [None] * 3
    assert plain.training_batches(1).maps is None


FROZEN = "vgg16-transfer@frozen"


def spec_of(variant: str = FROZEN, pipeline: Pipeline = "device", **options: Any) -> RunSpec:
    return make_spec(variant, "pytorch", RunOptions(pipeline=pipeline, **options))


@pytest.mark.parametrize(
    ("variant", "options", "expected"),
    [
        (FROZEN, {}, (None, False)),
        (FROZEN, {"views": 3}, (3, False)),
        (FROZEN, {"cached_features": 3}, (3, True)),
        (FROZEN, {"cached_features": 3, "views": 3}, (3, True)),
        # one view of each picture is no choice where none is augmented
        (f"{FROZEN},unaugmented", {"views": 1}, (None, False)),
        (f"{FROZEN},unaugmented", {"cached_features": 1}, (None, True)),
    ],
)
def test_kept_features_are_of_the_views_that_are_shown(variant: Any, options: Any, expected: Any) -> None:
    spec = spec_of(variant, **options)
    assert (spec.views, spec.cached_features) == expected
    assert ("views" in spec.label) == (spec.views is not None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": 2, "cached_features": 3}, "--views 2 and --cached-features 3: features are kept of the views that"),
        ({"variant": f"{FROZEN},unaugmented", "views": 2}, "does not augment, so there is 1 view of each picture, not"),
        ({"variant": f"{FROZEN},unaugmented", "cached_features": 2}, "does not augment, so there is 1 view of each"),
        ({"variant": "vgg16-scratch", "cached_features": 2}, "never trains the head alone"),
        ({"views": 0}, "0 views of each picture; expected 1 or more"),
        ({"views": 2, "pipeline": "generator"}, "by pipeline device alone, not by generator"),
        ({"cached_features": 2, "pipeline": "manual"}, "by pipeline device alone, not by manual"),
    ],
)
def test_views_that_cannot_be_are_refused(options: Any, message: str) -> None:
    with pytest.raises(VariantError, match=message):
        spec_of(**options)


def test_class_weights_are_of_the_rows_that_train(device: DevicePipeline) -> None:
    rows, variant = device.rows[3:], replace(device.variant, class_weights="balanced")
    found = DevicePipeline.of(device.dataset, rows, variant, seed=0).class_weights
    np.testing.assert_allclose(found, len(rows) / (7 * np.bincount(device.dataset.labels[rows])))


def test_manual_keeps_order_and_labels_and_leaves_augmentation_away(device: DevicePipeline, manual: Any) -> None:
    for ours, theirs in zip(device.training_batches(2), manual.training_batches(2), strict=True):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        np.testing.assert_array_equal(theirs.maps, identity_maps(len(theirs)))
        assert theirs.pixels is not None
        assert theirs.pixels.shape == (len(theirs), INPUT_SIZE, INPUT_SIZE, 3)
        assert theirs.pixels.dtype == np.float32


def test_manuals_pixels_are_those_of_the_reference_but_for_pillows_rounding(
    device: DevicePipeline, manual: Any
) -> None:
    (batch,) = manual.plain_batches(device.dataset.rows("public_test")[::-1], 7)
    difference = 255 * np.abs(batch.pixels[..., 0] - reference(batch.images, batch.maps, INPUT_SIZE))
    assert difference.max() < PILLOW_LARGEST


@pytest.mark.parametrize("convention", ["unit-range", "caffe", "imagenet"])
def test_manuals_channels_follow_the_input_convention(device: DevicePipeline, convention: Any) -> None:
    images, variant = device.dataset.images[:2], replace(device.variant, input_convention=convention, input_size=48)
    expected = pixels.network_input(images, identity_maps(2), size=48, channels=3, convention=convention)
    np.testing.assert_allclose(resize_all(images, np.arange(2), variant), expected, atol=2e-5)


@pytest.mark.parametrize("size", [48, INPUT_SIZE])
def test_the_per_image_work_draws_the_same_picture_as_the_fused_lookup(device: DevicePipeline, size: int) -> None:
    images, variant = device.dataset.images[:20], replace(device.variant, input_size=size)
    assert variant.augmentation is not None
    maps = draw_maps(variant.augmentation, seed=1, epoch=0, count=20)
    found = np.stack([
        scale(warp_enlarged(enlarge(Image.fromarray(image), variant), each), variant)
        for image, each in zip(images, maps, strict=True)
    ])  # fmt: skip
    difference = 255 * np.abs(found[..., 1] - reference(images, maps, size))
    if size == 48:
        assert difference.max() < 1e-4
    else:
        assert difference.mean() < WARPED_MEAN
        assert np.quantile(difference, 0.99) < WARPED_99_PERCENT


def reference(images: Any, maps: Any, size: int) -> Any:
    return pixels.network_input(images, maps, size=size, channels=1, convention="unit-range")[..., 0]


def test_manual_is_refused_where_memory_would_not_do() -> None:
    with pytest.raises(DatasetError, match=r"35,887 images of 224×224×3 float32 take 21\.6 GB, of 24\.0 GB.*18\.0 GB"):
        require_memory(PAPER.find_variant("vgg16-transfer"), 35_887, available_bytes=24 * 10**9)
    require_memory(PAPER.find_variant("vgg16-scratch"), 35_887, available_bytes=10**9)


def test_picture_files_hold_the_pixels_and_are_written_once(
    device: DevicePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path))
    dataset, rows = device.dataset, np.array([0, 5, 40])
    root = write_pictures(dataset, rows)
    files = sorted(path for path in root.glob("*/*"))
    assert sorted(picture_row(path.name) for path in files) == rows.tolist()
    for row in rows:
        path = root / picture_name(int(row), int(dataset.labels[row]))
        with Image.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture), dataset.images[row])
    before = [path.stat().st_mtime_ns for path in files]
    assert write_pictures(dataset, rows) == root
    assert [path.stat().st_mtime_ns for path in files] == before
    assert write_pictures(dataset, rows[:2]) != root
    assert not list(tmp_path.glob("pictures/writing-*"))


def damage_lost(root: Path) -> None:
    next(root.glob("*/000005.png")).unlink()


def damage_stray(root: Path) -> None:
    (root / "happy" / ".DS_Store").touch()


def damage_relabelled(root: Path) -> None:
    path = next(root.glob("*/000005.png"))
    path.rename(root / next(name for name in CLASSES if name != path.parent.name) / path.name)


def damage_emptied(root: Path) -> None:
    shutil.rmtree(root)
    root.mkdir()


@pytest.mark.parametrize("damage", [damage_lost, damage_stray, damage_relabelled, damage_emptied])
def test_picture_files_of_which_some_are_lost_are_written_anew(
    device: DevicePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Any
) -> None:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path))
    dataset, rows = device.dataset, np.array([0, 5, 40])
    root = write_pictures(dataset, rows)
    damage(root)
    assert write_pictures(dataset, rows) == root
    found = {path.relative_to(root).as_posix() for path in root.glob("*/*")}
    assert found == {picture_name(int(row), int(dataset.labels[row])) for row in rows}
    assert [path.name for path in root.parent.iterdir() if path.is_dir()] == [root.name], "the damaged one is gone"


def test_a_picture_cut_off_anywhere_is_refused_with_its_folder(device: DevicePipeline, tmp_path: Path) -> None:
    path = tmp_path / "000000.png"
    Image.fromarray(device.dataset.images[0]).save(path, compress_level=1)
    whole, refused = path.read_bytes(), 0
    for length in range(0, len(whole) - PNG_TAIL, 7):
        path.write_bytes(whole[:length])
        refusal = pytest.raises(DatasetError, match=rf"{tmp_path} .*; remove that folder")
        with refusal, reading(tmp_path), Image.open(path) as picture:
            picture.load()
        refused += 1
    assert refused > 100


def test_a_folder_that_cannot_be_written_is_named(
    device: DevicePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match=r"cannot hold 2 picture files.*take --pipeline device"):
        write_pictures(device.dataset, np.arange(2))
