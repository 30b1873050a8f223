"""Reported times as images and floating-point operations a second: against the card, and against the input pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from harness.architectures import forward_flops
from harness.data.generator_speed import CORE_RATIO, source, speed_at
from harness.operations import DIRECT_SOURCE
from harness.papers.finding import Finding
from harness.papers.hardware import Hardware
from harness.papers.paper import Paper, Predicate
from harness.papers.throughput import ALIKE_EPOCHS, ALIKE_RUNS, Rate, epoch_counts, rates
from harness.papers.wording import (
    Quote,
    listed,
    share,
)

HIGHEST_SHARE: Final = 0.75
"""Of the nominal peak; declared. The best that this project saw in a training was 0.86 of what the same machine's
matrix products really reached, with its input ready in memory; the nominal peak lies above that again."""

EXPENSES: Final = Quote("the balance between computational expenses and model effectiveness", "Abstract")
QUOTES: Final = (EXPENSES,)

LITTLE: Final = 0.1
"""Of the nominal peak."""
SOURCE_SIZE: Final = 48
"""Pixels: larger inputs were enlarged, picture by picture, on the CPU."""
UNLIKE_WORK: Final = 2.0
"""Ratio of operations from which work counts as unequal."""


def _named_hardware(paper: Paper) -> Hardware | None:
    """What is known of the machine; None if the paper prints other numbers in the names of its GPU and CPU."""
    named = [int(paper.facts[f"hardware.{part}.setup"].value) for part in ("gpu", "cpu")]
    known = paper.hardware
    return known if known and named == [known.gpu.number, known.cpu.number] else None


def _line(rate: Rate, peak: float) -> str:
    """One row of the table: what the time would mean."""
    return (
        f"{rate.variant.name}, {rate.seconds.printed} s ({rate.seconds.place}), {rate.epochs} epochs, "
        f"{rate.variant.input_size} px: {rate.epoch_seconds:,.1f} s/epoch, {rate.images_per_second:,.0f} images/s, "
        f"{rate.operations_per_second / 1e12:.2f} TFLOP/s = {share(rate.operations_per_second / peak, 1)} of the peak, "
        f"{_cores(rate):.1f} cores of pipeline"
    )


def _cores(rate: Rate) -> float:
    """How many cores like the measured one make the pictures of an epoch in its time."""
    return _one_core_seconds(rate) / rate.epoch_seconds


def _one_core_seconds(rate: Rate) -> float:
    """In which one core like the measured one makes the pictures of an epoch."""
    training, watched = rate.training_images, rate.watched_images
    augmented = training if rate.variant.augmentation else 0
    return speed_at(rate.variant.input_size).seconds(augmented=augmented, plain=training - augmented + watched)


def _names(found: Sequence[Rate], *others: str) -> tuple[str, ...]:
    return (*dict.fromkeys(rate.seconds.name for rate in found), *others)


def near_the_peak(paper: Paper) -> Iterator[Finding]:
    """Times that a reading could only reach near, or beyond, what the reference card does on paper."""
    hardware = _named_hardware(paper)
    if hardware is None:
        return
    peak = hardware.gpu.peak
    found = [rate for rate in rates(paper) if rate.operations_per_second > HIGHEST_SHARE * peak]
    if not found:
        return
    told = [
        f"{paper.called(rate.variant.name)}{_reading(paper, rate, peak)}, in {rate.seconds.printed} s takes "
        f"{rate.operations_per_second / 1e12:.0f} TFLOP/s, {share(rate.operations_per_second / peak)}"
        for rate in found
    ]
    yield Finding(
        name="near-the-peak-of-the-card",
        grade="implausible",
        weight=2,
        statement=f"{'; '.join(told)}, counted as direct convolution, of the reference card's nominal "
        f"{peak / 1e12:.1f}. Faster algorithms and an overclocked card leave room; an input pipeline would not.",
        arithmetic="\n".join(_line(rate, peak) for rate in found),
        facts=_names(found, "hardware.gpu.setup"),
        source=f"{hardware.gpu.source}. {DIRECT_SOURCE}",
    )


def _reading(paper: Paper, rate: Rate, peak: float) -> str:
    """That all layers are trained is our reading, if it is; and what a frozen base would take."""
    frozen = [each for each in _other_readings(paper, rate) if each.variant.name == f"{rate.variant.name}@frozen"]
    if not frozen:
        return ""
    of_peak = share(frozen[0].operations_per_second / peak, 1)
    return f", all layers trained as we read it ({of_peak} with its base frozen)"


def faster_than_the_pipeline(paper: Paper) -> Iterator[Finding]:
    """Times in which one core could not have made the pictures, were it as much faster as is taken to be possible."""
    hardware = _named_hardware(paper)
    if hardware is None:
        return
    enlarged, fastest = paper.facts["preprocessing.input-size.text"], CORE_RATIO.high
    found = {
        (rate.seconds, rate.epochs): rate  # of several readings the default one, which comes first
        for rate in reversed(list(rates(paper)))
        if rate.variant.input_size == enlarged.values[0] and _cores(rate) > fastest
    }
    if not found:
        return
    shortest, *others = sorted(found.values(), key=_cores, reverse=True)
    size = shortest.variant.input_size
    told = [
        f"{_cores(rate):.1f} for {rate.seconds.printed} s ({paper.called(rate.variant.name)})"
        for rate in [shortest, *others]
    ]
    yield Finding(
        name="faster-than-the-input-pipeline",
        grade="implausible",
        weight=1,
        statement=f"At {size}×{size} one core makes the pictures of an epoch in {_one_core_seconds(shortest):.0f} s by "
        "Keras' own generator, where it was measured, and Keras' default is one worker. These times take more "
        f"such cores: {listed(told)}. The paper's CPU has {hardware.cpu.cores}; a single one would have to be more "
        f"than {fastest:g} times as fast as the measured one.",
        arithmetic="\n".join(_line(rate, hardware.gpu.peak) for rate in [shortest, *others]),
        facts=_names([shortest, *others], "hardware.cpu.setup", enlarged.name),
        source=f"{source(size)}; {hardware.cpu.source}",
    )


def _default_rates(paper: Paper) -> list[Rate]:
    """Every distinct time in the variant's default reading, with the epochs that it ran."""
    ran = {name: epoch_counts(paper, name)[0] for name in paper.reported}
    return [rate for rate in rates(paper) if rate.epochs == ran.get(rate.variant.name)]


def _clusters(found: Sequence[Rate], key: Callable[[Rate], float], tolerance: float) -> list[list[Rate]]:
    """Groups of rates whose key differs by no more than the tolerance, from the smallest to the largest."""
    groups: list[list[Rate]] = []
    for rate in sorted(found, key=key):
        if groups and key(rate) <= (1 + tolerance) * key(groups[-1][0]):
            groups[-1].append(rate)
        else:
            groups.append([rate])
    return groups


def alike_epochs(paper: Paper) -> Iterator[Finding]:
    """Networks of unequal work on equal pixels whose epochs last equally long: what was timed is what they share."""
    hardware = _named_hardware(paper)
    if hardware is None:
        return
    peak = hardware.gpu.peak
    found = [rate for rate in _default_rates(paper) if rate.variant.input_size > SOURCE_SIZE]
    for group in _clusters(found, lambda rate: rate.epoch_seconds, ALIKE_EPOCHS):
        forward = [forward_flops(rate.variant) for rate in group]
        if max(forward) < UNLIKE_WORK * min(forward):
            continue
        names = dict.fromkeys(rate.variant.name for rate in group)
        lengths = [rate.epoch_seconds for rate in group]
        speeds = [rate.images_per_second for rate in group]
        work = [rate.operations_per_image for rate in group]
        yield Finding(
            name=f"epochs-last-alike-{next(iter(names))}",
            grade="unsupported",
            weight=3,
            statement=f"An epoch of {listed(map(paper.called, names))} lasts {min(lengths):.0f} to {max(lengths):.0f} "
            f"s, that is {min(speeds):,.0f} to {max(speeds):,.0f} images/s, though the operations an image differ "
            f"{max(forward) / min(forward):.1f}-fold in the forward pass alone. The likely bottleneck is what they "
            "share, the input pipeline: one core makes the pictures of an epoch in "
            f"{_one_core_seconds(group[0]):.0f} s by Keras' own generator, where it was measured, and Keras' default "
            "is one worker. Such times cannot show what an architecture or a strategy costs."
            f"{''.join(_other_times(paper, group))}",
            arithmetic="\n".join(
                [*(_line(rate, peak) for rate in group), f"operations an image differ {max(work) / min(work):.1f}-fold"]
            ),
            facts=_names([*group, *_left_out(paper, group)]),
            source=f"{source(group[0].variant.input_size)}. {hardware.gpu.source}",
        )


def _left_out(paper: Paper, group: Sequence[Rate]) -> list[Rate]:
    """Other times of the group's trainings."""
    names = {rate.variant.name for rate in group}
    return [rate for rate in _default_rates(paper) if rate.variant.name in names and rate not in group]


def _other_times(paper: Paper, group: Sequence[Rate]) -> Iterator[str]:
    others = [
        f"{rate.epoch_seconds:.0f} s ({paper.called(rate.variant.name)}, {rate.seconds.printed} s, "
        f"{rate.seconds.place})"
        for rate in _left_out(paper, group)
    ]
    if others:
        yield f" By other times of these trainings an epoch lasts {listed(others)}."


def alike_runs(paper: Paper) -> Iterator[Finding]:
    """Whole runs that last equally long, though their epochs or pixels are not the same number."""
    hardware = _named_hardware(paper)
    if hardware is None:
        return
    peak = hardware.gpu.peak
    # one number printed for two trainings is not two measurements: `times` has that
    own = [rate for rate in _default_rates(paper) if not _is_anothers(paper, rate)]
    for group in _clusters(own, lambda rate: rate.seconds.value, ALIKE_RUNS):
        work = [rate.operations for rate in group]
        sizes = {(rate.epochs, rate.variant.input_size) for rate in group}
        if len(sizes) < 2 or max(work) < UNLIKE_WORK * min(work):
            continue
        told = [
            f"{paper.called(rate.variant.name)} {rate.seconds.printed} s for {rate.epochs} epochs at "
            f"{rate.variant.input_size} px, {rate.operations / 1e15:.1f} PFLOP"
            for rate in group
        ]
        yield Finding(
            name=f"equal-seconds-for-unequal-work-{group[0].variant.name}-{group[0].seconds.value:.0f}",
            grade="implausible",
            weight=2,
            statement=f"Runs whose work differs {max(work) / min(work):.1f}-fold, as we read them, have the same time "
            f"within {share(ALIKE_RUNS)}: {'; '.join(told)}.",
            arithmetic="\n".join(_line(rate, peak) for rate in group),
            facts=_names(group),
            source=hardware.gpu.source,
        )


def _is_anothers(paper: Paper, rate: Rate) -> bool:
    """Whether the paper prints the same number for another training."""
    return any(
        fact.value == rate.seconds.value
        for name in paper.reported
        if name != rate.seconds.subject
        for fact in paper.facts.mentions(name, "seconds")
    )


def times_as_rates(paper: Paper) -> Iterator[Finding]:
    """Every time in every reading, with the epochs that the run took, as a share of the card's peak."""
    hardware, default = _named_hardware(paper), _default_rates(paper)
    if hardware is None or not default:
        return
    peak = hardware.gpu.peak
    shares = [rate.operations_per_second / peak for rate in default]
    little = sum(each < LITTLE for each in shares)
    if not little:
        return
    yield Finding(
        name="little-of-the-peak",
        grade="unsupported",
        weight=2,
        statement=f"As we read them the paper's {len(shares)} times mean {share(min(shares), 1)} to "
        f"{share(max(shares))} of what the reference card does on paper, {little} of them under {share(LITTLE)}. At "
        f"{SOURCE_SIZE} px small kernels keep the rate low too; the rest tell of the program around the networks, not "
        f"of {EXPENSES}.",
        arithmetic="\n".join([HEADING, *(line for rate in default for line in _rows(paper, rate, peak))]),
        facts=_names(default, "hardware.gpu.setup"),
        source=f"{hardware.gpu.source}. {DIRECT_SOURCE}",
    )


HEADING: Final = (
    f"{'':<18}{'time, s':>10}{'epochs':>7}{'px':>4}{'s/epoch':>8}{'images/s':>9}{'TFLOP/s':>8}{'of peak':>8}"
)


def _rows(paper: Paper, rate: Rate, peak: float) -> Iterator[str]:
    """A row of the table, and below it the share of the peak in other readings."""
    yield (
        f"{rate.variant.name:<18}{rate.seconds.value:>10,.2f}{rate.epochs:>7}{rate.variant.input_size:>4}"
        f"{rate.epoch_seconds:>8,.1f}{rate.images_per_second:>9,.0f}{rate.operations_per_second / 1e12:>8.2f}"
        f"{share(rate.operations_per_second / peak, 1):>8}"
    )
    others = [
        f"{other.variant.name.partition('@')[2]} {share(other.operations_per_second / peak, 1)}"
        for other in _other_readings(paper, rate)
    ]
    if others:
        yield f"  read as {', '.join(others)}"


def _other_readings(paper: Paper, rate: Rate) -> list[Rate]:
    """The same time and epochs, the variant read otherwise."""
    same = (rate.seconds, rate.epochs)
    return [other for other in rates(paper) if (other.seconds, other.epochs) == same and other.variant != rate.variant]


PREDICATES: tuple[Predicate, ...] = (
    near_the_peak,
    faster_than_the_pipeline,
    alike_epochs,
    alike_runs,
    times_as_rates,
)
