"""What was shared and did not join: each value with its leads, groups, reasons and owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.grouping.explaining.owners import Owners
from leadfold.model import Identifier, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.grouping.partition import Partition
    from leadfold.model import StopReason
    from leadfold.policy import Policy

__all__ = ["Stopped", "stopped_values", "stops_of"]


@attrs.frozen
class Stopped:
    """A value of the kind at *place* that several final groups hold, in the engine's numbers."""

    place: int
    value: str
    rows: Sequence[int]
    groups: frozenset[int]
    reasons: frozenset[StopReason]


def stops_of(
    columns: Columns, policy: Policy, partition: Partition, keys: Sequence[str]
) -> tuple[Stop, ...]:
    """Return every usable value held in two or more groups; *keys* name these by number."""
    found = []
    for place, kind in enumerate(policy.kinds):
        stopped = list(stopped_values(place, columns, policy, partition))
        owners = Owners(place, columns, policy, partition.labels)
        for each in stopped:
            owners.note(each.value, each.groups, joins="generic" not in each.reasons)
        found += [
            Stop(
                Identifier(kind, each.value),
                tuple(sorted(columns.ids[row] for row in each.rows)),
                tuple(sorted(keys[group] for group in each.groups)),
                tuple(sorted(each.reasons)),
                owners.of(each.groups, each.reasons),
            )
            for each in stopped
        ]
    return tuple(sorted(found, key=lambda stop: stop.identifier))


def stopped_values(
    place: int, columns: Columns, policy: Policy, partition: Partition
) -> Iterator[Stopped]:
    """Yield the values of the kind at *place* that two or more groups hold."""
    first: dict[str, int] = {}
    shared: dict[str, list[int]] = {}
    for row, value in columns.by_kind[place].pairs():
        if first.setdefault(value, row) != row:
            shared.setdefault(value, [first[value]]).append(row)
    for value, rows in shared.items():
        groups = frozenset(partition.labels[row] for row in rows)
        if len(groups) > 1:
            reasons = _reasons(place, value, rows, policy, partition)
            yield Stopped(place, value, rows, groups, frozenset(reasons))


def _reasons(
    place: int, value: str, rows: Sequence[int], policy: Policy, partition: Partition
) -> set[StopReason]:
    """Return why *value* joins not all its holders: what is on record, or a stronger key.

    A step on record counts if holders it met are apart in the end. Only ``keyed`` leaves
    values weaker: groups that hold it and have it as nobody's key.
    """
    labels = partition.labels
    reasons = {
        reason
        for reason, met in partition.stopped.get((place, value), ())
        if len({labels[row] for row in met}) > 1
    }
    if policy.strategy == "keyed":
        keyed = {labels[row] for row in rows if partition.keys.of(row) == (place, value)}
        if keyed != {labels[row] for row in rows}:
            reasons.add("weaker")
    return reasons
