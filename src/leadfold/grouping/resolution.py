"""What grouping answers: counts at once; groups, stops and the rest made when looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from heapq import nsmallest
from typing import TYPE_CHECKING, overload

import attrs

from leadfold.exceptions import DifferentGroupsError, SameGroupError
from leadfold.explanations import Cases, Why, WhyNot
from leadfold.grouping.explaining.chain import chain_between
from leadfold.grouping.explaining.evidence import EvidenceFinder
from leadfold.grouping.explaining.links import links_among
from leadfold.grouping.explaining.nearby import ClosedSets
from leadfold.grouping.explaining.review import Reviewer
from leadfold.grouping.explaining.stops import stopped_values, stops_of
from leadfold.grouping.explaining.supposing import (
    identifier_of,
    suppose_absent,
    suppose_blocked,
    supposed_policy,
)
from leadfold.grouping.partition import Members
from leadfold.grouping.partitioning import partition_of
from leadfold.grouping.rows import Rows
from leadfold.grouping.showing import resolution_sheet, what_if_sheet
from leadfold.masking import mask_key
from leadfold.model import INDIVIDUAL, Group
from leadfold.pausing import collector_paused
from leadfold.rulings import in_order
from leadfold.sheets import SHOWN, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.explanations import Case, Tie
    from leadfold.grouping.columns import Columns
    from leadfold.grouping.explaining.stops import Stopped
    from leadfold.grouping.partition import Partition
    from leadfold.model import Identifier, Rejection, Ruling, Stop
    from leadfold.policy import Policy
    from leadfold.sheets import Names, Sheet

__all__ = ["Groups", "Resolution", "WhatIf"]

SUSPICIOUS_ABOVE = 5
"""A group with more values than this of a kind weaker than its key's is suspicious."""


class Resolution(Shown):
    """The groups of a set of leads under one policy, and why.

    Two resolutions are equal when their groups, stops and rejections are; in which order a lead
    was given the values of one field that were rejected plays no part.
    """

    def __init__(
        self, policy: Policy, columns: Columns, partition: Partition, rulings: Sequence[Ruling]
    ) -> None:
        self.policy = policy
        self.columns = columns
        self.partition = partition
        self._rulings = tuple(rulings)

    @classmethod
    def of(cls, columns: Columns, policy: Policy, rulings: Iterable[Ruling] = ()) -> Resolution:
        """Return the groups of *columns*; `leadfold.group` reads leads into such."""
        ordered = in_order(tuple(rulings))
        return cls(policy, columns, partition_of(columns, policy, ordered), ordered)

    def __repr__(self) -> str:
        counts = ", ".join(f"{kind}: {count}" for kind, count in self.counts.items())
        return f"<Resolution of {len(self.columns.ids)} leads: {counts}>"

    def __str__(self) -> str:
        return self.summary()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resolution):
            return NotImplemented
        mine = (self.groups, self.stops, _by_reason(self.rejected))
        return mine == (other.groups, other.stops, _by_reason(other.rejected))

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
        """Return the group *lead_id* is in; `UnknownLeadError` if there is none."""
        return self.groups.by_number(self.partition.labels[self._row_of[lead_id]])

    def largest(self, most: int) -> tuple[Group, ...]:
        """Return the *most* groups with most leads, largest first, then in order of key."""
        numbers = nsmallest(
            most, range(self.partition.size), key=lambda n: (-self.rows.size(n), self.keys[n])
        )
        return tuple(map(self.groups.by_number, numbers))

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

    def identifiers_of(self, lead_id: str) -> tuple[Identifier, ...]:
        """Return the usable identifiers of *lead_id*, sorted; else `UnknownLeadError`."""
        return self.columns.identifiers(self._row_of[lead_id])

    @cached_property
    def rejected(self) -> tuple[Rejection, ...]:
        """Return the raw values that took no part, by lead id and field."""
        return tuple(self.columns.rejections())

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """Return every usable value held in two or more groups, with its reasons and owners."""
        return stops_of(self.columns, self.policy, self.partition, self.keys)

    @cached_property
    def links(self) -> tuple[Tie, ...]:
        """Return what holds each group together: ties that span it, one fewer than its leads.

        Group by group in order of key, strongest first: rulings, keys, then kinds as the policy
        has them. A value may tie leads that a guard kept apart at its level, if something weaker
        joined them later: both hold it.
        """
        return tuple(tie for number in self.groups.order for tie in self._links_in(number))

    def links_of(self, lead_id: str) -> tuple[Tie, ...]:
        """Return what holds the group of *lead_id* together: the `links` of that group alone.

        Raises:
            UnknownLeadError: it is none of these leads.
        """
        return tuple(self._links_in(self.partition.labels[self._row_of[lead_id]]))

    def _links_in(self, number: int) -> Iterable[Tie]:
        return links_among(self.rows[number], self.columns.ids, self._evidence)

    def why(self, lead_id: str, other_id: str) -> Why:
        """Return why two leads are in one group: the shortest chain of what they share.

        Of chains equally short, the one with the fewest weak ties, then the first in text order.

        Raises:
            DifferentGroupsError: they are not; ask `why_not`.
            UnknownLeadError: one of them is none of these leads.
        """
        row, other = self._row_of[lead_id], self._row_of[other_id]
        labels = self.partition.labels
        if labels[row] != labels[other]:
            raise DifferentGroupsError(lead_id, other_id)
        rows = self.rows[labels[row]]
        steps = chain_between(row, other, rows, self.columns.ids, self._evidence)
        return Why(lead_id, other_id, steps)

    def why_not(self, lead_id: str, other_id: str) -> WhyNot:
        """Return why two leads are in different groups: what these share, and what stopped it.

        Raises:
            SameGroupError: they are in one; ask `why`.
            UnknownLeadError: one of them is none of these leads.
        """
        row, other = self._row_of[lead_id], self._row_of[other_id]
        labels = self.partition.labels
        if labels[row] == labels[other]:
            raise SameGroupError(lead_id, other_id)
        both = self._held([row]) & self._held([other])
        around = self._held(self.rows[labels[row]]) & self._held(self.rows[labels[other]])
        return WhyNot(
            lead_id,
            other_id,
            tuple(stop for stop in self.stops if stop.identifier in both),
            tuple(stop for stop in self.stops if stop.identifier in around - both),
        )

    def what_if(
        self,
        *,
        block: Iterable[Identifier | str] = (),
        without: Iterable[tuple[str, Identifier | str]] = (),
        limits: Mapping[str, int | None] | None = None,
        generic_after: Mapping[str, int | None] | None = None,
        rulings: Iterable[Ruling] = (),
    ) -> WhatIf:
        """Return what would change if the policy, the leads or the rulings were others.

        Args:
            block: identifiers that the policy blocks too, or texts ``kind:value``; one with a
                scope is blocked in every scope.
            without: leads, each with an identifier that it is supposed not to hold.
            limits: guards by kind instead of the policy's; None: no guard.
            generic_after: bounds by kind instead of the policy's; None: no bound.
            rulings: further rulings; one with the id of a ruling in force takes its place.

        Raises:
            PolicyError: a kind that the policy does not have, or what no policy allows.
            UnknownLeadError: none of these leads.
            NotHeldError: a lead that does not hold what it should be without.
            ConflictingRulingsError: the rulings contradict each other.
        """
        blocked = [identifier_of(each) for each in block]
        policy = supposed_policy(self.policy, blocked, limits or {}, generic_after or {})
        absent = [(lead, identifier_of(each)) for lead, each in without]
        columns = suppose_absent(self.columns, absent, self._row_of)
        columns = suppose_blocked(columns, policy, {each.kind for each in blocked})
        in_force = {ruling.id: ruling for ruling in (*self._rulings, *rulings)}
        after = Resolution.of(columns, policy, in_force.values())
        return WhatIf(_without(self.groups, after), _without(after.groups, self), after)

    def review(self) -> Cases:
        """Return what a person should look at, largest impact first: see `Case`.

        A case is a group left contested, or a suspicious one that no ruling confirms.
        """
        return self._cases

    @cached_property
    def _cases(self) -> Cases:
        reviewer = Reviewer(
            self.columns,
            self.policy,
            self.partition,
            self._rulings,
            group_of=self.groups.by_number,
            opened=self._opened,
        )
        return Cases(reviewer.cases(self.suspicious))

    def _opened(self, ruling: Ruling) -> tuple[Case, ...]:
        """Return the cases that are new once *ruling* is handed back."""
        nearby = self.columns.only(self._closed_sets.around(ruling))
        after = Resolution.of(nearby, self.policy, (*self._rulings, ruling))
        return tuple(case for case in after.review() if case.about not in self._known)

    @cached_property
    def _known(self) -> set[tuple[str, tuple[str, ...]]]:
        return {case.about for case in self._cases}

    @cached_property
    def _closed_sets(self) -> ClosedSets:
        return ClosedSets(self.columns, self._rulings, self._row_of)

    @cached_property
    def _evidence(self) -> EvidenceFinder:
        return EvidenceFinder(self.columns, self.policy, self.partition, self._rulings)

    def _held(self, rows: Iterable[int]) -> set[Identifier]:
        return {identifier for row in rows for identifier in self.columns.identifiers(row)}

    @cached_property
    def suspicious(self) -> tuple[Group, ...]:
        """Return groups with more than 5 values of a kind weaker than their key's, largest first.

        A group that one must-link names whole is confirmed, and not listed.
        """
        numbers = {
            number
            for place in range(1, len(self.policy.kinds))
            for number in self._holding_many(place)
            if self.group_keys[number][0] < place
        }
        confirmed = [frozenset(r.parts[0]) for r in self._rulings if r.is_must_link]
        groups = [self.groups.by_number(number) for number in numbers]
        doubtful = [g for g in groups if not any(c.issuperset(g.lead_ids) for c in confirmed)]
        return tuple(sorted(doubtful, key=lambda group: (-len(group), group.key)))

    def _holding_many(self, place: int) -> Iterator[int]:
        """Yield the groups with more values of the kind at *place* than makes one suspicious.

        Only groups of many leads, or with a lead of many values, are looked into.
        """
        column, rows = self.columns.by_kind[place], self.rows
        large = {n for n in range(len(rows)) if rows.size(n) > SUSPICIOUS_ABOVE}
        for number in large.union(self.partition.labels[row] for row in column.more):
            values = {value for row in rows[number] for value in column.of(row)}
            if len(values) > SUSPICIOUS_ABOVE:
                yield number

    @cached_property
    def _row_of(self) -> Rows:
        return Rows((lead, row) for row, lead in enumerate(self.columns.ids))

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

    @cached_property
    def stopped(self) -> tuple[Stopped, ...]:
        """Return the values held in two or more groups, as the engine has them: no owners."""
        return tuple(
            each
            for place in range(len(self.policy.kinds))
            for each in stopped_values(place, self.columns, self.policy, self.partition)
        )

    def sheet(self, names: Names) -> Sheet:
        """Return the counts, the largest groups and what did not join; few groups are made."""
        with collector_paused():
            return resolution_sheet(
                names,
                about=f"{self.policy.strategy}: {', '.join(self.policy.kinds)}",
                leads=len(self.columns.ids),
                counts=self.counts,
                kinds=self.policy.kinds,
                largest=self.largest(SHOWN),
                suspicious=self.suspicious,
                stopped=self.stopped,
                refused=Counter(
                    (field, reason.value) for _, field, reason, _ in self.columns.refused
                ),
            )


def _without(groups: Iterable[Group], other: Resolution) -> tuple[Group, ...]:
    """Return those of *groups* that *other* does not have, key and leads."""
    known = frozenset(other.groups)
    return tuple(group for group in groups if group not in known)


def _by_reason(rejected: Iterable[Rejection]) -> list[Rejection]:
    return sorted(rejected, key=lambda each: (each.lead_id, each.field, each.reason.value))


@attrs.frozen
class WhatIf(Shown):
    """What would change: groups that are no more, groups that are new, and the new resolution."""

    before: tuple[Group, ...]
    after: tuple[Group, ...]
    resolution: Resolution

    def __str__(self) -> str:
        gone = "".join(f"\n- {mask_key(group.key)}, {len(group)} leads" for group in self.before)
        come = "".join(f"\n+ {mask_key(group.key)}, {len(group)} leads" for group in self.after)
        return f"{len(self.before)} groups are no more, {len(self.after)} are new{gone}{come}"

    def sheet(self, names: Names) -> Sheet:
        """Return the groups that are no more, and those that are new."""
        return what_if_sheet(names, self.before, self.after, self.resolution.counts)


class Groups(Sequence[Group]):
    """The groups of a resolution in order of key; each is made when it is looked at."""

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution
        self._kinds = (*resolution.policy.kinds, INDIVIDUAL)

    @cached_property
    def order(self) -> list[int]:
        """Return the engine's own numbers of the groups, in order of key."""
        return sorted(range(len(self)), key=self._resolution.keys.__getitem__)

    def __len__(self) -> int:
        return self._resolution.partition.size

    @overload
    def __getitem__(self, place: int) -> Group: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Group, ...]: ...
    def __getitem__(self, place: int | slice) -> Group | tuple[Group, ...]:
        if isinstance(place, slice):
            return tuple(self.by_number(number) for number in self.order[place])
        return self.by_number(self.order[place])

    def __iter__(self) -> Iterator[Group]:
        return map(self.by_number, self.order)

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
