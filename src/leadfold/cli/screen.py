"""Where a command's text goes: data to standard output, all else to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

__all__ = ["Advance", "Cell", "Screen", "Table"]

Cell = str | int | float | None
"""What stands in a table; numbers are set to the right."""


@attrs.frozen
class Table:
    """Rows under the names of their *columns*, and a *title* above."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""


class Advance(Protocol):
    """What a long piece of work calls as it goes."""

    def __call__(self, count: int, /) -> None:
        """Say that *count* more are done."""
        ...


class Screen(Protocol):
    """What commands write to. There are two: plain, and with rich installed a coloured one."""

    @property
    def tick(self) -> str:
        """Return the mark of something done, one that the terminal can show."""
        ...

    def data(self, text: str = "") -> None:
        """Write a line of what was asked for."""
        ...

    def table(self, table: Table) -> None:
        """Write a table of what was asked for."""
        ...

    def say(self, text: str = "") -> None:
        """Write a line about the work, where a person watches or asked to be told."""
        ...

    def warn(self, text: str) -> None:
        """Write a line that a person must see."""
        ...

    def progress(self, what: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Show how far *what* is while the context is open, where a person watches."""
        ...
