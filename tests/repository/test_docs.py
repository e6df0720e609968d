# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the documentation names is there, under that name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest

import house
import pictures
from checkout import DOCS, ROOT
from fewmult_hls import load, train
from fewmult_hls.cli.commands import cli
from fewmult_hls.models.classifier import Classifier

API = (DOCS / "api.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
# In backticks, after a prompt, or in a block of its own.
COMMAND = re.compile(r"(?:`|^\$ |^ {4})fewmult-hls ([^`#\n]+)", re.M)


def keywords(function: object) -> set[str]:
    """What can be given by name only."""
    assert callable(function)
    parameters = inspect.signature(function).parameters.values()
    return {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_the_keywords_of_train_are_those_that_the_page_lists() -> None:
    found = re.search(r"`train` takes what .*?, as keywords:(.*?);", API, re.DOTALL)
    assert found
    assert quoted(found[1]) | {"on_epoch"} == keywords(train)
    assert "on_epoch=" in API


def test_the_keywords_of_load_are_those_that_the_page_names() -> None:
    found = re.search(r"`load\(path, (\w+)=.*?(`backend`.*?) are those of", API, re.DOTALL)
    assert found
    assert {found[1], *quoted(found[2])} == keywords(load)


def test_the_methods_of_a_net_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \|", API, re.M)
    assert len(rows) >= 5
    for name, arguments in rows:
        _, *parameters = inspect.signature(getattr(Classifier, name)).parameters
        assert parameters == arguments.split(", "), name


def _command(words: list[str]) -> click.Command:
    """The innermost command that the first words name."""
    found: click.Command = cli
    for word in words:
        if not isinstance(found, click.Group):
            break
        if word.startswith("-"):
            break
        assert word in found.commands, f"there is no command {' '.join(words)}"
        found = found.commands[word]
    return found


def _options(command: click.Command) -> set[str]:
    context = click.Context(command, help_option_names=["-h", "--help"])
    return {
        name for one in command.get_params(context) for name in (*one.opts, *one.secondary_opts)
    }


def _all_options(command: click.Command) -> set[str]:
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return _options(command).union(*map(_all_options, below))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_stand_alone_are_some_command_s(page: Path) -> None:
    named = set(re.findall(r"`(--[a-z][\w-]*)", page.read_text(encoding="utf-8")))
    others = {"building.md": {"--config"}}  # of Vitis
    assert named - others.get(page.name, set()) <= _all_options(cli)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_that_a_page_gives_them(page: Path) -> None:
    for text in COMMAND.findall(page.read_text(encoding="utf-8")):
        if re.match("state [12]", text):  # of the fingerprint
            continue
        words = text.split()
        command = _command(words)
        unknown = {word for word in words if re.match("-.", word)} - _options(command)
        assert not unknown, f"{page.name}: fewmult-hls {text}"


def _rows(page: Path, first: str) -> list[list[str]]:
    """The cells of the table whose first heading is this."""
    text = page.read_text(encoding="utf-8")
    tables = re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_index_has_a_line_for_every_page() -> None:
    links = [re.fullmatch(r"\[(.*)\]\((.*)\)", row[0]) for row in _rows(DOCS / "README.md", "page")]
    named = [link[1] for link in links if link and link[1] == link[2]]
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} - {"README.md"}
    assert len(links) == len(named) == len(set(named))
    assert set(named) == pages


def test_links_lead_to_what_is_there() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = page if not name else page.parent / name
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in _anchors(target), f"{page.name}: {link}"


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def _is_there(path: str) -> bool:
    return (ROOT / path).exists() or (ROOT / house.PACKAGE / path).exists()


def test_the_glossary_has_each_word_once_and_where_it_lives() -> None:
    rows = _rows(DOCS / "glossary.md", "word")
    words = [word for word, *_ in rows]
    assert words == sorted(set(words))
    contract = (DOCS / "arithmetic.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^## (\d+)\. ", contract, re.M))
    for word, meaning, where, section in rows:
        assert meaning, word
        assert _is_there(where.strip("`")), f"{word}: {where}"
        assert set(filter(None, section.split(", "))) <= sections, f"{word}: section {section}"


def test_files_that_a_page_names_are_there() -> None:
    folders = "kernels|bindings|testbench|tests|tools|benchmarks|examples|docs|pyhost"
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(rf"`((?:{folders})/[\w./]+?)`", text):
            if not re.search(r"NAME|ROOM|board-wheel", path):
                assert _is_there(path), f"{page.name}: {path}"


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_pictures_are_those_that_the_sources_give(name: str) -> None:
    drawn = pictures.PICTURES[name]().svg()
    assert (pictures.FOLDER / name).read_text(encoding="utf-8") == drawn, "make docs"
