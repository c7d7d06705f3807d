"""Who a customer is: the row, its leads, what depends on it, the runs that touched it. It reads."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import attrs

from leadfold.exceptions import LeadfoldError
from leadfold.model import Customer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from leadfold.changes import Run
    from leadfold.model import Identifier
    from leadfold.repository import CustomerBatch, LeadBatch, LedgerEntry, Maker, Reader, Repository

__all__ = ["CustomerLead", "CustomerView", "Touch", "UnknownCustomerError", "customer"]


class UnknownCustomerError(LeadfoldError, LookupError):
    """The store has no customer of that id; `customer_id` is the id."""

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        super().__init__(f"the store has no customer {customer_id}")


@attrs.frozen
class CustomerLead:
    """A lead linked to a customer; *identifiers* is None where no run has indexed it yet."""

    id: str
    created_at: datetime | None
    identifiers: tuple[Identifier, ...] | None


@attrs.frozen
class Touch:
    """A run that changed something of a customer, and how many changes of which action."""

    run: Run
    changes: Mapping[str, int]


@attrs.frozen
class CustomerView:
    """All that a store says of one customer; reprs mask what identifies a person.

    *made_by* is who made the row: ``leadfold``, ``original``, or None for anybody else.
    *dependents* counts the rows linked to it by table, *runs* are newest first.
    """

    customer: Customer
    made_by: Maker | None
    leads: tuple[CustomerLead, ...]
    dependents: Mapping[str, int]
    runs: tuple[Touch, ...]

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """Return every identifier its leads hold, by kind and value."""
        found = {each for lead in self.leads for each in lead.identifiers or ()}
        return tuple(sorted(found))


def customer(repository: Repository, customer_id: str) -> CustomerView:
    """Return what *repository* says of the customer *customer_id*, in one snapshot.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    with repository.reading() as reader:
        rows = [row for batch in reader.customers([customer_id]) for row in _customers(batch)]
        if not rows:
            raise UnknownCustomerError(customer_id)
        found, made_by = rows[0]
        leads = [lead for batch in reader.leads() for lead in _leads_of(batch, customer_id)]
        return CustomerView(
            customer=found,
            made_by=made_by,
            leads=tuple(sorted(leads, key=lambda lead: lead.id)),
            dependents=_dependents(reader, customer_id),
            runs=tuple(_touches(reader, customer_id)),
        )


def _customers(batch: CustomerBatch) -> Iterator[tuple[Customer, Maker | None]]:
    for place, customer_id in enumerate(batch.ids):
        row = Customer(
            customer_id,
            batch.names[place],
            batch.phones[place],
            batch.emails[place],
            batch.metadata[place],
            batch.created_at[place],
        )
        yield row, batch.made_by[place]


def _leads_of(batch: LeadBatch, customer_id: str) -> Iterator[CustomerLead]:
    for place, link in enumerate(batch.customer_ids):
        if link == customer_id:
            yield CustomerLead(batch.ids[place], batch.created_at[place], batch.indexed[place])


def _dependents(reader: Reader, customer_id: str) -> dict[str, int]:
    """Return how many rows of each dependent table are linked to the customer."""
    counts = Counter({dependent.name: 0 for dependent in reader.facts().dependents})
    for count in reader.dependents():
        if count.customer_id == customer_id:
            counts[count.table] += count.count
    return dict(counts)


def _touches(reader: Reader, customer_id: str) -> Iterator[Touch]:
    for run in reader.runs(sys.maxsize):
        entries = reader.entries(run.id)
        changes = Counter(entry.action for entry in entries if _concerns(entry, customer_id))
        if changes:
            yield Touch(run, dict(sorted(changes.items())))


def _concerns(entry: LedgerEntry, customer_id: str) -> bool:
    """Tell whether *entry* changed the customer itself, or a link to or from it."""
    if entry.action in {"link", "follow"}:
        return customer_id in (entry.before, entry.after)
    return entry.row == customer_id
