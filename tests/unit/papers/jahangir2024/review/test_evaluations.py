"""Figures of one network beside its matrix."""

from __future__ import annotations

import numpy as np
import pytest

from harness.papers.jahangir2024.review import evaluations
from harness.papers.jahangir2024.review.evaluations import joined_by
from tests.support.audited import (
    PAPER,
    check_changes,
    check_rests_on,
    every_fact,
    found,
    replaced,
)

SCRATCH = "vgg16-scratch-figures-of-several-evaluations"


def test_what_is_said() -> None:
    (finding,) = found(evaluations).values()
    assert (finding.name, finding.grade, finding.weight) == (SCRATCH, "implausible", 2)
    assert finding.statement == (
        "67.23 % (Table 6) and Figure 20 are not one evaluation of VGG16 from scratch on all images; whole batches of "
        "16 to 512 in powers of two do not join them (7,168 needs 4,819 right, the matrix has 4,818 in all); sizes "
        "such as 200 or 250 would. 67.08 % (VGG16 Trained from Scratch) fits it, a last batch left out."
    )
    for line in (
        "4,818 of 7,178 right, 67.122 %",
        "of 9 mentions: 67 % (Figure 19)",
        "67.23 % (Table 6), said 5 times",
        "(VGG16 Trained from Scratch) are joined by no whole batches of a power of two",
        # all ten of the last class, of which its matrix has 624 of 831 right: a chance of 6 %
        "fits with 4,808 of 7,168, if 10 of the last 10 were right",
        "336 of the batch sizes from 1 to 512 join 67.23 % and the matrix; the paper gives this network none",
        "200: 4,706 of 7,000 = 67.2286 %, and 112 of 178 left out right: binomial chance of so few 0.13",
    ):
        assert line in finding.arithmetic


def test_sizes_that_join_a_figure_and_its_matrix_by_a_search_through_all() -> None:
    """Whole batches of each size, some number right that rounds to 67.23 %, and the rest to make 4,818."""
    joined = {each.batch_size: each for each in joined_by(PAPER, PAPER.facts["vgg16-scratch.accuracy.table-6"])}
    for batch_size in range(1, 513):
        size = 7178 // batch_size * batch_size
        right = [k for k in range(4818 - (7178 - size), 4819) if abs(100 * k / size - 67.23) <= 0.005]
        assert bool(right) == (batch_size in joined), batch_size
        if right:
            assert (joined[batch_size].size, joined[batch_size].right) == (size, right[0])


def test_the_chance_is_that_of_drawing_so_few() -> None:
    (joined,) = [
        each for each in joined_by(PAPER, PAPER.facts["vgg16-scratch.accuracy.table-6"]) if each.batch_size == 200
    ]
    drawn = np.random.default_rng(0).binomial(178, 4818 / 7178, size=200_000)
    assert (drawn <= 112).mean() == pytest.approx(joined.chance, abs=0.003)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (
            {"vgg16-scratch.confusion-angry.figure-20": "574 9 113 29 136 95 2"},
            "67.08 % (VGG16 Trained from Scratch) and Figure 20 are not one evaluation",
        ),
        (
            {"vgg16-scratch.accuracy.table-6": "0.6712"}
            | {f"vgg16-scratch.accuracy.{each}": "67.12" for each in ("abstract", "table-1", "table-4", "conclusion")},
            None,
        ),
        ({"vgg16-scratch.accuracy.abstract": "67.12"}, "of 9 mentions: 67.12 % (Abstract), 67 % (Figure 19)"),
    ],
)
def test_a_finding_changes_with_its_facts(printed: dict[str, str], expected: str | None) -> None:
    check_changes(evaluations, SCRATCH, printed, expected)


def test_another_matrix_that_no_usual_batch_joins_is_found() -> None:
    """48.00 % is 3,441 of 7,168, seventeen fewer than its matrix has: more than the ten that are left out."""
    paper = replaced({"vgg16-fine-tune.accuracy.table-6": "0.4800"})
    finding = found(evaluations, paper)["vgg16-fine-tune-figures-of-several-evaluations"]
    assert "48.00 % (Table 6) and Figure 16 are not one evaluation of fine-tuned VGG16" in finding.statement
    assert "the paper gives this network 32" in finding.arithmetic


@pytest.mark.parametrize(("finding", "name"), every_fact(evaluations))
def test_a_finding_rests_on_each_fact_that_it_names(finding: str, name: str) -> None:
    check_rests_on(evaluations, finding, name)
