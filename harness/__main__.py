"""The command line: the commands put together, and what becomes of their errors; each command has its own file."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from harness.child import ChildFailed
from harness.commands import (
    agreement,
    attribute,
    audit,
    compare,
    data,
    expected,
    judge,
    parity,
    reproduce,
    runs,
    train,
    variants,
    weights,
)
from harness.commands.options import EXIT_CODES, FAILED, USAGE
from harness.data.dataset import DatasetError
from harness.interface import ImplementationError
from harness.records.store import RecordError
from harness.report.expected import ExpectedError
from harness.variant import VariantError
from harness.weights.catalogue import WeightsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Does a published FER-2013 result hold? Train its variants in Keras 3 and PyTorch and compare.",
    epilog=EXIT_CODES,
)
for command in (train, reproduce, agreement, compare, judge, audit, expected, parity, attribute, variants):
    app.add_typer(command.app)
for name, group in {"runs": runs, "data": data, "weights": weights}.items():
    app.add_typer(group.app, name=name)


def _refuse(error: Exception, code: int) -> NoReturn:
    # escaped: [cpu] is an extra and [old] a folder, not a colour
    Console(stderr=True).print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
    sys.exit(code)


def main() -> None:
    """Entry of the command `ferbench`."""
    try:
        app()
    except (DatasetError, ExpectedError, ImplementationError, RecordError, VariantError, WeightsError) as error:
        _refuse(error, USAGE)
    except ChildFailed as error:
        _refuse(error, USAGE if error.code == USAGE else FAILED)


if __name__ == "__main__":
    main()
