"""Mode ``reconcile``: which customer each group takes, so that links come to equal the grouping.

Customers, oldest first, each go to the group that holds most of their leads; one with no group
left is retired into that group's customer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from leadfold.backfill.filling import Assignment, components, lend, links_of

if TYPE_CHECKING:
    from collections.abc import Container

    from leadfold.backfill.pinning import Pins
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.grouping import Resolution
    from leadfold.policy import Policy

__all__ = ["reconcile"]


def reconcile(
    snapshot: Snapshot, resolution: Resolution, policy: Policy, pins: Pins, fixed: Container[int]
) -> Assignment:
    """Return the customer of every group under the rules of ``reconcile``; rows *fixed* stay.

    A customer that neither leadfold nor the original made is never retired: its row is evidence,
    for good.
    """
    labels = resolution.partition.labels
    linked = links_of(snapshot, resolution)
    existing: list[str | None] = [None] * len(linked)
    for customer, rows in pins.items():
        existing[labels[rows[0]]] = customer
    retired: dict[str, int] = {}
    held = _rows_by_customer(snapshot)
    ages = sorted(snapshot.customers[customer].age for customer in held.keys() - pins.keys())
    for _, customer in ages:
        wishes = _by_preference(held[customer], snapshot, labels)
        free = next((group for group in wishes if existing[group] is None), None)
        if free is not None:
            existing[free] = customer
        elif snapshot.customers[customer].made_by is not None:
            retired[customer] = wishes[0]
    lenders = lend(existing, snapshot, resolution, policy, fixed)
    units = components(snapshot, resolution, linked, existing)
    return Assignment(existing, linked, units, retired, lenders)


def _rows_by_customer(snapshot: Snapshot) -> dict[str, list[int]]:
    """Return the rows linked to each stored customer: leads, and the record that it may be."""
    held: dict[str, list[int]] = defaultdict(list)
    for row, link in enumerate(snapshot.links):
        if link in snapshot.customers:
            held[link].append(row)
    return held


def _by_preference(rows: list[int], snapshot: Snapshot, labels: list[int]) -> list[int]:
    """Return the groups of a customer's *rows*: most of them first, then that of the oldest."""
    counts = Counter(labels[row] for row in rows)
    oldest = {group: min(snapshot.order(r) for r in rows if labels[r] == group) for group in counts}
    return sorted(counts, key=lambda group: (-counts[group], oldest[group]))
