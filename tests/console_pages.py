"""Pages of the documentation as scripts: the files, Python and commands they show, in order.

A block of Python is run, a block with a caption is written to the file it names, and a
``console`` block that begins with ``$ leadfold`` is run command by command. What a page shows of
a command's output is compared with the real one; ids, times and seconds may differ, but one id
stays one id for the whole page. A line of ``...`` stands for any lines, ``…`` for any text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Block", "Command", "blocks_of", "commands_of", "pattern_of", "with_ids"]

ECHO_STATUS = "echo $?"

_BLOCK = re.compile(r"^```(?P<info>[^`\n]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r"\A:caption: (.+)\n\n?")
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_SECONDS = r"\d+\.\d\d s"
_VARYING = re.compile(f"({_ID}|{_TIME}|{_SECONDS}|…)")


@attrs.frozen
class Block:
    """A fenced block: its language, the file it is captioned with, its lines."""

    language: str
    caption: str | None
    body: str


@attrs.frozen
class Command:
    """A command as typed, and the output a page shows for it."""

    typed: str
    shown: str


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of *page* that do something when the page is followed."""
    for found in _BLOCK.finditer(page.read_text("utf-8")):
        language, body = found["info"].split()[-1], found["body"]
        if caption := _CAPTION.match(body):
            yield Block(language, caption[1], body[caption.end() :])
        elif language == "python" or body.startswith("$ leadfold"):
            yield Block(language, None, body)


def commands_of(body: str) -> Iterator[Command]:
    r"""Yield the commands of a console block; a ``\`` at a line's end continues it."""
    for part in re.split(r"^\$ ", body.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        typed, _, shown = part.partition("\n")
        yield Command(" ".join(typed.split()), shown)


def with_ids(typed: str, ids: Mapping[str, str]) -> str:
    """Return *typed* with the ids of the page replaced by those it stood for so far."""
    return re.sub(_ID, lambda found: ids.get(found[0], found[0]), typed)


def pattern_of(shown: str, ids: Mapping[str, str]) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what the real output must match, and the name of the group that holds each new id."""
    groups: dict[str, str] = {}

    def one(text: str) -> str:
        if re.fullmatch(_ID, text):
            if text in ids:
                return re.escape(ids[text])
            if text in groups:
                return f"(?P={groups[text]})"
            groups[text] = f"id{len(groups)}"
            return f"(?P<{groups[text]}>{_ID})"
        varying = next((each for each in (_TIME, _SECONDS) if re.fullmatch(each, text)), None)
        return varying or (r"[^\n]*" if text == "…" else re.escape(text))

    lines = []
    for line in shown.rstrip().splitlines():
        parts = _VARYING.split(line.rstrip())
        lines.append(r"(?:[^\n]*\n)*?" if line == "..." else "".join(map(one, parts)) + r"[ ]*\n")
    return re.compile("".join(lines) + r"\s*"), groups
