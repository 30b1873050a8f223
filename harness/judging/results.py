"""A folder of stored runs, judged again: which are sound, what they say of the paper's numbers and of its claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.judging.bands import Judgement, judge_compared
from harness.judging.claims.answers import Answer, answer_claims
from harness.judging.comparability import Compared, compare_with
from harness.judging.differences import Difference
from harness.judging.expectations import bands
from harness.judging.speed_up import speed_up
from harness.papers.paper import Paper
from harness.records.store import RecordError
from harness.verification.flaws import (
    Flaw,
    StoredRun,
    implementation_name,
    read_stored,
)
from harness.verification.verify import find_layout, verify

DONE, USAGE, NOT_REPRODUCED = 0, 2, 3
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
        PaperError: If the paper's bands cannot be made.
    """
    bands(paper)  # a gap in the paper's folder is said once, and condemns no record
    paths = [path] if path.is_file() else sorted(path.glob("*.json"))
    if not paths:
        what = "holds no record (*.json)" if path.is_dir() else "is neither a folder nor a record"
        raise RecordError(f"{path} {what}; runs are written by `ferbench train` or `reproduce`")
    found = {each: _examined(each, paper, data) for each in paths}
    flaws = {each: told for each, told in found.items() if not isinstance(told, _Examined)}
    read = [each for each in found.values() if isinstance(each, _Examined)]
    read.sort(key=lambda each: datetime.fromisoformat(each.run.record.started))
    counting, copies, clashes = _settle_duplicates(read)
    flaws |= clashes
    groups, broken = _judged_groups(counting, paper)
    flaws |= broken
    counting = [each for each in counting if each.run.path not in broken]
    sound = [each.run for each in counting]
    reasons = {each.run.path: each.compared.differences for each in counting}
    timed = {each.run.path for each in counting if not each.compared.time_differences}
    return Judged(
        folder=path,
        sound=tuple(sound),
        copies=tuple(copies),
        refused=tuple(Refused(each, flaws[each]) for each in paths if each in flaws),
        groups=tuple(groups),
        answers=answer_claims([run for run in sound if not reasons[run.path]], paper),
        not_comparable=tuple((path.stem, why) for path, why in reasons.items() if why and path not in timed),
        unchecked=tuple(_unchecked(sound, data)),
        times_alone=tuple((path.stem, why) for path, why in reasons.items() if why and path in timed),
    )


@dataclass(frozen=True, eq=False)
class _Examined:
    """A sound run, and how it stands to the paper."""

    run: StoredRun
    compared: Compared

    @property
    def uses(self) -> set[str]:
        """What it is taken for: accuracies and all else but seconds, seconds, and what is told beside these."""
        found = {
            "accuracy": not self.compared.differences,
            "seconds": not self.compared.time_differences,
            "speed-up": self.compared.differs_in_pipeline_alone,
        }
        return {name for name, is_taken in found.items() if is_taken}


def _examined(path: Path, paper: Paper, data: Dataset | None) -> _Examined | tuple[Flaw, ...]:
    """A sound run, or all that is wrong with a file."""
    try:
        run = read_stored(path)
        if isinstance(run, Flaw):
            return (run,)
        return verify(run, data) or _Examined(run, compare_with(paper, run.record))
    except Exception as error:  # noqa: BLE001 - a foreign file may break anything, and the others are still judged
        return (_unverifiable(error),)


def _unverifiable(error: Exception) -> Flaw:
    seen = f"{type(error).__name__} while it was checked: {error}"
    advice = "take it from where it was made; if ferbench wrote it so, report the file as a fault of ferbench"
    return Flaw("unverifiable", seen, "a record whose every figure can be computed", advice)


_Flaws = dict[Path, tuple[Flaw, ...]]


def _judged_groups(runs: Sequence[_Examined], paper: Paper) -> tuple[list[Group], _Flaws]:
    """Verdicts of each group, and what is wrong with runs that break them."""
    members: dict[tuple[str, str], list[_Examined]] = {}
    for each in runs:
        members.setdefault((each.run.record.spec.variant.name, implementation_name(each.run)), []).append(each)
    groups: list[Group] = []
    broken: _Flaws = {}
    for (variant, implementation), group in members.items():
        found, flaws = _judged(variant, implementation, group, paper)
        groups += found
        broken |= flaws
    return groups, broken


def _judged(variant: str, implementation: str, group: Sequence[_Examined], paper: Paper) -> tuple[list[Group], _Flaws]:
    """Verdicts on a group; where that cannot be judged, on what is left of it without the runs that break it."""
    compared = [each.compared for each in group]
    names = tuple(each.record.run for each in compared)
    try:
        judgements, faster = judge_compared(compared, paper), speed_up(compared, paper)
    except Exception as error:  # noqa: BLE001 - as above
        all_broken: _Flaws = {each.run.path: (_unverifiable(error),) for each in group}
        if len(group) == 1:
            return [], all_broken
        alone = [_judged(variant, implementation, [each], paper)[1] for each in group]
        broken = {path: flaws for each in alone for path, flaws in each.items()} or all_broken
        rest = [each for each in group if each.run.path not in broken]
        return (_judged(variant, implementation, rest, paper)[0] if rest else []), broken
    return [Group(variant, implementation, names, judgements, faster)], {}


def _settle_duplicates(
    runs: Sequence[_Examined],
) -> tuple[list[_Examined], list[Path], _Flaws]:
    """Runs that count, copies of these, and runs that clash.

    A run of a seed counts once. Two of one seed that found something else leave a choice of which to show, so neither
    counts, whatever their budget, data or device, where one band takes both; the same logits under two names are no two
    runs. Runs that count for nothing may clash as they like.
    """
    counting: list[_Examined] = []
    copies: list[Path] = []
    clashes: dict[Path, dict[tuple[str, str, str], list[str]]] = {}
    for each in runs:
        if not each.uses:
            continue
        path = each.run.path
        found = {other.run.path: clash for other in counting if (clash := _clash(each, other)) is not None}
        if _COPY in found.values():
            copies.append(path)
            continue
        counting.append(each)
        for other_path, clash in found.items():
            for one, two in ((path, other_path), (other_path, path)):
                clashes.setdefault(one, {}).setdefault(clash, []).append(two.name)
    flaws = {
        path: tuple(
            Flaw(check, seen.format(names=", ".join(names)), expected, _ONE_EACH)
            for (check, seen, expected), names in told.items()
        )
        for path, told in clashes.items()
    }
    return [each for each in runs if each.run.path not in {*flaws, *copies}], copies, flaws


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


def _clash(examined: _Examined, earlier: _Examined) -> tuple[str, str, str] | None:
    """Name of the check, what was seen and what was expected, where two runs cannot both count."""
    run, other = examined.run, earlier.run
    one, two = run.record, other.record
    if _are_alike(run.arrays, other.arrays, "test"):
        return _COPY if _origin(run) == _origin(other) else _SAME_LOGITS
    # the speed-up is no verdict: a choice there takes no run away
    if _seed(run) == _seed(other) and (examined.uses & earlier.uses) - {"speed-up"}:
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
