"""Which runs of two suites were asked the same, and why the others have no partner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.suites.saved import SavedSuite
from harness.suites.saved_runs import SavedRun, agree, differing

_MOST_NAMED: Final = 4


def group(suite: SavedSuite, side: str, left_out: list[str]) -> list[list[SavedRun]]:
    """Runs that differ in their seeds alone; of one seed the last. Earlier ones are told to `left_out`."""
    groups: list[list[SavedRun]] = []
    for run in suite.runs:
        fitting = next((runs for runs in groups if all(_trained_alike(run, each) for each in runs)), None)
        if fitting is None:
            groups.append(fitting := [])
        for earlier in [each for each in fitting if each.seed == run.seed]:
            left_out.append(f"{side}, {earlier.name}: a later run was asked the same")
            fitting.remove(earlier)
        fitting.append(run)
    return groups


def _asked_alike(one: SavedRun, other: SavedRun) -> bool:
    return _same_network(one, other) and agree(one.labels, other.labels) and agree(one.work, other.work)


def _same_network(one: SavedRun, other: SavedRun) -> bool:
    return (one.variant, one.implementation) == (other.variant, other.implementation)


def match(
    groups: list[list[SavedRun]], others: list[list[SavedRun]]
) -> Iterator[tuple[list[SavedRun], list[SavedRun]]]:
    """Groups of A with their partner in B; both are taken out of the lists.

    First those trained alike to the end, then those whose epochs do the same, then, where each side has one alone left,
    those with another backend, pipeline or precision: what these cost is worth asking.
    """
    for fits in (_trained_alike, _asked_alike):
        for runs in list(groups):
            partner = next((each for each in others if fits(runs[0], each[0])), None)
            if partner is not None:
                groups.remove(runs)
                others.remove(partner)
                yield runs, partner
    for runs in list(groups):
        of_both = [[each for each in side if _same_network(runs[0], each[0])] for side in (groups, others)]
        if [len(side) for side in of_both] == [1, 1] and agree(runs[0].work, of_both[1][0][0].work):
            groups.remove(runs)
            others.remove(of_both[1][0])
            yield runs, of_both[1][0]


def _trained_alike(one: SavedRun, other: SavedRun) -> bool:
    return _asked_alike(one, other) and agree(one.training, other.training)


def why_not(one: Sequence[SavedRun], other: Sequence[SavedRun]) -> str | None:
    """Why two groups that were asked alike cannot be compared."""
    shared = {run.name for run in one} & {run.name for run in other}
    if shared:
        return f"{', '.join(sorted(shared))} is on both sides; expected other runs on each"
    counts = {run.epochs for run in (*one, *other)}
    has_one_phase = all(run.phases == 1 for run in (*one, *other))
    if not has_one_phase and len(counts) > 1 and last_epoch([*one, *other]) is None:
        told = " and ".join(map(str, sorted(counts)))
        return f"of several phases, or of nobody knows how many, and {told} epochs: their epochs do unequal work"
    return None


def unmatched(runs: Sequence[SavedRun], others: Sequence[Sequence[SavedRun]], side: str) -> str:
    """Why a group has no partner: in what the nearest of the other side differs."""
    run = runs[0]
    candidates = [each[0] for each in others if _same_network(run, each[0])]
    names = f"{called(run)} ({len(runs)} run{'' if len(runs) == 1 else 's'})"
    if not candidates:
        return f"{names}: {side} has no partner for it"
    known = {**run.labels, **run.work}
    apart = [(differing(known, {**each.labels, **each.work}), each) for each in candidates]
    nearest, other = min(apart, key=lambda each: len(each[0]))
    told = [_told(name, known[name], {**other.labels, **other.work}[name]) for name in nearest[:_MOST_NAMED]]
    return f"{names}: {side} has it only with {'; '.join(told) or 'several others that fit as well'}"


def _told(name: str, observed: object, other: object) -> str:
    is_short = all(value is None or isinstance(value, str | int | float) for value in (observed, other))
    return f"{name} {other}, not {observed}" if is_short else f"other {name}"


def called(run: SavedRun) -> str:
    """A group of runs by what one of them was asked."""
    return " ".join([run.variant, run.implementation, *run.labels.values()])


def last_epoch(runs: Sequence[SavedRun]) -> int | None:
    """Number of the last epoch that all ran; None where one has no epochs at hand, or no second one."""
    last = min(len(run.history) for run in runs)
    return last if last > 1 else None
