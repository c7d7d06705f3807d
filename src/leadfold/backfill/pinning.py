"""Links that a person or another program made: mode ``reconcile`` builds around them.

Pinned leads count as rulings: those of one customer are together, those of different ones apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.model import Ruling
from leadfold.rulings import lifted_by

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from leadfold.backfill.snapshot import Snapshot

__all__ = ["Pins", "pinned", "rulings_with"]

Pins = dict[str, list[int]]
"""Rows by the customer they are pinned to."""


def pinned(snapshot: Snapshot, unexplained: Collection[str]) -> Pins:
    """Return the rows whose link nobody knows leadfold or the original to have made.

    *unexplained* are the leads whose customer the ledger did not give them. A link to a customer
    that the original made counts as its own: it kept no ledger. A pinned lead pins the record of
    its customer too, where that is one.
    """
    pins: Pins = {}
    if not unexplained:
        return pins
    for row in range(snapshot.leads):
        if snapshot.ids[row] not in unexplained:
            continue
        customer = snapshot.customers.get(snapshot.links[row] or "")
        if customer is not None and customer.made_by != "original":
            pins.setdefault(customer.id, []).append(row)
    for row in range(snapshot.leads, len(snapshot.ids)):
        link = snapshot.links[row]
        if link in pins:
            pins[link].append(row)
    return pins


def rulings_with(pins: Mapping[str, list[int]], snapshot: Snapshot) -> tuple[Ruling, ...]:
    """Return what *pins* rule, and of the store's rulings those they do not contradict.

    A link made by hand is newer than the ruling it breaks: a run would have honoured that one.
    """
    parts = {customer: [snapshot.ids[row] for row in rows] for customer, rows in pins.items()}
    made = [
        Ruling(f"pinned to {customer}", [part]) for customer, part in parts.items() if len(part) > 1
    ]
    if len(parts) > 1:
        made.append(Ruling("pinned apart", parts.values()))
    kept = snapshot.rulings
    for ruling in made if kept else ():
        lifted = {old.id for old in lifted_by(ruling, kept)}
        kept = tuple(old for old in kept if old.id not in lifted)
    return (*kept, *made)
