"""What grouping answers: counts at once; groups, stops and the rest made when looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

from leadfold.grouping.partition import Members
from leadfold.masking import mask_key
from leadfold.model import INDIVIDUAL, Group, Identifier, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.partition import Partition
    from leadfold.model import Rejection, Ruling, StopReason
    from leadfold.policy import Policy

__all__ = ["Groups", "Resolution"]

SUSPICIOUS_ABOVE = 5
"""A group with more values than this of a kind weaker than its key's is suspicious."""


class Resolution:
    """The groups of a set of leads under one policy, and why.

    Two resolutions are equal when their groups, stops and rejections are.
    """

    def __init__(
        self, policy: Policy, columns: Columns, partition: Partition, rulings: Sequence[Ruling]
    ) -> None:
        self.policy = policy
        self.columns = columns
        self.partition = partition
        self._rulings = tuple(rulings)

    def __repr__(self) -> str:
        counts = ", ".join(f"{kind}: {count}" for kind, count in self.counts.items())
        return f"<Resolution of {len(self.columns.ids)} leads: {counts}>"

    def __str__(self) -> str:
        return self.summary()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resolution):
            return NotImplemented
        mine = (self.groups, self.stops, self.rejected)
        return mine == (other.groups, other.stops, other.rejected)

    __hash__ = None  # type: ignore[assignment]  # compared by content

    @property
    def counts(self) -> dict[str, int]:
        """Return how many groups each kind of key has, strongest first, then ``individual``."""
        found = Counter(kind for kind, _ in self.group_keys)
        names = (*self.policy.kinds, INDIVIDUAL)
        return {name: found[place] for place, name in enumerate(names)}

    @cached_property
    def groups(self) -> Groups:
        """Return the groups in order of key, as a sequence that makes each when looked at."""
        return Groups(self)

    def group_of(self, lead_id: str) -> Group:
        """Return the group *lead_id* is in; KeyError if it is none of these leads."""
        return self.groups.by_number(self.partition.labels[self._row_of[lead_id]])

    @cached_property
    def rows(self) -> Members:
        """Return the rows of each group, by group number."""
        return Members(self.partition.labels, self.partition.size)

    @cached_property
    def group_keys(self) -> list[tuple[int, str]]:
        """Return each group's key, by number: its kind's place and value, the smallest of these."""
        keys = self.partition.keys
        if self.partition.labels is keys.labels:
            return list(zip(keys.kinds, keys.values, strict=True))
        best: list[tuple[int, str] | None] = [None] * self.partition.size
        for label, key in zip(self.partition.labels, keys.labels, strict=True):
            candidate = (keys.kinds[key], keys.values[key])
            held = best[label]
            if held is None or candidate < held:
                best[label] = candidate
        return [key for key in best if key is not None]

    @cached_property
    def keys(self) -> list[str]:
        """Return each group's key as text, by number; equal keys get ``#<smallest lead id>``."""
        names = (*self.policy.kinds, INDIVIDUAL)
        plain = [f"{names[kind]}:{value}" for kind, value in self.group_keys]
        if self.partition.labels is self.partition.keys.labels:
            return plain
        shared = {key for key, count in Counter(plain).items() if count > 1}
        return [
            f"{key}#{min(self.columns.ids[row] for row in self.rows[number])}"
            if key in shared
            else key
            for number, key in enumerate(plain)
        ]

    @cached_property
    def rejected(self) -> tuple[Rejection, ...]:
        """Return the raw values that took no part, by lead id and field."""
        return tuple(self.columns.rejections())

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """Return every usable value held in two or more groups, with its reasons."""
        found = [
            stop
            for place, kind in enumerate(self.policy.kinds)
            for stop in self._stops_of(place, kind)
        ]
        return tuple(sorted(found, key=lambda stop: stop.identifier))

    def _stops_of(self, place: int, kind: str) -> Iterator[Stop]:
        labels = self.partition.labels
        first: dict[str, int] = {}
        shared: dict[str, list[int]] = {}
        for row, value in self.columns.by_kind[place].pairs():
            if first.setdefault(value, row) != row:
                shared.setdefault(value, [first[value]]).append(row)
        for value, rows in shared.items():
            numbers = {labels[row] for row in rows}
            if len(numbers) > 1:
                yield self._stop(place, Identifier(kind, value), rows, numbers)

    def _stop(self, place: int, identifier: Identifier, rows: list[int], numbers: set[int]) -> Stop:
        ids = self.columns.ids
        return Stop(
            identifier,
            tuple(sorted(ids[row] for row in rows)),
            tuple(sorted(self.keys[number] for number in numbers)),
            tuple(sorted(self._reasons(place, identifier.value, rows))),
        )

    def _reasons(self, place: int, value: str, rows: list[int]) -> set[StopReason]:
        """Return why *value* joins not all its holders: what is on record, or a stronger key.

        A step on record counts if holders it met are apart in the end. Only ``keyed`` leaves
        values weaker: groups that hold it and have it as nobody's key.
        """
        labels = self.partition.labels
        reasons = {
            reason
            for reason, met in self.partition.stopped.get((place, value), ())
            if len({labels[row] for row in met}) > 1
        }
        if self.policy.strategy == "keyed":
            keys = self.partition.keys
            keyed = {labels[row] for row in rows if keys.of(row) == (place, value)}
            if keyed != {labels[row] for row in rows}:
                reasons.add("weaker")
        return reasons

    @cached_property
    def suspicious(self) -> tuple[Group, ...]:
        """Return groups with more than 5 values of a kind weaker than their key's, largest first.

        A group that one must-link names whole is confirmed, and not listed.
        """
        numbers = {
            number
            for place in range(1, len(self.policy.kinds))
            for number, values in self._values_in_groups(place).items()
            if len(values) > SUSPICIOUS_ABOVE and self.group_keys[number][0] < place
        }
        confirmed = [frozenset(r.parts[0]) for r in self._rulings if r.is_must_link]
        groups = [self.groups.by_number(number) for number in numbers]
        doubtful = [g for g in groups if not any(c.issuperset(g.lead_ids) for c in confirmed)]
        return tuple(sorted(doubtful, key=lambda group: (-len(group), group.key)))

    def _values_in_groups(self, place: int) -> dict[int, set[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        for row, value in self.columns.by_kind[place].pairs():
            found[self.partition.labels[row]].add(value)
        return found

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {lead: row for row, lead in enumerate(self.columns.ids)}

    def summary(self) -> str:
        """Return what a person wants to know first, in a few lines, identifiers masked."""
        lines = [f"{len(self.columns.ids)} leads in {self.partition.size} groups"]
        lines += [f"  by {kind}: {count}" for kind, count in self.counts.items()]
        reasons = Counter(reason for stop in self.stops for reason in stop.reasons)
        stops = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        lines.append(f"  identifiers shared between groups: {len(self.stops)} ({stops or 'none'})")
        refused = Counter(rejection.reason.value for rejection in self.rejected)
        causes = ", ".join(f"{reason} {count}" for reason, count in sorted(refused.items()))
        lines.append(f"  values not used: {len(self.rejected)} ({causes or 'none'})")
        lines += [f"  suspicious: {mask_key(g.key)}, {len(g)} leads" for g in self.suspicious[:5]]
        return "\n".join(lines)


class Groups(Sequence[Group]):
    """The groups of a resolution in order of key; each is made when it is looked at."""

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution
        self._kinds = (*resolution.policy.kinds, INDIVIDUAL)

    @cached_property
    def _order(self) -> list[int]:
        return sorted(range(len(self)), key=self._resolution.keys.__getitem__)

    def __len__(self) -> int:
        return self._resolution.partition.size

    @overload
    def __getitem__(self, place: int) -> Group: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Group, ...]: ...
    def __getitem__(self, place: int | slice) -> Group | tuple[Group, ...]:
        if isinstance(place, slice):
            return tuple(self.by_number(number) for number in self._order[place])
        return self.by_number(self._order[place])

    def __iter__(self) -> Iterator[Group]:
        return map(self.by_number, self._order)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content

    def __repr__(self) -> str:
        return f"<{len(self)} groups>"

    def by_number(self, number: int) -> Group:
        """Return the group with the engine's own *number*."""
        resolution = self._resolution
        ids = resolution.columns.ids
        return Group(
            resolution.keys[number],
            self._kinds[resolution.group_keys[number][0]],
            tuple(sorted([ids[row] for row in resolution.rows[number]])),
        )
