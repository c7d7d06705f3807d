"""Who claims the groups that a unique guard left alone, and which claims a ruling has settled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leadfold.grouping.settling import by_scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.explaining.stops import Stopped
    from leadfold.grouping.partition import Partition
    from leadfold.model import Ruling
    from leadfold.policy import Policy

__all__ = ["claims_on"]


def claims_on(
    stopped: Iterable[Stopped],
    columns: Columns,
    policy: Policy,
    partition: Partition,
    rulings: Iterable[Ruling],
) -> dict[int, set[int]]:
    """Return the groups left contested, each with those that claim it.

    A group is left contested if, for a unique kind (a scope of it) of which it holds no value, it
    shares contested values with groups of several owners. An owner that a ruling keeps from the
    group claims nothing: that is settled.
    """
    contested = [each for each in stopped if "contested" in each.reasons]
    parts = _Parts(columns, partition, rulings)
    claims: dict[int, set[int]] = defaultdict(set)
    for place, rule in enumerate(policy.identifiers):
        weaker = [each for each in contested if each.place >= place]
        if rule.limit != 1 or not weaker:
            continue
        groups = {group for each in weaker for group in each.groups}
        held = _held(columns, partition, place, groups)
        scopes = [held] if rule.scope is None else by_scope(groups, held).values()
        for owners in scopes:
            for group, claimants in _claimed(weaker, owners, parts).items():
                claims[group] |= claimants
    return claims


def _held(
    columns: Columns, partition: Partition, place: int, groups: Collection[int]
) -> dict[int, set[str]]:
    held: dict[int, set[str]] = defaultdict(set)
    for row, value in columns.by_kind[place].pairs():
        if partition.labels[row] in groups:
            held[partition.labels[row]].add(value)
    return held


def _claimed(
    contested: Iterable[Stopped], owners: Mapping[int, Collection[str]], parts: _Parts
) -> dict[int, set[int]]:
    """Return the groups without an owner that share values with several, and with whom."""
    claimants: dict[int, set[int]] = defaultdict(set)
    for each in contested:
        anchors = {group for group in each.groups if owners.get(group)}
        for free in each.groups - anchors if anchors else ():
            claimants[free] |= anchors
    found = {}
    for free, anchors in claimants.items():
        near = {anchor for anchor in anchors if not parts.apart(free, anchor)}
        if len({frozenset(owners[anchor]) for anchor in near}) > 1:
            found[free] = near
    return found


class _Parts:
    """Which groups a cannot-link keeps apart: those with leads in different parts of it."""

    def __init__(self, columns: Columns, partition: Partition, rulings: Iterable[Ruling]) -> None:
        cannots = [ruling for ruling in rulings if not ruling.is_must_link]
        part_of: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, ruling in enumerate(cannots):
            for place, part in enumerate(ruling.parts):
                for lead in part:
                    part_of[lead].append((number, place))
        self._sides: dict[int, dict[int, int]] = defaultdict(dict)
        for row, lead in enumerate(columns.ids) if part_of else ():
            self._sides[partition.labels[row]].update(part_of.get(lead, ()))

    def apart(self, one: int, other: int) -> bool:
        """Tell whether a ruling keeps the groups *one* and *other* apart."""
        mine, theirs = self._sides.get(one, {}), self._sides.get(other, {})
        return any(theirs.get(ruling, part) != part for ruling, part in mine.items())
