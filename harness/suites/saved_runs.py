"""What is known of a finished run: all of it from its record, its sums from a saved benchmark alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.measuring.gpu import doubts
from harness.records.record import RunRecord

MOST_SECONDS: Final = 1e9
MOST_EPOCHS: Final = 10**6
MOST_PHASES: Final = 10**3
_LONGEST_WORD: Final = 200
_LABEL: Final = re.compile(
    r"-(?P<implementation>pytorch|keras3)(-(?P<backend>jax|torch|tensorflow))?"
    r"(-(?P<pipeline>generator|manual))?(-\d+views)?(-(?P<precision>tf32|mixed))?(-batch\d+)?"
    r"(?P<checkpointing>-checkpointing)?(?P<deterministic>-deterministic)?-seed(?P<seed>\d{1,10})-\d{8}T\d+"
)
"""How a record is named: `RunSpec.label` and the time."""
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(@[a-z0-9-]+(,[a-z0-9-]+)*)?")
"""Of a variant with its readings."""
_OF_LENGTH: Final = frozenset({"epochs", "phases", "name", "pipeline"})
"""Fields of a variant that do not change what an epoch does; phases do where there are several."""
_WORK: Final = {"deterministic": bool, "checkpointing": bool, "batch_size": int}
"""Of what a benchmark says, what also decides how long an epoch takes, as `_work` calls it."""


class Unusable(ValueError):
    """A run that cannot be compared; the message says why, without its name."""


@dataclass(frozen=True)
class SavedRun:
    """A complete run. What is not known is missing from the mappings, and then keeps nothing apart.

    Attributes:
        name: Of its record, or of the test.
        variant: With its reading.
        implementation: `keras3` or `pytorch`.
        seed: Of the run.
        epochs: Complete ones.
        training_seconds: Sum over them.
        accuracy: On paper_test, a fraction.
        training_images: An epoch.
        test_images: In paper_test.
        history: Seconds of training and of evaluation of each epoch; empty where the record is not at hand.
        without_history: Why it is empty.
        labels: Backend, pipeline, precision: what makes it another row of the table.
        work: What else decides how long an epoch takes, the machine left aside.
        training: What else decides how accurate it becomes.
        conditions: Device and versions.
        was_cut: Seconds ended it; another run of as many has other epochs.
        phases: How many its variant has; None where nobody says.
    """

    name: str
    variant: str
    implementation: str
    seed: int
    epochs: int
    training_seconds: float
    accuracy: float
    training_images: float | None = None
    test_images: int | None = None
    history: tuple[tuple[float, float], ...] = ()
    without_history: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    work: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    was_cut: bool = False
    phases: int | None = None


def agree(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether nothing that both know differs."""
    return not differing(one, other)


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """Names of what both know and that differs."""
    return [name for name, value in one.items() if name in other and other[name] != value]


def from_record(record: RunRecord) -> SavedRun:
    """Everything that a record says of these.

    Raises:
        Unusable: If the run is not complete, or its seconds or its accuracy are none.
    """
    if record.status != "complete":
        raise Unusable(f"run {record.status}")
    spec, data, history = record.spec, record.dataset, record.history
    seconds = [
        (_number(each.training_seconds, "training_seconds", MOST_SECONDS), each.evaluation_seconds) for each in history
    ]
    for _, evaluation in seconds:
        _number(evaluation, "evaluation_seconds", MOST_SECONDS, least=0.0)
    score = record.scores["paper_test"]
    return SavedRun(
        name=word(record.run),
        variant=word(spec.asked.name),
        phases=len(spec.asked.phases),
        implementation=spec.implementation,
        seed=spec.seed,
        epochs=len(history),
        training_seconds=sum(training for training, _ in seconds),
        accuracy=_number(score.accuracy, "accuracy", 1.0, least=0.0),
        training_images=data.training_examples if data else None,
        test_images=score.examples,
        history=tuple(seconds),
        labels=_known({"backend": spec.keras_backend, "pipeline": spec.pipeline, "precision": spec.precision}),
        work=_work(record),
        training=_training(record),
        conditions=_conditions(record),
        was_cut=record.is_ended_by_seconds,
    )


def from_benchmark(
    name: str, extra: Mapping[str, Any], params: Mapping[str, Any], *, machine: Mapping[str, str], why: str
) -> SavedRun:
    """What a saved benchmark says by itself: sums, no epochs. What it does not say, the record's name may.

    Args:
        name: Of the test.
        extra: Its `extra_info`.
        params: Its `params`.
        machine: Of the file, by name.
        why: Why the record is not at hand.

    Raises:
        Unusable: If something is missing or wrong that a comparison needs.
    """
    record = str(extra.get("record", ""))[:_LONGEST_WORD]
    label = _LABEL.search(record)
    named: dict[str, Any] = label.groupdict() if label else {}
    if label:  # what is as usual is not in a name
        named |= {"pipeline": named["pipeline"] or "device", "precision": named["precision"] or "float32"}
        named["checkpointing"] = named["checkpointing"] is not None
        named["deterministic"] = True if named["deterministic"] else None  # names did not always say so
    given = {**named, **params, **{key: value for key, value in extra.items() if value is not None}}
    if extra.get("accuracy") is None:
        raise Unusable("extra_info has no accuracy, so the run was not complete")
    epochs = _count(given, "epochs", MOST_EPOCHS, least=1)
    seconds = _number(given.get("training_seconds"), "training_seconds", MOST_SECONDS)
    rate = given.get("training_images_per_second", given.get("images_per_second"))
    seed = named.get("seed")
    return SavedRun(
        name=word(record.removesuffix(".json") or name),
        variant=_variant(given.get("variant")),
        phases=_count(given, "phases", MOST_PHASES, least=1) if "phases" in given else None,
        implementation=_implementation(given.get("implementation")),
        seed=int(seed) if seed and given["seed"] == seed else _count(given, "seed", 2**32 - 1),
        epochs=epochs,
        training_seconds=seconds,
        accuracy=_number(given["accuracy"], "accuracy", 1.0, least=0.0),
        training_images=None if rate is None else _number(rate, "images_per_second", 1e12) * seconds / epochs,
        without_history=why,
        labels=_known(
            {
                "backend": given.get("keras_backend", given.get("backend")),
                "pipeline": given.get("pipeline"),
                "precision": given.get("precision"),
            }
        ),
        work={name: given[name] for name, kind in _WORK.items() if type(given.get(name)) is kind},
        training=_known({"budget": given.get("budget")}),
        conditions={**machine, **_known({"device": given.get("device")})},
    )


def word(value: object) -> str:
    """A name as it can be shown: no letter of it moves the cursor, and it ends."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(value)[:_LONGEST_WORD])
    return shown or "?"


def _known(values: Mapping[str, object]) -> dict[str, str]:
    return {name: word(value) for name, value in values.items() if isinstance(value, str) and value}


def _work(record: RunRecord) -> dict[str, object]:
    spec, data, variant = record.spec, record.dataset, record.spec.variant
    phases = variant.phases if len(variant.phases) > 1 else tuple(phase.trainable for phase in variant.phases)
    return {
        **{name: value for name, value in vars(variant).items() if name not in _OF_LENGTH},
        "phases": phases,
        "protocol": spec.protocol,
        "features kept": spec.cached_features,
        "views": spec.views,
        "deterministic": spec.deterministic,
        "checkpointing": spec.checkpointing,
        "training images": data and data.training_examples,
        "watched images": data and data.watched_examples,
    }


def _training(record: RunRecord) -> dict[str, object]:
    spec, data = record.spec, record.dataset
    return {
        "budget": spec.budget.name,
        "epochs": spec.variant.epochs,
        "data": data and data.digest,
        "test images": data and data.test_examples,
        "first weights": record.weights.source,
    }


def _conditions(record: RunRecord) -> dict[str, str]:
    environment = record.environment
    return {
        **_known(
            {
                "device": environment.gpu or environment.cpu,
                "driver": environment.gpu_driver,
                "processor": f"{environment.cpu}, {environment.cpu_cores} cores",
                "system": environment.operating_system,
                "python": environment.python,
                "commit": environment.git_commit,
                "GPU disturbed": record.gpu and (", ".join(doubts(record.gpu.identity, record.gpu.use)) or "no"),
            }
        ),
        **{word(name): word(version) for name, version in environment.versions.items()},
    }


def _variant(value: object) -> str:
    if not isinstance(value, str):
        raise Unusable("neither params nor extra_info name the variant")
    if not _NAME.fullmatch(value):
        raise Unusable(f"variant {word(value)}, expected a name such as network-strategy@reading")
    return value


def _implementation(value: object) -> str:
    if value not in ("keras3", "pytorch"):
        raise Unusable(f"implementation {word(value)}, expected keras3 or pytorch")
    return str(value)


def _number(value: object, name: str, most: float, *, least: float | None = None) -> float:
    """A number within its bounds, which NaN is not. Without `least` it must be above 0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (value > 0 if least is None else value >= least) or not value <= most:  # type: ignore[operator]
        bound = "above 0" if least is None else f"from {least:g}"
        raise Unusable(f"{name} = {word(value)[:30]}, expected a number {bound} to {most:g}")
    return float(value)  # type: ignore[arg-type]


def _count(given: Mapping[str, Any], name: str, most: int, *, least: int = 0) -> int:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Unusable(f"{name} = {word(value)[:30]}, expected a whole number from {least} to {most:,}")
    return value
