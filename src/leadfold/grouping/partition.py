"""Which lead is in which group: arrays of numbers, and the key each lead brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.model import StopReason

__all__ = ["Keys", "Partition", "Stopped", "keys_of", "numbered"]


@attrs.frozen
class Keys:
    """Leads by their strongest usable identifier: rows with equal keys have equal numbers.

    *kinds* and *values* say what each number stands for; a kind is its place in the policy, and
    one past the last stands for ``individual``, whose value is the lead id.
    """

    labels: list[int]
    kinds: list[int]
    values: list[str]

    def of(self, row: int) -> tuple[int, str]:
        """Return the key of *row*: its kind's place, and its value."""
        label = self.labels[row]
        return self.kinds[label], self.values[label]


Stopped = dict[tuple[int, str], list[tuple["StopReason", list[int]]]]
"""Why a value, by its kind's place, did not join: each reason with a row of each holder it met."""


@attrs.frozen
class Partition:
    """The groups: each row's group number, the *keys* they were made from, what was *stopped*."""

    labels: list[int]
    size: int
    keys: Keys
    stopped: Stopped = attrs.field(factory=dict)


def keys_of(columns: Columns) -> Keys:
    """Return the key of every row: its first usable value of its strongest kind."""
    labels = [0] * len(columns.ids)
    kinds: list[int] = []
    values: list[str] = []
    left: range | list[int] = range(len(labels))
    for place, column in enumerate(columns.by_kind):
        first, start, without = column.first, len(values), []
        number_of: dict[str, int] = {}
        for row in left:
            value = first[row]
            if value is None:
                without.append(row)
            else:
                labels[row] = number_of.setdefault(value, start + len(number_of))
        left = without
        values.extend(number_of)
        kinds.extend([place] * len(number_of))
    for row in left:
        labels[row] = len(values)
        values.append(columns.ids[row])
        kinds.append(len(columns.by_kind))
    return Keys(labels, kinds, values)


def numbered(names: Sequence[int]) -> tuple[list[int], int]:
    """Return *names* as 0, 1, 2 … in order of appearance, and how many there are."""
    number_of: dict[int, int] = {}
    return [number_of.setdefault(name, len(number_of)) for name in names], len(number_of)
