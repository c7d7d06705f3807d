"""What can have joined leads of one group: rulings, equal keys, values that were not generic.

It walks the leads it is given and no others; nothing here makes pairs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

import attrs

from leadfold.explanations import KEY, RULING, Tie
from leadfold.model import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.partition import Partition
    from leadfold.model import Ruling
    from leadfold.policy import Policy

__all__ = ["Evidence", "EvidenceFinder"]

Name = TypeVar("Name", str, tuple[int, str])


@attrs.frozen
class Evidence:
    """A ruling, or an identifier at one level, and the places of the *holders* it joins.

    *strength* orders evidence as it joins: rulings first (0), then keys, then values, each in the
    order of the policy.
    """

    strength: int
    level: str
    holders: Sequence[int]
    identifier: Identifier | None = None
    ruling_id: str | None = None

    def tie(self, lead_id: str, other_id: str) -> Tie:
        """Return what it says of two leads that it joins."""
        return Tie(lead_id, other_id, self.level, self.identifier, self.ruling_id)


class EvidenceFinder:
    """Finds the evidence among leads of one final group."""

    def __init__(
        self, columns: Columns, policy: Policy, partition: Partition, rulings: Iterable[Ruling]
    ) -> None:
        self._columns = columns
        self._kinds = policy.kinds
        self._keys = partition.keys
        self._levels = range(len(policy.kinds)) if policy.strategy == "linked" else range(0)
        self._generic = {
            value
            for value, steps in partition.stopped.items()
            if any(reason == "generic" for reason, _ in steps)
        }
        self._musts_of: dict[str, list[Ruling]] = defaultdict(list)
        for ruling in rulings:
            for lead in ruling.parts[0] if ruling.is_must_link else ():
                self._musts_of[lead].append(ruling)

    def in_text_order(self, rows: Iterable[int]) -> list[int]:
        """Return *rows* in the text order of their lead ids, so that theirs does not matter."""
        return sorted(rows, key=self._columns.ids.__getitem__)

    def among(self, rows: Sequence[int]) -> Iterator[Evidence]:
        """Yield what two or more of *rows* share, strongest first, then in text order.

        Holders are places in *rows*, ascending. A value that was generic at its level counts
        among leads whose key it is alone.
        """
        yield from self._ruled(rows)
        yield from self._keyed(rows)
        for level in self._levels:
            yield from self._held(level, rows)

    def _ruled(self, rows: Sequence[int]) -> Iterator[Evidence]:
        if not self._musts_of:
            return
        named: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            for ruling in self._musts_of.get(self._columns.ids[row], ()):
                named[ruling.id].append(place)
        for ruling_id, holders in _shared(named):
            yield Evidence(0, RULING, holders, ruling_id=ruling_id)

    def _keyed(self, rows: Sequence[int]) -> Iterator[Evidence]:
        keyed: dict[tuple[int, str], list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            keyed[self._keys.of(row)].append(place)
        for (kind, value), holders in _shared(keyed):
            yield Evidence(1 + kind, KEY, holders, Identifier(self._kinds[kind], value))

    def _held(self, level: int, rows: Sequence[int]) -> Iterator[Evidence]:
        kind, column = self._kinds[level], self._columns.by_kind[level]
        held: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            for value in column.of(row):
                held[value].append(place)
        strength = 1 + len(self._kinds) + level
        for value, holders in _shared(held):
            if (level, value) not in self._generic:
                yield Evidence(strength, kind, holders, Identifier(kind, value))


def _shared(holders_of: Mapping[Name, list[int]]) -> list[tuple[Name, list[int]]]:
    """Return what several hold, in order."""
    return sorted((each, holders) for each, holders in holders_of.items() if len(holders) > 1)
