"""What a run may be asked for, each option declared once.

The command line, pytest, the environment and `[tool.ferbench]` of a pyproject.toml offer what `RunOptions` has; the
spec, the label and the pairing of runs take it from here.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from harness.errors import UserError
from harness.registry import KerasBackend
from harness.training.budget import BudgetName
from harness.training.rows import ProtocolName
from harness.variant import Pipeline

Device = Literal["cpu", "gpu"]
TrainingPrecision = Literal["float32", "tf32", "mixed"]

DEFAULT_PAPER: Final = "jahangir2024"
PYPROJECT: Final = "pyproject.toml"
"""Of the current folder. Its table `[tool.ferbench]` names options as the command line does: `batch-size = 16`."""


class OptionError(UserError, ValueError):
    """An option has a value that it cannot have. The message says where it was given, and what was expected."""


@dataclass(frozen=True)
class Option:
    """What there is to say of an option beside its name, type and default.

    Attributes:
        help: For the command line and pytest.
        shown_default: What stands for a default of None.
        minimum: Smallest number.
        maximum: Largest number.
        metavar: What the value is called in the help.
        variable: Its environment variable; None for `FERBENCH_` and its name.
        suite_default: Default of pytest's gpu tests, where it is another one.
        is_common: Whether other pytest plugins may have an option of this name, so that pytest's is prefixed.
        of_suite: Whether pytest offers it.
        of_reproduce: Whether it makes sense for all variants at once.
        is_asked: Whether two runs that differ in it were asked different things.
        label: How a run's label names a value that is not the default; None leaves it out.
    """

    help: str
    shown_default: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None
    variable: str | None = None
    suite_default: str | None = None
    is_common: bool = True
    of_suite: bool = True
    of_reproduce: bool = True
    is_asked: bool = True
    label: str | None = None


def _option(default: object, help: str, **said: Any) -> Any:
    return dataclasses.field(default=default, metadata={"option": Option(help, **said)})


@dataclass(frozen=True)
class RunOptions:
    """What a run may be asked for; each field's metadata is its `Option`."""

    paper: str = _option(
        DEFAULT_PAPER,
        "A paper that is built in, by its name, or the folder of another one.",
        metavar="NAME|DIR",
    )
    fer2013: Path | None = _option(
        None,
        "FER-2013 as zip, folder, fer2013.csv or icml_face_data.csv. Without it: toyfaces, drawn faces.",
        metavar="PATH", is_common=False, is_asked=False,
    )  # fmt: skip
    allow_deviating_data: bool = _option(
        False, "Accept a FER-2013 that differs from the known one.", of_suite=False, is_asked=False
    )
    budget: BudgetName | None = _option(
        None,
        "smoke: 960 images, 2 epochs; times: 4 epochs; hour: 3,600 s a run, whole epochs, at least one; paper: all of "
        "it; rehearsal: as little as passes through all.",
        shown_default="smoke on toyfaces, hour on FER-2013",
        suite_default="paper",
    )
    budget_seconds: float | None = _option(
        None,
        "Seconds a run, whole epochs, at least one; replaces --budget's.",
        minimum=1,
        maximum=10**8,
        of_suite=False,
    )
    epochs: int | None = _option(
        None, "At most so many; without --budget, no other cap holds.", minimum=1, of_suite=False, of_reproduce=False
    )
    examples: int | None = _option(
        None, "Train on so many images, by class; likewise.", minimum=7, of_suite=False, of_reproduce=False
    )
    protocol: ProtocolName = _option(
        "paper", "paper: the rules watch the tests; honest: a tenth of training.", of_suite=False
    )
    seed: int = _option(0, "Of weights, order, augmentation and dropout.", minimum=0, maximum=2**32 - 1, of_suite=False)
    device: Device = _option("cpu", "Where to compute; never a silent fall-back.", suite_default="gpu", is_asked=False)
    threads: int | None = _option(
        None, "CPU threads.", shown_default="the framework's", minimum=1, of_suite=False, is_asked=False
    )
    keras_backend: KerasBackend | None = _option(
        None, "For keras3.", shown_default="KERAS_BACKEND, else jax", is_common=False, is_asked=False
    )
    weights_dir: Path | None = _option(
        None,
        "Folder of ImageNet weights.",
        shown_default="the frameworks' caches, then a download", metavar="DIR", variable="FERBENCH_WEIGHTS",
        is_common=False, is_asked=False,
    )  # fmt: skip
    stand_in_weights: bool = _option(False, "Draw weights in place of ImageNet's; recorded, and never comparable.")
    pipeline: Pipeline = _option(
        "device",
        "device: pixels in the framework's own step; generator, manual: the paper's two ways, the only ones on which "
        "its seconds are judged.",
        label="{}",
    )
    views: int | None = _option(
        None,
        "Show so many augmented views of each image in turn.",
        shown_default="a new one an epoch", minimum=1, of_suite=False, of_reproduce=False, label="{}views",
    )  # fmt: skip
    cached_features: int | None = _option(
        None,
        "Compute a frozen base once for so many augmented views of each image (1: as it is, where none is augmented) "
        "and keep what it gives on disk; implies --views.",
        minimum=1, metavar="VIEWS", of_suite=False, of_reproduce=False,
    )  # fmt: skip
    precision: TrainingPrecision = _option(
        "float32",
        "float32: TF32 off; tf32: GPUs alone, as TensorFlow does there; mixed: bfloat16, not comparable.",
        label="{}",
    )
    batch_size: int | None = _option(
        None,
        "Images a step in place of the paper's 32: needs less memory, and is not comparable.",
        minimum=1, of_reproduce=False, label="batch{}",
    )  # fmt: skip
    checkpointing: bool = _option(
        False,
        "Keep the inputs of blocks alone and compute the rest again: less memory, more time.",
        label="checkpointing",
    )
    deterministic: bool = _option(
        False,
        "The same bits again, on a GPU too; an error where it has no way to.",
        label="deterministic",
    )
    save_weights: bool = _option(
        False, "Keep the weights after training beside the record, by canonical names.", is_asked=False
    )
    results_dir: Path | None = _option(
        None, "Where records of runs are written.", shown_default="results", metavar="DIR", is_asked=False
    )


OPTIONS: Final[Mapping[str, Option]] = {each.name: each.metadata["option"] for each in dataclasses.fields(RunOptions)}
DEFAULTS: Final[Mapping[str, Any]] = {each.name: each.default for each in dataclasses.fields(RunOptions)}


@cache
def kinds() -> Mapping[str, Any]:
    """Type of each option's value where one is given, by name: `int`, `bool`, `float`, `str`, `Path` or a `Literal`."""
    hints = typing.get_type_hints(RunOptions)
    return {name: _without_none(hint) for name, hint in hints.items()}


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    (kind,) = (each for each in get_args(hint) if each is not types.NoneType)
    return kind


def choices(name: str) -> tuple[str, ...]:
    """What an option may be; empty where it is no choice."""
    kind = kinds()[name]
    return get_args(kind) if typing.get_origin(kind) is Literal else ()


def variable(name: str) -> str:
    """The environment variable of an option."""
    return OPTIONS[name].variable or f"FERBENCH_{name.upper()}"


def flag(name: str) -> str:
    """What an option is called on the command line."""
    return f"--{name.replace('_', '-')}"


def suite_flag(name: str) -> str:
    """What an option is called by pytest."""
    return f"--ferbench-{name.replace('_', '-')}" if OPTIONS[name].is_common else flag(name)


def resolve(
    given: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    called: Callable[[str], str] = flag,
) -> RunOptions:
    """Options as given, else from the environment, else from `[tool.ferbench]`, else the default.

    Args:
        given: Values by name, None for what was not given. What is not among the names keeps its default.
        defaults: In place of those of `RunOptions`.
        environment: Of this process if left out. An empty variable is none.
        folder: Of the pyproject.toml; the current one if left out.
        called: What an option is called where it was given, for the error.

    Raises:
        OptionError: If a value is none that the option can have, or pyproject.toml has an option that does not exist.
    """
    variables = os.environ if environment is None else environment
    path = (folder or Path()) / PYPROJECT
    table = _table(path)
    found: dict[str, Any] = dict(defaults or {})
    for name, value in given.items():
        text = variables.get(variable(name))
        if value is not None:
            found[name] = _checked(name, value, f"{called(name)} {value}")
        elif text:
            found[name] = _checked(name, _read(name, text), f"{variable(name)}={text}")
        elif name in table:
            told = f"{flag(name).removeprefix('--')} = {table[name]!r} in [tool.ferbench] of {path}"
            is_path = kinds()[name] is Path and isinstance(table[name], str)
            found[name] = _checked(name, Path(table[name]) if is_path else table[name], told)
    return RunOptions(**found)


def _table(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"{path} cannot be read: {error}") from error
    tool = content.get("tool", {})
    table = tool.get("ferbench", {}) if isinstance(tool, dict) else tool
    if not isinstance(table, dict):
        raise OptionError(f"[tool.ferbench] of {path} is {table!r}; expected a table of options")
    names = {flag(name).removeprefix("--"): name for name in OPTIONS}
    unknown = [key for key in table if key not in names]
    if unknown:
        raise OptionError(f"[tool.ferbench] of {path} has {', '.join(unknown)}; the options are {', '.join(names)}")
    return {names[key]: value for key, value in table.items()}


def _read(name: str, text: str) -> object:
    """A value from text; the text itself where it is none, which `_checked` refuses."""
    kind = kinds()[name]
    if kind is bool:
        return {"1": True, "true": True, "0": False, "false": False}.get(text.lower(), text)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return Path(text) if kind is Path else text


def _checked(name: str, value: Any, told: str) -> Any:
    """A value that the option can have."""
    option, kind = OPTIONS[name], kinds()[name]
    low, high = option.minimum, option.maximum
    if choices(name):
        expected, is_right = f"one of {', '.join(choices(name))}", value in choices(name)
    elif kind in (int, float):
        bounds = " to ".join(f"{bound:,.0f}" for bound in (low, high) if bound is not None)
        expected = f"a {'whole ' if kind is int else ''}number from {bounds}"
        is_number = not isinstance(value, bool) and isinstance(value, int if kind is int else (int, float))
        is_right = is_number and (low is None or value >= low) and (high is None or value <= high)
    elif kind is bool:
        expected, is_right = "true or false", isinstance(value, bool)
    elif kind is str:
        expected, is_right = "a name or a path", isinstance(value, str)
    else:
        expected, is_right = "a path", isinstance(value, Path)
    if not is_right:
        raise OptionError(f"{told}; expected {expected}")
    return value
