"""Who a customer is: the row, its leads, what depends on it, the runs that touched it. It reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from leadfold.customers.former import present_id
from leadfold.customers.reading import leads_among, read_customer
from leadfold.exceptions import AmbiguousCustomerError, UnknownCustomerError
from leadfold.repository import CUSTOMER, LEAD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from leadfold.changes import Run
    from leadfold.model import Customer, Identifier, Ruling
    from leadfold.repository import LedgerEntry, Maker, Reader, Reference, Repository

__all__ = ["CustomerLead", "CustomerView", "Touch", "customer"]


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
    *dependents* counts the rows linked to it by table, *runs* are newest first. *rulings* are
    those in force that name one of its leads, *former_ids* the retired customers whose leads
    live here now.
    """

    customer: Customer
    made_by: Maker | None
    leads: tuple[CustomerLead, ...]
    dependents: Mapping[str, int]
    runs: tuple[Touch, ...]
    rulings: tuple[Ruling, ...] = ()
    former_ids: tuple[str, ...] = ()

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
        stored = read_customer(reader, customer_id)
        pointing = tuple(reader.pointing_at([customer_id]))
        leads = leads_among(pointing, customer_id)
        history = tuple(reader.history(CUSTOMER, customer_id))
        members = {*leads, *stored.records}
        return CustomerView(
            customer=stored.row,
            made_by=stored.made_by,
            leads=tuple(_leads(reader, leads)),
            dependents=_counts(reader, pointing),
            runs=tuple(_touches(reader, history)),
            rulings=tuple(
                ruling for ruling in reader.rulings() if any(members & {*p} for p in ruling.parts)
            ),
            former_ids=tuple(sorted(_former(reader, customer_id, history))),
        )


def _leads(reader: Reader, ids: Collection[str]) -> list[CustomerLead]:
    found = [
        CustomerLead(*row)
        for batch in reader.leads(ids)
        for row in zip(batch.ids, batch.created_at, batch.indexed, strict=True)
    ]
    return sorted(found, key=lambda lead: lead.id)


def _counts(reader: Reader, pointing: Iterable[Reference]) -> dict[str, int]:
    """Return how many rows of each table but the leads point at the customer."""
    facts = reader.facts()
    tables = (*(dependent.name for dependent in facts.dependents), *facts.carried)
    counts = Counter(dict.fromkeys(tables, 0))
    counts.update(reference.table for reference in pointing if reference.table != LEAD)
    return dict(counts)


def _touches(reader: Reader, history: Sequence[LedgerEntry]) -> Iterator[Touch]:
    changes: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in history:
        changes[entry.run_id][entry.action] += 1
    for run in reader.runs(len(changes), ids=changes.keys()) if changes else ():
        yield Touch(run, dict(sorted(changes[run.id].items())))


def _former(reader: Reader, customer_id: str, history: Sequence[LedgerEntry]) -> Iterator[str]:
    """Yield the retired customers whose leads live here now, whatever way they came."""
    seen = {customer_id}
    found = _before(customer_id, history)
    while found:
        seen |= found
        for old in found:
            with suppress(AmbiguousCustomerError, UnknownCustomerError):
                if present_id(reader, old) == customer_id:
                    yield old
        found = set().union(*(_before(old, reader.history(CUSTOMER, old)) for old in found)) - seen


def _before(customer_id: str, history: Iterable[LedgerEntry]) -> set[str]:
    """Return the other customers that leads came from, or whose place this one took."""
    found: set[str] = set()
    for entry in history:
        if entry.action == "retire":
            found.add(entry.row)
        elif entry.action == "link" and isinstance(entry.before, str):
            found.add(entry.before)
    return found - {customer_id}
