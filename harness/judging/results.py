"""A folder of stored runs, judged again: which are sound, what they say of the paper's numbers and of its claims."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from harness.data.dataset import Dataset
from harness.judging.bands import Judgement, differences, judge_all
from harness.judging.claims import Answer, answer_claims
from harness.judging.flaws import Flaw, StoredRun, implementation_name, read_stored
from harness.judging.verification import find_layout, verify
from harness.runs.store import RecordError

DONE, USAGE, NOT_REPRODUCED = 0, 2, 3
_Key = TypeVar("_Key", bound=Hashable)
_ONE_EACH: Final = "leave one of them in the folder, or run again"


@dataclass(frozen=True)
class Refused:
    """A file that does not count, and all that is wrong with it."""

    path: Path
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True)
class Group:
    """The runs of one variant by one implementation, by name, and the verdict of each band of the variant."""

    variant: str
    implementation: str
    runs: tuple[str, ...]
    judgements: tuple[Judgement, ...]


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
    """

    folder: Path
    sound: tuple[StoredRun, ...]
    copies: tuple[Path, ...]
    refused: tuple[Refused, ...]
    groups: tuple[Group, ...]
    answers: tuple[Answer, ...]
    not_comparable: tuple[tuple[str, tuple[str, ...]], ...]
    unchecked: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """2 where a file was refused, 3 where a band says NOT_REPRODUCED, else 0."""
        if self.refused:
            return USAGE
        kinds = {each.verdict.kind for group in self.groups for each in group.judgements}
        return NOT_REPRODUCED if "NOT_REPRODUCED" in kinds else DONE


def judge_results(path: Path, data: Dataset | None = None) -> Judged:
    """Judge stored runs again, without a framework, a GPU or the pictures.

    Args:
        path: A folder of records, or one record.
        data: The data set that they were made on, if it is at hand: more can be checked then.

    Raises:
        RecordError: If there is no record at all.
    """
    paths = [path] if path.is_file() else sorted(path.glob("*.json"))
    if not paths:
        what = "holds no record (*.json)" if path.is_dir() else "is neither a folder nor a record"
        raise RecordError(f"{path} {what}; runs are written by `ferbench train` or `reproduce`")
    found = {each: read_stored(each) for each in paths}
    read = [run for run in found.values() if isinstance(run, StoredRun)]
    flaws: dict[Path, tuple[Flaw, ...]] = {each: (run,) for each, run in found.items() if isinstance(run, Flaw)}
    flaws |= {run.path: told for run in read if (told := verify(run, data))}
    read.sort(key=lambda run: run.record.started)
    sound, copies, clashes = _settle_duplicates([run for run in read if run.path not in flaws])
    flaws |= clashes
    reasons = {run.record.run: tuple(differences(run.record)) for run in sound}
    return Judged(
        folder=path,
        sound=tuple(sound),
        copies=tuple(copies),
        refused=tuple(Refused(each, flaws[each]) for each in paths if each in flaws),
        groups=tuple(_judged_groups(sound)),
        answers=answer_claims([run for run in sound if not reasons[run.record.run]]),
        not_comparable=tuple((name, why) for name, why in reasons.items() if why),
        unchecked=tuple(_unchecked(sound, data)),
    )


def _judged_groups(runs: Sequence[StoredRun]) -> Iterable[Group]:
    groups = _grouped(runs, lambda run: (run.record.spec.variant.name, implementation_name(run)))
    for (variant, implementation), group in groups.items():
        records = [run.record for run in group]
        yield Group(variant, implementation, tuple(record.run for record in records), judge_all(records))


def _grouped(runs: Iterable[StoredRun], key: Callable[[StoredRun], _Key]) -> dict[_Key, list[StoredRun]]:
    groups: dict[_Key, list[StoredRun]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _settle_duplicates(
    runs: Sequence[StoredRun],
) -> tuple[list[StoredRun], list[Path], dict[Path, tuple[Flaw, ...]]]:
    """Runs that count, copies of these, and runs that clash.

    A run of a seed counts once. Two that were asked the same and found something else leave a choice of which to
    show, so neither counts; the same logits under two names are no two runs. Runs that count for nothing may
    clash as they like.
    """
    counting = [run for run in runs if not differences(run.record)]
    clashes: dict[Path, list[Flaw]] = {}
    copies: list[Path] = []
    for group in _grouped(counting, _content).values():
        first, *others = group
        copies += [run.path for run in others if _question(run) == _question(first)]
        if len(set(map(_question, group))) > 1:
            for run in group:
                names = ", ".join(each.path.name for each in group if each is not run)
                seen = f"the same logits as in {names}, which says it is another run"
                clashes.setdefault(run.path, []).append(Flaw("same-logits", seen, "logits of its own", _ONE_EACH))
    kept = [run for run in runs if run.path not in copies]
    for group in _grouped([run for run in counting if run.path not in copies], _question).values():
        for run in group if len(group) > 1 else ():
            names = ", ".join(each.path.name for each in group if each is not run)
            seen = (
                f"seed {run.record.spec.seed} of {run.record.spec.variant.name} is in {names} too, with other results"
            )
            clashes.setdefault(run.path, []).append(Flaw("same-seed", seen, "one run a seed", _ONE_EACH))
    sound = [run for run in kept if run.path not in clashes]
    return sound, copies, {path: tuple(flaws) for path, flaws in clashes.items()}


def _content(run: StoredRun) -> str:
    return hashlib.sha256(run.arrays["test_logits"].tobytes()).hexdigest()


def _question(run: StoredRun) -> tuple[object, ...]:
    """What a run was asked, less what says only where it ran."""
    spec = replace(run.record.spec, fer2013=None, weights_dir=None, threads=None, device="cpu", cached_features=False)
    data = run.record.dataset
    return spec, data and data.digest, run.record.weights.digest


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
