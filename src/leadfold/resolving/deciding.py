"""From a plan of a closed set to what it means for the leads that were asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from leadfold.changes import Await, Follow, InsertCustomer, Link, Reindex, Retire
from leadfold.sheets import Note, Sheet, Shown, table

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from leadfold.backfill.snapshot import Snapshot
    from leadfold.backfill.units import PlannedUnits
    from leadfold.changes import Change, Unit
    from leadfold.model import Identifier
    from leadfold.sheets import Names

__all__ = ["Decision", "Event", "Outcome", "decisions", "events_of", "resting_on", "without_rows"]

Outcome = Literal[
    "created", "attached", "merged", "split", "unchanged", "queued", "busy", "forgotten"
]


@attrs.frozen
class Event:
    """Something that was written, to publish once the transaction is committed.

    *what* is ``customer_created``, ``lead_linked`` (from customer *before*, if any) or
    ``customer_retired`` (into *customer_id*, in the place of *before*).
    """

    what: Literal["customer_created", "lead_linked", "customer_retired"]
    customer_id: str | None
    lead_id: str | None = None
    before: str | None = None


@attrs.frozen
class Decision(Shown):
    """Who a lead is.

    *outcome* is ``created`` (a new customer), ``attached`` (the lead came to a customer that was
    there), ``merged`` (customers became one), ``split`` (leads left their customer),
    ``unchanged``, ``queued`` (too much is connected with the lead to be decided now, and it waits
    with the customer told, if any), ``busy`` (somebody holds the store, nothing was written, ask
    again) or ``forgotten`` (its row is gone). *reasons* are sentences, values masked; *events*
    what was written for the whole set connected with the lead.
    """

    lead_id: str
    customer_id: str | None
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()

    def sheet(self, names: Names) -> Sheet:
        """Return who the lead is, why, and what was written; reasons are masked already."""
        del names
        customer = "no customer yet" if self.customer_id is None else f"customer {self.customer_id}"
        return Sheet(
            "Decision",
            f"lead {self.lead_id}: {customer}",
            (
                Note(self.outcome, "look" if self.outcome in {"queued", "busy"} else "plain"),
                *table("Reasons", ("",), self.reasons, lambda reason: (reason,)),
                *table(
                    "Written",
                    ("event", "customer", "lead", "before"),
                    self.events,
                    lambda each: (each.what, each.customer_id, each.lead_id, each.before),
                ),
            ),
        )


def decisions(
    units: PlannedUnits, written: Sequence[Unit], leads: Iterable[str]
) -> tuple[Decision, ...]:
    """Return the decision on each of *leads*, of which *written* is what changes."""
    row_of = {lead: row for row, lead in enumerate(units.snapshot.ids)}
    return tuple(_decision(units, written, lead, row_of[lead]) for lead in leads)


def _decision(units: PlannedUnits, written: Sequence[Unit], lead: str, row: int) -> Decision:
    group = units.resolution.partition.labels[row]
    around = {units.snapshot.ids[each] for each in units.resolution.rows[group]}
    mine = [unit for unit in written if not around.isdisjoint(unit.leads)]
    changes = [change for unit in mine for change in unit.changes]
    customer = units.target(row)
    return Decision(
        lead,
        customer,
        _outcome(units, changes, row, customer),
        tuple(_reasons(units, lead, row)),
        tuple(events_of(changes)),
    )


def _outcome(units: PlannedUnits, changes: Sequence[Change], row: int, customer: str) -> Outcome:
    if any(isinstance(change, Retire) for change in changes):
        return "merged"
    moved = (change for change in changes if isinstance(change, Link))
    if any(change.before is not None for change in moved):
        return "split"
    if units.minted[units.resolution.partition.labels[row]]:
        return "created"
    return "unchanged" if units.snapshot.links[row] == customer else "attached"


def _reasons(units: PlannedUnits, lead: str, row: int) -> Iterator[str]:
    """Yield what ties *lead* to others of its group, and what it holds that joined nobody."""
    resolution = units.resolution
    for tie in resolution.links_of(lead):
        if lead in (tie.lead_id, tie.other_id):
            yield tie.sentence()
    held = {*resolution.columns.identifiers(row)}
    left_out = held & resolution.columns.generic
    for identifier in sorted(left_out):
        yield f"{identifier} did not join its holders: too many groups hold it"
    for stop in resolution.stops:
        if stop.identifier in held - left_out:
            yield str(stop)


def events_of(changes: Iterable[Change]) -> Iterator[Event]:
    """Yield what *changes* are to others."""
    for change in changes:
        match change:
            case InsertCustomer():
                yield Event("customer_created", change.customer_id)
            case Link():
                yield Event("lead_linked", change.after, change.lead_id, change.before)
            case Retire():
                yield Event("customer_retired", change.into, before=change.customer_id)


def resting_on(
    units: Iterable[Unit], snapshot: Snapshot, rowless: Mapping[str, tuple[Identifier, ...]]
) -> list[Unit]:
    """Return *units*, of which the first rests on all of *snapshot*.

    A set is decided together: who changes what another lead of it holds changes the decision,
    though no unit moves that lead. Of those *rowless* no version says whether they changed, so
    what they hold is indexed again, and claimed with it.
    """
    rest = list(units)
    if rest:
        rows = zip(snapshot.ids[: snapshot.leads], snapshot.versions, strict=False)
        stored = {each.id: each.version for each in snapshot.customers.values()}
        leads = {lead: version for lead, version in rows if lead not in rowless}
        customers = {**stored, **rest[0].customers}
        written = (change for unit in rest for change in unit.changes)
        indexed = {change.record_id for change in written if isinstance(change, Reindex)}
        again = (Reindex(lead, rowless[lead]) for lead in sorted(rowless.keys() - indexed))
        changes = (*rest[0].changes, *again)
        rest[0] = attrs.evolve(rest[0], leads=leads, customers=customers, changes=changes)
    return rest


def without_rows(units: Iterable[Unit], rowless: Container[str], until: datetime) -> Iterator[Unit]:
    """Yield *units*, where leads that have no row yet await their customer instead of a link.

    Who inserts the row gives it the customer decided.
    """
    for unit in units:
        changes = (
            _awaiting(change, until)
            if isinstance(change, Link) and change.lead_id in rowless
            else change
            for change in unit.changes
            if not (isinstance(change, Follow) and change.lead_id in rowless)
        )
        leads = {lead: version for lead, version in unit.leads.items() if lead not in rowless}
        yield attrs.evolve(unit, leads=leads, changes=tuple(changes))


def _awaiting(link: Link, until: datetime) -> Await:
    return Await(link.lead_id, link.before, link.after or "", link.reason, until)
