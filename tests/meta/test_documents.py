"""What the documents say can be done: links lead somewhere, commands exist with the options shown, README is short."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from harness.__main__ import app
from harness.papers import load_paper
from tests.support.repository import ROOT

PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
INSTRUCTIONS: Final = [page for page in PAGES if page.name not in ("EXPECTED.md", "CHANGELOG.md")]
"""Pages whose commands somebody will type. What a changelog names may be gone."""
BUILT: Final = {ROOT / "docs/reference/record.schema.json"}
"""What the site's build makes, and nobody else."""
LONGEST_README: Final = 120
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"^[ ]*```(\w*)\n(.*?)^[ ]*```$", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"(?<!`)`((?:ferbench|pytest|tox run) [^`]+)`(?!`)")
_PROGRAM: Final = re.compile(r"^(?:[A-Z_]+=\S* )*(ferbench|pytest|tox run|python -m pytest)\b(.*)$")
_NUMBER: Final = re.compile(r"[NS]|SECONDS|VIEWS")
"""Placeholders that stand for a number."""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Ids of a page's headings, as both GitHub and Python-Markdown make them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles} | set(
        re.findall(r"""<a (?:id|name)="([^"]+)">""", text)
    )


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Files that a page links to, each with the anchor in it, which may be empty."""
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if "://" not in link and not link.startswith("mailto:"):
            yield (page.parent / target).resolve() if target else page, anchor


def shown(page: Path) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Programs that a page shows, with their arguments, and whether it is a whole command line, in a block of code."""
    text = page.read_text(encoding="utf-8")
    lines = [line for language, block in _FENCE.findall(text) if language != "python" for line in block.splitlines()]
    for is_whole, found in ((True, lines), (False, _INLINE.findall(_FENCE.sub("", text)))):
        for line in found:
            if program := _PROGRAM.match(line.strip()):
                yield (
                    program[1],
                    tuple(word for word in shlex.split(program[2], comments=True) if word != "…"),
                    is_whole,
                )


def from_tox() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Programs that tox runs, each with its arguments."""
    text = (ROOT / "tox.ini").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.replace("{[rehearse]suite}", "python -m pytest").replace("{/}", "/").splitlines():
        found = re.search(r"(?:^|= ?|-m )(ferbench|pytest) (.+)$", line.strip())
        if found and not line.startswith(("description", "#", "suite =")):
            yield found[1], tuple(word for word in shlex.split(found[2]) if word != "{posargs}")


def calls(program: str, *, whole: bool | None = None) -> list[tuple[str, tuple[str, ...]]]:
    """Every call of a program that the documents show, once, with the page where it stands first."""
    seen: dict[tuple[str, ...], str] = {}
    for page in INSTRUCTIONS:
        for found, arguments, is_whole in shown(page):
            if found.endswith(program) and whole in (None, is_whole):
                seen.setdefault(arguments, name(page))
    if whole is not False:
        seen |= {arguments: "tox.ini" for found, arguments in from_tox() if found == program}
    return [(page, arguments) for arguments, page in seen.items()]


def as_id(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else " ".join(value)


def find_command(arguments: Sequence[str]) -> tuple[Any, list[str], typer.Context]:
    """The command of `ferbench` that arguments name, what is left of them, and the context of its group."""
    command: Any = get_command(app)
    rest, context = list(arguments), typer.Context(command, info_name="ferbench")
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        called, found, rest = command.resolve_command(context, rest)
        assert found is not None, "resolve_command raises where there is none"
        command, context = found, typer.Context(found, info_name=called, parent=context)
    return command, rest, context


def parse(arguments: Sequence[str]) -> None:
    """Parse a whole command line of `ferbench` and run nothing; an error is raised as on the command line."""
    command, rest, context = find_command(arguments)
    values = ["7" if _NUMBER.fullmatch(each) else each for each in rest]
    command.make_context(context.info_name, values, parent=context.parent)


def options(arguments: Sequence[str]) -> list[str]:
    return [each.partition("=")[0] for each in arguments if each.startswith("-") and each != "-"]


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) <= LONGEST_README


def test_the_readme_has_the_papers_accuracies() -> None:
    text, paper = (ROOT / "README.md").read_text(encoding="utf-8"), load_paper("jahangir2024")
    for variant in paper.variants:
        assert f"| `{variant}` | {100 * paper.facts[f'{variant}.accuracy.table-6'].value:.2f} % |" in text


def test_the_readme_has_the_accuracies_of_the_evidence() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    records = (json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "benchmarks/evidence").glob("*.json"))
    found = {f"{100 * each['scores']['paper_test']['accuracy']:.2f} %" for each in records}
    assert set(re.findall(r"reached (\d+\.\d+ %)", text)) <= found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists() or target in BUILT, f"{name(page)} links to {target}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{name(page)} links to #{anchor} of {target.name}"


@pytest.mark.parametrize(("page", "arguments"), calls("ferbench", whole=True), ids=as_id)
def test_a_command_line_can_be_parsed(page: str, arguments: tuple[str, ...]) -> None:
    parse(arguments)


@pytest.mark.parametrize(("page", "arguments"), calls("ferbench", whole=False), ids=as_id)
def test_a_command_that_is_named_exists_with_its_options(page: str, arguments: tuple[str, ...]) -> None:
    if arguments[:1] == ("COMMAND",):
        return  # stands for any
    command, rest, context = find_command(arguments)
    known = {each for parameter in command.get_params(context) for each in parameter.opts}
    assert set(options(rest)) <= known


@pytest.mark.parametrize(("page", "arguments"), calls("pytest"), ids=as_id)
def test_pytest_knows_the_options(page: str, arguments: tuple[str, ...], pytestconfig: pytest.Config) -> None:
    # there is no public way to ask which options there are
    known = {each for action in pytestconfig._parser.optparser._actions for each in action.option_strings}
    assert set(options(arguments)) <= known


@pytest.mark.parametrize(("page", "arguments"), calls("tox run"), ids=as_id)
def test_tox_has_the_environment(page: str, arguments: tuple[str, ...]) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini", encoding="utf-8")
    assert f"testenv:{arguments[arguments.index('-e') + 1]}" in settings.sections()


# The checks see what they are for


def test_what_tox_runs_is_found() -> None:
    assert {program for program, _ in from_tox()} == {"ferbench", "pytest"}
    assert ("pytest", ("-m", "not gpu")) in from_tox()


@pytest.mark.parametrize("arguments", [["judge", "--no-such"], ["no-such"], ["train", "x", "--budget", "no-such"]])
def test_a_wrong_command_line_is_noticed(arguments: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|not one of|invalid|missing"):
        parse(arguments)


def test_commands_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`ferbench a --b` and\n\n```console\nX=1 pytest -m gpu  # so\ntox run -e tests\n```\n")
    assert list(shown(page)) == [
        ("pytest", ("-m", "gpu"), True),
        ("tox run", ("-e", "tests"), True),
        ("ferbench", ("a", "--b"), False),
    ]


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[there](nowhere.md#part) [elsewhere](https://example.org) [here](#title)\n\n# Title\n")
    assert list(links(page)) == [(tmp_path / "nowhere.md", "part"), (page, "title")]
    assert anchors(page) == {"title"}
