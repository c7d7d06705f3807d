"""Whoever follows a page of the documentation sees what it shows: commands, files, output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from console_pages import ECHO_STATUS, blocks_of, commands_of, pattern_of, with_ids
from leadfold.cli import main

if TYPE_CHECKING:
    from console_pages import Block, Command

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in (*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "how-to").glob("*.md"))
    if any(block.language == "console" for block in blocks_of(page))
)
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}


class Follower:
    """Somebody who follows a page in an empty folder, with the program and the data at hand."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.ids: dict[str, str] = {}
        self.names: dict[str, object] = {"__name__": "page"}
        self.status = 0
        self.environment = {**os.environ, **ENVIRONMENT}
        self.environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
        program = programs / "leadfold"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m leadfold "$@"\n')
        program.chmod(0o755)
        (folder / "tests").symlink_to(ROOT / "tests")

    def follow(self, block: Block) -> None:
        """Do what *block* says."""
        if block.caption is not None:
            (self.folder / block.caption).write_text(block.body, "utf-8")
        elif block.language == "python":
            exec(compile(block.body, "<page>", "exec"), self.names)  # noqa: S102 - our own page
        else:
            commands = tuple(commands_of(block.body))
            for command, following in zip_longest(commands, commands[1:]):
                asked = following is not None and following.typed == ECHO_STATUS
                self.run(command, may_fail=asked)

    def run(self, command: Command, *, may_fail: bool) -> None:
        """Run *command*, and compare what it writes with what the page shows."""
        written = f"{self.status}\n" if command.typed == ECHO_STATUS else self.output(command.typed)
        assert may_fail or command.typed == ECHO_STATUS or self.status == 0, written
        pattern, groups = pattern_of(command.shown, self.ids)
        found = pattern.fullmatch(written)
        assert found, f"$ {command.typed}\n{written}\nis not as shown:\n{command.shown}"
        self.ids.update({shown: found[group] for shown, group in groups.items()})

    def output(self, typed: str) -> str:
        """Return what *typed* writes, both streams in order, as a terminal has it."""
        ended = subprocess.run(  # noqa: S603 - the commands are our own pages'
            ["/bin/sh", "-c", with_ids(typed, self.ids)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        self.status = ended.returncode
        return ended.stdout.decode()


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_a_page_shows_what_its_commands_print(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the page, run in order after its Python and files, prints what it shows."""
    folder, programs = tmp_path / "folder", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    monkeypatch.chdir(folder)
    follower = Follower(folder, programs)
    for block in blocks_of(page):
        follower.follow(block)


A, B = "01a20418-f1e0-72bf-b00d-05f5573da91b", "01a20418-f1e0-72bf-b00d-05f6c4e90b72"


@pytest.mark.parametrize(
    ("shown", "written", "agree"),
    [
        pytest.param("one\ntwo\n", "one\ntwo\n", True, id="the same"),
        pytest.param("one\n", "one\ntwo\n", False, id="a line that is not shown"),
        pytest.param("one\ntwo\n", "one\n", False, id="a line too many"),
        pytest.param("one\n...\nfour\n", "one\ntwo\nthree\nfour\n", True, id="lines left out"),
        pytest.param("one … three\n", "one two three\n", True, id="text left out"),
        pytest.param("took 0.01 s\n", "took 12.34 s\n", True, id="other seconds"),
        pytest.param("took 0.01 s\n", "took long\n", False, id="no seconds"),
        pytest.param(f"{A} {A}\n", f"{B} {B}\n", True, id="another id"),
        pytest.param(f"{A} {A}\n", f"{A} {B}\n", False, id="two ids for one"),
        pytest.param("a.b\n", "a-b\n", False, id="a dot is a dot"),
    ],
)
def test_what_is_shown_is_compared(shown: str, written: str, *, agree: bool) -> None:
    """Only what a page cannot know may differ."""
    pattern, _ = pattern_of(shown, {})
    assert bool(pattern.fullmatch(written)) == agree


def test_an_id_stays_what_it_stood_for() -> None:
    """An id that a page showed before stands for the same real one ever after."""
    assert with_ids(f"leadfold customer STORE {A}", {A: B}).endswith(B)
    pattern, _ = pattern_of(f"{A}\n", {A: B})
    assert pattern.fullmatch(f"{B}\n")
    assert not pattern.fullmatch(f"{A}\n")


def test_commands_are_read_with_their_output() -> None:
    """A command may go on in the next line; what follows it is what it prints."""
    first, second = commands_of("$ leadfold group \\\n    FILE\nout\n$ echo $?\n0\n")
    assert (first.typed, first.shown) == ("leadfold group FILE", "out\n")
    assert (second.typed, second.shown) == (ECHO_STATUS, "0\n")


def test_the_reference_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has its heading in the reference, and every option of it is named there."""
    text = (ROOT / "docs" / "reference.md").read_text("utf-8")
    common, *sections = re.split(r"^### `leadfold ?", text, flags=re.MULTILINE)
    told = {re.split(r"[ `]", section)[0]: section for section in sections}
    commands = re.findall(r"^    ([a-z]+)  ", help_of(capsys), flags=re.MULTILINE)
    assert set(told) == set(commands)
    for name in commands:
        options = set(re.findall(r"--[a-z][a-z0-9-]+", help_of(capsys, name)))
        missing = {option for option in options if option not in common + told[name]}
        assert not missing, f"leadfold {name}: {sorted(missing)}"


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what ``leadfold WORDS --help`` prints."""
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    return capsys.readouterr().out
