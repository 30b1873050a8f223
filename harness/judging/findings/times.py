"""Training times against each other and against what the paper says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

from harness.judging.audit import Finding, Predicate
from harness.judging.throughput import distinct
from harness.judging.wording import Quote, listed
from harness.paper.facts import Fact, Facts
from harness.variants import VARIANTS

CONTRADICTORY: Final = 1.02
"""Two times for one training differ by more than what a second look at a clock explains."""
TWICE: Final = Quote("ResNet50 takes more than twice the time VGG16 takes to train", "Training Time Comparison")
CLAIMED_RATIO: Final = 2.0
HIGHER_RATES: Final = Quote(
    "In Table 5 all the approaches, the training rates of VGG16 are higher than those of ResNet50",
    "Training Time Comparison",
)
SHORTER: Final = Quote(
    "VGG16 takes a shorter time to train both from scratch and when fine-tuning", "Training Time Comparison"
)
SURPRISING: Final = Quote("It is quite surprising", "Training Time Comparison")
SOURCES: Final = ("table-5", "times", "table-6")
"""Where all six times stand, by `where` of the facts."""


def seconds(fact: Fact) -> str:
    """`8,764.24 s`."""
    return f"{fact.value:,.2f} s"


def _said(facts: Iterable[Fact]) -> str:
    """`8,764.24 s (Table 6), 1,218.66 s (Table 5, VGG16 Trained from Scratch)`, each time once."""
    places: dict[str, list[str]] = {}
    for fact in facts:
        places.setdefault(seconds(fact), []).append(fact.place)
    return ", ".join(f"{time} ({', '.join(found)})" for time, found in places.items())


def _spread(mentions: tuple[Fact, ...]) -> float:
    values = [fact.value for fact in mentions]
    return max(values) / min(values)


def times_of_one_training_differ(paper: Facts) -> Iterator[Finding]:
    """Several times for one training."""
    mentions = {name: paper.mentions(name, "seconds") for name in VARIANTS}
    apart = {name: found for name, found in mentions.items() if _spread(found) > CONTRADICTORY}
    if not apart:
        return
    worst = max(apart, key=lambda name: _spread(apart[name]))
    yield Finding(
        "times-of-one-training-differ",
        "contradictory",
        3,
        f"{len(apart)} of {len(VARIANTS)} trainings have several times, up to {_spread(apart[worst]):.1f}-fold apart: "
        f"{worst} took {_said(distinct(apart[worst]))}. No conclusion on computing cost can rest on them.",
        "\n".join(f"{name}: {_said(found)}: {_spread(found):.2f}-fold" for name, found in apart.items()),
        tuple(fact.name for found in apart.values() for fact in found),
    )


def digit_slips(paper: Facts) -> Iterator[Finding]:
    """Times of one training that are each other's but for a single digit."""
    slips: dict[tuple[str, str], list[tuple[Fact, Fact]]] = {}
    for name in VARIANTS:
        for one, other in combinations(distinct(paper.mentions(name, "seconds")), 2):
            digits = (seconds(one), seconds(other))
            if len(digits[0]) == len(digits[1]) and sum(a != b for a, b in zip(*digits, strict=True)) == 1:
                slips.setdefault(digits, []).append((one, other))
    for (first, second), pairs in slips.items():
        one, other = pairs[0]
        yield Finding(
            f"{one.subject}-time-differs-by-a-digit",
            "contradictory",
            1,
            f"{first} ({one.place}) and {second} ({other.place}) are said of "
            f"{listed(pair[0].subject for pair in pairs)}: one digit apart, a slip in one of them.",
            f"{other.value:,.2f} − {one.value:,.2f} = {other.value - one.value:,.2f} s",
            tuple(fact.name for pair in pairs for fact in pair),
        )


def equal_times_to_the_hundredth(paper: Facts) -> Iterator[Finding]:
    """Two trainings of different length that took the same time, to a hundredth of a second."""
    for architecture in ("vgg16", "resnet50"):
        one, other = (f"{architecture}-{strategy}" for strategy in ("transfer", "fine-tune"))
        times = paper[f"{one}.seconds.table-5"], paper[f"{other}.seconds.table-5"]
        epochs = [paper.mentions(name, "epochs")[:1] for name in (one, other)]
        if times[0].value != times[1].value or not all(epochs) or epochs[0][0].value == epochs[1][0].value:
            continue
        counts = [found[0] for found in epochs]
        rates = [time.value / count.value for time, count in zip(times, counts, strict=True)]
        yield Finding(
            f"{architecture}-times-equal-to-the-hundredth",
            "implausible",
            2,
            f"{one} and {other} both took {seconds(times[0])} ({times[0].place}), for {counts[0].printed} and "
            f"{counts[1].printed} epochs of different work. The paper is surprised too: {SURPRISING}.",
            f"{times[0].value:,.2f} / {counts[0].printed} = {rates[0]:.2f} s an epoch, {times[1].value:,.2f} / "
            f"{counts[1].printed} = {rates[1]:.2f} s: {max(rates) / min(rates):.2f}-fold, so equal to 1 part in "
            f"{times[0].value / times[0].resolution:,.0f} by chance alone",
            (*(fact.name for fact in times), *(fact.name for fact in counts)),
        )


def _ratios(paper: Facts, strategy: str) -> dict[str, tuple[Fact, Fact, float]]:
    """ResNet50's time over VGG16's, by where both stand."""
    found = {}
    for where in SOURCES:
        vgg16, resnet50 = (paper[f"{each}-{strategy}.seconds.{where}"] for each in ("vgg16", "resnet50"))
        found[where] = (vgg16, resnet50, resnet50.value / vgg16.value)
    return found


def more_than_twice(paper: Facts) -> Iterator[Finding]:
    """The claim that ResNet50 takes more than twice VGG16's time where weights are pre-trained."""
    ratios = {strategy: _ratios(paper, strategy) for strategy in ("transfer", "fine-tune")}
    refuting = [each for found in ratios.values() for each in found.values() if each[2] <= CLAIMED_RATIO]
    if not refuting:
        return
    table = [found["table-5"][2] for found in ratios.values()]
    everything = [each for found in ratios.values() for each in found.values()]
    yield Finding(
        "more-than-twice-the-time",
        "contradictory",
        3,
        f"{TWICE} is said of Table 5, where it takes "
        f"{listed(f'{ratio:.3f} times' for ratio in table)} as long ({listed(ratios)}). Of {len(everything)} pairs of "
        f"times in the paper {len(everything) - len(refuting)} bear it out.",
        "\n".join(
            f"{strategy}, {one.place}: {resnet50.value:,.2f} / {one.value:,.2f} = {ratio:.2f}"
            for strategy, found in ratios.items()
            for one, resnet50, ratio in found.values()
        ),
        tuple(fact.name for each in everything for fact in each[:2]),
    )


def vgg16_is_faster(paper: Facts) -> Iterator[Finding]:
    """ "In Table 5 all the approaches, the training rates of VGG16 are higher", whichever way one reads it."""
    ratios = {strategy: _ratios(paper, strategy)["table-5"] for strategy in ("scratch", "transfer", "fine-tune")}
    longer = [strategy for strategy, each in ratios.items() if each[2] < 1]
    shorter = [strategy for strategy, each in ratios.items() if each[2] > 1]
    if not longer or not shorter:
        return
    yield Finding(
        "training-rates-of-vgg16-higher",
        "contradictory",
        2,
        f"{HIGHER_RATES} is wrong whichever way it is read: "
        f"VGG16 takes less time for {listed(shorter)}, and more for {listed(longer)}.",
        "\n".join(
            f"{strategy}: VGG16 {seconds(vgg16)}, ResNet50 {seconds(resnet50)}: {ratio:.2f}"
            for strategy, (vgg16, resnet50, ratio) in ratios.items()
        ),
        tuple(fact.name for each in ratios.values() for fact in each[:2]),
    )


def vgg16_is_shorter(paper: Facts) -> Iterator[Finding]:
    """The claim that VGG16 trains in a shorter time from scratch and when fine-tuned."""
    found = [(strategy, *each) for strategy in ("scratch", "fine-tune") for each in _ratios(paper, strategy).values()]
    refuting = [each for each in found if each[3] < 1]
    if not refuting:
        return
    yield Finding(
        "vgg16-takes-a-shorter-time",
        "contradictory",
        2,
        f"{SHORTER} is not so "
        f"{listed(f'in {resnet50.place} for {strategy}' for strategy, _, resnet50, _ in refuting)}: {len(refuting)} of "
        f"{len(found)} pairs of times.",
        "\n".join(
            f"{strategy}, {vgg16.place}: VGG16 {seconds(vgg16)}, ResNet50 {seconds(resnet50)}: {ratio:.2f}"
            for strategy, vgg16, resnet50, ratio in found
        ),
        tuple(fact.name for each in found for fact in each[1:3]),
    )


def round_times(paper: Facts) -> Iterator[Finding]:
    """Times with two decimals that are whole seconds."""
    found = [fact for name in VARIANTS for fact in paper.mentions(name, "seconds")]
    exact = [fact for fact in found if fact.resolution < 1]
    whole = [fact for fact in exact if fact.value == round(fact.value)]
    if len(whole) < 2:
        return
    chance = 100 ** len(whole)
    yield Finding(
        "times-of-whole-seconds",
        "implausible",
        1,
        f"{listed(f'{seconds(fact)} ({fact.subject})' for fact in whole)} are whole seconds in {whole[0].place}, with "
        f'".00" printed; none of the other {len(exact) - len(whole)} times with decimals is. They were not measured as '
        "those were.",
        f"{len(whole)} times end in .00; measured to a hundredth that has a chance of 1 in {chance:,}",
        tuple(fact.name for fact in whole),
    )


def minutes_and_seconds(paper: Facts) -> Iterator[Finding]:
    """Minutes of a training against its seconds in Table 6."""
    for name in VARIANTS:
        headline = paper.headline(name, "seconds")
        for fact in paper.mentions(name, "minutes"):
            if abs(headline.value / 60 - fact.value) <= fact.resolution:
                continue
            yield Finding(
                f"{name}-minutes-against-table-6",
                "contradictory",
                1,
                f"{fact.place} has {name} trained in about {fact.printed} minutes; {headline.place}'s "
                f"{seconds(headline)} are {headline.value / 60:.0f}.",
                f"{headline.value:,.2f} / 60 = {headline.value / 60:.1f} min",
                (fact.name, headline.name),
            )


PREDICATES: tuple[Predicate, ...] = (
    times_of_one_training_differ,
    digit_slips,
    equal_times_to_the_hundredth,
    more_than_twice,
    vgg16_is_faster,
    vgg16_is_shorter,
    round_times,
    minutes_and_seconds,
)
