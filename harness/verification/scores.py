"""Whether the figures of a stored run are those of its stored logits, and these those of the tests' images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.data.reading import KNOWN_COUNTS
from harness.interface import CLASSES
from harness.records.record import RunRecord
from harness.training.fit import evaluation_batch_size
from harness.training.metrics import Score, score
from harness.training.rows import make_plan
from harness.verification.flaws import Flaw, StoredRun, are_close
from harness.verification.history import LARGEST
from harness.verification.known_data import CLEAN_IMAGES, TEST_SPLITS, Layout

AREA_TOLERANCE: Final = 1e-6
"""Of an area under a curve. Where a softmax saturates, the last bit of `exp` decides ties between images."""
SETS: Final = ("public_test", "private_test", "paper_test", "clean_test")
ARRAYS: Final = frozenset({"test_rows", "test_labels", "test_logits", "initial_rows", "initial_logits"})

_TestArrays = tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float32]]


def check_results(run: StoredRun, layout: Layout | None) -> Iterator[Flaw]:
    """Everything that follows from the stored logits."""
    record = run.record
    if record.arrays_sha256 is None:
        yield Flaw(
            "arrays",
            "a complete run without stored logits",
            "its safetensors file beside it",
            "none of its figures can be recomputed, so none counts: run again",
        )
        return
    found = _test_arrays(run)
    if isinstance(found, Flaw):
        yield found
        return
    rows, labels, logits = found
    row_flaws = list(_check_rows(record, rows, layout))
    yield from row_flaws
    if not row_flaws:
        yield from _check_initial(run, rows)
        yield from _check_labels(rows, labels, layout)
    yield from _check_scores(record, rows, labels, logits, None if row_flaws else layout)


def _test_arrays(run: StoredRun) -> _TestArrays | Flaw:
    """Rows (n,), labels (n,) and logits (n, 7), or why they are unusable."""
    shapes = {name: array.shape for name, array in run.arrays.items()}
    missing, strange = ARRAYS - shapes.keys(), shapes.keys() - ARRAYS
    if missing:
        return Flaw("arrays", f"no array {', '.join(sorted(missing))}", "the five arrays of a complete run")
    if strange:
        seen = f"arrays that no run leaves: {', '.join(sorted(strange))}"
        return Flaw("arrays", seen, f"{', '.join(sorted(ARRAYS))} alone")
    rows, labels, logits = (run.arrays[f"test_{name}"] for name in ("rows", "labels", "logits"))
    examples = run.record.dataset.test_examples if run.record.dataset else len(rows)
    fits = rows.shape == labels.shape == (examples,) and logits.shape == (examples, len(CLASSES)) and examples > 0
    if not fits or not _are_of((rows, np.int64), (labels, np.uint8), (logits, np.float32)):
        named = (("logits", logits), ("labels", labels), ("rows", rows))
        seen = ", ".join(f"{name} {array.shape} of {array.dtype}" for name, array in named)
        expected = (
            f"({examples}, 7) of float32, ({examples},) of uint8, ({examples},) of int64, as many as images tested"
        )
        return Flaw("arrays", seen, expected)
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        return Flaw("arrays", f"logits of {bad:,} of {examples:,} images are NaN or infinite", "finite numbers")
    if labels.max() >= len(CLASSES):
        return Flaw("labels", f"label {labels.max()}", f"0 to {len(CLASSES) - 1}")
    return rows, labels, logits


def _are_of(*pairs: tuple[NDArray[Any], type[np.generic]]) -> bool:
    return all(array.dtype == kind for array, kind in pairs)


def _check_initial(run: StoredRun, rows: NDArray[np.int64]) -> Iterator[Flaw]:
    """Of the untrained network, on the first rows that are tested."""
    initial_rows, logits = run.arrays["initial_rows"], run.arrays["initial_logits"]
    first = rows[: evaluation_batch_size(run.record.spec.variant)]
    has_types = _are_of((initial_rows, np.int64), (logits, np.float32))
    if not has_types or not np.array_equal(initial_rows, first) or logits.shape != (len(first), len(CLASSES)):
        told = _told_rows(np.ravel(initial_rows))
        seen = f"first logits {logits.shape} of {logits.dtype}, of rows {told} as {initial_rows.dtype}"
        yield Flaw("arrays", seen, f"({len(first)}, 7) of float32, of the first {len(first)} rows tested as int64")
    elif not np.isfinite(logits).all():
        yield Flaw("arrays", "first logits that are NaN or infinite", "finite numbers")


def _check_rows(record: RunRecord, rows: NDArray[np.int64], layout: Layout | None) -> Iterator[Flaw]:
    """Each image once, in the data set's order, and out of the tests."""
    if (np.diff(rows) <= 0).any():
        twice = len(rows) - len(np.unique(rows))
        seen = f"{twice:,} rows of the data set stand twice" if twice else "rows out of the data set's order"
        yield Flaw("rows", seen, "each tested row once, ascending")
    elif layout is not None:
        tests = layout.rows(*TEST_SPLITS)
        strange = rows[~np.isin(rows, tests)]
        if strange.size:
            yield Flaw("rows", f"rows that are in no test: {_told_rows(strange)}", f"rows {tests[0]} to {tests[-1]}")
        elif layout.dataset is not None:
            spec = record.spec
            expected = make_plan(layout.dataset, "paper", spec.budget, seed=spec.seed).test_rows  # alike in both
            if not np.array_equal(rows, expected):
                seen = f"rows {_told_rows(rows)}"
                yield Flaw("rows", seen, f"{_told_rows(expected)}: those that budget and seed {spec.seed} draw")


def _told_rows(rows: NDArray[Any]) -> str:
    first = ", ".join(map(str, rows[:3]))
    return f"{first} … ({len(rows):,} in all)" if len(rows) > 3 else first


def _check_labels(rows: NDArray[np.int64], labels: NDArray[np.uint8], layout: Layout | None) -> Iterator[Flaw]:
    """Row by row where the labels of rows are known, else by their counts where all tests are there."""
    if layout is None:
        return
    if layout.labels is not None:
        (wrong,) = np.nonzero(labels != layout.labels[rows])
        if wrong.size:
            row = rows[wrong[0]]
            yield Flaw(
                "labels",
                f"{wrong.size:,} labels are not the data set's, the first at row {row}: {CLASSES[labels[wrong[0]]]}",
                CLASSES[layout.labels[row]],
            )
        return
    for split in TEST_SPLITS:
        members = layout.rows(split)
        chosen = labels[np.isin(rows, members)]
        if len(chosen) != len(members):
            continue
        observed = tuple(np.bincount(chosen, minlength=len(CLASSES)).tolist())
        if observed != KNOWN_COUNTS[split]:
            yield Flaw("labels", f"{_told_counts(observed)} in {split}", _told_counts(KNOWN_COUNTS[split]))


def _told_counts(counts: tuple[int, ...]) -> str:
    return ", ".join(f"{count} {name}" for name, count in zip(CLASSES, counts, strict=True))


def _check_scores(
    record: RunRecord,
    rows: NDArray[np.int64],
    labels: NDArray[np.uint8],
    logits: NDArray[np.float32],
    layout: Layout | None,
) -> Iterator[Flaw]:
    """Every stored figure against the stored logits, set by set."""
    members = _members(rows, layout)
    for name, mask in members.items():
        if mask.any() != (name in record.scores):
            state = "no score" if mask.any() else "a score"
            yield Flaw("scores", f"{state} of {name}", f"{int(mask.sum()):,} of its images were tested")
        elif mask.any():
            yield from compare_scores(name, record.scores[name], score(logits[mask], labels[mask]))
    yield from _check_other_sets(record, members.keys(), has_all_tests=layout is not None and _is_whole(record))
    last = record.history[-1]
    if record.spec.protocol == "paper":
        final = score(logits, labels)
        for what, observed, expected in (
            ("accuracy", last.watched_accuracy, final.accuracy),
            ("loss", last.watched_loss, final.loss),
        ):
            if not are_close(observed, expected):
                seen = f"watched {what} {observed:.6f} after the last epoch"
                yield Flaw("last-epoch", seen, f"{expected:.6f}, from the logits: the protocol watches the tests")


def _is_whole(record: RunRecord) -> bool:
    """Whether all tests were scored, so that no set can be without images."""
    return record.spec.budget.test_examples is None


def _check_other_sets(record: RunRecord, known: Iterable[str], *, has_all_tests: bool) -> Iterator[Flaw]:
    """Sets whose members are not known: they must be there, agree with themselves, and be a part of the whole."""
    whole = record.scores["paper_test"]
    for name in dict.fromkeys([*SETS, *record.scores]):
        if name in known:
            continue
        if name not in record.scores:
            if has_all_tests:
                yield Flaw("scores", f"no score of {name}", "one of each set, since all tests were scored")
        elif name not in SETS:
            yield Flaw("scores", f"a set named {name!r}", ", ".join(SETS))
        else:
            part = record.scores[name]
            yield from _check_itself(name, part)
            yield from _check_part(name, part, whole)
            # a csv has the pictures as they were before JPEG, which may set twins apart but joins none
            if name == "clean_test" and has_all_tests and part.examples < CLEAN_IMAGES:
                expected = f"{CLEAN_IMAGES:,} at least, those without a twin in the zip"
                yield Flaw("scores", f"{name} of {part.examples:,} images", expected)


def _check_itself(name: str, part: Score) -> Iterator[Flaw]:
    """A score against its own confusion."""
    confusion = np.array(part.confusion)
    total, right = int(confusion.sum()), int(np.trace(confusion))
    of_itself = "from its own confusion"
    if (confusion < 0).any():
        yield Flaw("confusion", f"{name} with {confusion.min()} answers of a kind", "0 or more")
    if part.examples != total or not total:
        yield Flaw("scores", f"{name} of {part.examples:,} images", f"{total:,}, {of_itself}")
    elif not are_close(part.accuracy, right / total):
        seen = f"{name} accuracy {100 * part.accuracy:.4f} %"
        yield Flaw("accuracy", seen, f"{100 * right / total:.4f} %, {of_itself}")
    if not 0 <= part.loss <= LARGEST:
        yield Flaw("loss", f"{name} loss {part.loss}", f"a number from 0 to {LARGEST:g}")
    for each, images in zip(CLASSES, confusion.sum(axis=1).tolist(), strict=True):
        area, has_one = part.areas[each], 0 < images < total
        if (area is None) == has_one or not 0 <= (area or 0.0) <= 1:
            expected = "a number from 0 to 1" if has_one else f"None, with {images:,} images of {total:,}"
            yield Flaw("areas", f"{name} area of {each} {area}", expected)


def _check_part(name: str, part: Score, whole: Score) -> Iterator[Flaw]:
    """What is left of the tests without a part of them: images, and the sum of their losses."""
    if (np.array(part.confusion) > np.array(whole.confusion)).any():
        yield Flaw("confusion", f"more answers in {name} than in paper_test", "a part of them")
    sums = part.examples * part.loss, whole.examples * whole.loss
    if sums[0] > sums[1] and not are_close(sums[0], sums[1]):
        seen = f"losses that sum to {sums[0]:.6g} in {name}"
        yield Flaw("loss", seen, f"at most {sums[1]:.6g}, the sum in paper_test, of which it is a part")


def _members(rows: NDArray[np.int64], layout: Layout | None) -> dict[str, NDArray[np.bool_]]:
    """Which tested rows are in each set, for the sets of which that is known."""
    members = {"paper_test": np.ones(len(rows), np.bool_)}
    if layout is not None:
        members |= {name: np.isin(rows, layout.rows(name)) for name in TEST_SPLITS}
        if layout.leaked is not None:
            members["clean_test"] = ~np.isin(rows, layout.leaked)
    return members


def compare_scores(name: str, stored: Score, computed: Score) -> Iterator[Flaw]:
    """In what a stored score differs from the one that its logits give."""
    advice = "a figure or the logits were changed after the run: take the record from where it was made, or run again"
    from_logits = "from the stored logits"
    if stored.examples != computed.examples:
        yield Flaw("scores", f"{name} of {stored.examples:,} images", f"{computed.examples:,}, {from_logits}", advice)
    if not are_close(stored.accuracy, computed.accuracy):
        expected = f"{100 * computed.accuracy:.4f} %, {from_logits}"
        yield Flaw("accuracy", f"{name} accuracy {100 * stored.accuracy:.4f} %", expected, advice)
    if not are_close(stored.loss, computed.loss):
        yield Flaw("loss", f"{name} loss {stored.loss:.6f}", f"{computed.loss:.6f}, {from_logits}", advice)
    changed = np.argwhere(np.array(stored.confusion) != np.array(computed.confusion))
    if len(changed):
        row, column = (int(index) for index in changed[0])
        yield Flaw(
            "confusion",
            f"{name} confusion differs in {len(changed)} cells, the first {CLASSES[row]} taken for {CLASSES[column]}: "
            f"{stored.confusion[row][column]}",
            f"{computed.confusion[row][column]}, {from_logits}",
            advice,
        )
    for each, expected_area in computed.areas.items():
        area = stored.areas[each]
        same = (
            area is None
            if expected_area is None
            else area is not None and are_close(area, expected_area, AREA_TOLERANCE)
        )
        if not same:
            yield Flaw("areas", f"{name} area of {each} {area}", f"{expected_area}, {from_logits}", advice)
