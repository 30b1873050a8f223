"""Options of the commands: those of a run, built from `harness.records.options`, and one more that several share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from harness.records.options import DEFAULTS, OPTIONS, Device, flag, kinds, resolve, variable
from harness.registry import KerasBackend


def declared(name: str) -> Any:
    """An option of a run as typer wants it."""
    option, default = OPTIONS[name], DEFAULTS[name]
    is_bool = kinds()[name] is bool
    shown = option.shown_default or (False if is_bool or default is None else str(default))
    return typer.Option(
        f"{flag(name)}/--no-{flag(name)[2:]}" if is_bool else flag(name),
        envvar=variable(name),
        help=option.help,
        show_default=shown,
        min=option.minimum,
        max=option.maximum,
        metavar=option.metavar,
    )


DataAtHand = Annotated[
    Path | None,
    typer.Option(
        "--fer2013", envvar="FERBENCH_FER2013", help="The FER-2013 that they were made on: more is checked with it."
    ),
]
PaperName = Annotated[str, declared("paper")]
Fer2013 = Annotated[Path | None, declared("fer2013")]
Deviating = Annotated[bool, declared("allow_deviating_data")]
DeviceOption = Annotated[Device, declared("device")]
Threads = Annotated[int | None, declared("threads")]
WeightsDir = Annotated[Path | None, declared("weights_dir")]
Backend = Annotated[KerasBackend | None, declared("keras_backend")]


EVERY: Final = tuple(OPTIONS)
OF_ALL_VARIANTS: Final = tuple(name for name, option in OPTIONS.items() if option.of_reproduce)
RESULTS: Final = Path("results")


def takes_run_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of these names, in place of its parameter `options`.

    What is not on the command line comes from the environment, `[tool.ferbench]` or the default; see `resolve`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def call(**arguments: Any) -> None:
            given = {name: arguments.pop(name) for name in names}
            command(**arguments, options=resolve(given))

        signature = inspect.signature(command, eval_str=True)
        own = {name: each for name, each in signature.parameters.items() if name != "options"}
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own.values()]
        for name, kind in ((name, kinds()[name]) for name in names):
            annotation: Any = Annotated[kind | None, declared(name)]
            parameters.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            )
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        call.__name__, call.__doc__, call.__module__ = command.__name__, command.__doc__, command.__module__
        return call

    return decorate
