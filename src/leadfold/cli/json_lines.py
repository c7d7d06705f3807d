"""Rows of a JSON Lines file: one object a line, its keys the columns."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from leadfold.cli.encodings import open_text
from leadfold.cli.faults import Fault, unreadable_as_named
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from leadfold.cli.faults import OnFault
    from leadfold.cli.rows import Row

__all__ = ["JsonLinesFile", "open_json_lines"]

_SAMPLE = 1_000


@attrs.frozen
class JsonLinesFile:
    """A JSON Lines file; its header is every key of its first thousand objects."""

    path: Path
    encoding: str
    header: tuple[str, ...]

    def rows(self, columns: Sequence[str], on_fault: OnFault) -> Iterator[Row]:
        """Yield line and values of *columns*, None where an object lacks the key."""
        for line, found in _objects(self.path, self.encoding):
            if isinstance(found, Fault):
                on_fault(found)
            else:
                yield line, [found.get(column) for column in columns]


def open_json_lines(path: Path, encoding: str) -> JsonLinesFile:
    """Look at the first objects of *path* for the keys it has.

    Raises:
        UnreadableFileError: none of the first lines is an object, or the file cannot be opened.
    """
    sample = [found for _, found in islice(_objects(path, encoding), _SAMPLE)]
    keys = {key: None for found in sample if isinstance(found, dict) for key in found}
    if keys:
        return JsonLinesFile(path, encoding, tuple(keys))
    faults = [str(found) for found in sample if isinstance(found, Fault)]
    msg = f"{path}: no line is a JSON object" + "".join(f"; {fault}" for fault in faults[:1])
    raise UnreadableFileError(msg)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, object] | Fault]]:
    """Yield the object of every line that is not blank, or what is wrong with the line."""
    with unreadable_as_named(path), open_text(path, encoding, newline="\n") as file:
        for line, text in enumerate(_texts(path, encoding, file), 1):
            if text.strip():
                yield line, _object(path, line, text)


def _texts(path: Path, encoding: str, file: Iterator[str]) -> Iterator[str]:
    """Yield the lines of *file*, and name the place where its encoding stops making sense."""
    line = 1
    try:
        for text in file:
            yield text
            line += 1
    except UnicodeError as e:
        msg = f"{path}, near line {line}: no longer {encoding}: give the right --encoding"
        raise UnreadableFileError(msg) from e


def _object(path: Path, line: int, text: str) -> dict[str, object] | Fault:
    """Return the object that *text* is, or the fault that it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as e:  # ValueError: also a number of 5,000 digits
        reason = e.msg if isinstance(e, json.JSONDecodeError) else "a value beyond all measure"
        return Fault(path, line, f"no JSON: {reason}")
    if isinstance(found, dict):
        return found
    return Fault(path, line, f"a JSON {_name(found)}, where each line must be one object")


def _name(found: object) -> str:
    """Return what JSON calls a value that is no object."""
    return "array" if isinstance(found, list) else "value"
