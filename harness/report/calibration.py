"""A machine's rates before a suite, and what its runs made of them, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from harness.measuring.shares import calibrated_shares, epoch_split
from harness.records.machine import DeviceCalibration, Speed
from harness.records.record import RunRecord
from harness.report.tables import Runs

Unit = tuple[float, str]
"""Size and name."""


def _operations_unit(rate: float) -> Unit:
    return (1e9, "GFLOP/s") if rate < 1e12 else (1e12, "TFLOP/s")


def _number(value: float) -> str:
    """Three digits, as repeats do not agree to more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def calibration_table(calibrations: Iterable[DeviceCalibration]) -> Table:
    """A row for each rate of each framework: median, range, number of repeats."""
    table = Table(title="calibration before the start", title_justify="left")
    table.add_column("framework", overflow="fold")
    table.add_column("what", no_wrap=True)
    table.add_column("of", overflow="fold")
    for heading in ("median", "range", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in calibrations:
        backend = f" ({each.keras_backend})" if each.keras_backend else ""
        called = f"{each.implementation}{backend}, {each.precision}, {each.gpu or 'CPU'}"
        for what, speed, (size, unit) in _rows(each):
            low, median, high = (_number(rate / size) for rate in (min(speed.rates), speed.rate, max(speed.rates)))
            table.add_row(called, what, speed.work, f"{median} {unit}", f"{low} to {high}", str(len(speed.seconds)))
            called = ""
        table.add_section()
    return table


def _rows(calibration: DeviceCalibration) -> Iterator[tuple[str, Speed, Unit]]:
    for what, speed in (("product", calibration.product), ("convolution", calibration.convolution)):
        yield what, speed, _operations_unit(speed.rate)
    yield "memory", calibration.bandwidth, (1e9, "GB/s")
    for pictures in calibration.pictures:
        yield "input alone", pictures, (1.0, "images/s")


def calibration_lines(calibrations: Iterable[DeviceCalibration]) -> Iterator[str]:
    """What speaks against them."""
    for each in calibrations:
        if each.doubts:
            yield f"calibration of {each.implementation}: the GPU was not its own: {', '.join(each.doubts)}"


def time_table(runs: Runs) -> Table:
    """A row a run with complete epochs: what an epoch took, what it consisted of, and what share of the machine."""
    table = Table(
        title="training times: seconds of a mean epoch; those of warm-up and compilation are no part of it\n"
        "share of a calibrated rate: operations of forward and backward passes ÷ training seconds ÷ rate",
        title_justify="left",
        caption="* the GPU was not its own while it was calibrated"
        if any(_is_doubted(each) for _, each in runs)
        else None,
        caption_justify="left",
    )
    table.add_column("run", overflow="fold")
    headings = ("epochs", "training", "= input", "+ step", "evaluation", "warm-up", "images/s")
    for heading in (*headings, "of convolution", "of product"):
        table.add_column(heading, justify="right", no_wrap=True)
    for _, record in runs:
        split = epoch_split(record)
        if split is not None and record.timings is not None:
            parts = (split[name] for name in ("training", "input", "step", "evaluation"))
            table.add_row(
                record.spec.label,
                str(len(record.history)),
                *(f"{part:,.2f}" for part in parts),
                f"{record.timings.warm_up_seconds:,.1f}",
                f"{record.timings.training_images_per_second or 0:,.1f}",
                *_share_texts(record),
            )
    return table


def _share_texts(record: RunRecord) -> tuple[str, str]:
    shares = calibrated_shares(record)
    if shares is None:
        return "–", "–"
    mark = "*" if _is_doubted(record) else ""
    return f"{shares.convolution:.1%}{mark}", f"{shares.product:.1%}{mark}"


def _is_doubted(record: RunRecord) -> bool:
    return record.calibration is not None and bool(record.calibration.doubts)
