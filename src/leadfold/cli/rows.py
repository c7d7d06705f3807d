"""What every kind of file looks like to the reader of leads: a header, and rows of raw cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.cli.faults import OnFault

__all__ = ["Row", "RowFile"]

Row = tuple[int, Sequence[object]]
"""The line a row begins on, and its cells in the order of the columns asked for."""


@runtime_checkable
class RowFile(Protocol):
    """A file of rows that can be read as often as wished, from the start each time."""

    @property
    def header(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        ...

    def rows(self, columns: Sequence[str], on_fault: OnFault) -> Iterator[Row]:
        """Yield the rows with their cells of *columns*; tell *on_fault* of each it passes over."""
        ...
