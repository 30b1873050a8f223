"""From a folder to a paper. Of a folder outside this package data alone is read; no code of it ever runs."""

from __future__ import annotations

import pkgutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.papers.claims import check_variants, read_claims
from harness.papers.declared_bands import ADAPTER as DECLARED_BANDS
from harness.papers.facts import Ignored, PaperError, read_facts
from harness.papers.hardware import Hardware
from harness.papers.paper import DatasetName, Paper, Predicate
from harness.papers.variants import read_readings, read_sources, read_variant
from harness.papers.written_review import read_review
from harness.strictness import STRICT

BUILT_IN: Final = Path(__file__).parent
"""Each folder in it that holds a `paper.toml` is a paper."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class _General:
    title: str
    citation: str
    url: str
    dataset: DatasetName

    __pydantic_config__ = STRICT


_GENERAL: Final = TypeAdapter(_General)
_HARDWARE: Final = TypeAdapter(Hardware)
_IGNORED: Final = TypeAdapter(tuple[Ignored, ...])


def built_in_papers() -> tuple[str, ...]:
    """Return the names of the papers that come with this package."""
    return tuple(sorted(path.parent.name for path in BUILT_IN.glob("*/paper.toml")))


def load_paper(paper: str | Path) -> Paper:
    """Return a paper by the name of a built-in one, or by its folder; the same object each time.

    Args:
        paper: A name, such as the folders beside this file have, or the path of a folder of the same layout.

    Raises:
        PaperError: If there is no such folder, or a file in it is missing or broken.
    """
    built_in = built_in_papers()
    if str(paper) in built_in:
        return _load(BUILT_IN / str(paper))
    folder = Path(paper).resolve()
    if not folder.is_dir():
        raise PaperError(
            f"no paper {str(paper)!r}; expected one of {', '.join(built_in)}, or the path of a folder that holds "
            "paper.toml and variants.toml"
        )
    if folder.name in built_in and folder.parent != BUILT_IN:
        raise PaperError(
            f"{folder} has the name of a paper that is built in; rename the folder, so that records tell them apart"
        )
    return _load(folder)


@cache
def _load(folder: Path) -> Paper:
    general = _checked(folder / "paper.toml", _GENERAL.validate_python, _tables(folder / "paper.toml", required=True))
    file = folder / "variants.toml"
    tables = _tables(file, required=True)
    variants, readings = tables.get("variants", {}), tables.get("readings", {})
    if not variants:
        raise PaperError(f"{file} has no variant; expected a table [variants.NAME] for each network that is trained")
    facts, hardware = _tables(folder / "facts.toml"), _tables(folder / "hardware.toml")
    bands = _tables(folder / "bands.toml")
    _refuse_unknown(file, "readings", readings, variants)
    _refuse_unknown(folder / "bands.toml", "bands", bands, variants)
    paper = Paper(
        name=folder.name,
        title=general.title,
        citation=general.citation,
        url=general.url,
        dataset=general.dataset,
        facts=_checked(folder / "facts.toml", read_facts, facts),
        ignored=_checked(folder / "facts.toml", _IGNORED.validate_python, facts.get("ignored", ())),
        variants={name: _checked(file, partial(read_variant, name), entries) for name, entries in variants.items()},
        sources={name: _checked(file, read_sources, entries) for name, entries in variants.items()},
        readings={name: _checked(file, read_readings, readings.get(name, {})) for name in variants},
        declared_bands=_checked(folder / "bands.toml", DECLARED_BANDS.validate_python, bands),
        claims=_checked(folder / "claims.toml", read_claims, _tables(folder / "claims.toml")),
        hardware=_checked(folder / "hardware.toml", _HARDWARE.validate_python, hardware) if hardware else None,
        review=_checked(folder / "review.toml", read_review, _tables(folder / "review.toml")),
        predicates=_predicates(folder),
    )
    for claim in paper.claims.values():
        _checked(folder / "claims.toml", partial(check_variants, find_variant=paper.find_variant), claim)
    return paper


def _tables(file: Path, *, required: bool = False) -> dict[str, Any]:
    """The tables of a file; none where there is no such file."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise PaperError(
                f"{file} is missing; the folder of a paper holds paper.toml and variants.toml at least"
            ) from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise PaperError(f"{file} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise PaperError(f"{file} is no TOML: {error}; a name that stands there twice is refused as well") from error


def _checked(file: Path, read: Callable[[Any], Read], value: Any) -> Read:
    """What a reader makes of tables of a file, with the file's name in front of any error."""
    try:
        return read(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PaperError(f"{file}: {f'{place}: ' if place else ''}{first['msg']} (seen: {first['input']!r})") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise PaperError(f"{file}: {error}") from error


def _refuse_unknown(file: Path, what: str, found: Mapping[str, Any], variants: Mapping[str, Any]) -> None:
    if unknown := sorted(found.keys() - variants.keys()):
        raise PaperError(
            f"{file} has {what} of {', '.join(unknown)}, which are no variants; the variants are {', '.join(variants)}"
        )


def _predicates(folder: Path) -> tuple[Predicate, ...]:
    """Return `PREDICATES` of every module in the folder's `review` package, of a paper that is built in alone."""
    if folder.parent != BUILT_IN or not (folder / "review" / "__init__.py").is_file():
        return ()
    package = f"harness.papers.{folder.name}.review"
    names = sorted(module.name for module in pkgutil.iter_modules([str(folder / "review")]))
    return tuple(each for name in names for each in import_module(f"{package}.{name}").PREDICATES)
