"""Reported times as images and floating-point operations a second: against the card, and against the input pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.architectures import forward_flops
from harness.judging.audit import Finding, Grade, Predicate
from harness.judging.throughput import Rate, epoch_counts, rates
from harness.judging.wording import Quote, listed, share
from harness.paper.facts import Facts
from harness.variants import VARIANTS


@dataclass(frozen=True)
class _Card:
    """A GPU by what its maker states: cores, each with one multiply-add a cycle, and the boost clock in hertz."""

    cores: int
    clock: float

    @property
    def peak(self) -> float:
        """Float32 operations a second."""
        return self.cores * 2 * self.clock


CARDS: Final = {4080: _Card(cores=10_240, clock=2.55e9)}
"""By the number in the name. GeForce RTX 4080 SUPER: 10,240 × 2 × 2.55 GHz = 52.2 TFLOP/s."""
CARD_SOURCE: Final = (
    "NVIDIA's product page of the GeForce RTX 4080 SUPER: 10,240 CUDA cores, 2.55 GHz boost clock. "
    "The paper names no reduced precision; TF32 has the same dense peak on this card"
)
HIGHEST_SHARE: Final = 0.75
"""Of the nominal peak; declared. The best that this project saw in a training was 0.86 of what the same machine's
matrix products really reached, with its input ready in memory; the nominal peak lies above that again."""

PIPELINE_224: Final = 117.0
PIPELINE_48: Final = 3_400.0
"""Augmented images a second of one core: ImageDataGenerator at 224 × 224 in colour from a folder, and at 48 × 48
from memory."""
PIPELINE_SOURCE: Final = (
    "a lead, measured on another machine: Keras' ImageDataGenerator on one core of a two-core Xeon, 117 augmented "
    "images/s at 224×224 from a folder, 3,400 at 48×48 from memory"
)
CPU_CORES: Final = {5900: 12}
"""By the number in the name. Source: AMD's product page of the Ryzen 9 5900X."""

ENLARGED: Final = Quote("all the photos were reduced in size from 48x48 to 224x224", "Data Preprocessing")
EXPENSES: Final = Quote("the balance between computational expenses and model effectiveness", "Abstract")
QUOTES: Final = (ENLARGED, EXPENSES)

ALIKE_EPOCHS: Final = 0.05
ALIKE_RUNS: Final = 0.01
"""Relative differences of seconds up to which an epoch, and a whole run, count as equally long."""
IDLE_SHARE: Final = 0.1
"""Of the nominal peak, below which the card mostly waits."""
SOURCE_SIZE: Final = 48
"""Pixels: larger inputs were enlarged, picture by picture, on the CPU."""
UNLIKE_WORK: Final = 2.0
"""Ratio of operations from which work counts as unequal."""


def _peak(paper: Facts) -> float | None:
    card = CARDS.get(int(paper["hardware.gpu.setup"].value))
    return None if card is None else card.peak


def _line(rate: Rate, peak: float) -> str:
    """One row of the table: what the time would mean."""
    return (
        f"{rate.variant.name}, {rate.seconds.printed} s ({rate.seconds.place}), {rate.epochs} epochs, "
        f"{rate.variant.input_size} px: {rate.epoch_seconds:,.1f} s/epoch, {rate.images_per_second:,.0f} images/s, "
        f"{rate.operations_per_second / 1e12:.2f} TFLOP/s = {share(rate.operations_per_second / peak, 1)} of the peak, "
        f"{_cores(rate):.1f} cores of pipeline"
    )


def _cores(rate: Rate) -> float:
    """How many cores like the measured one would prepare that many pictures."""
    return rate.images_per_second / (PIPELINE_224 if rate.variant.input_size > SOURCE_SIZE else PIPELINE_48)


def _names(found: Sequence[Rate], *others: str) -> tuple[str, ...]:
    return (*dict.fromkeys(rate.seconds.name for rate in found), *others)


def near_the_peak(paper: Facts) -> Iterator[Finding]:
    """Times that a reading could only reach near, or beyond, what the card does on paper."""
    peak = _peak(paper)
    if peak is None:
        return
    found = [rate for rate in rates(paper) if rate.operations_per_second > HIGHEST_SHARE * peak]
    beyond = [rate for rate in found if rate.operations_per_second > peak]
    if beyond:
        yield _too_fast("faster-than-the-card", "impossible", beyond, peak)
    if near := [rate for rate in found if rate not in beyond]:
        yield _too_fast("near-the-peak-of-the-card", "implausible", near, peak)


def _too_fast(name: str, grade: Grade, found: Sequence[Rate], peak: float) -> Finding:
    told = [
        f"{rate.variant.name} at {rate.variant.input_size} px in {rate.seconds.printed} s takes "
        f"{rate.operations_per_second / 1e12:.0f} TFLOP/s, {share(rate.operations_per_second / peak)}"
        for rate in found
    ]
    return Finding(
        name=name,
        grade=grade,
        weight=2,
        statement=f"The card has {peak / 1e12:.1f} TFLOP/s in float32 on paper: {'; '.join(told)}. "
        "So the reading that needs it is wrong, or the time is not that run's.",
        arithmetic="\n".join(_line(rate, peak) for rate in found),
        facts=_names(found, "hardware.gpu.setup"),
        source=CARD_SOURCE,
    )


def faster_than_the_pipeline(paper: Facts) -> Iterator[Finding]:
    """Times in which all cores of the CPU could not have augmented the pictures."""
    peak, cores = _peak(paper), CPU_CORES.get(int(paper["hardware.cpu.setup"].value))
    if peak is None or cores is None:
        return
    enlarged = paper["preprocessing.input-size.text"]
    found = [rate for rate in rates(paper) if _cores(rate) > cores and rate.variant.input_size == enlarged.values[0]]
    if not found:
        return
    told = [
        f"{rate.variant.name} in {rate.seconds.printed} s takes {rate.images_per_second:,.0f} augmented images/s, "
        f"{_cores(rate):.0f} such cores"
        for rate in found
    ]
    yield Finding(
        name="faster-than-the-input-pipeline",
        grade="implausible",
        weight=2,
        statement=f"One core augments about {PIPELINE_224:.0f} images/s at 224×224, and the CPU has {cores}: "
        f"{'; '.join(told)}. So it hardly saw 224×224, against {ENLARGED}.",
        arithmetic="\n".join(_line(rate, peak) for rate in found),
        facts=_names(found, "hardware.cpu.setup", enlarged.name),
        source=f"{PIPELINE_SOURCE}; AMD's product page: the Ryzen 9 5900X has 12 cores",
    )


def _default_rates(paper: Facts) -> list[Rate]:
    """Every distinct time in the variant's default reading, with the epochs that it ran."""
    ran = {name: epoch_counts(paper, name)[0] for name in VARIANTS}
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


def alike_epochs(paper: Facts) -> Iterator[Finding]:
    """Networks of unequal work on equal pixels whose epochs last equally long: what was timed is what they share."""
    peak = _peak(paper)
    if peak is None:
        return
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
            statement=f"An epoch of {listed(names)} lasts {min(lengths):.0f} to {max(lengths):.0f} s, that is "
            f"{min(speeds):,.0f} to {max(speeds):,.0f} images/s, though the operations an image differ "
            f"{max(forward) / min(forward):.1f}-fold in the forward pass alone. What was timed is what these runs "
            "share, the input pipeline; such times cannot show what an architecture or a strategy costs.",
            arithmetic="\n".join(
                [*(_line(rate, peak) for rate in group), f"operations an image differ {max(work) / min(work):.1f}-fold"]
            ),
            facts=_names(group),
            source=f"{PIPELINE_SOURCE}. {CARD_SOURCE}",
        )


def alike_runs(paper: Facts) -> Iterator[Finding]:
    """Whole runs that last equally long, though their epochs or pixels are not the same number."""
    peak = _peak(paper)
    if peak is None:
        return
    for group in _clusters(_default_rates(paper), lambda rate: rate.seconds.value, ALIKE_RUNS):
        work = [rate.operations for rate in group]
        sizes = {(rate.epochs, rate.variant.input_size) for rate in group}
        if len(sizes) < 2 or max(work) < UNLIKE_WORK * min(work):
            continue
        told = [
            f"{rate.variant.name} {rate.seconds.printed} s for {rate.epochs} epochs at {rate.variant.input_size} px, "
            f"{rate.operations / 1e15:.1f} PFLOP"
            for rate in group
        ]
        yield Finding(
            name=f"equal-seconds-for-unequal-work-{group[0].variant.name}-{group[0].seconds.value:.0f}",
            grade="implausible",
            weight=2,
            statement=f"Runs whose work differs {max(work) / min(work):.1f}-fold have the same time within "
            f"{share(ALIKE_RUNS)}: {'; '.join(told)}.",
            arithmetic="\n".join(_line(rate, peak) for rate in group),
            facts=_names(group),
            source=CARD_SOURCE,
        )


def times_as_rates(paper: Facts) -> Iterator[Finding]:
    """The whole table: every time, number of epochs and reading, as a share of the card's peak."""
    peak, found = _peak(paper), list(rates(paper))
    if peak is None or not found:
        return
    default = _default_rates(paper)
    shares = [rate.operations_per_second / peak for rate in default]
    idle = sum(each < IDLE_SHARE for each in shares)
    if not idle:
        return
    yield Finding(
        name="the-card-idles",
        grade="unsupported",
        weight=2,
        statement=f"Read as the text reads, the paper's {len(shares)} times mean {share(min(shares), 1)} to "
        f"{share(max(shares))} of what the card does on paper, {idle} of them under {share(IDLE_SHARE)}. They tell of "
        f"the program around the networks, not of {EXPENSES}.",
        arithmetic="\n".join(_line(rate, peak) for rate in found),
        facts=_names(found, "hardware.gpu.setup"),
        source=f"{CARD_SOURCE}. {PIPELINE_SOURCE}",
    )


PREDICATES: tuple[Predicate, ...] = (
    near_the_peak,
    faster_than_the_pipeline,
    alike_epochs,
    alike_runs,
    times_as_rates,
)
