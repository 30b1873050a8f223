"""Whether the figures of a stored run are those of its stored logits, and these those of the tests' images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import CLASSES
from harness.data.reading import KNOWN_COUNTS
from harness.judging.flaws import Flaw, StoredRun, are_close
from harness.judging.known_data import TEST_SPLITS, Layout
from harness.runs.record import RunRecord
from harness.training.fit import evaluation_batch_size
from harness.training.metrics import Score, score
from harness.training.plan import make_plan

AREA_TOLERANCE: Final = 1e-6
"""Of an area under a curve. Where a softmax saturates, the last bit of `exp` decides ties between images."""
SETS: Final = ("public_test", "private_test", "paper_test", "clean_test")

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
    yield from _check_initial(run, rows)
    row_flaws = list(_check_rows(record, rows, layout))
    yield from row_flaws
    if not row_flaws:
        yield from _check_labels(rows, labels, layout)
    yield from _check_scores(record, rows, labels, logits, None if row_flaws else layout)


def _test_arrays(run: StoredRun) -> _TestArrays | Flaw:
    """Rows (n,), labels (n,) and logits (n, 7), or why they are unusable."""
    shapes = {name: array.shape for name, array in run.arrays.items()}
    missing = {"test_rows", "test_labels", "test_logits", "initial_rows", "initial_logits"} - shapes.keys()
    if missing:
        return Flaw("arrays", f"no array {', '.join(sorted(missing))}", "the five arrays of a complete run")
    rows, labels, logits = (run.arrays[f"test_{name}"] for name in ("rows", "labels", "logits"))
    examples = run.record.dataset.test_examples if run.record.dataset else len(rows)
    fits = rows.shape == labels.shape == (examples,) and logits.shape == (examples, len(CLASSES)) and examples > 0
    if not fits or rows.dtype != np.int64 or labels.dtype != np.uint8 or logits.dtype.kind != "f":
        seen = f"logits {logits.shape}, labels {labels.shape} and rows {rows.shape}"
        return Flaw("arrays", seen, f"logits ({examples}, 7), labels and rows ({examples},), as many as images tested")
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        return Flaw("arrays", f"logits of {bad:,} of {examples:,} images are NaN or infinite", "finite numbers")
    if labels.max() >= len(CLASSES):
        return Flaw("labels", f"label {labels.max()}", f"0 to {len(CLASSES) - 1}")
    return rows, labels, logits


def _check_initial(run: StoredRun, rows: NDArray[np.int64]) -> Iterator[Flaw]:
    """Of the untrained network, on the first rows that are tested."""
    initial_rows, logits = run.arrays["initial_rows"], run.arrays["initial_logits"]
    first = rows[: evaluation_batch_size(run.record.spec.variant)]
    if not np.array_equal(initial_rows, first) or logits.shape != (len(first), len(CLASSES)):
        seen = f"first logits {logits.shape} of rows {_told_rows(initial_rows)}"
        yield Flaw("arrays", seen, f"({len(first)}, 7) of the first {len(first)} rows tested")
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
    """Sets whose members are not known: they must be there, and be a part of the whole."""
    whole = np.array(record.scores["paper_test"].confusion)
    for name in dict.fromkeys([*SETS, *record.scores]):
        if name in known:
            continue
        if name not in record.scores:
            if has_all_tests:
                yield Flaw("scores", f"no score of {name}", "one of each set, since all tests were scored")
        elif name not in SETS:
            yield Flaw("scores", f"a set named {name!r}", ", ".join(SETS))
        elif (np.array(record.scores[name].confusion) > whole).any():
            yield Flaw("confusion", f"more answers in {name} than in paper_test", "a part of them")


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
