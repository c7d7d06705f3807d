"""The strategy ``linked``: groups of ``keyed`` joined further, level by level, strongest first.

What a level joined is locked; at each level rule 3 (`settle`) says what the guards let stand. A
group is named by the smallest of the start's groups in it until the last level is done.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from leadfold.disjoint import DisjointSets
from leadfold.grouping.holdings import Holdings
from leadfold.grouping.partition import Partition, numbered
from leadfold.grouping.settling import Guard, by_scope, held_apart, settle

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.rulings import RowRulings
    from leadfold.model import StopReason
    from leadfold.policy import Policy
    from leadfold.rules import IdentifierRule

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
        self._rules = policy.identifiers
        self._start = start
        self._labels = start.labels
        self._held: list[Holdings] = []
        self._stopped_by = dict(start.stopped)
        self._cannots = rulings.cannots

    def partition(self) -> Partition:
        """Return the groups reached."""
        labels, size = numbered(self._labels)
        return Partition(labels, size, self._start.keys, self._stopped_by)

    def join_by(self, place: int) -> None:
        """Join the present groups by the values of the kind at *place*, as its guards allow."""
        held = Holdings(self._columns.by_kind[place], self._labels, self._start.size)
        generic = self._generic(place, held)
        blocks = _blocks(held, generic, self._start.size)
        self._held.append(held)
        guards = _Guards(self._rules, self._held, self._sides())
        pieces = (piece for block in blocks for piece in self._settled(block, guards, generic))
        joined = [piece for piece in pieces if len(piece) > 1]
        held.forget_holders()
        if len(self._held) == len(self._rules):
            self._held.clear()  # nobody asks after the last level
        self._join(joined)

    def _generic(self, place: int, held: Holdings) -> set[str]:
        """Return the values too many groups hold that also hold something stronger."""
        most = self._rules[place].generic_after
        if most is None:
            return set()
        found = self._generic_elsewhere(place, held) if self._columns.generic else set()
        for value, groups in held.held_often(most).items():
            if value in found:
                continue
            if sum(any(kind.any(group) for kind in self._held) for group in groups) > most:
                found.add(value)
                self._stopped(place, value, "generic", groups)
        return found

    def _generic_elsewhere(self, place: int, held: Holdings) -> set[str]:
        """Return the values that are generic for what is not among these leads."""
        kind = self._rules[place].kind
        told = {each.value for each in self._columns.generic if each.kind == kind}
        often = held.held_often(1)
        for value in sorted(told & often.keys()):
            self._stopped(place, value, "generic", often[value])
        return told

    def _settled(
        self, block: Sequence[int], guards: _Guards, generic: set[str]
    ) -> Iterable[Sequence[int]]:
        """Return the sets of groups of *block* that are joined, and note what was stopped."""
        touched = list(guards.of(block))
        if not touched:
            return [block]
        held = self._held[-1]
        values = {group: held.of(group) for group in block}
        if generic:
            values = {group: {*own} - generic for group, own in values.items()}
        pieces, divisions = settle(block, values, touched)
        for parts, reason in divisions:
            for value, groups in held_apart(parts, values).items():
                self._stopped(len(self._held) - 1, value, reason, groups)
        return pieces

    def _join(self, pieces: Sequence[Sequence[int]]) -> None:
        """Make one group of each of *pieces*, named by its first."""
        if not pieces:
            return
        names = list(range(self._start.size))
        for piece in pieces:
            for group in piece:
                names[group] = piece[0]
            for held in self._held:
                held.join(piece)
        self._labels = [names[label] for label in self._labels]

    def _sides(self) -> list[dict[int, set[int]]]:
        """Return, for each cannot-link, the parts that groups hold a lead of."""
        found = []
        for parts in self._cannots:
            side: dict[int, set[int]] = defaultdict(set)
            for number, rows in enumerate(parts):
                for row in rows:
                    side[self._labels[row]].add(number)
            found.append(side)
        return found

    def _stopped(self, place: int, value: str, reason: StopReason, groups: Iterable[int]) -> None:
        first_row = self._first_row
        step = (reason, tuple([first_row[group] for group in groups]))
        self._stopped_by[place, value] = (*self._stopped_by.get((place, value), ()), step)

    @cached_property
    def _first_row(self) -> list[int]:
        """Return the first row of each of the start's groups, one of which names each later one."""
        labels = self._start.labels
        found = [0] * self._start.size
        for row in range(len(labels) - 1, -1, -1):
            found[labels[row]] = row
        return found


def _blocks(held: Holdings, generic: Collection[str], size: int) -> Iterator[list[int]]:
    """Yield the groups that values other than *generic* ones connect, each block ascending."""
    sets = DisjointSets(size)
    touched: set[int] = set()
    for value, first, group in zip(held.values, held.firsts, held.groups, strict=True):
        if value not in generic:
            sets.join(first, group)
            touched.add(first)
            touched.add(group)
    ordered = sorted(touched)
    ordered.sort(key=sets.find)
    for _, block in groupby(ordered, key=sets.find):
        yield list(block)


class _Guards:
    """The guards of one level: cannot-links, then kinds at least as strong, scope by scope."""

    def __init__(
        self,
        rules: Sequence[IdentifierRule],
        held: Sequence[Holdings],
        sides: Sequence[dict[int, set[int]]],
    ) -> None:
        self._kinds = [
            (rule.limit, rule.scope is not None, kind)
            for rule, kind in zip(rules, held, strict=False)  # stronger kinds and this one alone
            if rule.limit is not None
        ]
        self._sides = sides
        self._ruled: dict[int, list[int]] = defaultdict(list)
        for number, side in enumerate(sides):
            for group in side:
                self._ruled[group].append(number)

    def of(self, block: Sequence[int]) -> Iterator[Guard]:
        """Yield the guards that some of the groups of *block* may exceed, strongest first."""
        if self._ruled:
            for number in sorted({n for group in block for n in self._ruled.get(group, ())}):
                yield Guard(1, "ruled", self._sides[number])
        for limit, scoped, kind in self._kinds:
            if not kind.differ(block) or len(kind.together(block)) <= limit:
                continue  # and so no part of it exceeds it
            reason = "contested" if limit == 1 else "limit"
            held = {group: kind.of(group) for group in block if kind.any(group)}
            if not scoped:
                yield Guard(limit, reason, held)
                continue
            for _, inside in sorted(by_scope(block, held).items()):
                yield Guard(limit, reason, inside)
