"""Rule 3 of the semantics: which groups of a connected block stay joined under the guards.

Pure: groups are numbers, values are anything hashable; no lead, no policy, no order of arrival.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from leadfold.model import StopReason

    Owner = frozenset[Hashable]

__all__ = ["Division", "Guard", "by_scope", "connected", "held_apart", "settle"]

V = TypeVar("V", bound="Hashable")

Division = tuple[list[list[int]], "StopReason"]
"""The parts that a step left of a piece, and why it did."""


@attrs.frozen
class Guard:
    """At most *limit* distinct values of one kind, scope or ruling in one customer.

    *held* has which of them each group holds; *reason* is what a stop says of it.
    """

    limit: int
    reason: StopReason
    held: Mapping[int, Collection[Hashable]] = attrs.field(repr=False)

    def exceeded_by(self, groups: Iterable[int]) -> bool:
        """Tell whether *groups* together hold too many values, and more than any one of them."""
        together: set[Hashable] = set()
        most = 0
        for group in groups:
            own = self.held.get(group, ())
            together.update(own)
            most = max(most, len(own))
        return len(together) > self.limit and len(together) > most


def settle(
    block: Sequence[int], values: Mapping[int, Collection[Hashable]], guards: Sequence[Guard]
) -> tuple[list[list[int]], list[Division]]:
    """Return the sets of groups of *block* that this level joins, and how it was divided.

    *values* are the level's joining values (generic ones left out) by group; *guards* come
    strongest first.
    """
    pieces = [sorted(block)]
    divisions: list[Division] = []
    for guard in guards:
        if guard.limit == 1:
            whole, pieces = pieces, []
            for piece in whole:
                if len(piece) == 1 or not guard.exceeded_by(piece):
                    pieces.append(piece)
                    continue
                parts = _divided(piece, values, guard)
                pieces.extend(parts)
                divisions.append((parts, guard.reason))
    joined = []
    for piece in pieces:
        if len(piece) == 1:
            joined.append(piece)
            continue
        broken = next((guard for guard in guards if guard.exceeded_by(piece)), None)
        parts = [piece] if broken is None else [[group] for group in piece]
        joined.extend(parts)
        if broken is not None:
            divisions.append((parts, broken.reason))
    return joined, divisions


def by_scope(
    groups: Iterable[int], held: Mapping[int, Collection[str]]
) -> dict[str, dict[int, set[str]]]:
    """Return what each of *groups* holds, scope by scope."""
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for group in groups:
        for value in held.get(group, ()):
            found[value.partition("/")[0]][group].add(value)
    return found


def held_apart(
    parts: Sequence[Sequence[int]], values: Mapping[int, Collection[V]]
) -> dict[V, list[int]]:
    """Return the values that groups of more than one part hold, with all these groups."""
    holders: dict[V, list[int]] = defaultdict(list)
    part_of: dict[V, int] = {}
    apart: set[V] = set()
    for number, part in enumerate(parts):
        for group in part:
            for value in values.get(group, ()):
                holders[value].append(group)
                if part_of.setdefault(value, number) != number:
                    apart.add(value)
    return {value: groups for value, groups in holders.items() if value in apart}


def connected(groups: Iterable[int], values: Mapping[int, Collection[Hashable]]) -> list[list[int]]:
    """Return the sets of *groups* that shared *values* connect, each in ascending order."""
    ordered = sorted(groups)
    if len(ordered) < 2:  # noqa: PLR2004 - one alone is connected; most are
        return [ordered] if ordered else []
    holders: dict[Hashable, list[int]] = defaultdict(list)
    for group in ordered:
        for value in values.get(group, ()):
            holders[value].append(group)
    seen: set[int] = set()
    found = []
    for start in ordered:
        if start in seen:
            continue
        seen.add(start)
        reached = [start]
        for group in reached:  # grows while it is walked: breadth first, no recursion
            for value in values.get(group, ()):
                for other in holders.pop(value, ()):
                    if other not in seen:
                        seen.add(other)
                        reached.append(other)
        found.append(sorted(reached))
    return found


def _divided(
    piece: Sequence[int], values: Mapping[int, Collection[Hashable]], guard: Guard
) -> list[list[int]]:
    """Divide *piece*, which exceeds the unique *guard*, among the guard's owners."""
    anchors = {group: frozenset(guard.held[group]) for group in piece if guard.held.get(group)}
    owners_of = _owners_of_values(anchors, values)
    sides: dict[Owner, list[int]] = defaultdict(list)
    for group, owner in anchors.items():
        sides[owner].append(group)
    parts = []
    for cluster in _clusters([group for group in piece if group not in anchors], values, owners_of):
        claims: set[Owner] = set()
        for group in cluster:
            for value in values.get(group, ()):
                claims.update(owners_of.get(value, ()))
        if len(claims) == 1:
            sides[claims.pop()].extend(cluster)
        else:
            parts.append(cluster)
    for side in sides.values():
        parts.extend(connected(side, values))
    return sorted(parts)


def _owners_of_values(
    anchors: Mapping[int, Owner], values: Mapping[int, Collection[Hashable]]
) -> dict[Hashable, set[Owner]]:
    """Return, for each value that anchors hold, the distinct owners among them."""
    owners: dict[Hashable, set[Owner]] = defaultdict(set)
    for group, owner in anchors.items():
        for value in values.get(group, ()):
            owners[value].add(owner)
    return owners


def _clusters(
    free: Sequence[int],
    values: Mapping[int, Collection[Hashable]],
    owners_of: Mapping[Hashable, set[Owner]],
) -> list[list[int]]:
    """Connect the *free* groups by values that are not owned: they have no owner, or several."""
    if len(free) < 2:  # noqa: PLR2004
        return [[*free]] if free else []
    loose = {
        group: [value for value in values.get(group, ()) if len(owners_of.get(value, ())) != 1]
        for group in free
    }
    return connected(free, loose)
