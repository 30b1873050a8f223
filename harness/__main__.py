"""The command line: the commands by name, each imported when it is called, and what becomes of errors."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from harness.commands.exit_codes import EXIT_CODES
from harness.errors import UserError

SUMMARIES: Final = {
    "train": "Train one variant in one framework and keep the record.",
    "reproduce": "Show what is known and reproduce a small paper; with a data set, train and judge all variants.",
    "agreement": "Do two implementations agree after training? TOST over paired seeds, McNemar's test image by image.",
    "compare": "Hold two suites of runs against each other: "
    "ratios of seconds over epochs and seeds, differences in accuracy.",
    "judge": "Judge stored runs again, by anyone and anywhere: are they sound, and do they bear the paper out?",
    "audit": "Hold a paper against itself: findings by gravity, each with its numbers, places and arithmetic.",
    "expected": "Render EXPECTED.md and its appendices: what is known of the paper, by its own pages and by runs.",
    "parity": "Do Keras and PyTorch compute the same? From pixels to training, each against PyTorch in float64.",
    "attribute": "Input alone, step alone, both together: what limits training here, "
    "and what does it say of the paper's times?",
    "variants": "List the variants of a paper and their readings.",
    "runs": "Look at records of runs.",
    "data": "Look at data sets.",
    "weights": "Look at ImageNet weights, and write them for other programs.",
}
"""First paragraph of each command's help, so that `--help` imports none of them; a test holds the two together."""

PACKAGES: Final = ("keras", "jax", "torch", "tensorflow")


class Commands(TyperGroup):
    """A group whose commands lie in modules of their names, imported on first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the help."""
        return list(SUMMARIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None if there is none of that name."""
        return _load(cmd_name) if cmd_name in SUMMARIES else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help from names and summaries."""
        TyperGroup(
            name=self.name,
            commands={name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()},
            params=self.params,
            help=self.help,
            epilog=self.epilog,
            rich_markup_mode=self.rich_markup_mode,
        ).format_help(ctx, formatter)


def _load(name: str) -> Any:
    """The command of a module `harness.commands.NAME`, or the group that the module is."""
    group = typer.main.get_group(importlib.import_module(f"harness.commands.{name}").app)
    return group.commands.get(name, group)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"ferbench {_version('ferbench')}")
        for package in PACKAGES:
            typer.echo(f"{package} {_version(package)}")
        raise typer.Exit


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@app.callback()
def ferbench(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it and the frameworks', and leave."
        ),
    ] = False,
) -> None:
    """Does a published FER-2013 result hold? Train its variants in Keras 3 and PyTorch and compare."""


def main() -> None:
    """Entry of the command `ferbench`."""
    try:
        app()
    except UserError as error:
        from rich.console import Console
        from rich.markup import escape

        # escaped: [cpu] is an extra and [old] a folder, not a colour
        Console(stderr=True).print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
