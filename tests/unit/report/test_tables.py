"""Tables as people see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console, RenderableType

from harness.judging.verdicts import VerdictKind
from harness.records.record import RunRecord
from harness.records.store import read_run, write_run
from harness.report.records import record_page
from harness.report.tables import (
    _STYLES,
    Runs,
    judge_groups,
    result_table,
    run_list,
    small_print,
)
from harness.training.stop_reason import StopReason
from tests.support.fake_records import (
    MACHINE,
    SECONDS,
    TOYFACES,
    epoch_record,
    fake_arrays,
    fake_record,
)
from tests.support.papers import PAPER


def printed(what: RenderableType, width: int = 200, *, soft_wrap: bool = False) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(what, soft_wrap=soft_wrap)
    return capture.get()


def row_of(text: str, *parts: str) -> str:
    """The one line that holds all parts."""
    (line,) = [line for line in text.splitlines() if all(part in line for part in parts)]
    return line


def unwritten(*records: RunRecord) -> Runs:
    return [(Path(f"{record.run}.json"), record) for record in records]


def written(folder: Path, *runs: tuple[RunRecord, dict[str, Any]]) -> Runs:
    paths = [write_run(folder, record, arrays) for record, arrays in runs]
    return [(path, read_run(path)) for path in paths]


INTERRUPTED = fake_record(
    None, status="interrupted", stop_reason=StopReason("interrupted", 1), history=(epoch_record(),)
)
FAILED = fake_record(
    None, status="failed", error="training loss = nan in epoch 1, step 2", stop_reason=None, history=(), timings=None
)
BARE = fake_record(
    None,
    status="failed",
    error=None,
    dataset=None,
    history=(),
    timings=replace(SECONDS, training_images_per_second=None),
)


def test_a_row_has_paper_ours_and_verdict() -> None:
    text = printed(result_table(unwritten(fake_record(0.6600)), PAPER))
    for heading in ("variant", "implementation", "paper", "ours", "clean", "train", "images/s", "verdict"):
        assert heading in text
    line = row_of(text, "vgg16-scratch")
    for part in ("pytorch", "67.23 %", "66.00 %", "40.00 %", "96.0", "INCONCLUSIVE: the run never passed 67 %"):
        assert part in line


def test_seeds_share_a_row_and_backends_do_not() -> None:
    records = [fake_record(accuracy, seed=seed) for seed, accuracy in enumerate([0.66, 0.67, 0.68])]
    text = printed(result_table(unwritten(*records, fake_record(0.5, implementation="keras3")), PAPER))
    assert "67.00 %" in row_of(text, "pytorch")
    assert "50.00 %" in row_of(text, "keras3 (jax)", "NOT_REPRODUCED")


@pytest.mark.parametrize("record", [INTERRUPTED, FAILED, BARE], ids=["interrupted", "failed", "bare"])
def test_runs_without_scores_have_a_row_too(record: RunRecord) -> None:
    line = row_of(printed(result_table(unwritten(record), PAPER)), "vgg16-scratch")
    assert f"NOT_COMPARABLE: run {record.status}" in line
    assert "67.23 %" in line
    assert "–" in line
    assert record.run in printed(run_list(unwritten(record)))
    assert f"pytorch-seed0: {record.status}" in printed(small_print(unwritten(record)), soft_wrap=True)


def test_an_error_is_printed_whole() -> None:
    error = "loss = nan, expected in [0, 1]; pip install 'ferbench[cpu]' [/] " + "word " * 50
    assert error in printed(small_print(unwritten(replace(FAILED, error=error))), soft_wrap=True)


def test_every_verdict_has_a_style() -> None:
    assert set(_STYLES) == set(VerdictKind.__args__)  # type: ignore[attr-defined]


def test_verdicts_are_by_variant_and_implementation() -> None:
    runs = unwritten(fake_record(0.66), fake_record(0.2, variant="resnet50-scratch"), INTERRUPTED)
    assert {key: verdict.kind for key, verdict in judge_groups(runs, PAPER).items()} == {
        ("vgg16-scratch", "pytorch"): "INCONCLUSIVE",
        ("resnet50-scratch", "pytorch"): "NOT_REPRODUCED",
    }


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.9, 1.7], "the training loss fell, 1.9000 → 1.7000 in 2 epochs (all epochs run)"),
        ([1.7, 1.5, 1.8], "the training loss DID NOT FALL, 1.7000 → 1.8000 in 3 epochs (all epochs run)"),
        ([1.7, 1.7], "DID NOT FALL"),
        ([1.7], "training loss 1.7000 after one epoch; uniform guessing has 1.9459"),
    ],
)
def test_the_loss_is_told(losses: list[float], expected: str) -> None:
    history = tuple(epoch_record(epoch, training_loss=loss) for epoch, loss in enumerate(losses))
    assert expected in printed(small_print(unwritten(fake_record(history=history))), soft_wrap=True)


def test_agreement_of_the_frameworks_is_told(tmp_path: Path) -> None:
    arrays, others = fake_arrays(), fake_arrays()
    others["initial_logits"] = arrays["initial_logits"] + np.float32(1e-3) * np.abs(arrays["initial_logits"]).max()
    runs = written(tmp_path, (fake_record(0.5), arrays), (fake_record(0.25, implementation="keras3"), others))
    line = row_of(printed(small_print(runs), soft_wrap=True), "before training")
    assert "keras3-jax-seed0: before training, its logits and PyTorch's agree to 1.0e-03 of their scale on 7" in line
    assert "accuracies are 25.0 % and 50.0 %" in line


@pytest.mark.parametrize("reason", ["seed", "data"])
def test_what_cannot_agree_is_not_compared(tmp_path: Path, reason: str) -> None:
    other = fake_record(0.25, implementation="keras3", seed=int(reason == "seed"))
    if reason == "data":
        assert other.dataset is not None
        other = replace(other, dataset=replace(other.dataset, digest="another"))
    runs = written(tmp_path, (fake_record(0.5), fake_arrays()), (other, fake_arrays()))
    assert "before training" not in printed(small_print(runs), soft_wrap=True)


def test_runs_of_different_length_are_not_compared_after_training(tmp_path: Path) -> None:
    short = fake_record(0.25, implementation="keras3", history=(epoch_record(0),))
    runs = written(tmp_path, (fake_record(0.5), fake_arrays()), (short, fake_arrays()))
    line = row_of(printed(small_print(runs), soft_wrap=True), "before training")
    assert line.endswith("the runs are of different length")


def test_one_framework_has_none_to_agree_with(tmp_path: Path) -> None:
    interrupted = fake_record(None, implementation="keras3", status="interrupted")
    text = printed(small_print(written(tmp_path, (fake_record(0.5), fake_arrays()), (interrupted, {}))), soft_wrap=True)
    assert "logits agree" not in text


def test_conditions_name_machine_data_and_number() -> None:
    on_gpu = fake_record(seed=1, environment=replace(MACHINE, gpu="a graphics card"), dataset=TOYFACES)
    text = printed(small_print(unwritten(fake_record(), on_gpu)), soft_wrap=True)
    line = row_of(text, "a processor, 2 cores")
    assert "torch 2.0; fer2013 (zip), 28,709 + 7,178 images; weights random; budget paper, n = 2 runs each" in line
    assert "a graphics card; torch 2.0; toyfaces (toyfaces), 960 + 512 images" in text
    assert "n = 1 run each" in printed(small_print(unwritten(fake_record())), soft_wrap=True)
    more = unwritten(fake_record(), fake_record(seed=1), fake_record(implementation="keras3"))
    assert "n = 1 to 2 runs each" in printed(small_print(more), soft_wrap=True)


def kept(name: str = "vgg16-transfer@frozen", *, views: int | None = 3, **timings: float | None) -> RunRecord:
    given: dict[str, Any] = {"features_seconds": 12.5} | timings
    record = fake_record(variant=name, timings=replace(SECONDS, **given))
    return replace(record, spec=replace(record.spec, cached_features=True, views=views))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        # each image takes 1/96 s in the head and would take 1/24 s in the base as well
        (
            kept(features_images_per_second=24.0),
            "features of the frozen base kept on disk, 3 augmented views of each image; computing or opening them took "
            "12.5 s, at 24.0 images/s; the head trained at 96: a step that computes both takes about 5.0 times as long",
        ),
        (
            kept(features_images_per_second=3.0, training_images_per_second=2997.0),
            "at 3.0 images/s; the head trained at 2,997: a step that computes both takes about 1,000 times as long",
        ),
        (kept(views=1), "kept on disk, 1 augmented view of each image; computing or opening them took 12.5 s"),
        (kept("vgg16-transfer@frozen,unaugmented", views=None), "kept on disk; computing or opening them took 12.5 s"),
        # the rate of training is none of the head alone where a phase trains more
        (kept("resnet50-fine-tune@augmented", features_images_per_second=24.0), "took 12.5 s, at 24.0 images/s"),
        (kept(features_images_per_second=24.0, training_images_per_second=None), "took 12.5 s, at 24.0 images/s"),
    ],
)
def test_what_kept_features_cost_and_saved_is_told(record: RunRecord, expected: str) -> None:
    for page in (small_print(unwritten(record)), record_page(record)):
        line = row_of(printed(page, soft_wrap=True), "computing or opening")
        assert line.endswith(expected)


def test_conditions_name_views() -> None:
    record = fake_record(variant="vgg16-transfer")
    line = row_of(
        printed(small_print(unwritten(replace(record, spec=replace(record.spec, views=2)))), soft_wrap=True),
        "conditions",
    )
    assert "; budget paper; 2 augmented views of each image, n = 1 run each" in line


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "; budget paper, n = 1 run each"),
        ({"pipeline": "generator"}, "; budget paper; pipeline generator, n = 1 run each"),
        ({"precision": "tf32"}, "; budget paper; precision tf32, n = 1 run each"),
        ({"deterministic": True}, "; budget paper; deterministic, n = 1 run each"),
        (
            {"pipeline": "manual", "precision": "mixed", "deterministic": True},
            "; budget paper; pipeline manual; precision mixed; deterministic, n = 1 run each",
        ),
    ],
)
def test_conditions_name_what_is_not_as_usual(fields: dict[str, Any], expected: str) -> None:
    record = fake_record()
    page = small_print(unwritten(replace(record, spec=replace(record.spec, **fields))))
    assert row_of(printed(page, soft_wrap=True), "conditions").endswith(f"weights random{expected}")


def test_the_list_of_runs() -> None:
    text = printed(run_list(unwritten(fake_record(0.6), replace(INTERRUPTED, run="other", dataset=None))))
    assert "60.00 %" in row_of(text, "vgg16-scratch-pytorch-seed0", "complete", "2", "fer2013", "paper")
    assert "–" in row_of(text, "other", "interrupted", "1")


def test_tables_of_nothing_are_empty() -> None:
    assert "verdict" in printed(result_table([], PAPER))
    assert "status" in printed(run_list([]))
    assert printed(small_print([]), soft_wrap=True).strip() == ""


def test_a_narrow_terminal_cuts_nothing_off() -> None:
    text = printed(result_table(unwritten(fake_record(0.66)), PAPER), width=80)
    assert "67.23 %" in text
    assert "66.00 %" in text
    assert "…" not in text


def test_a_page_has_epochs_scores_and_confusion() -> None:
    text = printed(record_page(fake_record(0.66)))
    for heading in ("epochs; watched (7,178 images)", "scores; area under the ROC curve", "confusion on paper_test"):
        assert heading in text
    assert "35.00" in row_of(text, "1.9000", "30.00")
    assert "10,000" in row_of(text, "clean_test", "66.00 %")


@pytest.mark.parametrize("record", [INTERRUPTED, FAILED, BARE], ids=["interrupted", "failed", "bare"])
def test_a_page_without_scores_has_epochs_alone(record: RunRecord) -> None:
    text = printed(record_page(record))
    assert "epochs; watched" in text
    assert "confusion" not in text


def test_a_page_in_a_narrow_terminal_cuts_nothing_off() -> None:
    text = printed(record_page(fake_record(0.66)), width=80)
    for part in ("0.001", "1.9000", "paper_test", "10,000", "66.00 %", "0.500"):
        assert part in text
    assert "…" not in text
