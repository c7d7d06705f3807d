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
    for page in (ROOT / "docs").glob("*.md")
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
