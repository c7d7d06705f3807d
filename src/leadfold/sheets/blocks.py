"""The blocks of a sheet: figures, bars, a table, a note. Values of plain cells, no markup."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["SHOWN", "Bars", "Block", "Cell", "Figures", "Note", "Sheet", "Table", "table"]

Cell = str | int | None
"""What stands in a table: text as it is, numbers set apart by thousands, None for nothing."""

T = TypeVar("T")

SHOWN = 10
"""How many rows of a table are shown: enough to see what it is about, few enough to read."""


@attrs.frozen
class Figures:
    """Numbers worth seeing first, each with its name."""

    pairs: tuple[tuple[str, Cell], ...]


@attrs.frozen
class Bars:
    """Counts by name, each with a bar as long as its share of the largest."""

    title: str
    pairs: tuple[tuple[str, int], ...]


@attrs.frozen
class Table:
    """The first *rows* of a list that has *total* of them."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int

    @property
    def left_out(self) -> int:
        """Return how many rows are not shown."""
        return self.total - len(self.rows)


@attrs.frozen
class Note:
    """A sentence; *tone* says whether all is well, somebody should look, or something is wrong."""

    text: str
    tone: Literal["plain", "good", "look", "bad"] = "plain"


Block = Figures | Bars | Table | Note


@attrs.frozen
class Sheet:
    """What is shown of one object: its *title*, what it is *about*, and blocks below these."""

    title: str
    about: str
    blocks: tuple[Block, ...]


def table(
    title: str,
    head: tuple[str, ...],
    items: Iterable[T],
    row: Callable[[T], tuple[Cell, ...]],
    *,
    total: int | None = None,
) -> tuple[Table, ...]:
    """Return a table of the first few *items*, or nothing where there are none.

    *row* is asked for no more than is shown. *total* says how many items there are, where
    *items* holds the first few alone.

    >>> (made,) = table("Leads", ("id",), [*range(1000)], lambda n: (f"l{n}",))
    >>> len(made.rows), made.left_out
    (10, 990)
    """
    if total is None:
        items = _listed(items)
        total = len(items)
    rows = tuple(row(item) for item in islice(items, SHOWN))
    return (Table(title, head, rows, total),) if total else ()


def _listed(items: Iterable[T]) -> Sequence[T]:
    return items if isinstance(items, (list, tuple)) else tuple(items)
