"""Training times against each other and against what the paper says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from harness.papers.facts import Fact
from harness.papers.finding import Finding
from harness.papers.paper import Paper, Predicate
from harness.papers.throughput import distinct
from harness.papers.wording import Quote, listed

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
WORDS: Final = {"scratch": "from scratch", "transfer": "by transfer", "fine-tune": "in fine-tuning"}
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


def times_of_one_training_differ(paper: Paper) -> Iterator[Finding]:
    """Several times for one training."""
    mentions = {name: found for name in paper.variants if (found := paper.facts.mentions(name, "seconds"))}
    apart = {name: found for name, found in mentions.items() if _spread(found) > CONTRADICTORY}
    if not apart:
        return
    worst = max(apart, key=lambda name: _spread(apart[name]))
    minutes = [
        fact for name in apart for fact in paper.facts.mentions(name, "minutes") if _is_another_time(paper, fact)
    ]
    yield Finding(
        "times-of-one-training-differ",
        "contradictory",
        3,
        f"{len(apart)} of {len(mentions)} trainings have several times, up to {_spread(apart[worst]):.1f}-fold "
        f"apart: {paper.called(worst)} took {_said(distinct(apart[worst]))}. No conclusion on computing cost can "
        "rest on them.",
        "\n".join(
            [
                *(f"{name}: {_said(found)}: {_spread(found):.2f}-fold" for name, found in apart.items()),
                *(_minutes_line(paper, fact) for fact in minutes),
                *_slips(apart),
            ]
        ),
        tuple(fact.name for fact in (*(each for found in apart.values() for each in found), *minutes)),
    )


def _is_another_time(paper: Paper, minutes: Fact) -> bool:
    return abs(paper.facts.headline(minutes.subject, "seconds").value / 60 - minutes.value) > minutes.resolution


def _minutes_line(paper: Paper, fact: Fact) -> str:
    headline = paper.facts.headline(fact.subject, "seconds")
    return (
        f"{fact.subject}: about {fact.printed} minutes ({fact.place}); {headline.place}'s {seconds(headline)} are "
        f"{headline.value / 60:.0f}"
    )


def _slips(apart: Mapping[str, tuple[Fact, ...]]) -> Iterator[str]:
    """Times of one training that are each other's but for a single digit."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, mentions in apart.items():
        for pair in combinations(distinct(mentions), 2):
            one, other = map(seconds, pair)
            if len(one) == len(other) and sum(map(str.__ne__, one, other)) == 1:
                found.setdefault((one, other), []).append(name)
    for (one, other), names in found.items():
        yield f"{one} and {other}, said of {listed(names)}: one digit apart, a slip in one of them"


def equal_times_to_the_hundredth(paper: Paper) -> Iterator[Finding]:
    """Two trainings of different length that took the same time, to a hundredth of a second."""
    for architecture in ("vgg16", "resnet50"):
        one, other = (f"{architecture}-{strategy}" for strategy in ("transfer", "fine-tune"))
        times = paper.facts[f"{one}.seconds.table-5"], paper.facts[f"{other}.seconds.table-5"]
        epochs = [paper.facts.mentions(name, "epochs")[:1] for name in (one, other)]
        if times[0].value != times[1].value or not all(epochs) or epochs[0][0].value == epochs[1][0].value:
            continue
        counts = [found[0] for found in epochs]
        rates = [time.value / count.value for time, count in zip(times, counts, strict=True)]
        yield Finding(
            f"{architecture}-times-equal-to-the-hundredth",
            "implausible",
            2,
            f"{paper.called(one)} and {paper.called(other)} both took {seconds(times[0])} ({times[0].place}), for "
            f"{counts[0].printed} and {counts[1].printed} epochs. Two independent runs agreeing to "
            f"{times[0].resolution:g} s in {times[0].value:,.0f} s is no coincidence: one time was copied, or both are "
            f"one measurement. The paper is surprised too: {SURPRISING}.",
            f"{times[0].value:,.2f} / {counts[0].printed} = {rates[0]:.2f} s an epoch, {times[1].value:,.2f} / "
            f"{counts[1].printed} = {rates[1]:.2f} s: {max(rates) / min(rates):.2f}-fold\n"
            f"as we read them the first trains the head alone and the second layers of the base too",
            (*(fact.name for fact in times), *(fact.name for fact in counts)),
        )


def _ratios(paper: Paper, strategy: str) -> dict[str, tuple[Fact, Fact, float]]:
    """ResNet50's time over VGG16's, by where both stand."""
    found = {}
    for where in SOURCES:
        vgg16, resnet50 = (paper.facts[f"{each}-{strategy}.seconds.{where}"] for each in ("vgg16", "resnet50"))
        found[where] = (vgg16, resnet50, resnet50.value / vgg16.value)
    return found


def more_than_twice(paper: Paper) -> Iterator[Finding]:
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


def vgg16_is_faster(paper: Paper) -> Iterator[Finding]:
    """Two claims that VGG16 trains faster; "rates" that are "higher" are refuted whichever way one reads them."""
    pairs = {strategy: _ratios(paper, strategy) for strategy in ("scratch", "transfer", "fine-tune")}
    claimed = [(strategy, *each) for strategy in ("scratch", "fine-tune") for each in pairs[strategy].values()]
    refuting = [f"in {resnet50.place} {WORDS[strategy]}" for strategy, _, resnet50, ratio in claimed if ratio < 1]
    table = {WORDS[strategy]: found["table-5"][2] for strategy, found in pairs.items()}
    shorter, longer = ([each for each, ratio in table.items() if (ratio > 1) is wanted] for wanted in (True, False))
    if not refuting and not (shorter and longer):
        return
    told = []
    if refuting:
        holds = len(claimed) - len(refuting)
        told.append(f"{SHORTER} holds in {holds} of {len(claimed)} pairs of times; not {_or(refuting)}.")
    if shorter and longer:
        told.append(
            f"{HIGHER_RATES} is wrong whichever way it is read: there VGG16 takes less time {listed(shorter)}, and "
            f"more {listed(longer)}."
        )
    used = [*claimed, ("transfer", *pairs["transfer"]["table-5"])]
    yield Finding(
        "vgg16-takes-a-shorter-time",
        "contradictory",
        2,
        " ".join(told),
        "\n".join(
            f"{strategy}, {vgg16.place}: VGG16 {seconds(vgg16)}, ResNet50 {seconds(resnet50)}: {ratio:.2f}"
            for strategy, vgg16, resnet50, ratio in used
        ),
        tuple(fact.name for each in used for fact in each[1:3]),
    )


def _or(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def round_times(paper: Paper) -> Iterator[Finding]:
    """Times with two decimals that are whole seconds."""
    found = [fact for name in paper.variants for fact in paper.facts.mentions(name, "seconds")]
    exact = [fact for fact in found if fact.resolution < 1]
    whole = [fact for fact in exact if fact.value == round(fact.value)]
    if len(whole) < 2:
        return
    others = [fact for fact in exact if fact not in whole]
    values = {fact.value for fact in others}
    yield Finding(
        "times-of-whole-seconds",
        "implausible",
        1,
        f"{listed(f'{seconds(fact)} ({paper.called(fact.subject)})' for fact in whole)} are whole seconds in "
        f'{whole[0].place}, with ".00" printed; none of the {len(values)} other times with decimals is. They were '
        "hardly measured as those were.",
        f"{len(whole)} times end in .00; the {len(others)} other mentions of times with decimals hold {len(values)} "
        f"distinct numbers: {', '.join(f'{value:,.2f}' for value in sorted(values))}",
        tuple(fact.name for fact in whole),
    )


PREDICATES: tuple[Predicate, ...] = (
    times_of_one_training_differ,
    equal_times_to_the_hundredth,
    more_than_twice,
    vgg16_is_faster,
    round_times,
)
