"""What the groups hold of one kind while levels join them: most hold one value or none.

One cell a group, for a set each would cost more than all the rest. A group is named by one of the
groups that the start made; which rows it has is not known here.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from leadfold.grouping.columns import Column

__all__ = ["Holdings"]


class Holdings:
    """The values of one kind by group, and which of them several groups held when it was read.

    *values*, *firsts* and *groups* go together: a value, the first group that held it, and a
    further one.
    """

    def __init__(self, column: Column, labels: Sequence[int], size: int) -> None:
        self._cells: list[str | set[str] | None] = [None] * size
        self.values: list[str] = []
        self.firsts: list[int] = []
        self.groups: list[int] = []
        further = ((labels[row], value) for row, more in column.more.items() for value in more)
        self._read(chain(zip(labels, column.first, strict=True), further))

    def _read(self, held: Iterable[tuple[int, str | None]]) -> None:
        cells, first_of = self._cells, dict[str, int]()
        for group, value in held:
            if value is None:
                continue
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
            first = first_of.setdefault(value, group)
            if first != group:
                self.values.append(value)
                self.firsts.append(first)
                self.groups.append(group)

    def forget_holders(self) -> None:
        """Let go of who held what when it was read."""
        self.values, self.firsts, self.groups = [], [], []

    def held_often(self, most: int) -> dict[str, list[int]]:
        """Return the values that more than *most* groups held, with these groups."""
        often = {value for value, more in Counter(self.values).items() if more >= most}
        found: dict[str, list[int]] = {}
        holders = zip(self.values, self.firsts, self.groups, strict=True)
        for value, first, group in holders if often else ():
            if value in often:
                found.setdefault(value, [first]).append(group)
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

    def differ(self, groups: Iterable[int]) -> bool:
        """Tell whether *groups* hold more than one value between them: most do not."""
        cells, only = self._cells, None
        for group in groups:
            cell = cells[group]
            if cell is not None and cell != only:
                if only is not None or type(cell) is not str:
                    return True
                only = cell
        return False

    def join(self, groups: Sequence[int]) -> None:
        """Let the first of *groups* hold what all of them hold."""
        if self.differ(groups):
            self._cells[groups[0]] = self.together(groups)
        elif self._cells[groups[0]] is None:
            cells = (self._cells[group] for group in groups)
            self._cells[groups[0]] = next((cell for cell in cells if cell is not None), None)
