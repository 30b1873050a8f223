"""Table 3 and the words about the networks: each finding with a fact changed."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import architecture
from tests.support import audited
from tests.support.audited import PAPER

SHAPE, PARAMETERS = "vgg16-scratch.output-shape", "vgg16-scratch.parameters"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("table-3-flatten-does-not-follow", "Flatten of 4,608 follows block3_conv3, which leaves 36,864"),
        ("table-3-flatten-does-not-follow", "only four blocks fit;"),
        ("table-3-dense-fits-no-flatten", "(4,608 + 1) × 64 = 294,976, printed 262,144 = 4,096 × 64"),
        ("table-3-is-not-vgg16", "7 convolutions and 3 dense layers are printed"),
        ("table-3-is-not-vgg16", "with the rows that its Flatten of 4,608 implies, 10"),
        ("parameter-counts-of-other-networks", "7.9 to 23.9 million; 16.3 to 23.9 million; 16.4 to 30.0 million"),
        ("reduced-means-enlarged", "21.8 times as many pixels"),
        ("vgg16-takes-more-computations", "VGG16 takes 30.7 GFLOP a forward pass, ResNet50 7.7; VGG16 needs 4.0 times"),
    ],
)
def test_what_it_says(name: str, words: str) -> None:
    assert words in audited.found(architecture)[name].statement


def test_every_finding_is_one_of_these() -> None:
    assert set(audited.found(architecture)) == {
        "table-3-flatten-does-not-follow",
        "table-3-dense-fits-no-flatten",
        "table-3-is-not-vgg16",
        "parameter-counts-of-other-networks",
        "reduced-means-enlarged",
        "vgg16-takes-more-computations",
    }


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("table-3-flatten-does-not-follow", {f"{SHAPE}.flatten": "36864"}),
        ("table-3-dense-fits-no-flatten", {f"{PARAMETERS}.dense-64": "294,976"}),
        ("parameter-counts-of-other-networks", {"vgg16.parameters.text": "16"}),
        ("reduced-means-enlarged", {"preprocessing.input-size.text": "24 24"}),
    ],
)
def test_another_fact_takes_it_away(name: str, changes: dict[str, str]) -> None:
    assert name in audited.found(architecture)
    assert name not in audited.found(architecture, audited.replaced(changes))


@pytest.mark.parametrize(
    ("printed", "words"),
    [("9216", "only three blocks fit;"), ("512", "only five blocks fit;"), ("4096", "No reading fits")],
)
def test_another_flatten_is_another_reading(printed: str, words: str) -> None:
    """4,096 is what Table 3's dense row was counted for; no cut of VGG16 leaves that many at 48 × 48."""
    found = audited.found(architecture, audited.replaced({f"{SHAPE}.flatten": printed}))
    assert words in found["table-3-flatten-does-not-follow"].statement


def test_the_dense_row_fits_no_reading() -> None:
    lines = audited.found(architecture)["table-3-dense-fits-no-flatten"].arithmetic
    assert "three-blocks: 589,888 parameters after Flatten of 9,216" in lines
    assert "four-blocks: 294,976 parameters after Flatten of 4,608" in lines
    assert "five-blocks: 32,832 parameters after Flatten of 512" in lines


@pytest.mark.parametrize(
    ("changed", "printed", "words"),
    [
        (f"{PARAMETERS}.block3_conv1", "295,169", "block3_conv1: 295,169 parameters, computed 295,168"),
        (f"{SHAPE}.block2_pool", "24 24 128", "block2_pool: shape (24 24 128), computed (12, 12, 128)"),
    ],
)
def test_a_wrong_row_is_found(changed: str, printed: str, words: str) -> None:
    """As printed every convolution's row is right, so this finding shows only when one is not."""
    assert "table-3-rows-of-other-layers" not in audited.found(architecture)
    found = audited.found(architecture, audited.replaced({changed: printed}))
    assert words in found["table-3-rows-of-other-layers"].statement
    assert found["table-3-rows-of-other-layers"].facts == (changed,)


@pytest.mark.parametrize(
    ("changed", "printed", "words"),
    [
        (f"{PARAMETERS}.dense-32", "2,081", "dense layer of 32: (64 + 1) × 32 = 2,080, printed 2,081"),
        (f"{PARAMETERS}.dense-7", "224", "dense layer of 7: (32 + 1) × 7 = 231, printed 224"),
    ],
)
def test_the_other_dense_rows_are_right_as_printed(changed: str, printed: str, words: str) -> None:
    assert words not in audited.found(architecture)["table-3-dense-fits-no-flatten"].statement
    found = audited.found(architecture, audited.replaced({changed: printed}))
    assert words in found["table-3-dense-fits-no-flatten"].statement


def test_with_thirteen_convolutions_it_would_be_vgg16() -> None:
    paper = PAPER
    for row in (f"block{block}_conv{index}" for block in (4, 5) for index in (1, 2, 3)):
        paper = audited.with_fact(f"{PARAMETERS}.{row}", "2,359,808", "parameters", paper=paper)
    assert "table-3-is-not-vgg16" in audited.found(architecture)
    assert len(architecture.rows_of_kind(paper, "conv")) == 13
    assert list(architecture.not_vgg16(paper)) == []


def test_at_another_size_the_operations_are_others() -> None:
    found = audited.found(architecture, audited.replaced({"preprocessing.input-size.text": "48 48"}))
    assert "at 48×48 VGG16 takes 1.4 GFLOP" in found["vgg16-takes-more-computations"].statement


def test_the_138_million_are_those_of_imagenets_network() -> None:
    assert "1,000 classes: 138,357,544" in audited.found(architecture)["parameter-counts-of-other-networks"].arithmetic


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(architecture))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(architecture, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(architecture, paper_text)
