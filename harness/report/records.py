"""One record in full, for the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.interface import CLASSES
from harness.measuring.memory import GIB
from harness.records.record import Memory, RunRecord, Timings
from harness.training.stop_reason import StopReason


def record_page(record: RunRecord) -> RenderableType:
    """Epochs, scores by set, and the confusion matrix of both tests together."""
    parts: list[RenderableType] = [_start(record), _history(record)]
    if record.scores:
        parts += [_scores(record), _confusion(record)]
    return Group(*parts)


def _start(record: RunRecord) -> Text:
    weights = record.weights
    source = f"{weights.source} ({weights.file})" if weights.file else weights.source
    lines = [f"{record.run}: {record.status}", f"weights: {source}, digest {weights.digest[:12]}"]
    if record.memory:
        lines.append(memory_line(record.memory))
    if record.spec.cached_features and record.timings:
        lines.append(features_line(record, record.timings))
    return Text("\n".join(lines))


def memory_line(memory: Memory) -> str:
    """What the device's memory was predicted to have to hold, and held."""
    line = f"memory: {memory.predicted_tensor_bytes / GIB:.2f} GiB of tensors predicted"
    if memory.measured_bytes is None:
        return f"{line}, not measured"
    return (
        f"{line}, {memory.measured_bytes / GIB:.2f} GiB at most by the framework's allocator; with the framework's own "
        f"share of the GPU {memory.predicted_bytes / GIB:.2f} GiB predicted"
    )


def features_line(record: RunRecord, timings: Timings) -> str:
    """What kept features cost, and what they saved where the head alone was trained."""
    shown = f", {views_told(record)}" if record.spec.views else ""
    line = (
        f"features of the frozen base kept on disk{shown}; "
        f"computing or opening them took {timings.features_seconds:.1f} s"
    )
    base, head, factor = (
        timings.features_images_per_second,
        timings.training_images_per_second,
        timings.features_speed_up,
    )
    if base is None:
        return line
    line = f"{line}, at {base:.1f} images/s"
    only_head = all(phase.trainable == "head" for phase in record.spec.variant.phases)
    if head is None or factor is None or not only_head:
        return line
    times = f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"
    return f"{line}; the head trained at {head:,.0f}: a step that computes both takes about {times} times as long"


def stop_line(reason: StopReason | None) -> str:
    """Why training ended."""
    if reason is None:
        return "it did not end"
    match reason.kind:
        case "all-epochs":
            return "all epochs run"
        case "accuracy-above":
            return f"accuracy exceeded {reason.threshold:g} in epoch {reason.epoch}"
        case "no-improvement":
            return f"accuracy did not rise for {reason.patience} epochs, the last of them epoch {reason.epoch}"
        case "budget-seconds":
            return f"after epoch {reason.epoch} another one would have exceeded {reason.seconds:,.0f} s"
        case "interrupted":
            return f"interrupted after {reason.epoch} epochs"


def views_told(record: RunRecord) -> str:
    """How many augmented views a run shows in turn."""
    return f"{record.spec.views} augmented view{'' if record.spec.views == 1 else 's'} of each image"


def _table(title: str, first: str, *others: str) -> Table:
    # narrow and folded: in 80 columns a figure that ends in … says nothing
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _history(record: RunRecord) -> Table:
    watched = f"watched ({record.dataset.watched_examples:,} images)" if record.dataset else "watched"
    table = _table(
        f"epochs; {watched}; accuracy in %, time in s",
        "epoch", "learning rate", "train loss", "train accuracy", "watched loss", "watched accuracy",
        "training", "of it input", "evaluation",
    )  # fmt: skip
    for epoch in record.history:
        table.add_row(
            str(epoch.epoch + 1),
            f"{epoch.learning_rate:g}",
            f"{epoch.training_loss:.4f}",
            f"{100 * epoch.training_accuracy:.2f}",
            f"{epoch.watched_loss:.4f}",
            f"{100 * epoch.watched_accuracy:.2f}",
            f"{epoch.training_seconds:.1f}",
            f"{epoch.input_seconds:.1f}",
            f"{epoch.evaluation_seconds:.1f}",
        )
    return table


def _scores(record: RunRecord) -> Table:
    table = _table("scores; area under the ROC curve by class", "set", "images", "accuracy", "loss", *CLASSES)
    for name, score in record.scores.items():
        areas = [score.areas[each] for each in CLASSES]
        table.add_row(
            name,
            f"{score.examples:,}",
            f"{100 * score.accuracy:.2f} %",
            f"{score.loss:.4f}",
            *("–" if area is None else f"{area:.3f}" for area in areas),
        )
    return table


def _confusion(record: RunRecord) -> Table:
    table = _table("confusion on paper_test: row = label, column = answer", "", *CLASSES)
    for name, row in zip(CLASSES, record.scores["paper_test"].confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    return table
