"""Real runs in processes of their own, on narrow networks."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from harness.architectures import initial_weights
from harness.data.dataset import Dataset
from harness.data.pipelines import DevicePipeline
from harness.data.toyfaces import toyfaces
from harness.interface import Runtime
from harness.judging.comparability import differences
from harness.plugin.base import require_implementation
from harness.records.record import RunRecord
from harness.records.spec import RunSpec
from harness.records.store import RecordError, read_arrays, read_run, read_weights
from harness.registry import IMPLEMENTATIONS, choose_keras_backend, load_implementation
from harness.runs.process import RunFailed, execute
from harness.training.budget import Budget
from harness.training.metrics import score
from harness.training.stop_reason import StopReason
from harness.variant import narrow
from tests.support.checks import check_close_to_scale
from tests.support.keras_files import write_keras_h5
from tests.support.papers import PAPER

TINY = Budget("custom", epochs=2, examples=96, test_examples=64, input_size=48)
SEED = 5
FEATURES_TOLERANCE = 1e-5
"""Of the largest value, after 36 steps: features are made in batches of another size, which other kernels may sum in
another order. Seen without augmentation, after 24: equal to the bit, in both frameworks."""
PROCESS_SECONDS = 120
"""Far more than a run takes; a process that hangs is killed then."""

Finished = tuple[Path, RunRecord]


def tiny_spec(implementation: str, config: pytest.Config, *, budget: Budget = TINY) -> RunSpec:
    """A run that takes a second once its framework is imported."""
    require_implementation(config, implementation)
    backend = choose_keras_backend(config.getoption("keras_backend")) if implementation == "keras3" else None
    variant = narrow(PAPER.find_variant("vgg16-scratch"), width_divisor=8)
    return RunSpec(variant, implementation, backend, budget=budget, seed=SEED, threads=1 if backend is None else None)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    spec = replace(tiny_spec(request.param, request.config), save_weights=True)
    return execute(spec, tmp_path_factory.mktemp("results") / "new")


@pytest.fixture(scope="module")
def faces() -> Dataset:
    return toyfaces()


@pytest.fixture
def pytorch_spec(request: pytest.FixtureRequest) -> RunSpec:
    return tiny_spec("pytorch", request.config)


@pytest.fixture(scope="module")
def csv_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise in the form of `fer2013.csv`, read faster than faces are drawn."""
    random = np.random.default_rng(0)
    lines = ["emotion,pixels,Usage"]
    for usage, count in (("Training", 96), ("PublicTest", 14), ("PrivateTest", 14)):
        pixels = random.integers(0, 256, (count, 48 * 48)).tolist()
        lines += [f"{number % 7},{' '.join(map(str, each))},{usage}" for number, each in enumerate(pixels)]
    path = tmp_path_factory.mktemp("data") / "fer2013.csv"
    path.write_text("\n".join([*lines, ""]))
    return path


@pytest.fixture
def csv_spec(pytorch_spec: RunSpec, csv_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path / "cache"))
    return replace(pytorch_spec, fer2013=str(csv_path), allow_deviating_data=True)


# What a run leaves


def test_the_record_is_complete(finished: Finished, faces: Dataset) -> None:
    path, record = finished
    assert (record.status, record.error, record.stop_reason) == ("complete", None, StopReason("all-epochs", 2))
    assert path.name == f"{record.run}.json"
    assert read_run(path) == record
    assert record.dataset is not None
    assert (record.dataset.name, record.dataset.digest) == ("toyfaces", faces.digest)
    assert (record.dataset.training_examples, record.dataset.test_examples) == (96, 64)
    assert [epoch.epoch for epoch in record.history] == [0, 1]
    assert all(0 <= epoch.training_accuracy <= 1 and epoch.training_loss > 0 for epoch in record.history)
    assert set(record.scores) == {"public_test", "private_test", "paper_test", "clean_test"}
    framework = {"keras3": "keras", "pytorch": "torch"}[record.spec.implementation]
    assert framework in record.environment.versions


# Weights and features


@pytest.fixture(params=["pytorch", pytest.param("keras3", marks=pytest.mark.slow)])
def frozen_spec(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    """A frozen base whose weights lie in a file of the official layout, and two views of each image in three epochs."""
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path / "cache"))
    spec = tiny_spec(request.param, request.config)
    variant = narrow(PAPER.find_variant("vgg16-transfer@frozen"), width_divisor=8, input_size=32)
    weights = {name: array for name, array in initial_weights(variant, seed=99).items() if name.startswith("block")}
    write_keras_h5(tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", weights)
    budget = replace(TINY, epochs=3)
    return replace(spec, asked=variant, budget=budget, weights_dir=str(tmp_path), views=2)


def test_kept_features_change_no_result(frozen_spec: RunSpec, tmp_path: Path) -> None:
    """Same file, seed and views: computed anew in every step, and computed once a view."""
    specs = [frozen_spec, replace(frozen_spec, cached_features=True)]
    found = [execute(spec, tmp_path / "results") for spec in specs]
    anew, once = (record for _, record in found)
    assert anew.status == once.status == "complete"
    assert (anew.weights.source, anew.weights.file) == (
        "keras-vgg16",
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    )
    assert anew.weights == once.weights
    assert anew.spec.weights_dir == tmp_path.name
    assert anew.timings is not None
    assert once.timings is not None
    assert anew.timings.features_seconds == 0 < once.timings.features_seconds
    assert anew.timings.features_images_per_second is None
    assert once.timings.features_images_per_second is not None
    # both tests as they are, and each image of training once a view, within the seconds that were clocked
    images = 64 + 2 * 96
    assert images / once.timings.features_images_per_second < once.timings.features_seconds
    logits = [read_arrays(*each)["test_logits"] for each in found]
    # features are made in batches of another size, whose sums are rounded in another order
    check_close_to_scale(
        logits[1], logits[0], tolerance=FEATURES_TOLERANCE, what="logits after training on kept features"
    )
    losses = [[epoch.training_loss for epoch in record.history] for record in (once, anew)]
    check_close_to_scale(*losses, tolerance=FEATURES_TOLERANCE, what="losses")


def test_weights_that_are_nowhere_are_named(
    frozen_spec: RunSpec, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5").write_bytes(b"")
    with pytest.raises(RunFailed) as caught:
        execute(frozen_spec, tmp_path / "results")
    assert caught.value.code == 2
    error = capfd.readouterr().err
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in error
    assert "Traceback" not in error


def test_stand_in_weights_are_said_to_be(frozen_spec: RunSpec, tmp_path: Path) -> None:
    _, record = execute(replace(frozen_spec, weights_dir=None, stand_in_weights=True), tmp_path / "results")
    assert (record.weights.source, record.weights.file) == ("stand-in", None)
    assert "stand-in-weights" in {each.kind for each in differences(record, PAPER)}


def test_weights_after_training_are_kept(finished: Finished, faces: Dataset) -> None:
    """By canonical names: a network that is built from them gives the stored logits, to the rounding of other sums."""
    path, record = finished
    spec, arrays, weights = record.spec, read_arrays(path, record), read_weights(path, record)
    content = path.with_suffix(".weights.safetensors").read_bytes()
    assert record.weights_sha256 == hashlib.sha256(content).hexdigest()
    drawn = initial_weights(spec.variant, spec.seed)
    assert {name: array.shape for name, array in weights.items()} == {name: drawn[name].shape for name in drawn}
    implementation = load_implementation(spec.implementation, keras_backend=spec.keras_backend)
    runtime = Runtime(spec.device, spec.threads)
    model = implementation.build(spec.variant, weights=weights, seed=spec.seed, runtime=runtime)
    rows = arrays["test_rows"]
    batches = DevicePipeline.of(faces, rows, spec.variant, seed=spec.seed).plain_batches(rows, len(rows))
    check_close_to_scale(
        model.logits(batches), arrays["test_logits"], tolerance=FEATURES_TOLERANCE, what="logits of the kept weights"
    )
    path.with_suffix(".weights.safetensors").write_bytes(content[:-1])
    with pytest.raises(RecordError, match=r"weights.safetensors is damaged: SHA-256"):
        read_weights(path, record)
    path.with_suffix(".weights.safetensors").write_bytes(content)


def test_without_being_asked_no_weights_are_kept(csv_spec: RunSpec, tmp_path: Path) -> None:
    path, record = execute(csv_spec, tmp_path / "results")
    assert (record.weights_sha256, read_weights(path, record)) == (None, {})
    assert sorted(each.suffix for each in path.parent.iterdir()) == [".json", ".safetensors"]


def test_timings_fit_into_each_other(finished: Finished) -> None:
    timings = finished[1].timings
    assert timings is not None
    assert 0 < timings.input_seconds <= timings.training_seconds
    parts = timings.warm_up_seconds + timings.training_seconds + timings.evaluation_seconds
    assert parts <= timings.total_seconds
    assert timings.training_images_per_second == pytest.approx(2 * 96 / timings.training_seconds)


def test_scores_are_those_of_the_stored_logits(finished: Finished, faces: Dataset) -> None:
    path, record = finished
    arrays = read_arrays(path, record)
    rows, labels = arrays["test_rows"], arrays["test_labels"]
    assert arrays["test_logits"].dtype == np.float32
    assert (np.diff(rows) > 0).all()
    assert (faces.splits[rows] > 0).all()
    np.testing.assert_array_equal(labels, faces.labels[rows])
    assert score(arrays["test_logits"], labels) == record.scores["paper_test"]
    for code, name in enumerate(("public_test", "private_test"), start=1):
        chosen = faces.splits[rows] == code
        assert score(arrays["test_logits"][chosen], labels[chosen]) == record.scores[name]
    # the paper's protocol watches these images, so the last epoch has the same figures
    assert record.history[-1].watched_accuracy == record.scores["paper_test"].accuracy
    assert record.history[-1].watched_loss == record.scores["paper_test"].loss


def test_both_frameworks_begin_with_the_same_images(finished: Finished) -> None:
    arrays = read_arrays(*finished)
    assert arrays["initial_logits"].shape == (64, 7)
    np.testing.assert_array_equal(arrays["initial_rows"], arrays["test_rows"])
    assert np.abs(arrays["initial_logits"] - arrays["test_logits"]).max() > 0


def test_the_same_seed_gives_the_same_logits_to_the_bit(csv_spec: RunSpec, tmp_path: Path) -> None:
    first, second = (read_arrays(*execute(csv_spec, tmp_path))["test_logits"] for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert len(list(tmp_path.glob("*.json"))) == 2
    # a record says which data it saw, not where they lay
    for path in tmp_path.glob("*.json"):
        assert str(Path(csv_spec.fer2013 or "").parent) not in path.read_text()
        assert read_run(path).spec.fer2013 == "fer2013.csv"


# What goes wrong


def test_divergence_is_a_failed_run(csv_spec: RunSpec, tmp_path: Path) -> None:
    spec = replace(csv_spec, asked=replace(csv_spec.asked, learning_rate=1e30))
    path, record = execute(spec, tmp_path)
    assert record.status == "failed"
    assert record.error is not None
    assert "in epoch 1, step 2 (both counted from 1)" in record.error
    assert (record.history, record.scores, record.stop_reason) == ((), {}, None)
    assert set(read_arrays(path, record)) == {"initial_logits", "initial_rows"}


PARENT = """
import signal
import sys
from pathlib import Path
from pydantic import TypeAdapter
from harness.runs.process import execute
from harness.records.spec import RunSpec
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with it ignored
    path, record = execute(TypeAdapter(RunSpec).validate_json(sys.argv[2]), Path(sys.argv[1]))
    print(record.status)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("kill", "number"),
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGINT), (os.kill, signal.SIGTERM)],
    ids=["Ctrl-C", "kill -INT", "kill"],
)
def test_an_interruption_leaves_a_record(
    csv_spec: RunSpec, tmp_path: Path, kill: Callable[[int, int], None], number: int
) -> None:
    """A terminal's Ctrl-C reaches the whole group; `kill` reaches one process, which hands it on."""
    budget = replace(csv_spec.budget, epochs=100_000)
    phases = (replace(csv_spec.asked.phases[0], epochs=100_000),)
    asked = replace(csv_spec.asked, epochs=100_000, phases=phases)
    spec = TypeAdapter(RunSpec).dump_json(replace(csv_spec, asked=asked, budget=budget)).decode()
    command = [sys.executable, "-c", PARENT, str(tmp_path / "results"), spec]
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            lines = [next(line for line in process.stderr if "epoch 1/100000:" in line)]
            kill(process.pid, number)
            output, errors = process.communicate(timeout=PROCESS_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, output) == (0, "interrupted\n"), [*lines, errors]
    assert "Traceback" not in errors
    assert "stopping; the run writes its record first" in errors
    (path,) = (tmp_path / "results").glob("*.json")
    record = read_run(path)
    assert (record.status, record.stop_reason and record.stop_reason.kind, record.scores) == (
        "interrupted",
        "interrupted",
        {},
    )
    assert len(record.history) >= 1
    assert record.timings is not None
    assert record.timings.input_seconds <= record.timings.training_seconds


def test_data_that_cannot_be_read_end_the_run(
    pytorch_spec: RunSpec, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = replace(pytorch_spec, fer2013=str(tmp_path / "missing.zip"))
    with pytest.raises(RunFailed, match=r"vgg16-scratch-pytorch-seed5: its process ended with code 2 and left no"):
        execute(spec, tmp_path / "results")
    errors = capfd.readouterr().err
    assert f"error: {tmp_path / 'missing.zip'}: nothing is there" in errors
    assert "Traceback" not in errors
    assert list((tmp_path / "results").iterdir()) == []


def test_a_quiet_run_hands_on_what_it_said(
    pytorch_spec: RunSpec, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = replace(pytorch_spec, fer2013=str(tmp_path / "missing.zip"))
    with pytest.raises(
        RunFailed, match=r"what it printed says why:\nerror: .*missing\.zip: nothing is there"
    ) as caught:
        execute(spec, tmp_path / "results", is_quiet=True)
    assert "nothing is there" in caught.value.printed
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_cannot_hold_records_is_refused_before_the_run(
    pytorch_spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_: pytest.fail("a process was started"))
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot hold records: Not a directory"):
        execute(pytorch_spec, tmp_path / "file" / "results")
