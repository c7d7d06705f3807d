"""Mode ``fill``: which customer each group takes. No existing link is ever changed.

A group takes the oldest customer its leads are linked to; else a customer without leads whose
recorded key is the group's; else a new one.
"""

from __future__ import annotations

from array import array
from functools import partial
from itertools import accumulate, chain
from typing import TYPE_CHECKING

import attrs

from leadfold.disjoint import DisjointSets
from leadfold.model import Identifier

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from leadfold.backfill.snapshot import Snapshot, StoredCustomer
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy

__all__ = ["Assignment", "Components", "components", "fill", "lend", "links_of", "needs_one"]


@attrs.frozen
class Components:
    """Sets of groups, each a list when it is looked at; kept end to end in arrays."""

    groups: array[int] = attrs.field(factory=partial(array, "q"), repr=False)
    ends: Sequence[int] = ()

    @classmethod
    def alone(cls, groups: Iterable[int]) -> Components:
        """Return a set for each of *groups*."""
        numbers = array("q", groups)
        return cls(numbers, range(1, len(numbers) + 1))

    @classmethod
    def of(cls, sets: Collection[Sequence[int]]) -> Components:
        """Return *sets*."""
        return cls(array("q", chain.from_iterable(sets)), array("q", accumulate(map(len, sets))))

    def __iter__(self) -> Iterator[list[int]]:
        start = 0
        for end in self.ends:
            yield self.groups[start:end].tolist()
            start = end


@attrs.frozen
class Assignment:
    """The customers of the groups, by group number.

    *existing* has the customer a group takes, or None where one must be made. *linked* has every
    customer that rows of the group are linked to. *components* are the sets of groups that share
    a customer: the units, in order of their oldest lead. *retired* has the customers that go, and
    the group whose customer takes their place. *lenders* has what the identity index should hold
    for customers that leadfold or the original made, where it says something else: of one without
    leads its key, so that it can be found, of any other nothing.
    """

    existing: list[str | None]
    linked: list[tuple[str, ...]]
    components: Components
    retired: Mapping[str, int] = attrs.field(factory=dict)
    lenders: Mapping[str, tuple[Identifier, ...]] = attrs.field(factory=dict)


def fill(
    snapshot: Snapshot, resolution: Resolution, policy: Policy, fixed: Container[int]
) -> Assignment:
    """Return the customer of every group under the rules of ``fill``; rows *fixed* stay."""
    customers = snapshot.customers
    linked = links_of(snapshot, resolution)
    existing = [_oldest(links, customers) if links else None for links in linked]
    lenders = lend(existing, snapshot, resolution, policy, fixed)
    units = components(snapshot, resolution, linked, existing)
    return Assignment(existing, linked, units, lenders=lenders)


def _oldest(links: Iterable[str], customers: Mapping[str, StoredCustomer]) -> str | None:
    """Return the oldest of *customers* that *links* name, if there is one."""
    known = [customers[link] for link in links if link in customers]
    return min(known, key=lambda customer: customer.age).id if known else None


def links_of(snapshot: Snapshot, resolution: Resolution) -> list[tuple[str, ...]]:
    """Return every customer that rows of each group are linked to, by group number."""
    if not any(snapshot.links):
        return [()] * len(resolution.rows)
    return [
        tuple(sorted({link for row in rows if (link := snapshot.links[row]) is not None}))
        for rows in resolution.rows
    ]


def needs_one(
    number: int, snapshot: Snapshot, resolution: Resolution, fixed: Container[int]
) -> bool:
    """Tell whether a group without a customer has a lead to link: one that is not *fixed*."""
    leads = (row for row in resolution.rows[number] if snapshot.is_lead(row))
    return any(snapshot.links[row] is None or row not in fixed for row in leads)


def lend(
    existing: list[str | None],
    snapshot: Snapshot,
    resolution: Resolution,
    policy: Policy,
    fixed: Container[int],
) -> dict[str, tuple[Identifier, ...]]:
    """Give groups that nothing serves the childless customer whose recorded key is theirs.

    Return the `Assignment.lenders` that come of it.
    """

    def is_free(number: int) -> bool:
        return existing[number] is None and needs_one(number, snapshot, resolution, fixed)

    used = {link for link in snapshot.links if link is not None}
    made = [customer for customer in snapshot.customers.values() if customer.made_by]
    idle = sorted((each for each in made if each.id not in used), key=lambda each: each.age)
    number_of = {key: number for number, key in enumerate(resolution.keys)} if idle else {}
    held: dict[str, tuple[Identifier, ...]] = {}
    for customer in idle:
        keys = tuple(_recorded_keys(customer, policy))
        numbers = (number_of[key] for key in keys if key in number_of)
        free = next(filter(is_free, numbers), None)
        if free is None:
            held[customer.id] = _found_by(keys)
        else:
            existing[free] = customer.id
    wanted = ((each, held.get(each.id, ())) for each in made if each.indexed or each.id in held)
    return {each.id: entry for each, entry in wanted if entry != (each.indexed or ())}


def _found_by(keys: Iterable[str]) -> tuple[Identifier, ...]:
    """Return what a lead whose group has one of *keys* is looked up by."""
    plain = (part for key in keys for part in (key, key.rpartition("#")[0]) if part)
    pairs = {(kind, value) for kind, _, value in (key.partition(":") for key in plain)}
    return tuple(Identifier(kind, value) for kind, value in sorted(pairs))


def _recorded_keys(customer: StoredCustomer, policy: Policy) -> Iterable[str]:
    """Yield the key recorded on *customer*: as it stands, then normalized by today's policy."""
    recorded = (customer.metadata or {}).get("groupKey")
    if not isinstance(recorded, str):
        return
    yield recorded
    kind, _, value = recorded.partition(":")
    for rule in policy.identifiers:
        if rule.kind == kind:
            (answer,) = policy.normalizer(rule).parse([value])
            if isinstance(answer, str):
                yield f"{kind}:{answer}"


def components(
    snapshot: Snapshot,
    resolution: Resolution,
    linked: Sequence[tuple[str, ...]],
    existing: Sequence[str | None],
) -> Components:
    """Return the groups that share a customer, before or after, oldest lead first."""
    sets = DisjointSets(len(linked))
    first_of: dict[str, int] = {}
    for number, (links, taken) in enumerate(zip(linked, existing, strict=True)):
        for customer in links if taken is None else (*links, taken):
            if first_of.setdefault(customer, number) != number:
                sets.union((first_of[customer], number))
    order = snapshot.order
    oldest = [rows[0] if len(rows) == 1 else min(rows, key=order) for rows in resolution.rows]
    ordered = sorted(range(len(linked)), key=lambda number: order(oldest[number]))
    if not first_of:
        return Components.alone(ordered)
    found: dict[int, list[int]] = {}
    for number in ordered:
        found.setdefault(sets.find(number), []).append(number)
    return Components.of(found.values())
