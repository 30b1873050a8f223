"""Input pipelines of the harness: order, weights and pixels of `device`, `generator` and `manual`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_records import fake_record
from PIL import Image

from harness.data import pixels
from harness.data.augment import draw_maps, identity_maps
from harness.data.dataset import DatasetError
from harness.data.host_pixels import enlarge, resize_all, scale, warp_enlarged
from harness.data.picture_files import picture_name, picture_row, write_pictures
from harness.data.pipelines import DevicePipeline, open_pipeline, require_memory
from harness.data.toyfaces import toyfaces
from harness.runs.plan import make_spec
from harness.runs.record import from_json, to_json
from harness.variants import VariantError, find_variant, narrow

PILLOW_LARGEST = 1.001
"""Grey levels between the fused lookup and pictures that Pillow enlarged: it rounds to bytes after each of two axes."""
WARPED_MEAN, WARPED_99_PERCENT = 0.3, 2.0
"""Grey levels between the fused lookup and a picture that was enlarged, rounded and then looked up once more (0.27 and
1.7 on faces). At 48×48, where nothing is enlarged, the two are the same."""
INPUT_SIZE = 224


@pytest.fixture(scope="module")
def device() -> DevicePipeline:
    dataset = toyfaces(training=28, public_test=7, private_test=7)
    variant = replace(narrow(find_variant("vgg16-transfer"), width_divisor=8, input_size=INPUT_SIZE), batch_size=8)
    return DevicePipeline.of(dataset, dataset.rows("training"), variant, seed=3)


@pytest.fixture(scope="module")
def manual(device: DevicePipeline):
    return open_pipeline("manual", device, np.arange(len(device.dataset)), None)


@pytest.mark.parametrize("pipeline", ["device", "generator", "manual"])
def test_a_record_names_its_pipeline(pipeline) -> None:
    record = fake_record()
    record = replace(record, spec=replace(record.spec, pipeline=pipeline))
    assert from_json(to_json(record)) == record
    assert (pipeline in record.spec.label) == (pipeline != "device")


def test_kept_features_go_with_the_device_pipeline_alone() -> None:
    with pytest.raises(VariantError, match="pipeline device alone, not for manual"):
        make_spec("vgg16-transfer@frozen,unaugmented", "pytorch", cached_features=True, pipeline="manual")


def test_class_weights_are_of_the_rows_that_train(device) -> None:
    rows, variant = device.rows[3:], replace(device.variant, class_weights="balanced")
    found = DevicePipeline.of(device.dataset, rows, variant, seed=0).class_weights
    np.testing.assert_allclose(found, len(rows) / (7 * np.bincount(device.dataset.labels[rows])))


def test_manual_keeps_order_and_labels_and_leaves_augmentation_away(device, manual) -> None:
    for ours, theirs in zip(device.training_batches(2), manual.training_batches(2), strict=True):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        np.testing.assert_array_equal(theirs.maps, identity_maps(len(theirs)))
        assert theirs.pixels is not None
        assert theirs.pixels.shape == (len(theirs), INPUT_SIZE, INPUT_SIZE, 3)
        assert theirs.pixels.dtype == np.float32


def test_manuals_pixels_are_those_of_the_reference_but_for_pillows_rounding(device, manual) -> None:
    (batch,) = manual.plain_batches(device.dataset.rows("public_test")[::-1], 7)
    difference = 255 * np.abs(batch.pixels[..., 0] - reference(batch.images, batch.maps, INPUT_SIZE))
    assert difference.max() < PILLOW_LARGEST


@pytest.mark.parametrize("convention", ["unit-range", "caffe", "imagenet"])
def test_manuals_channels_follow_the_input_convention(device, convention) -> None:
    images, variant = device.dataset.images[:2], replace(device.variant, input_convention=convention, input_size=48)
    expected = pixels.network_input(images, identity_maps(2), size=48, channels=3, convention=convention)
    np.testing.assert_allclose(resize_all(images, np.arange(2), variant), expected, atol=2e-5)


@pytest.mark.parametrize("size", [48, INPUT_SIZE])
def test_the_per_image_work_draws_the_same_picture_as_the_fused_lookup(device, size) -> None:
    images, variant = device.dataset.images[:20], replace(device.variant, input_size=size)
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


def reference(images, maps, size):
    return pixels.network_input(images, maps, size=size, channels=1, convention="unit-range")[..., 0]


def test_manual_is_refused_where_memory_would_not_do() -> None:
    with pytest.raises(DatasetError, match=r"35,887 images of 224×224×3 float32 take 21\.6 GB, of 24\.0 GB.*18\.0 GB"):
        require_memory(find_variant("vgg16-transfer"), 35_887, available_bytes=24 * 10**9)
    require_memory(find_variant("vgg16-scratch"), 35_887, available_bytes=10**9)


def test_picture_files_hold_the_pixels_and_are_written_once(device, tmp_path: Path, monkeypatch) -> None:
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


def test_a_folder_that_cannot_be_written_is_named(device, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match=r"cannot hold 2 picture files.*take --pipeline device"):
        write_pictures(device.dataset, np.arange(2))
