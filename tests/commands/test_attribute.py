"""`ferbench attribute`: what a process measures, what the command prints of it, and with which code it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest

from harness import __main__ as command_line
from harness.attribution import feeding
from harness.attribution.feeding import Task, measure, measure_apart, sizes_of_pictures
from harness.attribution.parts import Clocked, Measured, PictureRate
from harness.child import ChildFailed
from harness.data.dataset import DatasetError
from harness.data.toyfaces import toyfaces
from harness.interface import Implementation
from harness.records.machine import Speed
from harness.records.spec import RunSpec
from harness.registry import choose_keras_backend
from harness.variant import Pipeline
from tests.support.models import RUNTIMES, narrow_variant
from tests.support.papers import PAPER

IMAGES = 60
"""Seven batches of 8, and some to spare."""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


def small_task(implementation: Implementation, request: pytest.FixtureRequest, **changes: Any) -> Task:
    name: Any = implementation.name
    backend = request.config.getoption("keras_backend")
    spec = RunSpec(
        narrow_variant("vgg16-scratch@three-blocks"),
        name,
        keras_backend=choose_keras_backend(backend) if name == "keras3" else None,
        threads=RUNTIMES[name].threads,
    )
    given: dict[str, Any] = {"pictures": False, "seconds": 0.01, "rounds": 2, "batches": 2} | changes
    return Task(spec, get_args(Pipeline), **given)


@pytest.fixture
def few_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = toyfaces(training=IMAGES, public_test=7, private_test=7)
    monkeypatch.setattr(feeding, "open_dataset", lambda *_, **__: faces)


@pytest.mark.slow  # compiles two networks: 15 s in Keras
def test_every_part_of_every_pipeline_is_clocked(
    implementation: Implementation, request: pytest.FixtureRequest, few_faces: None
) -> None:
    found = measure(small_task(implementation, request))
    images = {(each.pipeline, each.part): each.images for each in found.clocked}
    assert images == {
        ("device", "input"): 2 * 56,  # whole epochs of whole batches
        ("device", "pixels"): 16,
        ("device", "step"): 16,
        ("device", "together"): 16,
        ("generator", "input"): 16,
        ("generator", "step"): 16,
        ("generator", "together"): 16,
        ("manual", "input"): 16,
        ("manual", "together"): 16,
    }
    assert all(len(each.seconds) == found.rounds == 2 and min(each.seconds) > 0 for each in found.clocked)
    assert [each.pipeline for each in found.attributions()] == ["device", "generator", "manual"]
    assert found.versions == implementation.versions()
    assert found.pictures == ()


def test_the_papers_generator_is_clocked_at_both_sizes(
    implementation: Implementation, request: pytest.FixtureRequest, few_faces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "_works", lambda *_: iter(()))  # the test above has them
    found = measure(
        small_task(implementation, request, pictures=sizes_of_pictures(PAPER.variants.values()), rounds=1, batches=1)
    )
    sizes = [(each.input_size, each.input_channels) for each in found.pictures]
    assert sorted(sizes) == [(48, 1), (224, 3)]
    assert all(each.augmented.images == each.plain.images == 32 for each in found.pictures)
    large = next(each for each in found.pictures if each.input_size == 224)
    assert large.augmented.seconds[0] > large.plain.seconds[0], "augmentation takes time"


def test_data_that_do_not_fill_a_batch_are_refused(
    implementation: Implementation, request: pytest.FixtureRequest, few_faces: None
) -> None:
    task = small_task(implementation, request)
    large = replace(task, spec=replace(task.spec, batch_size=61))
    with pytest.raises(DatasetError, match="60 training images; one batch takes 61: lower --batch-size"):
        measure(large)


@pytest.mark.slow  # a process imports a framework and draws all toyfaces
def test_a_process_of_its_own_hands_back_what_it_measured(
    implementation: Implementation, request: pytest.FixtureRequest
) -> None:
    found = measure_apart(small_task(implementation, request))
    assert found.implementation == implementation.name
    assert len(found.clocked) == 9


# The command; nothing is measured in what follows


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


FerBench = Callable[..., Outcome]


@pytest.fixture
def ferbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> FerBench:
    """Runs the command in this process."""
    for variable in ("FERBENCH_FER2013", "KERAS_BACKEND"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("harness.commands.attribute.missing_framework", lambda *_: None)
    monkeypatch.setattr("harness.runs.specification.missing_framework", lambda *_: None)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ferbench", "attribute", *map(str, arguments)])
        try:
            command_line.main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        output = capsys.readouterr()
        return Outcome(code, output.out, " ".join(output.err.replace("│", " ").split()))

    return run


def clocked(pipeline: Any, part: Any, rate: float) -> Clocked:
    return Clocked(pipeline, part, 100, (100 / rate,) * 3)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """What would have been measured; all that comes back is made up."""
    tasks: list[Task] = []

    def measured(task: Task) -> Measured:
        tasks.append(task)
        generators = [
            PictureRate(size, channels, clocked("generator", "input", rate), clocked("generator", "input", 5 * rate))
            for size, channels, rate in ((48, 1, 3000), (224, 3, 180))
        ]
        return Measured(
            implementation=task.spec.implementation,
            variant=task.spec.variant,
            trainable="all",
            clocked=(
                clocked("generator", "input", 100),
                clocked("generator", "step", 25),
                clocked("generator", "together", 20),
            ),
            pictures=tuple(generators) if task.pictures else (),
            step_flops=4 * 10**9,
            product=Speed("product", 200e9, (1.0,) * 3),
            versions={"torch": "2.0"},
            gpu=None,
        )

    monkeypatch.setattr("harness.commands.attribute.measure_apart", measured)
    return tasks


def test_the_page_says_what_was_measured_and_what_it_explains(ferbench: FerBench, asked: list[Task]) -> None:
    done = ferbench("vgg16-transfer")
    assert done.code == 0, done.err
    words = " ".join(done.out.split())
    assert "keras3: images/s, median (range) of 3 rounds" in words
    assert "pytorch: images/s" in words
    assert "generator 20.0% (20.0%–20.0%) 80.0% (80.0%–80.0%) 1.00 (1.00–1.00) 1.25 (1.25–1.25)" in words
    assert "one after the other step" in words
    assert "100 (100–100) GFLOP/s, NumPy's matrix product in turns with it 200 (200–200)" in words
    for name in PAPER.variants:
        assert name in done.out
    assert "Does the input pipeline explain 163 s an epoch for two networks alike? yes, but not it alone." in words
    assert "28,709 / (a · r) + 7,178 / (p · r), a = 180 (180–180) augmented" in words
    assert "Weights are drawn" in words


def test_json_holds_the_same(ferbench: FerBench, asked: list[Task]) -> None:
    done = ferbench("vgg16-transfer", "--json", "--utilisation", 0.5, 0.6)
    found = json.loads(done.out)
    (attribution,) = found["measured"][0]["attributions"]
    assert attribution["order"] == "one after the other"
    assert attribution["images_per_second"]["together"] == {"median": 20, "low": 20, "high": 20}
    assert found["assumptions"]["utilisation"] == {"low": 0.5, "high": 0.6}
    first = next(each for each in found["predictions"] if each["fact"] == "vgg16-transfer.seconds.table-6")
    assert first["epoch_seconds"] == pytest.approx(163.0471)
    assert first["explanation"] == "explained by the input pipeline"
    assert found["closing"]["answer"] == "yes"


def test_defaults_are_smaller_where_pictures_are_enlarged(ferbench: FerBench, asked: list[Task]) -> None:
    for name in ("vgg16-transfer", "vgg16-scratch"):
        assert ferbench(name).code == 0
    seen = [(each.spec.label, each.spec.variant.batch_size, each.rounds, bool(each.pictures)) for each in asked]
    assert seen == [
        ("vgg16-transfer-keras3-jax-batch4-seed0", 4, 3, True),
        ("vgg16-transfer-pytorch-batch4-seed0", 4, 3, False),
        ("vgg16-scratch-keras3-jax-seed0", 32, 5, True),
        ("vgg16-scratch-pytorch-seed0", 32, 5, False),
    ]
    assert {each.pipelines for each in asked} == {("device", "generator", "manual")}
    assert asked[2].spec.variant == PAPER.find_variant("vgg16-scratch"), "no cap of a budget"


def test_what_is_given_is_handed_on(ferbench: FerBench, asked: list[Task]) -> None:
    given = ("--implementation", "pytorch", "--pipeline", "manual", "--batch-size", 2, "--rounds", 4, "--batches", 3)
    assert ferbench("resnet50-transfer", *given, "--threads", 1, "--seconds", 9).code == 0
    ((task,),) = (asked,)
    assert (task.pipelines, task.rounds, task.batches, task.seconds) == (("manual",), 4, 3, 9.0)
    assert (task.spec.implementation, task.spec.variant.batch_size, task.spec.threads) == ("pytorch", 2, 1)
    assert task.pictures


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg17",), "unknown variant 'vgg17'"),
        (("vgg16-scratch", "--pipeline", "tape"), "'tape' is not one of"),
        (("vgg16-scratch", "--utilisation", "0.6", "0.2"), "0.6 to 0.2; expected two numbers of at least 0"),
        (("vgg16-scratch", "--core-ratio", "0", "1"), "greater than or equal to 0.01"),
        (("vgg16-scratch", "--fer2013", "/nowhere"), "/nowhere: nothing is there"),
    ],
    ids=["variant", "pipeline", "utilisation", "core-ratio", "data"],
)
def test_wrong_usage_leaves_with_2(
    ferbench: FerBench, asked: list[Task], arguments: tuple[str, ...], message: str
) -> None:
    done = ferbench(*arguments)
    assert (done.code, asked) == (2, [])
    assert message in done.err


@pytest.mark.parametrize(("code", "leaves"), [(2, 2), (-9, 1)], ids=["refused", "killed"])
def test_a_process_that_measures_nothing_is_told(
    ferbench: FerBench, monkeypatch: pytest.MonkeyPatch, code: int, leaves: int
) -> None:
    class Done:
        returncode, stderr = code, None

    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Done())
    done = ferbench("vgg16-scratch", "--implementation", "pytorch")
    assert done.code == leaves
    assert f"vgg16-scratch-pytorch-seed0: its process ended with code {code} and measured nothing" in done.err


def test_a_failed_process_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        returncode, stderr = 0, None  # it ended well, and yet wrote nothing

    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Done())
    task = Task(RunSpec(PAPER.find_variant("vgg16-scratch"), "pytorch"), ("device",), pictures=(), seconds=1, rounds=1)
    with pytest.raises(ChildFailed, match="measured nothing"):
        measure_apart(task)
