"""Which figures are k/n, and which can be one network's: by hand, by brute force, and change by change."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.papers.facts import Fact
from harness.papers.jahangir2024.review import granularity
from harness.papers.jahangir2024.review.granularity import (
    batch_sizes_left,
    can_be_one,
    counts,
    rounded_counts,
    share_of_figures,
    state_of_matrix,
    states,
    whole_batches,
)
from tests.support.audited import (
    PAPER,
    check_changes,
    check_rests_on,
    every_fact,
    found,
)


def figure(printed: str) -> Fact:
    return Fact("vgg16-scratch.accuracy.test", printed, "percent", "Table 6", "a quote")


@pytest.mark.parametrize(
    ("printed", "images", "rounded", "cut_off"),
    [
        # 4,826 / 7,178 = 67.2332…, 4,825 gives 67.2193…
        ("67.23", 7178, {4826}, {4826}),
        # 4,815 / 7,178 = 67.0799…: rounds to 67.08, cut off it would be 67.07
        ("67.08", 7178, {4815}, set()),
        # 1,776 gives 24.7423 and 1,777 24.7562: nothing rounds to 24.75
        ("24.75", 7178, set(), {1777}),
        # 1,774 / 7,168 = 24.7489
        ("24.75", 7168, {1774}, set()),
        # 3,920 / 7,168 = 54.6875 exactly: rounds to 54.69, cut off it would be 54.68
        ("54.69", 7168, {3920}, set()),
        ("25.14", 28704, {7215, 7216, 7217}, {7217, 7218, 7219}),
        # 1/8 = 12.5 % lies on the edge: with halves to even it is printed 12, with halves up 13
        ("12", 8, {1}, {1}),
        ("13", 8, {1}, set()),
        ("100", 8, {8}, {8}),
        ("0", 8, {0}, {0}),
    ],
)
def test_counts_behind_a_figure(printed: str, images: int, rounded: set[int], cut_off: set[int]) -> None:
    assert rounded_counts(figure(printed), images) == rounded
    assert counts(figure(printed), images) == rounded | cut_off


@given(images=st.integers(1, 2000), hundredths=st.integers(0, 10_000))
def test_counts_are_those_of_a_search_through_all(images: int, hundredths: int) -> None:
    fact = figure(f"{hundredths // 100}.{hundredths % 100:02d}")
    value = Fraction(hundredths, 10_000)
    rounded = {k for k in range(images + 1) if abs(Fraction(k, images) - value) * 20_000 <= 1}
    cut_off = {k for k in range(images + 1) if k * 10_000 // images == hundredths}
    assert rounded_counts(fact, images) == rounded
    assert counts(fact, images) == rounded | cut_off


@pytest.mark.parametrize("images", [7, 100, 7178, 28709])
def test_share_of_figures_counts_what_rounds_to_something(images: int) -> None:
    attainable = {int(10_000 * Fraction(k, images) + Fraction(1, 2)) for k in range(images + 1)}
    assert share_of_figures(images) == len(attainable) / 10_001


def test_a_figure_of_the_test_set_says_little_and_one_of_training_nothing() -> None:
    assert share_of_figures(7178) == pytest.approx(0.717, abs=1e-3)
    assert share_of_figures(28709) == 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({(100, 50)}, {(100, 50)}, True),
        ({(100, 50)}, {(100, 51)}, False),
        # ten images fewer: none to ten of them were right
        ({(90, 50)}, {(100, 50)}, True),
        ({(100, 60)}, {(90, 50)}, True),
        ({(90, 50)}, {(100, 61)}, False),
        ({(90, 51)}, {(100, 50)}, False),
        (set(), {(100, 50)}, False),
    ],
)
def test_can_be_one(first: set[tuple[int, int]], second: set[tuple[int, int]], expected: bool) -> None:
    assert can_be_one(first, second) is expected
    assert can_be_one(second, first) is expected


def test_whole_batches() -> None:
    assert [whole_batches(7178, size) for size in (1, 10, 32, 512, 7178, 8000)] == [7178, 7170, 7168, 7168, 7178, 0]


def test_figures_of_vgg16_transfer_can_be_one_network_and_those_of_scratch_cannot() -> None:
    assert can_be_one(states(figure("67.15"), 7178), states(figure("67.18"), 7178))
    assert not can_be_one(states(figure("67.23"), 7178), states(figure("67.08"), 7178))
    assert not can_be_one(states(figure("67.23"), 7178), {state_of_matrix(PAPER, "vgg16-scratch")})
    assert can_be_one(states(figure("67.08"), 7178), {state_of_matrix(PAPER, "vgg16-scratch")})


def test_batch_sizes_that_are_left() -> None:
    assert batch_sizes_left(PAPER) == (14, 16, 28, 32, 56, 64, 112, 128, 224, 256, 448, 512)
    assert {whole_batches(7178, size) for size in batch_sizes_left(PAPER)} == {7168}


def test_what_is_said_of_whole_batches() -> None:
    finding = found(granularity)["accuracies-of-whole-batches"]
    assert "24.75 % (Table 6) is no rounded share of 7,178 images" in finding.statement
    assert (
        "of Table 6 fit 7,168: whole batches of 16, 32, 64, 128, 256 and 512 (12 sizes up to 512 fit)"
        in finding.statement
    )
    assert finding.statement.endswith("joins 3 of the 4 matrices whose share is another than Table 6's.")
    for line in (
        "24.75 % (resnet50-fine-tune): no number of 7,178, 1,774 of 7,168",
        "32 is the batch size that VGG16 with Fine-Tuning gives",
        "Matrix of vgg16-fine-tune: 3,458 of 7,178 right, so 8 of the last 10",
        "Matrix of resnet50-transfer: 2,042 of 7,178 right, so 2 of the last 10",
        "Matrix of resnet50-fine-tune: 1,774 of 7,178 right, so 0 of the last 10",
        "They take the images unshuffled, folder by folder, as a matrix needs them: the last are surprise",
        "Shuffled, 24.75 % needs none of the 10 left out to be happy: chance 0.06",
        "72.59 % (vgg16-scratch, training): 20,839 or 20,840 or 20,841 of 28,709",
        "25.14 % (resnet50-fine-tune, training): 7,217 or 7,218 of 28,709",
        "7,215 of 28,704 in whole batches of 32 (none of the 5 left out was right: chance 0.24 if shuffled)",
    ):
        assert line in finding.arithmetic
    assert "Matrix of vgg16-scratch" not in finding.arithmetic


@pytest.mark.parametrize(
    ("name", "printed", "expected"),
    [
        # 24.71 % is 1,774 of 7,178: then no figure asks for whole batches
        ("accuracies-of-whole-batches", {"resnet50-fine-tune.accuracy.table-6": "0.2471"}, None),
        # 67.22 % is 4,825 of 7,178, and of 7,168 4,818: still whole batches, other counts
        ("accuracies-of-whole-batches", {"vgg16-scratch.accuracy.table-6": "0.6722"}, "4,818 of 7,168"),
        # 3,921 of 7,168 is 54.7015 and 3,922 is 54.7154: 54.71 % is neither, and no other cut fits all six
        ("accuracies-of-whole-batches", {"resnet50-scratch.accuracy.table-6": "0.5471"}, None),
        ("accuracies-of-whole-batches", {"vgg16-fine-tune.batch-size.text": "64"}, "64 is the batch size"),
    ],
)
def test_a_finding_changes_with_its_facts(name: str, printed: dict[str, str], expected: str | None) -> None:
    check_changes(granularity, name, printed, expected)


@pytest.mark.parametrize(("finding", "name"), every_fact(granularity))
def test_a_finding_rests_on_each_fact_that_it_names(finding: str, name: str) -> None:
    check_rests_on(granularity, finding, name)


def test_every_finding_is_changed_above() -> None:
    (marker,) = [each for each in test_a_finding_changes_with_its_facts.pytestmark if each.name == "parametrize"]
    assert {case[0] for case in marker.args[1]} == set(found(granularity))
