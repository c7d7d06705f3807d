"""The screen of the bare install: lines and aligned columns, no colour, no moving parts."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from leadfold.cli.screen import Advance, Cell, Table

__all__ = ["PlainScreen", "cell_text", "lenient", "lines_of"]

_GAP = "  "


@attrs.frozen
class PlainScreen:
    """Writes data to *out* and the rest to *err*; *talks* says whether `say` is heard."""

    out: TextIO
    err: TextIO
    talks: bool = False

    @property
    def tick(self) -> str:
        """Return a check mark, or a plus where the terminal's encoding has none."""
        return "✓" if _can_show("✓", self.err) else "+"

    def data(self, text: str = "") -> None:
        """Write a line of what was asked for."""
        self.out.write(text + "\n")

    def table(self, table: Table) -> None:
        """Write a table of what was asked for, its columns aligned."""
        for line in lines_of(table):
            self.data(line)

    def say(self, text: str = "") -> None:
        """Write a line about the work, where a person watches or asked to be told."""
        if self.talks:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Write a line that a person must see, after the data that came before it."""
        self.out.flush()
        self.err.write(text + "\n")

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """Show nothing: lines of stages are what the bare install has."""
        del what, total
        yield _ignore


def _ignore(count: int, /) -> None:
    """Let *count* pass."""


def lines_of(table: Table) -> list[str]:
    """Return *table* as lines: title, names, rows; numbers to the right, texts to the left.

    >>> from leadfold.cli.screen import Table
    >>> for line in lines_of(Table(("type", "count"), [("psid", 3), ("email", 12)])):
    ...     print(line)
    type   count
    psid       3
    email     12
    """
    texts = [[cell_text(cell) for cell in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(table.columns, *texts, strict=True)]
    right = [
        bool(table.rows) and all(isinstance(row[place], (int, float)) for row in table.rows)
        for place in range(len(widths))
    ]
    body = [_line(row, widths, right) for row in (table.columns, *texts)]
    return [table.title, *body] if table.title else body


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return _GAP.join(aligned).rstrip()


def cell_text(cell: Cell) -> str:
    """Return what stands in a cell, on one line: floats to one decimal place, None as nothing."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.1f}"
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(cell)
    )


def lenient(stream: TextIO) -> TextIO:
    """Return *stream*, made to show what its encoding lacks as a ``?`` instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


def _can_show(mark: str, stream: TextIO) -> bool:
    try:
        mark.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
