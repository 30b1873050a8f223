"""Tables 1 and 4 against the text and other sources: each finding with a fact changed."""

from __future__ import annotations

import pytest

from harness.papers.jahangir2024.review import literature
from tests.support import audited

OWN = "vgg16-scratch.accuracy.table-6"
EXPECTED = {
    "better-than-human-is-not": (
        "3 of its 5 rows lie below, 51.11 %, 54.67 % and 58.41 %, and so do 4 of the paper's six models",
        {"literature.human.discussion": "45.5"},
    ),
    "human-accuracy-without-its-error": ("65 % ± 5 %; a lead of 1.73 points", {OWN: "0.7323"}),
    "no-new-standard": (
        "up to 73.7 %, 6.47 points more, and the winner of the contest of 2013, whose report is the paper's reference",
        {OWN: "0.7523"},
    ),
    "little-for-its-size": ("66 % with 58,000 on the same images; the rest, 1.23 points, costs 137", {OWN: "0.7023"}),
    "benchmark-named-is-not-the-best": (
        "65.97 %, a lead of 1.26 points; Table 4 stops at 65.68 %",
        {"literature.cnn-8.table-1": "55.97", "literature.resnet50-16.conclusion": "65.68"},
    ),
    "two-networks-one-accuracy": ("VGGNET [16] at 51.11 %", {"literature.vggnet-16.table-4": "54.67"}),
    "densenet-12-is-a-resnet50": ("54.56 % is a ResNet50 by the text", {"literature.resnet50-12.text": "54.65"}),
    "vgg16-6-is-some-cnn": ("“VGG16 [6]” with 63.10 %", {"literature.cnn-6.text": "61.30"}),
    "vgg16-17-cites-an-eeg-paper": ("“Vgg16 [17]” with 46.58 %", {"literature.vgg16-17.table-1": "45.68"}),
    "densenet-16-is-a-mobilenet": ("its DenseNet has 56.11 %", {"literature.densenet-16.table-1": "56.11"}),
    "table-1-leaves-out": (
        "no row for works whose accuracy on FER-2013 the text reports: 60.7 % and 65 %.",
        {"literature.cnn-13.table-1": "60.7", "literature.cnn-8.table-1": "65"},
    ),
    "reference-20-misused": (
        "For that the paper cites [6], with 65.5 %",
        {"vgg16.reference.text": "21"},
    ),
}
"""Finding to words that it must have, and to facts with which it is no more."""


def test_every_finding_is_one_of_these() -> None:
    assert set(audited.found(literature)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_it_says_and_what_takes_it_away(name: str) -> None:
    words, changes = EXPECTED[name]
    assert words in audited.found(literature)[name].statement
    assert name not in audited.found(literature, audited.replaced(changes))


def test_as_good_as_people_is_not_below_them() -> None:
    found = audited.found(literature, audited.replaced({"literature.efficientnet-16.table-4": "65.5"}))
    assert "2 of its 5 rows lie below, 51.11 % and 54.67 %," in found["better-than-human-is-not"].statement


def test_only_better_records_are_held_against_it() -> None:
    found = audited.found(literature, audited.replaced({OWN: "0.7315"}))
    assert len(found["no-new-standard"].arithmetic.splitlines()) == 2  # 73.28 and 73.70; not 71.2 and 73.11


def test_the_contest_is_no_single_network_and_named_only_where_it_is_better() -> None:
    found = audited.found(literature, audited.replaced({OWN: "0.7215"}))
    assert "contest" not in found["no-new-standard"].statement
    assert "by secondary sources" in str(audited.found(literature)["no-new-standard"].source)


def test_the_human_figure_is_that_of_null_models_too() -> None:
    name = "human-accuracy-without-its-error"
    assert "65.5 % is the same figure as that of an ensemble of four null models" in (
        audited.found(literature)[name].arithmetic
    )
    other = audited.found(literature, audited.replaced({"literature.human.introduction": "65.0"}))
    assert "null models" not in other[name].arithmetic


def test_what_rests_on_other_sources_names_them() -> None:
    found = audited.found(literature)
    assert "10.56294/sctconf2024960" in str(found["vgg16-17-cites-an-eeg-paper"].source)
    assert "Goodfellow" in str(found["human-accuracy-without-its-error"].source)
    assert all(each.source in str(found["no-new-standard"].source) for each in literature.RECORDS)


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(literature))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(literature, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(literature, paper_text)
