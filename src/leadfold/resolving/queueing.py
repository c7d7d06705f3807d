"""What becomes of a lead that cannot be decided now: others find it, and it waits to be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.backfill.snapshot import Gathering
from leadfold.backfill.waiting import LARGE
from leadfold.changes import InsertCustomer, Queue, Reindex, Unit
from leadfold.repository import LEAD
from leadfold.resolving.deciding import Decision, events_of, without_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from leadfold.asking import Asks
    from leadfold.backfill.snapshot import Snapshot
    from leadfold.changes import Change
    from leadfold.model import Identifier
    from leadfold.policy import Policy
    from leadfold.repository import LeadBatch, StoreFacts

__all__ = ["REASON", "pending", "waiting"]

REASON = "more is connected with it than may be decided at once"

Identifiers = tuple["Identifier", ...]


def pending(held: Identifiers | None, now: Identifiers) -> Identifiers:
    """Return the index entry of a lead that waits: what it was decided with, and what it has *now*.

    Those it was with are found by the one, those it will be with by the other.
    """
    return tuple(sorted({*(held or ()), *now}))


def waiting(
    given: LeadBatch,
    facts: StoreFacts,
    policy: Policy,
    alone: Callable[[Snapshot], Iterable[Unit]],
    until: datetime,
) -> Asks[tuple[Decision, list[Unit]]]:
    """Return what is decided of the one lead *given* for now, and what writes that.

    It keeps the customer it has; without one, it gets one of its own where every lead must have
    one: what it gets *alone*, to be inserted with it *until* then where it has no row.
    """
    [lead] = given.ids
    stored = [batch for batch in (yield from asking.leads([lead]).whole()) if batch.ids]
    held = yield from asking.recorded(lead)
    gathered = Gathering(policy, facts, (), raw_phones=True)
    gathered.add_leads(stored[0] if stored else given)
    snapshot = gathered.finish()
    customer, changes = snapshot.links[0], list(_entry(snapshot, held))
    if customer is None and LEAD in facts.not_null:
        rowless = {} if stored else {lead: snapshot.columns.identifiers(0)}
        units = without_rows(alone(snapshot), rowless, until)
        founded = [each for unit in units for each in _shown(unit.changes, facts)]
        [customer] = [each.customer_id for each in founded if isinstance(each, InsertCustomer)]
        changes = [*founded, *changes]
    basis = {lead: snapshot.versions[0]} if stored else {}
    decision = Decision(lead, customer, "queued", (REASON,), tuple(events_of(changes)))
    return decision, [Unit(0, basis, {}, tuple(changes))] if changes else []


def _entry(snapshot: Snapshot, held: Identifiers | None) -> Iterator[Change]:
    [lead] = snapshot.ids
    entry = pending(held, snapshot.columns.identifiers(0))
    if entry != held:
        yield Reindex(lead, entry)
    if lead not in snapshot.queued:
        yield Queue(lead, LARGE)


def _shown(changes: Iterable[Change], facts: StoreFacts) -> Iterator[Change]:
    """Yield *changes* without the index entry; what must be unique others may show already."""
    for change in changes:
        if isinstance(change, InsertCustomer):
            row = {**change.row, **dict.fromkeys(facts.unique)}
            sources = {name: lead for name, lead in change.sources.items() if name in row}
            yield attrs.evolve(change, row=row, sources=sources)
        elif not isinstance(change, Reindex):
            yield change
