"""Where the time of an epoch goes, here and by the paper: a page for the terminal, and the same for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.attribution.alike import Closing
from harness.attribution.parts import (
    FEWEST_ROUNDS,
    Attribution,
    Clocked,
    Measured,
    PictureRate,
    Spread,
)
from harness.attribution.prediction import Assumptions, Explanation, Prediction
from harness.operations import DIRECT_SOURCE
from harness.runs.environment import read_environment

_STYLES: dict[Explanation, str] = {
    "explained by the input pipeline": "green",
    "explained by the step": "green",
    "explained by neither": "red",
    "cannot be told": "yellow",
}
_ABOUT = (
    "input: what the host does for a batch (device: order, maps and row lookup; generator: files read, enlarged, "
    "augmented; manual: rows of an array in memory). pixels: the same for device, and network input made of it outside "
    "the step. step: training on one batch that is ready (device: its pixel layer included). together: training on "
    "batches as they come. Weights are drawn: no time depends on them. generator and manual take up to 8,192 images or "
    "600 MB of pixels: files in the system's cache, an array larger than the processor's. "
    f"Fewer than {FEWEST_ROUNDS} rounds tell neither order nor bound."
)
FEWEST_PICTURES = 200
"""Behind a rate of the generator, which every prediction of the paper's epochs rests on."""


@dataclass(frozen=True)
class AttributionReport:
    """All that is printed.

    Attributes:
        measured: A framework each.
        assumptions: Of the predictions.
        predictions: Of the paper's machine.
        closing: What follows for the two networks whose epochs last alike; None where it was not predicted.
    """

    measured: Sequence[Measured]
    assumptions: Assumptions
    predictions: Sequence[Prediction]
    closing: Closing | None


def attribution_page(report: AttributionReport) -> RenderableType:
    """What was measured here, then what it says of the paper's epochs."""
    parts: list[RenderableType] = []
    for measured in report.measured:
        parts += [_rates(measured), _shares(measured), Text(_conditions(measured), "dim")]
    parts.append(Text(f"{_ABOUT}\n", "dim"))
    if report.predictions:
        parts += [_predictions(report.predictions), Text("\n".join(_arithmetic(report)), "dim")]
        parts += [Text(each, "yellow") for each in _warnings(report)]
    if report.closing is not None:
        told = " ".join(report.closing.sentences)
        parts.append(
            Text.assemble(
                f"\nDoes the input pipeline explain {report.closing.seconds:.0f} s an epoch for two networks alike? ",
                (report.closing.answer, "bold"),
                f". {told}",
            )
        )
    return Group(*parts)


def attribution_json(report: AttributionReport) -> str:
    """The same for programs, indented."""
    return json.dumps(
        {
            "measured": [_measured_json(each) for each in report.measured],
            "assumptions": asdict(report.assumptions),
            "predictions": [_prediction_json(each) for each in report.predictions],
            "closing": asdict(report.closing) if report.closing else None,
        },
        indent=1,
        ensure_ascii=False,
    )


def _measured_json(measured: Measured) -> dict[str, object]:
    found = asdict(measured) | {"variant": measured.variant.name, "batch_size": measured.variant.batch_size}
    return found | {
        "environment": asdict(read_environment(measured.versions, gpu=measured.gpu)),
        "attributions": [
            {
                "pipeline": each.pipeline,
                "images_per_second": {
                    part: asdict(clocked.rate)
                    for part, clocked in (("input", each.input), ("step", each.step), ("together", each.together))
                },
                "input_share": asdict(each.input_share),
                "step_share": asdict(each.step_share),
                "together_to_sum": asdict(each.to_sum),
                "together_to_longer": asdict(each.to_longer),
                "order": each.order,
                "bound": each.bound,
            }
            for each in measured.attributions()
        ],
    }


def _prediction_json(prediction: Prediction) -> dict[str, object]:
    rate = prediction.rate
    return {
        "variant": rate.variant.name,
        "seconds": rate.seconds.value,
        "fact": rate.seconds.name,
        "epochs": rate.epochs,
        "epoch_seconds": prediction.seconds,
        "operations": prediction.operations,
        "pipeline_seconds_here": prediction.pipeline_here,
        "pipeline_seconds": asdict(prediction.pipeline),
        "step_seconds": asdict(prediction.step),
        "core_ratio_needed": prediction.core_ratio_needed,
        "utilisation_needed": prediction.utilisation_needed,
        "explanation": prediction.explanation,
        "reason": prediction.reason,
    }


def _rates(measured: Measured) -> Table:
    table = _table(
        f"{_label(measured)}: images/s, median (range) of {measured.rounds} rounds",
        "pipeline", "input", "pixels", "step", "together",
    )  # fmt: skip
    for each in measured.attributions():
        clocked = (each.input, measured.find(each.pipeline, "pixels"), each.step, each.together)
        table.add_row(each.pipeline, *map(_rate, clocked))
    return table


def _shares(measured: Measured) -> Table:
    table = _table(
        "where the time of both together goes",
        "pipeline", "input/together", "step/together", "together/sum", "together/longer", "so they go on", "bound by",
    )  # fmt: skip
    for each in measured.attributions():
        table.add_row(each.pipeline, *_ratios(each), each.order, each.bound)
    return table


def _ratios(each: Attribution) -> Iterator[str]:
    for share in (each.input_share, each.step_share):
        yield f"{_percent(share.median)} ({_percent(share.low)}–{_percent(share.high)})"
    for ratio in (each.to_sum, each.to_longer):
        yield f"{ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def _conditions(measured: Measured) -> str:
    environment = read_environment(measured.versions, gpu=measured.gpu)
    where = measured.gpu or f"{environment.cpu}, {environment.cpu_cores} cores"
    versions = ", ".join(f"{name} {version}" for name, version in measured.versions.items())
    sizes = f"{measured.variant.input_size}×{measured.variant.input_size}, batches of {measured.variant.batch_size}"
    images = ", ".join(f"{each.pipeline} {each.part} {each.images:,}" for each in measured.clocked)
    return (
        f"{where}; {versions}; {sizes}, training {measured.trainable}; images a round: {images}. The fastest kind of "
        f"step does {_spread(measured.step_rate)} GFLOP/s, NumPy's matrix product in turns with it "
        f"{_spread(measured.product_rate)}.\n"
    )


def _predictions(predictions: Sequence[Prediction]) -> Table:
    table = _table(
        "the paper's machine: seconds an epoch, watching included",
        "variant", "paper's time, s", "epochs", "s/epoch", "pictures, s", "needs r", "PFLOP", "step, s", "needs u",
        "so it is",
    )  # fmt: skip
    for each in _shown(predictions):
        name, at, reading = each.rate.variant.name.partition("@")
        verdict = Text.assemble((each.explanation, _STYLES[each.explanation]))
        if each.reason:
            verdict.append(f": {each.reason}")
        table.add_row(
            f"  read as {reading}" if at else name,
            f"{each.rate.seconds.value:,.2f} ({each.rate.seconds.place})",
            str(each.rate.epochs),
            f"{each.seconds:.1f}",
            str(each.pipeline),
            f"{each.core_ratio_needed:.2f}",
            f"{each.operations / 1e15:.3f}",
            str(each.step),
            f"{each.utilisation_needed:.1%}",
            verdict,
        )
    return table


def _shown(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Every time in the default reading; in other readings the first time of each variant, with its first epochs."""
    first: dict[str, tuple[str, int]] = {}
    for each in predictions:
        first.setdefault(each.rate.variant.base_name, (each.rate.seconds.name, each.rate.epochs))
    return [
        each
        for each in predictions
        if "@" not in each.rate.variant.name
        or first[each.rate.variant.base_name] == (each.rate.seconds.name, each.rate.epochs)
    ]


def _arithmetic(report: AttributionReport) -> Iterator[str]:
    given, rate = report.assumptions, report.predictions[0].rate
    for measured in report.measured:
        for pictures in measured.pictures:
            yield (
                f"pictures, {_size(pictures)}: {rate.training_images:,} / (a · r) + {rate.watched_images:,} / (p · r), "
                f"a = {_spread(pictures.augmented.rate)} augmented and p = {_spread(pictures.plain.rate)} plain "
                f"images/s of one core here ({_label(measured)}), r = {given.core_ratio.low:g} to "
                f"{given.core_ratio.high:g} for a core of the paper's CPU (assumed)"
            )
    yield "needs r, needs u: what they would have to be, if the pictures or the step alone took the paper's time"
    yield (
        f"step: operations / ({given.peak / 1e12:.1f} TFLOP/s · u) + steps · o, u = {given.utilisation.low:.0%} to "
        f"{given.utilisation.high:.0%} of the peak, o = {1e3 * given.step_overhead.low:g} to "
        f"{1e3 * given.step_overhead.high:g} ms a step of {rate.variant.batch_size} images (both assumed)"
    )
    yield f"{given.peak_source}; {DIRECT_SOURCE}."


def _warnings(report: AttributionReport) -> Iterator[str]:
    for measured in report.measured:
        for pictures in measured.pictures:
            if (count := pictures.clocked_pictures) < FEWEST_PICTURES:
                yield (
                    f"warning: rates from {count} pictures of {_size(pictures)}, fewer than {FEWEST_PICTURES}: what "
                    "they predict is rough; more --rounds, --seconds or --batches clock more"
                )


def _label(measured: Measured) -> str:
    backend = measured.versions.get("backend")
    return f"{measured.implementation}{f' ({backend})' if backend else ''}"


def _size(pictures: PictureRate) -> str:
    return f"{pictures.input_size}×{pictures.input_size}×{pictures.input_channels}"


def _rate(clocked: Clocked | None) -> str:
    return "–" if clocked is None else _spread(clocked.rate)


def _spread(spread: Spread) -> str:
    return f"{_number(spread.median)} ({_number(spread.low)}–{_number(spread.high)})"


def _percent(value: float) -> str:
    return f"{value:.1%}" if value >= 0.001 else "<0.1%"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
