"""Closed sets: leads that share no usable identifier and no ruling with the rest (law 2).

What such a set becomes depends on it alone, so a question about some leads need not ask all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.disjoint import DisjointSets
from leadfold.grouping.partition import Members, numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leadfold.grouping.columns import Columns
    from leadfold.model import Ruling

__all__ = ["ClosedSets"]


class ClosedSets:
    """The smallest closed sets of *columns* under *rulings*; *row_of* has each lead's row."""

    def __init__(
        self, columns: Columns, rulings: Iterable[Ruling], row_of: Mapping[str, int]
    ) -> None:
        self._row_of = row_of
        sets = DisjointSets(len(columns.ids))
        for column in columns.by_kind:
            first: dict[str, int] = {}
            for row, value in column.pairs():
                if (holder := first.setdefault(value, row)) != row:
                    sets.join(holder, row)
        for ruling in rulings:
            sets.union(self._rows_of(ruling))
        self._labels, size = numbered([sets.find(row) for row in range(len(columns.ids))])
        self._members = Members(self._labels, size)

    def around(self, ruling: Ruling) -> list[int]:
        """Return the rows that *ruling* would connect, with all that is connected with them."""
        touched = sorted({self._labels[row] for row in self._rows_of(ruling)})
        return sorted(row for label in touched for row in self._members[label])

    def _rows_of(self, ruling: Ruling) -> list[int]:
        named = (lead for part in ruling.parts for lead in part)
        return [self._row_of[lead] for lead in named if lead in self._row_of]
