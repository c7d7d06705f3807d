"""Values that are left out of a closed set for being generic. It asks nothing, decides no group.

A value of which more customers than its kind's ``generic_after`` hold something stronger beside it
joins nobody (SEMANTICS.md, strategy linked, 1). It may be cut while that is so before and after a
decision, unless it is somebody's key. What is counted are the customers of leads, each of which is
a final group: no more than there were groups when the value's level began. Customers that others
made do not count by themselves, for several may be one group; nor do leads that wait, for what the
index holds of them may be newer than their links.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from leadfold.repository import RECORD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from leadfold.grouping import Resolution
    from leadfold.model import Identifier
    from leadfold.policy import Policy
    from leadfold.resolving.known import Known

__all__ = ["Cut"]


class Cut:
    """The values left out so far, and those that must not be.

    With *allowed* False none is: then links are not known to be what the grouping says.
    """

    def __init__(self, policy: Policy, known: Known, *, allowed: bool) -> None:
        self.values: set[Identifier] = set()
        self._policy = policy
        self._known = known
        self._allowed = allowed and policy.strategy == "linked"
        self._tying: set[Identifier] = set()

    def takes(self, value: Identifier) -> bool:
        """Leave *value* out if that may be; tell whether it is left out."""
        if not self._allowed or value in self._tying:
            return False
        if len(self._owners(value)) > self._most(value):
            self.values.add(value)
        return value in self.values

    def open(self, values: Iterable[Identifier]) -> list[Identifier]:
        """Let *values* tie from now on; return those that were left out."""
        again = sorted(self.values.intersection(values))
        self._tying.update(values)
        self.values.difference_update(again)
        return again

    def crossed(self, resolution: Resolution, members: Collection[str]) -> set[Identifier]:
        """Return the values left out that would not be generic under *resolution*.

        *members* are the customers inside of the set: their groups are those of the resolution.
        """
        inside: dict[Identifier, set[int]] = defaultdict(set)
        for row, label in enumerate(resolution.partition.labels if self.values else ()):
            held = resolution.columns.identifiers(row)
            for value in self.values.intersection(held):
                if self._is_weaker(value, held):
                    inside[value].add(label)
        return {
            value
            for value in self.values
            if len(self._owners(value).difference(members)) + len(inside[value])
            <= self._most(value)
        }

    def _owners(self, value: Identifier) -> set[str]:
        """Return the customers of the known leads that hold *value* and something stronger."""
        entries = self._known.entries
        leads = (each for each in self._known.holders[value] if not each.startswith(RECORD))
        return {
            customer
            for entry in map(entries.__getitem__, leads)
            if (customer := entry.customer_id) is not None
            and not entry.queued
            and self._is_weaker(value, entry.identifiers)
        }

    def _is_weaker(self, value: Identifier, held: Iterable[Identifier]) -> bool:
        return any(self._place(each) < self._place(value) for each in held)

    def _most(self, value: Identifier) -> float:
        place = self._place(value)
        rules = self._policy.identifiers
        most = rules[place].generic_after if place < len(rules) else None
        return float("inf") if most is None else most

    def _place(self, value: Identifier) -> int:
        return self._places.get(value.kind, len(self._places))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {kind: place for place, kind in enumerate(self._policy.kinds)}
