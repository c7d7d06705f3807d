"""Rows of a CSV file with the lines they begin on; rows that do not fit its header are reported.

Quotes are read strictly: a quote that opens and never closes would swallow all that follows.
"""

from __future__ import annotations

import csv
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import TYPE_CHECKING

import attrs

from leadfold.cli.encodings import open_text
from leadfold.cli.faults import Fault, unreadable_as_named
from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leadfold.cli.faults import OnFault
    from leadfold.cli.rows import Row

__all__ = ["CsvFile", "find_delimiter", "open_csv"]

DELIMITERS = (",", ";", "\t", "|")
_LARGEST_CELL = 16 << 20
_SAMPLE_LINES = 50
_LONGEST_LINE = 1 << 18


@attrs.frozen
class CsvFile:
    """A CSV file whose header was read; every call of `rows` reads it from the start."""

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]

    def rows(self, columns: Sequence[str], on_fault: OnFault) -> Iterator[Row]:
        """Yield line and cells of *columns* for every row, and tell *on_fault* of the others."""
        pick = _picker([self.header.index(column) for column in columns])
        width = len(self.header)
        lines = _lines(self.path, self.encoding, self.delimiter, on_fault)
        next(lines, None)  # the header
        for line, cells in lines:
            if len(cells) == width:
                yield line, pick(cells)
            else:
                reason = f"{len(cells)} cells where the header has {width}"
                on_fault(Fault(self.path, line, reason))


def open_csv(path: Path, encoding: str, delimiter: str | None = None) -> CsvFile:
    """Read the header of *path*, found out to be delimited by one of ``, ; tab |`` unless told.

    Raises:
        UnreadableFileError: there is no header, or the file cannot be opened.
    """
    delimiter = delimiter or find_delimiter(_sample(path, encoding))
    rows = _lines(path, encoding, delimiter, _refuse)
    header = next((cells for _, cells in rows), None)
    if header is None:
        msg = f"{path}: the file is empty: a header with the names of its columns must come first"
        raise UnreadableFileError(msg)
    return CsvFile(path, encoding, delimiter, tuple(name.strip() for name in header))


def _picker(at: Sequence[int]) -> Callable[[list[str]], Sequence[str]]:
    """Return what takes the cells *at* these places from a row, in C."""
    if len(at) == 1:  # itemgetter would give the bare cell
        return itemgetter(slice(at[0], at[0] + 1))
    return itemgetter(*at)


def _sample(path: Path, encoding: str) -> list[str]:
    """Return the first lines of *path*, or as many of them as are text."""
    lines: list[str] = []
    # What is no text is told of where the rows are read.
    with unreadable_as_named(path), open_text(path, encoding) as file, suppress(UnicodeError):
        while len(lines) < _SAMPLE_LINES and (line := file.readline(_LONGEST_LINE)):
            lines.append(line)
    return lines


def find_delimiter(sample: Sequence[str]) -> str:
    r"""Return the delimiter under which most lines of *sample* are as wide as its header.

    >>> find_delimiter(['id;"name, first"\\n', "l1;Ada\\n"])
    ';'
    """
    return max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter))


def _fit(sample: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Return how many rows are as wide as the header, and how wide; nothing if it has one cell."""
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:  # a cell larger than the sample should hold: judged when it is read
        widths = []
    if not widths or widths[0] == 1:
        return (0, 0)
    return (widths.count(widths[0]), widths[0])


def _refuse(fault: Fault) -> None:
    """Raise *fault*: a header that cannot be read leaves nothing to read."""
    raise UnreadableFileError(str(fault))


def _lines(
    path: Path, encoding: str, delimiter: str, on_fault: OnFault
) -> Iterator[tuple[int, list[str]]]:
    """Yield every row that is not blank with the line it begins on, the header included."""
    with unreadable_as_named(path), _large_cells(), open_text(path, encoding) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as e:
                on_fault(Fault(path, line, _explained(path, line, e)))
                continue
            except UnicodeError as e:
                msg = f"{path}, near line {line}: no longer {encoding}: give the right --encoding"
                raise UnreadableFileError(msg) from e
            if cells is None:
                return
            if any(cells):  # a spreadsheet exports its empty rows as delimiters alone
                yield line, cells


def _explained(path: Path, line: int, error: csv.Error) -> str:
    """Return what is wrong with one row, or raise if nothing after it can be trusted."""
    said = str(error)
    if "unexpected end" in said or "field larger" in said:
        msg = f"{path}, line {line}: a quote opens in this row and does not close: close it"
        raise UnreadableFileError(msg) from error
    return "a quote within a quoted cell is not doubled" if "expected after" in said else said


@contextmanager
def _large_cells() -> Iterator[None]:
    """Let cells be large: the limit is the whole process's, so it is put back."""
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)
