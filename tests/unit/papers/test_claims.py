"""The claims of the paper as data: their words stand in the paper, and what cannot be asked is refused."""

from __future__ import annotations

import tomllib
from typing import get_args

import pytest

from harness.interface import CLASSES
from harness.papers.claims import Claim, ClaimError, check_variants, read_claims
from harness.papers.review import audit
from harness.papers.stated import Class
from tests.support.papers import PAPER


@pytest.mark.parametrize("claim", PAPER.claims.values(), ids=lambda claim: claim.name)
def test_a_quote_and_its_place_stand_in_the_paper(claim: Claim, paper_text: str) -> None:
    assert claim.quote in paper_text
    assert claim.place == "Abstract" or claim.place in paper_text  # the abstract has no heading


def test_the_claims_that_had_to_be_there() -> None:
    assert len(PAPER.claims) == 45
    assert {
        "vgg16-beats-resnet50", "transfer-is-best-for-vgg16", "scratch-is-best", "fine-tuning-benefits-most",
        "fine-tuning-reduces-accuracy", "pretraining-converges-faster", "happy-and-neutral-are-easy",
        "resnet50-generalises-better", "better-than-human", "resnet50-takes-twice-the-time", "vgg16-trains-faster",
        "pretraining-takes-longer", "fine-tuning-overfits", "stop-rule-avoids-overfitting",
        "resnet50-scratch-confuses-sad-and-neutral", "vgg16-fine-tune-excels-in-happy",
        "class-weights-address-imbalance", "augmentation-improves-generalisation",
    } <= PAPER.claims.keys()  # fmt: skip


def test_classes_are_those_of_the_interface() -> None:
    assert get_args(Class) == CLASSES


def test_every_finding_that_a_claim_lists_is_one_of_the_review() -> None:
    names = {each.name for each in audit(PAPER)}
    assert {name for claim in PAPER.claims.values() for name in claim.findings} <= names


def written(*, quote: str = "words", holds_if: str = "", more: str = "") -> str:
    """A claims.toml with one claim; its comparison is of VGG16 and ResNet50 from scratch where none is given."""
    stated = holds_if or 'kind = "greater", measure = "accuracy", first = "vgg16-scratch", second = "resnet50-scratch"'
    return f'[a]\nquote = "{quote}"\nplace = "here"\nmeans = "much"\nholds_if = [{{ {stated} }}]\n{more}'


def read(text: str) -> None:
    for claim in read_claims(tomllib.loads(text)).values():
        check_variants(claim, PAPER.find_variant)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (written(quote="word " * 21), "claim a: a quote of 21 words; expected 1 to 20"),
        (written(quote=""), "claim a: a quote of 0 words"),
        (written().replace("holds_if = [{", "holds_if = [] # {"), "claim a: holds_if is empty"),
        (written(more="needs = []"), "claim a: needs: unknown key; known are name, quote, place, means, holds_if, "),
        (written(holds_if='kind = "more"'), "claim a: holds_if, comparison 1: .*'more'.* expected tags: 'greater', "),
        (
            written(holds_if='kind = "greater", measure = "speed", first = "a", second = "b"'),
            "claim a: holds_if, comparison 1, greater, measure: Input should be 'accuracy', ",
        ),
        (
            written(holds_if='kind = "above", measure = "gap", variant = "a", then = 1'),
            "holds_if, comparison 1, above, then: unknown key; known are kind, measure, variant, than, fewest_epochs",
        ),
        (written(holds_if='kind = "above", measure = "gap"'), "comparison 1, above, variant: Field required"),
        (
            written(holds_if='kind = "seconds", first = "a", second = "b"'),
            "comparison 1, seconds: expected one of ratio_above and ratio_below",
        ),
        (
            written(holds_if='kind = "above", measure = "gap", variant = "vgg17-scratch"'),
            "claim a: unknown variant 'vgg17-scratch'",
        ),
        (
            written(holds_if='kind = "above", measure = "gap", variant = "vgg16-scratch@stopped"'),
            "names 'vgg16-scratch@stopped', which is called 'vgg16-scratch'",
        ),
    ],
)
def test_a_claim_that_cannot_be_asked_is_refused(text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read(text)


def test_a_claim_needs_the_variants_that_it_names() -> None:
    (claim,) = read_claims(tomllib.loads(written())).values()
    assert claim.needs == claim.variants == ("vgg16-scratch", "resnet50-scratch")
    counted = PAPER.claims["resnet50-needs-more-computation"]
    assert (counted.needs, len(counted.variants)) == ((), 6)
