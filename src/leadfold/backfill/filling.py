"""Mode ``fill``: which customer each group takes. No existing link is ever changed.

A group takes the oldest customer its leads are linked to; else a customer without leads whose
recorded key is the group's; else a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.disjoint import DisjointSets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.backfill.snapshot import Snapshot, StoredCustomer
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy

__all__ = ["Assignment", "components", "fill", "lend", "links_of"]


@attrs.frozen
class Assignment:
    """The customers of the groups, by group number.

    *existing* has the customer a group takes, or None where one must be made. *linked* has every
    customer that rows of the group are linked to. *components* are the sets of groups that share
    a customer: the units, in order of their oldest lead. *retired* has the customers that go, and
    the group whose customer takes their place.
    """

    existing: list[str | None]
    linked: list[tuple[str, ...]]
    components: list[list[int]]
    retired: Mapping[str, int] = attrs.field(factory=dict)


def fill(snapshot: Snapshot, resolution: Resolution, policy: Policy) -> Assignment:
    """Return the customer of every group under the rules of ``fill``."""
    customers = snapshot.customers
    linked = links_of(snapshot, resolution)
    existing = [
        min((customers[link].age for link in links if link in customers), default=(None, None))[1]
        for links in linked
    ]
    lend(existing, snapshot, resolution, policy)
    return Assignment(existing, linked, components(snapshot, resolution, linked, existing))


def links_of(snapshot: Snapshot, resolution: Resolution) -> list[tuple[str, ...]]:
    """Return every customer that rows of each group are linked to, by group number."""
    return [
        tuple(sorted({link for row in rows if (link := snapshot.links[row]) is not None}))
        for rows in resolution.rows
    ]


def lend(
    existing: list[str | None], snapshot: Snapshot, resolution: Resolution, policy: Policy
) -> None:
    """Give groups that nothing serves the childless customer whose recorded key is theirs."""
    used = {link for link in snapshot.links if link is not None}
    idle = [c for c in snapshot.customers.values() if c.made_by and c.id not in used]
    if not idle:
        return
    number_of = {key: number for number, key in enumerate(resolution.keys)}
    for customer in sorted(idle, key=lambda c: c.age):
        for key in _recorded_keys(customer, policy):
            number = number_of.get(key)
            if number is not None and existing[number] is None:
                existing[number] = customer.id
                break


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
) -> list[list[int]]:
    """Return the groups that share a customer, before or after, oldest lead first."""
    sets = DisjointSets(len(linked))
    first_of: dict[str, int] = {}
    for number, (links, taken) in enumerate(zip(linked, existing, strict=True)):
        for customer in links if taken is None else (*links, taken):
            if first_of.setdefault(customer, number) != number:
                sets.union((first_of[customer], number))
    order = snapshot.order
    oldest = [min(map(order, rows)) for rows in resolution.rows]
    found: dict[int, list[int]] = {}
    for number in sorted(range(len(linked)), key=oldest.__getitem__):
        found.setdefault(sets.find(number), []).append(number)
    return list(found.values())
