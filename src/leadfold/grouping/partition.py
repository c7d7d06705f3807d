"""Which lead is in which group: arrays of numbers, and the key each lead brings."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, cast

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.grouping.columns import Column, Columns
    from leadfold.model import StopReason

__all__ = ["Keys", "Members", "Partition", "Stopped", "keys_of", "numbered"]


@attrs.frozen
class Keys:
    """Leads by their strongest usable identifier: rows with equal keys have equal numbers.

    *blocks* hold what the numbers stand for, in order: of each kind its values, then lead ids.
    *kinds* and *values* say so of each number; a kind is its place in the policy, and one past
    the last stands for ``individual``, whose value is the lead id.
    """

    labels: list[int] = attrs.field(repr=False)
    blocks: tuple[Column, ...] = attrs.field(repr=False)

    @cached_property
    def kinds(self) -> list[int]:
        """Return the kind of each number."""
        return [place for place, block in enumerate(self.blocks) for _ in range(len(block))]

    @cached_property
    def values(self) -> list[str]:
        """Return the value of each number."""
        return cast("list[str]", [value for block in self.blocks for value in block.first])

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return sum(map(len, self.blocks))

    def of(self, row: int) -> tuple[int, str]:
        """Return the key of *row*: its kind's place, and its value."""
        label = self.labels[row]
        return self.kinds[label], self.values[label]


Stopped = dict[tuple[int, str], tuple[tuple["StopReason", tuple[int, ...]], ...]]
"""Why a value, by its kind's place, did not join: each reason with a row of each holder it met.

Tuples all the way: the cycle collector leaves alone what holds nothing but texts and numbers.
"""


@attrs.frozen
class Partition:
    """The groups: each row's group number, the *keys* they were made from, what was *stopped*."""

    labels: list[int] = attrs.field(repr=False)
    size: int
    keys: Keys
    stopped: Stopped = attrs.field(factory=dict, repr=False)


class Members:
    """The rows of each group, in ascending order, by group number.

    Most groups have one row: a list for each would cost more than all the rest.
    """

    def __init__(self, labels: Sequence[int], size: int) -> None:
        self._first = [-1] * size
        self._more: dict[int, list[int]] = {}
        first, more = self._first, self._more
        for row, label in enumerate(labels):
            if first[label] < 0:
                first[label] = row
            else:
                more.setdefault(label, []).append(row)

    def __len__(self) -> int:
        return len(self._first)

    def __getitem__(self, number: int) -> list[int]:
        return [self._first[number], *self._more.get(number, ())]

    def size(self, number: int) -> int:
        """Return how many rows the group *number* has, without listing them."""
        return 1 + len(self._more.get(number, ()))

    def __iter__(self) -> Iterator[list[int]]:
        more = self._more
        for number, row in enumerate(self._first):
            yield [row, *more[number]] if number in more else [row]


def keys_of(columns: Columns) -> Keys:
    """Return the key of every row: its first usable value of its strongest kind, else its id."""
    labels = [0] * len(columns.by_id)
    left: Sequence[int] = range(len(labels))
    blocks: list[Column] = []
    for column in (*columns.by_kind, columns.by_id):
        left, block = column.number(left, labels, sum(map(len, blocks)))
        blocks.append(block)
    return Keys(labels, tuple(blocks))


def numbered(names: Sequence[int]) -> tuple[list[int], int]:
    """Return *names* as 0, 1, 2 … in their order, and how many different ones there are."""
    present = bytearray(max(names, default=-1) + 1)
    for name in names:
        present[name] = 1
    below = list(accumulate(present, initial=0))  # of each name, how many smaller ones there are
    return [below[name] for name in names], below[-1]
