"""What the paper leaves out: it is all there, and it would be gone had the paper said it."""

from __future__ import annotations

import pytest

from harness.papers.facts import Facts, facts
from harness.papers.jahangir2024.review import unsaid
from harness.papers.variants import VARIANTS, paper_fields, sources
from tests.support import audited

SAID = {
    "class-weights-without-weights": audited.with_fact("vgg16-scratch.class-weights.text", "9.4"),
    "one-run-without-a-spread": audited.with_fact("vgg16-scratch.runs.text", "5"),
    "which-epoch-is-reported": audited.with_fact("vgg16-scratch.best-epoch.text", "78", "epochs"),
    "software-without-versions": audited.with_fact("hardware.version.setup", "2.10"),
    "auc-values-not-printed": audited.with_fact("vgg16-scratch.auc.figure-21", "0.91", "rate"),
    "real-time-unmeasured": audited.with_fact("vgg16-scratch.latency.text", "0.02", "seconds"),
}
"""Finding to the paper as it would be had it said that."""
NAMES = {f"{name}-leaves-open" for name in VARIANTS} | {
    *SAID, "augmentation-without-magnitudes", "matrices-that-cannot-be-read",
}  # fmt: skip


def test_every_finding_is_one_of_these() -> None:
    found = audited.found(unsaid)
    assert set(found) == NAMES
    assert {finding.grade for finding in found.values()} == {"unsaid"}


@pytest.mark.parametrize("name", SAID)
def test_had_it_been_said_there_would_be_no_finding(name: str) -> None:
    assert name not in audited.found(unsaid, SAID[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_every_assumed_field_of_a_variant_is_named_with_its_reason(name: str) -> None:
    finding = audited.found(unsaid)[f"{name}-leaves-open"]
    lines = finding.arithmetic.splitlines()
    for field in paper_fields():
        source = sources(name)[field]
        mark = f"{field}, in part: " if source.quote else f"{field}: "
        expected = [f"{mark}{' '.join(source.assumed.split())}"] if source.assumed else []
        assert [line for line in lines if line.startswith((f"{field}: ", f"{field}, in part: "))] == expected
        assert (field.replace("_", " ") in finding.statement) == bool(source.assumed)


def test_what_is_open_is_printed_beside_the_papers_number() -> None:
    assert "67.23 %" in audited.found(unsaid)["vgg16-scratch-leaves-open"].statement
    changed = audited.found(unsaid, audited.replaced({"vgg16-scratch.accuracy.table-6": "0.7000"}))
    assert "70.00 %" in changed["vgg16-scratch-leaves-open"].statement


def test_class_weights_are_held_against_the_matrices() -> None:
    statement = audited.found(unsaid)["class-weights-without-weights"].statement
    assert "count disgust 9.4 times" in statement
    assert "62, 0, 0 and 0 times, for 111 such images" in statement
    often = audited.replaced({"vgg16-scratch.confusion-angry.figure-20": "366 209 113 29 136 95 10"})
    assert "class-weights-without-weights" not in audited.found(unsaid, often)  # 262 answers: as if weighted


def test_magnitudes_that_are_said_are_not_missed() -> None:
    name = "augmentation-without-magnitudes"
    assert "rotation, width-shift, height-shift, shear and zoom" in audited.found(unsaid)[name].statement
    found = audited.found(unsaid, audited.with_fact("vgg16-scratch.rotation.text", "20"))
    assert "given for width-shift, height-shift, shear and zoom" in found[name].statement
    paper = facts()
    for quantity in unsaid.AUGMENTATION_QUANTITIES:
        added = audited.with_fact(f"vgg16-scratch.{quantity}.text", "0.2")
        paper = Facts({**paper, **added})
    assert name not in audited.found(unsaid, paper)


def test_one_run_is_worth_dozens_of_images() -> None:
    finding = audited.found(unsaid)["one-run-without-a-spread"]
    assert "2 decimals of a per cent, 0.7 images; another seed typically moves them by about 29." in finding.statement


def test_models_with_one_accuracy_need_no_epoch() -> None:
    name = "which-epoch-is-reported"
    assert "fine-tuned VGG16 has 48.13 %, 46.50 % and 64.80 %" in audited.found(unsaid)[name].statement
    agreed = {
        "vgg16-scratch.accuracy.text": "67.23",
        "vgg16-scratch.accuracy.text-2": "67.23",
        "vgg16-transfer.accuracy.text": "67.15",
        "vgg16-fine-tune.accuracy.text": "48.13",
        "vgg16-fine-tune.accuracy.abstract": "48.13",
    }
    assert name not in audited.found(unsaid, audited.replaced(agreed))


def test_two_matrices_cannot_be_read() -> None:
    finding = audited.found(unsaid)["matrices-that-cannot-be-read"]
    assert "In the text we work from, Figures 12 and 18 came through as pictures" in finding.statement
    assert "VGG16 by transfer and ResNet50 from scratch" in finding.statement
    assert finding.weight == 1
    rows = {f"{name}.confusion-angry.figure-12": audited.with_fact(f"{name}.confusion-angry.figure-12", "958")
            for name in ("vgg16-transfer", "resnet50-scratch")}  # fmt: skip
    paper = facts()
    for added in rows.values():
        paper = Facts({**paper, **added})
    assert "matrices-that-cannot-be-read" not in audited.found(unsaid, paper)


def test_software_is_named_without_versions() -> None:
    finding = audited.found(unsaid)["software-without-versions"]
    assert "of software Keras, NumPy and matplotlib by name, no version" in finding.statement
    assert not {"hardware.gpu-fans.setup", "hardware.cpu-family.setup"} & set(finding.facts)


def test_no_area_under_a_curve_is_printed() -> None:
    assert "not one of the 7 values is printed" in audited.found(unsaid)["auc-values-not-printed"].statement


@pytest.mark.parametrize(("finding", "name"), audited.every_fact(unsaid))
def test_each_fact_it_names_matters(finding: str, name: str) -> None:
    audited.check_rests_on(unsaid, finding, name)


def test_quotes_stand_in_the_paper(paper_text: str) -> None:
    audited.check_quotes(unsaid, paper_text)
