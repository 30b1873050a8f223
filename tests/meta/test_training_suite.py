"""`benchmarks/test_training.py` in pytest runs of its own, with runs that never take place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scipy.stats  # noqa: F401 - NumPy cannot be loaded twice, and pytester forgets what it loaded

from harness.interval import Interval
from harness.measuring import calibration
from harness.measuring.calibration import CalibrationFailed, CalibrationTask
from harness.measuring.forecast import Machine
from harness.plugin import base as plugin
from harness.records.machine import DeviceCalibration, GpuIdentity
from harness.records.record import RunRecord, WeightsIdentity
from harness.records.spec import RunSpec
from harness.records.store import new_run_name, read_run, write_run
from harness.runs import planned_suite as suite
from harness.runs import process, specification
from harness.runs.process import RunFailed
from tests.support.fake_records import (
    FER2013,
    MACHINE,
    TOYFACES,
    fake_arrays,
    fake_calibration,
    fake_record,
    history_of,
    score_of,
)
from tests.support.repository import ROOT

pytestmark = pytest.mark.rehearsed

CARD = "NVIDIA GeForce RTX 4080 SUPER"
GPU = GpuIdentity(CARD, "580.1", "13.0", 16 * 2**30, 320.0, 320.0, 3105)
HERE = replace(MACHINE, git_commit="0123456789abcdef", versions={"ferbench": "0.1.0"})
ONE = ("-k", "vgg16-scratch and pytorch")
Answer = Callable[[RunSpec], RunRecord]


def answer(spec: RunSpec, accuracy: float | None = 0.66, **fields: Any) -> RunRecord:
    """What a run of a spec would have left."""
    data, digest = (TOYFACES, TOYFACES.digest) if spec.fer2013 is None else (FER2013, FER2013.digest)
    values: dict[str, Any] = {
        "spec": replace(spec, fer2013=spec.fer2013 and Path(spec.fer2013).name, weights_dir=None),
        "dataset": replace(data, digest=digest),
        "environment": replace(HERE, gpu=CARD if spec.device == "gpu" else None),
    }
    if spec.stand_in_weights:
        values["weights"] = WeightsIdentity("stand-in", None, "ab" * 32)
    return fake_record(accuracy, variant=spec.asked, implementation=spec.implementation, **(values | fields))


class Runs:
    """Stands in for `execute`."""

    def __init__(self) -> None:
        self.specs: list[RunSpec] = []
        self.answer: Answer = answer

    def __call__(
        self, spec: RunSpec, results: Path, calibration: DeviceCalibration | None = None
    ) -> tuple[Path, RunRecord]:
        self.specs.append(spec)
        record = replace(self.answer(spec), run=new_run_name(spec, results), calibration=calibration)
        path = write_run(results, record, fake_arrays())
        return path, read_run(path)


def calibrate(task: CalibrationTask) -> DeviceCalibration:
    """What a framework would have found: PyTorch 40 TFLOP/s, Keras 32."""
    spec = task.spec
    return fake_calibration(
        40e12 if spec.implementation == "pytorch" else 32e12,
        implementation=spec.implementation,
        keras_backend=spec.keras_backend,
        gpu=CARD if spec.device == "gpu" else None,
        precision=spec.precision,
        pipeline=spec.pipeline,
    )


@pytest.fixture(autouse=True)
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A machine with the paper's GPU, a data set, both frameworks; the suite's own file; no run takes place."""
    for variable in ("FERBENCH_FER2013", "FERBENCH_WEIGHTS", "KERAS_BACKEND", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(variable, raising=False)
    found = Runs()
    monkeypatch.setattr(process, "execute", found)
    monkeypatch.setattr(plugin, "_is_gpu_present", lambda: True)
    for module in (plugin, specification):
        monkeypatch.setattr(module, "missing_framework", lambda name, backend: None)
    monkeypatch.setattr(suite, "find_gpu", lambda: (GPU, dict))
    monkeypatch.setattr(calibration, "calibrate_apart", calibrate)
    monkeypatch.setattr(suite, "machine_of_cpu", lambda name: Machine(name, Interval(1e9, 1e10), "clocked"))
    monkeypatch.setattr(suite, "read_environment", lambda versions, gpu: HERE)
    monkeypatch.setattr(suite, "open_dataset", lambda path, allow_deviating_data: TOYFACES if path is None else FER2013)
    pytester.makeini("[pytest]\naddopts = -p harness.plugin --strict-markers --strict-config\nfilterwarnings = error")
    pytester.makepyfile(test_a_suite=(ROOT / "benchmarks" / "test_training.py").read_text(encoding="utf-8"))
    (pytester.path / "fer2013.zip").touch()
    return found


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    data = () if "--rehearse" in arguments else ("--fer2013=fer2013.zip",)
    return pytester.runpytest_inprocess("-m", "gpu", "-p", "no:cacheprovider", "-v", *data, *arguments)


def saved(pytester: pytest.Pytester) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((pytester.path / "saved.json").read_bytes())
    return content


SAVE = "--benchmark-json=saved.json"


@pytest.mark.parametrize(
    ("arguments", "seeds"),
    [
        ((), [0]),
        (("--ferbench-seed=3",), [3]),
        (("--ferbench-seed", "0..2"), [0, 1, 2]),
        (("--ferbench-seed", "4", "--ferbench-seed=2..3", "--ferbench-seed=4"), [4, 2, 3]),
        (("--ferbench-seeds=2",), [0, 1]),
    ],
)
def test_a_test_for_each_seed(
    pytester: pytest.Pytester, runs: Runs, arguments: tuple[str, ...], seeds: list[int]
) -> None:
    result = run(pytester, *ONE, *arguments)
    result.assert_outcomes(passed=len(seeds), deselected=11 * len(seeds))
    assert [spec.seed for spec in runs.specs] == seeds
    result.stdout.fnmatch_lines([f"*[[]seed{seed}-vgg16-scratch-pytorch]*" for seed in seeds])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ferbench-seed=x",), "'x' is no seed; expected a number from 0, or a range such as 0..4"),
        (("--ferbench-seed=4..1",), "'4..1' is no seed"),
        (("--ferbench-seed=-1",), "'-1' is no seed"),
        (("--ferbench-seed=0..4000",), "'0..4000' is no seed"),
        (("--ferbench-seeds=0",), "--ferbench-seeds 0; expected at least 1"),
        (("--ferbench-seed=1", "--ferbench-seeds=2"), "give one of them"),
        (("--ferbench-batch-size=0",), "--ferbench-batch-size 0; expected a whole number from 1"),
        (("--rehearse", "--ferbench-budget=paper"), "paper does not go with --rehearse"),
        (("--rehearse", "--fer2013=fer2013.zip"), "fer2013.zip does not go with --rehearse"),
        (("--rehearse", "--ferbench-device=gpu"), "gpu does not go with --rehearse"),
        (("--rehearse", "--ferbench-batch-size=9"), "--ferbench-batch-size 9; the budget rehearsal has at most 8"),
        (
            ("--ferbench-budget=rehearsal", "--ferbench-batch-size=64"),
            "--ferbench-batch-size 64; the budget rehearsal has at most 8",
        ),
        (("--fer2013=nowhere.zip",), "nothing is there"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(
    pytester: pytest.Pytester, runs: Runs, arguments: tuple[str, ...], message: str
) -> None:
    result = run(pytester, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert not runs.specs


def test_seeds_are_judged_together(pytester: pytest.Pytester, runs: Runs) -> None:
    """Accuracies of resnet50-scratch around the paper's 54.69 %: mean 54.7, standard deviation 0.1."""
    runs.answer = lambda spec: answer(spec, 0.546 + 0.001 * spec.seed)
    result = run(pytester, "-k", "resnet50-scratch and pytorch", "--ferbench-seeds=3")
    result.stdout.fnmatch_lines(
        [
            "*resnet50-scratch*54.70 %*REPRODUCED*",
            "resnet50-scratch pytorch: 3 seeds; accuracy 54.70 ± 0.10 %, epoch 12.00 ± 0.00 s",
            "resnet50-scratch pytorch: time NOT_COMPARABLE: pipeline device, the paper's are generator and manual",
        ]
    )
    assert "(3 seeds)" in " ".join(result.stdout.str().split())


def test_two_seeds_say_how_many_more(pytester: pytest.Pytester, runs: Runs) -> None:
    runs.answer = lambda spec: answer(spec, 0.546)
    result = run(pytester, "-k", "resnet50-scratch and pytorch", "--ferbench-seeds=2")
    text = " ".join(result.stdout.str().split())
    assert "INCONCLUSIVE" in text
    assert "more may settle it" in " ".join(word for word in text.split() if word != "│")


def test_the_estimate_stands_before_the_first_test(pytester: pytest.Pytester) -> None:
    """vgg16-scratch: 100 epochs; at 20 to 60 % of 52.2 TFLOP/s and 5 to 60 s for the start."""
    result = run(pytester, *ONE)
    result.stdout.fnmatch_lines(
        [
            "*collected 12 items*",
            "estimate before the start, 1 runs",
            "*vgg16-scratch*pytorch*1*min*operations ÷ (20% to*",
            "*test_accuracy_is_the_papers*PASSED*",
            "ferbench: 1 of 1 runs in * s",
        ]
    )


def test_a_card_that_is_too_small_is_told_before_the_start(
    pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vgg16-transfer needs more than 4 GiB, vgg16-scratch does not; nothing is refused."""
    monkeypatch.setattr(suite, "find_gpu", lambda: (replace(GPU, memory_bytes=4 * 2**30), dict))
    result = run(pytester, "-k", "(vgg16-transfer or vgg16-scratch) and pytorch", "--ferbench-seeds=2")
    result.assert_outcomes(passed=4, deselected=20)
    warnings = [line for line in result.outlines if line.startswith("may run out of memory:")]
    assert len(warnings) == 1
    assert warnings[0].startswith("may run out of memory: vgg16-transfer, phase 'all', batch 32, float32 is predicted")
    assert "--checkpointing" in warnings[0]


def test_options_reach_the_run(pytester: pytest.Pytester, runs: Runs) -> None:
    options = (
        "--ferbench-precision=tf32",
        "--ferbench-deterministic",
        "--ferbench-pipeline=generator",
        "--ferbench-budget=hour",
        "--ferbench-batch-size=16",
    )
    options = (*options, "--ferbench-checkpointing")
    run(pytester, *ONE, *options, SAVE)
    (spec,) = runs.specs
    assert (spec.precision, spec.deterministic, spec.pipeline, spec.budget.name) == ("tf32", True, "generator", "hour")
    assert (spec.batch_size, spec.checkpointing) == (16, True)
    told = saved(pytester)["benchmarks"][0]["extra_info"]
    assert (told["precision"], told["deterministic"]) == ("tf32", True)
    assert (told["batch_size"], told["checkpointing"]) == (16, True)


def test_a_record_of_the_same_work_says_more_than_arithmetic(pytester: pytest.Pytester) -> None:
    run(pytester, *ONE)
    result = run(pytester, *ONE, "--ferbench-seed=5")
    result.stdout.fnmatch_lines(["*vgg16-scratch*pytorch*30 s*as vgg16-scratch-*"])


def test_nothing_is_estimated_where_nothing_will_run(pytester: pytest.Pytester, runs: Runs) -> None:
    for arguments in (("--collect-only",), ("-k", "nothing-of-the-kind")):
        assert "estimate before" not in run(pytester, *arguments).stdout.str()
    assert not runs.specs


def test_time_left_is_told_after_each_run(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-k", "vgg16-scratch", "--ferbench-seeds=2")
    result.stdout.fnmatch_lines(
        [f"ferbench: {done} of 4 runs in * s, about * left" for done in (1, 2, 3)] + ["ferbench: 4 of 4 runs in * s"]
    )


def test_evidence_is_saved_though_the_test_fails(pytester: pytest.Pytester, runs: Runs) -> None:
    runs.answer = lambda spec: answer(spec, 0.3, scores={"paper_test": score_of(0.3)})
    run(pytester, "-k", "resnet50-scratch and keras3", "--ferbench-pipeline=generator", SAVE).assert_outcomes(
        failed=1, deselected=11
    )
    (benchmark,) = saved(pytester)["benchmarks"]
    told = benchmark["extra_info"]
    assert told["verdict"] == "NOT_REPRODUCED"
    assert (told["variant"], told["implementation"], told["backend"]) == ("resnet50-scratch", "keras3", "jax")
    assert (told["pipeline"], told["seed"], told["budget"], told["reused"]) == ("generator", 0, "paper", False)
    assert (told["accuracy"], told["epochs"], told["training_seconds"], told["images_per_second"]) == (0.3, 2, 20, 96)
    assert told["epoch_seconds"] == {"input": 1, "step": 9, "training": 10, "evaluation": 2}
    assert (told["mean_epoch_seconds"], told["warm_up_seconds"], told["device"]) == (12, 1, CARD)
    assert told["versions"] == HERE.versions
    (time,) = told["time_verdicts"]
    assert time.split(":")[0] in ("REPRODUCED", "NOT_REPRODUCED", "INCONCLUSIVE"), time
    path = pytester.path / "results" / told["record"]
    assert told["arrays_sha256"] == json.loads(path.read_bytes())["arrays_sha256"]
    assert len(told["record_sha256"]) == 64


def test_the_machine_is_told_with_its_gpu(pytester: pytest.Pytester) -> None:
    run(pytester, *ONE, SAVE)
    told = saved(pytester)["machine_info"]["ferbench"]
    assert (told["gpu"]["name"], told["gpu"]["driver"], told["gpu"]["cuda"]) == (CARD, "580.1", "13.0")
    assert {"ferbench", "numpy"} <= set(told["versions"])


# The calibration


def test_a_suite_is_calibrated_once_a_framework_and_each_run_keeps_it(pytester: pytest.Pytester, runs: Runs) -> None:
    result = run(pytester, "-k", "vgg16-scratch", "--ferbench-seeds=2", "--ferbench-pipeline=generator", SAVE)
    result.assert_outcomes(passed=4, deselected=20)
    result.stdout.fnmatch_lines(
        [
            "calibrating keras3 on jax",
            "calibrating pytorch",
            "calibration before the start",
            "*keras3 (jax), float32, NVIDIA*product*8,192 × 8,192*32.0 TFLOP/s*25.6 to 40.0*3*",
            "*pytorch, float32, NVIDIA*40.0 TFLOP/s*",
            "estimate before the start, 4 runs",
            "training times: *",
        ]
    )
    records = [read_run(path) for path in (pytester.path / "results").glob("*.json")]
    rates = {(each.spec.implementation, each.calibration and each.calibration.product.rate) for each in records}
    assert rates == {("keras3", 32e12), ("pytorch", 40e12)}
    content = saved(pytester)
    told = content["ferbench"]["calibrations"]
    assert [(each["implementation"], each["product"]["amount"]) for each in told] == [
        ("keras3", 32e12),
        ("pytorch", 40e12),
    ]
    shares = [each["extra_info"]["share_of_calibrated_rate"] for each in content["benchmarks"]]
    assert all(0 < each["product"] < each["convolution"] for each in shares)
    assert shares[0]["product"] == pytest.approx(1.25 * shares[-1]["product"]), "the same seconds, 40/32 of the rate"


def test_a_calibration_that_fails_stops_nothing(
    pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(task: CalibrationTask) -> DeviceCalibration:
        raise CalibrationFailed("torch.OutOfMemoryError: CUDA out of memory")

    monkeypatch.setattr(calibration, "calibrate_apart", fail)
    result = run(pytester, *ONE, SAVE)
    result.assert_outcomes(passed=1, deselected=11)
    result.stdout.fnmatch_lines(
        ["no calibration of pytorch, its runs go on without: torch.OutOfMemoryError: CUDA out of memory"]
    )
    assert "calibration before the start" not in result.stdout.str()
    (benchmark,) = saved(pytester)["benchmarks"]
    assert benchmark["extra_info"]["share_of_calibrated_rate"] is None
    assert [read_run(path).calibration for path in (pytester.path / "results").glob("*.json")] == [None]


def test_a_run_that_is_reused_keeps_its_own_calibration(
    pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pytester, *ONE, SAVE)
    before = saved(pytester)["benchmarks"][0]["extra_info"]["share_of_calibrated_rate"]
    monkeypatch.setattr(calibration, "calibrate_apart", lambda task: fake_calibration(1e12))
    result = run(pytester, *ONE, "--reuse-runs", SAVE)
    assert "calibrating" not in result.stdout.str()
    assert saved(pytester)["benchmarks"][0]["extra_info"]["share_of_calibrated_rate"] == before


def test_on_another_card_the_calibration_gives_the_estimate(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "find_gpu", lambda: (replace(GPU, name="NVIDIA H100"), dict))
    result = run(pytester, *ONE)
    result.stdout.fnmatch_lines(["*of 20.0 TFLOP/s, the convolution*"])
    assert "unknown" not in result.stdout.str()


def test_four_epochs_are_enough_to_judge_the_time(pytester: pytest.Pytester, runs: Runs) -> None:
    runs.answer = lambda spec: answer(spec, history=history_of([0.3, 0.4, 0.5, 0.54]))
    result = run(pytester, *ONE, "--ferbench-pipeline=generator", "--ferbench-budget=times", SAVE)
    result.assert_outcomes(passed=1, deselected=11)
    assert runs.specs[0].variant.epochs == 4
    (time,) = saved(pytester)["benchmarks"][0]["extra_info"]["time_verdicts"]
    assert time.startswith("INCONCLUSIVE: 936 s, ×0.30 of 3,094 s"), "12 s an epoch"
    assert "for 78 epochs, extrapolated from 4 timed after the warm-up" in time
    assert "by its name and its product, 77% of the nominal peak" in time
    result.stdout.fnmatch_lines(["vgg16-scratch pytorch: time INCONCLUSIVE: 936 s, *extrapolated from 4 timed*"])


def test_one_failing_run_does_not_stop_the_others(pytester: pytest.Pytester, runs: Runs) -> None:
    def some(spec: RunSpec) -> RunRecord:
        if spec.implementation == "keras3":
            raise RunFailed("its process ended with code -9", code=-9)
        if spec.seed:
            return answer(spec, None, status="failed", error="NaN", history=(), timings=None)
        return answer(spec)

    runs.answer = some
    result = run(pytester, "-k", "vgg16-scratch", "--ferbench-seeds=2", SAVE)
    result.assert_outcomes(failed=3, passed=1, deselected=20)
    result.stdout.fnmatch_lines(["ferbench: 4 of 4 runs in*", "*vgg16-scratch-pytorch-seed1: failed: NaN*"])
    told = [each["extra_info"] for each in saved(pytester)["benchmarks"]]
    assert [(each["seed"], each["status"]) for each in told] == [(0, "complete"), (1, "failed")]


# Earlier runs


def test_a_matching_record_is_judged_again(pytester: pytest.Pytester, runs: Runs) -> None:
    run(pytester, *ONE, SAVE)
    before = saved(pytester)["benchmarks"][0]["extra_info"]
    result = run(pytester, *ONE, "--ferbench-seeds=2", "--reuse-runs", SAVE)
    result.assert_outcomes(passed=2, deselected=22)
    assert [spec.seed for spec in runs.specs] == [0, 1]
    first, second = (each["extra_info"] for each in saved(pytester)["benchmarks"])
    assert first == before | {"reused": True}
    assert second["reused"] is False
    result.stdout.fnmatch_lines(["*2, 1 reused*", "vgg16-scratch-pytorch-seed0-*: reused, not trained again"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "interrupted"}, "run interrupted"),
        ({"dataset": replace(FER2013, digest="00" * 32)}, "other data"),
        ({"environment": replace(HERE, gpu=CARD, git_commit="fedcba9876543210")}, "commit fedcba9876, here 0123456789"),
        ({"environment": replace(HERE, gpu=CARD, git_commit="0123456789abcdef+changes")}, "was not committed"),
        ({"environment": replace(HERE, gpu="NVIDIA H100")}, "made on NVIDIA H100"),
        ({"environment": replace(HERE, gpu=CARD, versions={"numpy": "1.0"})}, "numpy 1.0, here"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_record_is_not_reused_and_it_is_said_why(
    pytester: pytest.Pytester, runs: Runs, change: dict[str, Any], reason: str
) -> None:
    runs.answer = lambda spec: answer(spec, **change)
    run(pytester, *ONE)
    runs.answer = answer
    result = run(pytester, *ONE, "--reuse-runs")
    result.assert_outcomes(passed=1, deselected=11)
    assert len(runs.specs) == 2
    result.stdout.fnmatch_lines([f"vgg16-scratch-pytorch-seed0-* is not reused: *{reason}*"])


def test_what_was_asked_otherwise_is_another_run(pytester: pytest.Pytester, runs: Runs) -> None:
    run(pytester, *ONE)
    result = run(pytester, *ONE, "--reuse-runs", "--ferbench-pipeline=generator")
    assert len(runs.specs) == 2
    assert "not reused" not in result.stdout.str()


# The rehearsal


def test_the_rehearsal_is_tiny_and_says_what_it_is(
    pytester: pytest.Pytester, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "_is_gpu_present", lambda: False)
    monkeypatch.setattr(specification, "find_file", refuse)
    monkeypatch.setenv("FERBENCH_FER2013", str(pytester.path / "fer2013.zip"))
    result = run(pytester, "--rehearse", "--benchmark-disable-gc")
    result.assert_outcomes(passed=12)
    assert {spec.device for spec in runs.specs} == {"cpu"}
    assert {spec.fer2013 for spec in runs.specs} == {None}
    assert {(spec.budget.name, spec.variant.batch_size) for spec in runs.specs} == {("rehearsal", 8)}
    assert {spec.variant.name for spec in runs.specs if not spec.stand_in_weights} == {
        "vgg16-scratch",
        "resnet50-scratch",
    }
    result.stdout.fnmatch_lines(
        [
            "*= ferbench rehearsal: paper · ours · verdict =*",
            "*vgg16-scratch*NOT_COMPARABLE*",
            "rehearsal: all of it ran on the CPU, on toyfaces; none of it speaks of the paper",
        ]
    )
    table = result.stdout.str().partition("ferbench rehearsal")[2]
    assert table.count("NOT_COMPARABLE") == 12
    assert not list((pytester.path / "results").glob("*.json"))
    assert len(list((pytester.path / "results" / "rehearsal").glob("*.json"))) == 12


def refuse(*_: object, **__: object) -> None:
    raise specification.WeightsError("not here")
