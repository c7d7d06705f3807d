"""The strategy ``linked``: groups of ``keyed`` joined further, level by level, strongest first.

What a level joined is locked; at each level rule 3 (`settle`) says what the guards let stand.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leadfold.disjoint import DisjointSets
from leadfold.grouping.partition import Partition, numbered
from leadfold.grouping.settling import Guard, by_scope, held_apart, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.rulings import RowRulings
    from leadfold.model import StopReason
    from leadfold.policy import Policy

__all__ = ["link"]


def link(columns: Columns, policy: Policy, start: Partition, rulings: RowRulings) -> Partition:
    """Return the groups that every level of *policy* makes of the groups of *start*."""
    linking = _Linking(columns, policy, start, rulings)
    for place in range(len(policy.identifiers)):
        linking.join_by(place)
    return linking.partition()


class _Linking:
    """The groups as they are after the levels done so far."""

    def __init__(
        self, columns: Columns, policy: Policy, start: Partition, rulings: RowRulings
    ) -> None:
        self._columns = columns
        self._policy = policy
        self._start = start
        self._labels = list(start.labels)
        self._size = start.size
        self._stopped_by = {value: [*steps] for value, steps in start.stopped.items()}
        self._cannots = rulings.cannots

    def partition(self) -> Partition:
        """Return the groups reached."""
        return Partition(self._labels, self._size, self._start.keys, self._stopped_by)

    def join_by(self, place: int) -> None:
        """Join the present groups by the values of the kind at *place*, as its guards allow."""
        holders = self._joining(place)
        blocks = DisjointSets(self._size)
        for groups in holders.values():
            blocks.union(groups)
        members: dict[int, list[int]] = defaultdict(list)
        for group in sorted({group for groups in holders.values() for group in groups}):
            members[blocks.find(group)].append(group)
        values: dict[int, set[str]] = defaultdict(set)
        for value, groups in holders.items():
            for group in groups:
                values[group].add(value)
        self._join(place, list(members.values()), values)

    def _joining(self, place: int) -> dict[str, set[int]]:
        """Return the values that several groups hold, generic ones left out, with these groups."""
        holders: dict[str, set[int]] = defaultdict(set)
        for row, value in self._columns.by_kind[place].pairs():
            holders[value].add(self._labels[row])
        shared = {value: groups for value, groups in holders.items() if len(groups) > 1}
        most = self._policy.identifiers[place].generic_after
        if most is None:
            return shared
        backed = self._backed_before(place)
        generic = {value for value, groups in shared.items() if len(groups & backed) > most}
        first_row = self._first_rows() if generic else {}
        for value in generic:
            self._stopped(place, value, "generic", [first_row[group] for group in shared[value]])
        return {value: groups for value, groups in shared.items() if value not in generic}

    def _backed_before(self, place: int) -> set[int]:
        """Return the groups that hold a value of a kind stronger than the one at *place*."""
        return {
            self._labels[row]
            for column in self._columns.by_kind[:place]
            for row, value in enumerate(column.first)
            if value is not None
        }

    def _join(
        self, place: int, blocks: Sequence[list[int]], values: Mapping[int, set[str]]
    ) -> None:
        """Settle each block, and give the groups it joins one number."""
        kept = DisjointSets(self._size)
        first_row = self._first_rows() if blocks else {}
        guards = _Guards(self, place, {group for block in blocks for group in block})
        for block in blocks:
            pieces, divisions = settle(block, values, list(guards.of(block)))
            for parts, reason in divisions:
                for value, groups in held_apart(parts, values).items():
                    self._stopped(place, value, reason, [first_row[group] for group in groups])
            for piece in pieces:
                kept.union(piece)
        self._labels, self._size = numbered([kept.find(label) for label in self._labels])

    def _first_rows(self) -> dict[int, int]:
        """Return the first row of each present group, which names it after the last level too."""
        return {label: row for row, label in reversed(list(enumerate(self._labels)))}

    def _stopped(self, place: int, value: str, reason: StopReason, met: list[int]) -> None:
        self._stopped_by.setdefault((place, value), []).append((reason, met))

    def held(self, place: int, groups: set[int]) -> dict[int, set[str]]:
        """Return the values of the kind at *place* that each of *groups* holds."""
        found: dict[int, set[str]] = defaultdict(set)
        for row, value in self._columns.by_kind[place].pairs():
            if self._labels[row] in groups:
                found[self._labels[row]].add(value)
        return found

    def sides(self, groups: set[int]) -> list[dict[int, set[int]]]:
        """Return, for each cannot-link, the parts that each of *groups* holds a lead of."""
        found = []
        for parts in self._cannots:
            side: dict[int, set[int]] = defaultdict(set)
            for number, rows in enumerate(parts):
                for row in rows:
                    if self._labels[row] in groups:
                        side[self._labels[row]].add(number)
            found.append(side)
        return found

    @property
    def policy(self) -> Policy:
        """Return the policy that is applied."""
        return self._policy


class _Guards:
    """The guards of one level: cannot-links, then kinds at least as strong, scope by scope."""

    def __init__(self, linking: _Linking, place: int, groups: set[int]) -> None:
        self._sides = linking.sides(groups)
        rules = linking.policy.identifiers[: place + 1]
        self._kinds = [
            (rule.limit, rule.scope is not None, linking.held(number, groups))
            for number, rule in enumerate(rules)
            if rule.limit is not None
        ]

    def of(self, block: Sequence[int]) -> Iterator[Guard]:
        """Yield the guards that the groups of *block* can touch, strongest first."""
        for side in self._sides:
            yield Guard(1, "ruled", side)
        for limit, scoped, held in self._kinds:
            reason = "contested" if limit == 1 else "limit"
            if not scoped:
                yield Guard(limit, reason, held)
                continue
            for _, inside in sorted(by_scope(block, held).items()):
                yield Guard(limit, reason, inside)
