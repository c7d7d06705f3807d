"""Who owns what a guard stopped: the identifiers that would be too many in one customer."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from leadfold.grouping.settling import Guard, by_scope, connected
from leadfold.model import Identifier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from leadfold.grouping.columns import Columns
    from leadfold.model import StopReason
    from leadfold.policy import Policy

__all__ = ["Owners"]

_GUARDED = ("contested", "limit")


class Owners:
    """The owners of the stopped values of the kind at *place*; `note` all of them first."""

    def __init__(self, place: int, columns: Columns, policy: Policy, labels: Sequence[int]) -> None:
        self._columns = columns
        self._rules = policy.identifiers[: place + 1]
        self._labels = labels
        self._holders: dict[str, Collection[int]] = {}
        self._values: dict[int, list[str]] = defaultdict(list)
        self._of_component: dict[tuple[int, StopReason], frozenset[Identifier]] = {}

    def note(self, value: str, groups: Collection[int], *, joins: bool) -> None:
        """Take note of a stopped value; one that *joins* not was generic, and connects nothing."""
        for group in groups:
            held = self._values[group]
            if joins:
                held.append(value)
        if joins:
            self._holders[value] = groups

    def of(
        self, groups: Collection[int], reasons: Collection[StopReason]
    ) -> tuple[Identifier, ...]:
        """Return the owners of a value that *groups* hold and that stopped for *reasons*.

        They are looked for among these groups, then also among those that share another value of
        the same kind with them, then among all that such values connect.
        """
        found: set[Identifier] = set()
        for reason in _GUARDED:
            if reason in reasons:
                near = self._too_many(groups, reason)
                near = near or self._too_many(self._neighbours(groups), reason)
                found |= near or self._in_component(min(groups), reason)
        return tuple(sorted(found))

    def _neighbours(self, groups: Iterable[int]) -> set[int]:
        """Return *groups* and those that hold a value of one of them."""
        values = {value for group in groups for value in self._values[group]}
        return {*groups, *(group for value in values for group in self._holders[value])}

    def _in_component(self, group: int, reason: StopReason) -> frozenset[Identifier]:
        """Return the owners among all groups connected with *group*: found once for all of them."""
        component = self._components[group]
        if (component[0], reason) not in self._of_component:
            # A group that a weaker level joined later may hold as many as were apart here.
            owners = self._too_many(component, reason) or self._above_limit(component, reason)
            self._of_component[component[0], reason] = owners
        return self._of_component[component[0], reason]

    @cached_property
    def _components(self) -> dict[int, list[int]]:
        """Return, for each group, all groups that values connect with it."""
        parts = connected(self._values, self._values)
        return {group: part for part in parts for group in part}

    def _too_many(self, groups: Collection[int], reason: StopReason) -> frozenset[Identifier]:
        """Return what *groups* hold of each guard for *reason* that they exceed together."""
        guards = self._guards(groups, reason)
        return _held_of(groups, [each for each in guards if each[1].exceeded_by(groups)])

    def _above_limit(self, groups: Collection[int], reason: StopReason) -> frozenset[Identifier]:
        """Return what *groups* hold of each guard for *reason* whose limit is below that."""
        found = [
            (guard.limit, _held_of(groups, [(kind, guard)]))
            for kind, guard in (self._guards(groups, reason))
        ]
        return frozenset[Identifier]().union(*(held for most, held in found if len(held) > most))

    def _guards(self, groups: Collection[int], reason: StopReason) -> Iterator[tuple[str, Guard]]:
        """Yield the guards that stop for *reason*, with their kinds, scope by scope."""
        for number, rule in enumerate(self._rules):
            if rule.limit is None or reason != ("contested" if rule.limit == 1 else "limit"):
                continue
            held = self._held[number]
            if rule.scope is None:
                yield rule.kind, Guard(rule.limit, reason, held)
                continue
            for inside in by_scope(groups, held).values():
                yield rule.kind, Guard(rule.limit, reason, inside)

    @cached_property
    def _held(self) -> list[dict[int, set[str]]]:
        """Return the values of each kind up to this one, by group: of groups with a stop alone."""
        return [self._by_group(number) for number in range(len(self._rules))]

    def _by_group(self, number: int) -> dict[int, set[str]]:
        held: dict[int, set[str]] = defaultdict(set)
        for row, value in self._columns.by_kind[number].pairs():
            if self._labels[row] in self._values:
                held[self._labels[row]].add(value)
        return held


def _held_of(groups: Iterable[int], guards: Iterable[tuple[str, Guard]]) -> frozenset[Identifier]:
    """Return the identifiers of *guards*, each with its kind, that *groups* hold."""
    return frozenset(
        Identifier(kind, str(value))
        for kind, guard in guards
        for group in groups
        for value in guard.held.get(group, ())
    )
