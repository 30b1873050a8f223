"""A folder of stored runs, judged again: which are sound, what they say of the paper's numbers and of its claims."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.judging.bands import Judgement, judge_all
from harness.judging.claims.answers import Answer, answer_claims
from harness.judging.comparability import differences, differs_in_pipeline_alone, time_differences
from harness.judging.differences import Difference
from harness.judging.speed_up import speed_up
from harness.papers.paper import Paper
from harness.records.record import RunRecord
from harness.records.store import RecordError
from harness.verification.flaws import (
    Flaw,
    StoredRun,
    implementation_name,
    read_stored,
)
from harness.verification.verify import find_layout, verify

DONE, USAGE, NOT_REPRODUCED = 0, 2, 3
_Key = TypeVar("_Key", bound=Hashable)
_ONE_EACH: Final = "leave one of them in the folder, or run again"
ALIKE: Final = 1e-3
"""Of how far logits spread over images. Runs that differ in anything but rounding end up much further apart."""


@dataclass(frozen=True)
class Refused:
    """A file that does not count, and all that is wrong with it."""

    path: Path
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True)
class Group:
    """The runs of one variant by one implementation, by name, and the verdict of each band of the variant; how fast the
    device pipeline is beside the paper's times, where it can be told."""

    variant: str
    implementation: str
    runs: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    speed_up: str | None = None


@dataclass(frozen=True)
class Judged:
    """What a folder of records says.

    Attributes:
        folder: Where they lie.
        sound: Runs in which nothing contradicts anything, oldest first.
        copies: Files that hold the same run as another one; they do not count twice.
        refused: Files that do not count.
        groups: Verdicts, in order of first appearance.
        answers: To the paper's claims, in the order of claims.toml.
        not_comparable: Names of sound runs that no band and no claim takes, with the reasons.
        unchecked: What could not be checked, one line a door of the data.
        times_alone: Names of sound runs that the band of seconds alone takes, with what keeps them from the others.
    """

    folder: Path
    sound: tuple[StoredRun, ...]
    copies: tuple[Path, ...]
    refused: tuple[Refused, ...]
    groups: tuple[Group, ...]
    answers: tuple[Answer, ...]
    not_comparable: tuple[tuple[str, tuple[Difference, ...]], ...]
    unchecked: tuple[str, ...]
    times_alone: tuple[tuple[str, tuple[Difference, ...]], ...] = ()

    @property
    def exit_code(self) -> int:
        """2 where a file was refused, 3 where a band says NOT_REPRODUCED, else 0."""
        if self.refused:
            return USAGE
        kinds = {each.verdict.kind for group in self.groups for each in group.judgements}
        return NOT_REPRODUCED if "NOT_REPRODUCED" in kinds else DONE


def judge_results(path: Path, paper: Paper, data: Dataset | None = None) -> Judged:
    """Judge stored runs again, without a framework, a GPU or the pictures.

    Args:
        path: A folder of records, or one record.
        paper: What they are compared with.
        data: The data set that they were made on, if it is at hand: more can be checked then.

    Raises:
        RecordError: If there is no record at all.
    """
    paths = [path] if path.is_file() else sorted(path.glob("*.json"))
    if not paths:
        what = "holds no record (*.json)" if path.is_dir() else "is neither a folder nor a record"
        raise RecordError(f"{path} {what}; runs are written by `ferbench train` or `reproduce`")
    found = {each: _examined(each, paper, data) for each in paths}
    flaws = {each: told for each, told in found.items() if not isinstance(told, StoredRun)}
    read = [run for run in found.values() if isinstance(run, StoredRun)]
    read.sort(key=lambda run: datetime.fromisoformat(run.record.started))
    sound, copies, clashes = _settle_duplicates(read, paper)
    flaws |= clashes
    reasons = {run.path: tuple(differences(run.record, paper)) for run in sound}
    timed = {run.path for run in sound if not time_differences(run.record, paper)}
    return Judged(
        folder=path,
        sound=tuple(sound),
        copies=tuple(copies),
        refused=tuple(Refused(each, flaws[each]) for each in paths if each in flaws),
        groups=tuple(_judged_groups(sound, paper)),
        answers=answer_claims([run for run in sound if not reasons[run.path]], paper),
        not_comparable=tuple((path.stem, why) for path, why in reasons.items() if why and path not in timed),
        unchecked=tuple(_unchecked(sound, data)),
        times_alone=tuple((path.stem, why) for path, why in reasons.items() if why and path in timed),
    )


def _examined(path: Path, paper: Paper, data: Dataset | None) -> StoredRun | tuple[Flaw, ...]:
    """A sound run that bands can take, or all that is wrong with a file."""
    try:
        run = read_stored(path)
        if isinstance(run, Flaw):
            return (run,)
        flaws = verify(run, data)
        if not flaws:
            judge_all([run.record], paper)  # so that what breaks it breaks it here, where it is alone
    except Exception as error:  # noqa: BLE001 - a foreign file may break anything, and the others are still judged
        seen = f"{type(error).__name__} while it was checked: {error}"
        advice = "take it from where it was made; if ferbench wrote it so, report the file as a fault of ferbench"
        return (Flaw("unverifiable", seen, "a record whose every figure can be computed", advice),)
    return flaws or run


def _judged_groups(runs: Sequence[StoredRun], paper: Paper) -> Iterable[Group]:
    groups = _grouped(runs, lambda run: (run.record.spec.variant.name, implementation_name(run)))
    for (variant, implementation), group in groups.items():
        records = [run.record for run in group]
        yield Group(
            variant,
            implementation,
            tuple(record.run for record in records),
            judge_all(records, paper),
            speed_up(records, paper),
        )


def _grouped(runs: Iterable[StoredRun], key: Callable[[StoredRun], _Key]) -> dict[_Key, list[StoredRun]]:
    groups: dict[_Key, list[StoredRun]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _settle_duplicates(
    runs: Sequence[StoredRun], paper: Paper
) -> tuple[list[StoredRun], list[Path], dict[Path, tuple[Flaw, ...]]]:
    """Runs that count, copies of these, and runs that clash.

    A run of a seed counts once. Two of one seed that found something else leave a choice of which to show, so neither
    counts, whatever their budget, data or device, where one band takes both; the same logits under two names are no two
    runs. Runs that count for nothing may clash as they like.
    """
    counting: list[StoredRun] = []
    copies: list[Path] = []
    clashes: dict[Path, dict[tuple[str, str, str], list[str]]] = {}
    for run in runs:
        if not _uses(run.record, paper):
            continue
        found = {other.path: clash for other in counting if (clash := _clash(run, other, paper)) is not None}
        if _COPY in found.values():
            copies.append(run.path)
            continue
        counting.append(run)
        for other, clash in found.items():
            for one, two in ((run.path, other), (other, run.path)):
                clashes.setdefault(one, {}).setdefault(clash, []).append(two.name)
    flaws = {
        path: tuple(
            Flaw(check, seen.format(names=", ".join(names)), expected, _ONE_EACH)
            for (check, seen, expected), names in told.items()
        )
        for path, told in clashes.items()
    }
    return [run for run in runs if run.path not in flaws and run.path not in copies], copies, flaws


def _uses(record: RunRecord, paper: Paper) -> set[str]:
    """What a run is taken for: accuracies and all else but seconds, seconds, and what is told beside these."""
    found = set() if differences(record, paper) else {"accuracy"}
    if not time_differences(record, paper):
        found.add("seconds")
    if differs_in_pipeline_alone(record, paper):
        found.add("speed-up")
    return found


_COPY: Final = ("copy", "", "")
_SAME_LOGITS: Final = (
    "same-logits",
    "the same logits as in {names}, which says it is another run",
    "logits of its own",
)
_SAME_START: Final = (
    "same-logits",
    "the same first logits as in {names}, which says it began with another seed",
    "first logits of its own",
)


def _clash(run: StoredRun, other: StoredRun, paper: Paper) -> tuple[str, str, str] | None:
    """Name of the check, what was seen and what was expected, where two runs cannot both count."""
    one, two = run.record, other.record
    if _are_alike(run.arrays, other.arrays, "test"):
        return _COPY if _origin(run) == _origin(other) else _SAME_LOGITS
    # the speed-up is no verdict: a choice there takes no run away
    if _seed(run) == _seed(other) and (_uses(one, paper) & _uses(two, paper)) - {"speed-up"}:
        seen = f"seed {one.spec.seed} of {one.spec.variant.name} is in {{names}} too, with other results"
        return "same-seed", seen, "one run a seed"
    is_other_seed = one.spec.seed != two.spec.seed
    return _SAME_START if is_other_seed and _are_alike(run.arrays, other.arrays, "initial") else None


def _are_alike(one: Mapping[str, NDArray[Any]], two: Mapping[str, NDArray[Any]], when: str) -> bool:
    """Whether logits of the same images are the same but for rounding. Networks that say one thing of every image
    spread over none; theirs are the same only to the last bit."""
    if not np.array_equal(one[f"{when}_rows"], two[f"{when}_rows"]):
        return False
    first, second = (each[f"{when}_logits"].astype(np.float64) for each in (one, two))
    return bool(np.abs(first - second).max() <= ALIKE * first.std(axis=0).max())


def _seed(run: StoredRun) -> tuple[object, ...]:
    spec = run.record.spec
    return spec.variant.name, implementation_name(run), spec.seed, spec.pipeline


def _origin(run: StoredRun) -> tuple[object, ...]:
    """Whose answers they are: of two runs that agree in it and in their logits, one is a copy."""
    data = run.record.dataset
    return _seed(run), data and data.digest, run.record.weights.digest


def _unchecked(runs: Sequence[StoredRun], data: Dataset | None) -> Iterable[str]:
    """One line a kind of data of which not all is known."""
    told = {}
    for run in runs:
        identity = run.record.dataset
        if identity is None:
            continue
        layout = find_layout(identity, data)
        unknown = layout.unknown if layout else "sizes, labels, sets and digest of data that deviates"
        if unknown:
            told[f"{identity.name} ({identity.door})"] = unknown
    return [f"{name}: {unknown}; --fer2013 with that very data checks it" for name, unknown in told.items()]
