"""What the groups hold of one kind while levels join them: most hold one value or none.

One cell a group, for a set each would cost more than all the rest. A group is named by one of the
groups that the start made; which rows it has is not known here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from leadfold.grouping.columns import Column

__all__ = ["Holdings"]


class Holdings:
    """The values of one kind by group, and which of them several groups held when it was read.

    *values* and *groups* go together: each holder of a value beyond its first, which is in
    `first`.
    """

    def __init__(self, column: Column, labels: Sequence[int], size: int) -> None:
        self._cells: list[str | set[str] | None] = [None] * size
        self.first: dict[str, int] = {}
        self.values: list[str] = []
        self.groups: list[int] = []
        self._read(column, labels)

    def _read(self, column: Column, labels: Sequence[int]) -> None:
        cells, first = self._cells, self.first
        for row, value in column.pairs():
            group = labels[row]
            cell = cells[group]
            if cell is None:
                cells[group] = value
            elif cell == value:
                continue
            elif type(cell) is str:
                cells[group] = {cell, value}
            elif value in cell:
                continue
            else:
                cell.add(value)  # type: ignore[union-attr]  # no text: a set
            if first.setdefault(value, group) != group:
                self.values.append(value)
                self.groups.append(group)

    def forget_holders(self) -> None:
        """Let go of who held what when it was read."""
        self.first, self.values, self.groups = {}, [], []

    def held_often(self, most: int) -> dict[str, list[int]]:
        """Return the values that more than *most* groups held, with these groups."""
        often = {value for value, more in Counter(self.values).items() if more >= most}
        found = {value: [self.first[value]] for value in often}
        for value, group in zip(self.values, self.groups, strict=True) if often else ():
            if value in often:
                found[value].append(group)
        return found

    def any(self, group: int) -> bool:
        """Tell whether *group* holds a value."""
        return self._cells[group] is not None

    def of(self, group: int) -> Collection[str]:
        """Return the values of *group*."""
        cell = self._cells[group]
        if cell is None:
            return ()
        return (cell,) if type(cell) is str else cell

    def together(self, groups: Iterable[int]) -> set[str]:
        """Return the values that *groups* hold together."""
        cells = self._cells
        found: set[str] = set()
        for group in groups:
            cell = cells[group]
            if cell is not None:
                if type(cell) is str:
                    found.add(cell)
                else:
                    found.update(cell)
        return found

    def join(self, groups: Sequence[int]) -> None:
        """Let the first of *groups* hold what all of them hold."""
        found = self.together(groups)
        if found:
            self._cells[groups[0]] = found.pop() if len(found) == 1 else found
