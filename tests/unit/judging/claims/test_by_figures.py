"""What the paper's own figures say to its claims."""

from __future__ import annotations

import pytest

from harness.judging.claims.by_figures import PapersWord, papers_word
from tests.support.papers import PAPER


def word(name: str, **printed: str) -> PapersWord:
    """Of one claim; digits by the name of a fact, whose dots and hyphens are `__` and `_`."""
    changed = {key.replace("__", ".").replace("_", "-"): digits for key, digits in printed.items()}
    return papers_word(PAPER.claims[name], PAPER.facts.replaced(changed))


@pytest.mark.parametrize(
    ("name", "kind", "seen"),
    [
        ("scratch-is-best", "agrees", "accuracy, vgg16-scratch − vgg16-transfer: 67.23 % against 67.15 %"),
        ("transfer-is-best-for-vgg16", "contradicts",
         "accuracy, vgg16-transfer − vgg16-scratch: 67.15 % against 67.23 %"),
        ("fine-tuning-costs-vgg16-little", "contradicts",
         "accuracy, vgg16-fine-tune − vgg16-scratch + 5.00 points: 48.13 % against 67.23 %"),
        ("fine-tuning-overfits", "contradicts", "gap between training and tests, vgg16-fine-tune: −1.63 points"),
        ("resnet50-generalises-better", "agrees",
         "training accuracy ÷ test accuracy, vgg16-scratch − resnet50-scratch: 1.080 against 1.027"),
        ("vgg16-leads-most-by-transfer", "agrees",
         "accuracy, VGG16 − ResNet50, middle one of three strategies: +12.54 points, +38.69 points, +23.38 points"),
        ("every-method-beats-humans", "contradicts", "vggnet-16 of Table 4 − human estimate: 51.11 − 65.5 %"),
        ("better-than-human", "agrees", "accuracy, vgg16-scratch − human estimate: 67.23 % against 65.50 %"),
        ("happy-and-neutral-are-easy", "agrees in part",
         "recall, worse of happy and neutral − better of fear and disgust, vgg16-scratch: +19.50 points"),
        ("vgg16-fine-tune-excels-in-happy", "contradicts", "recall, happy − best other, vgg16-fine-tune: −2.73 points"),
        ("resnet50-fine-tune-answers-happy", "agrees",
         "share of answers, happy, resnet50-fine-tune: 100.00 %, held against 50.00 %"),
        ("resnet50-takes-twice-the-time", "contradicts",
         "seconds of training, resnet50-transfer ÷ vgg16-transfer, held against 2: 5,803 s against 16,305 s"),
        ("validation-loss-levels-off-higher", "agrees in part",
         "watched loss less training loss, nats, vgg16-transfer: +0.51"),
        ("training-rates-are-higher", "contradicts", "1218.66 < 1445.48, 16304.71 > 15811.03, 16326.17 > 15811.03"),
    ],
)  # fmt: skip
def test_a_claim_is_held_against_the_headlines(name: str, kind: str, seen: str) -> None:
    found = word(name)
    assert found.kind == kind
    assert seen in str(found.seen[0])


@pytest.mark.parametrize(
    "name",
    [
        "pretraining-converges-faster",  # curves are pictures
        "class-weights-address-imbalance",  # the paper reports no run of a reading
        "vgg16-transfer-confuses-two-pairs",  # Figure 12 cannot be read
        "resnet50-needs-more-computation",  # operations are ours to count
    ],
)
def test_what_the_paper_does_not_print_says_nothing(name: str) -> None:
    assert word(name) == PapersWord("not given", ())


def test_another_figure_gives_another_word() -> None:
    assert word("transfer-is-best-for-vgg16", vgg16_transfer__accuracy__table_6="0.70").kind == "agrees"
