"""Change sets made by hand, for tests of a repository. No engine decides here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

import attrs

from leadfold.changes import (
    Carry,
    ChangeSet,
    Erase,
    Follow,
    InsertCustomer,
    Link,
    PatchCustomer,
    Queue,
    Reindex,
    Relink,
    Retire,
    Run,
    Unit,
    planned_stats,
)
from leadfold.model import Ruling
from leadfold.testing.readback import customer_rows, lead_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.changes import Change, OnFault, OnStale, Version
    from leadfold.model import Identifier
    from leadfold.repository import LedgerEntry, Repository

__all__ = [
    "AT",
    "Basis",
    "follow",
    "link",
    "new_customer",
    "patch",
    "read_basis",
    "reindex",
    "ruling",
    "run_of",
    "told",
]

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When the first run of a test is decided."""


def new_customer(customer_id: str, **row: object) -> InsertCustomer:
    """Return the insertion of a customer as leadfold would make one, with *row* on top."""
    usual = {
        "name": None,
        "phone": None,
        "email": None,
        "metadata": {"createdBy": "leadfold", "leadCount": 1},
        "created_at": AT,
    }
    return InsertCustomer(customer_id, {**usual, **row})


def link(lead_id: str, after: str | None, before: str | None = None) -> Link:
    """Return the link of a lead to a customer, with a reason that names the lead."""
    return Link(lead_id, before, after, f"individual:{lead_id}")


def patch(
    customer_id: str, before: Mapping[str, object], after: Mapping[str, object]
) -> PatchCustomer:
    """Return what sets keys of a customer's metadata."""
    return PatchCustomer(customer_id, before, after)


def follow(table: str, lead_id: str, customer_id: str, before: str | None = None) -> Follow:
    """Return the order that rows of *table* take the customer of their lead."""
    return Follow(table, lead_id, customer_id, 1, before)


def reindex(record_id: str, *identifiers: Identifier) -> Reindex:
    """Return the index entry of a record."""
    return Reindex(record_id, tuple(sorted(identifiers)))


def ruling(ruling_id: str, *parts: Iterable[str], minute: int = 0) -> Ruling:
    """Return what a person decided about some leads, *minute* minutes after `AT`."""
    return Ruling(ruling_id, parts, AT + timedelta(minutes=minute), "ann")


def told(entries: Iterable[LedgerEntry]) -> list[tuple[object, ...]]:
    """Return what *entries* say by table, row and action, without run, unit and reason."""
    said = [(each.table, each.row, each.action, each.before, each.after) for each in entries]
    return sorted(said, key=itemgetter(0, 1, 2))


def run_of(run_id: str = "run-1", *, minute: int = 0, policy: str = "policy-1") -> Run:
    """Return a backfill decided *minute* minutes after `AT`."""
    return Run(
        id=run_id,
        action="backfill_customers",
        mode="fill",
        actor="system",
        created_by="leadfold",
        at=AT + timedelta(minutes=minute),
        policy=policy,
        versions={"leadfold": "0.0", "phone": "1"},
    )


@attrs.frozen
class Basis:
    """What a plan rests on: the version of every row, and the clock of the index."""

    leads: Mapping[str, Version]
    customers: Mapping[str, Version]
    clock: int | str

    def unit(self, number: int, *changes: Change) -> Unit:
        """Return the unit of *changes*; it rests on every stored row that they name."""
        leads = dict.fromkeys(_leads_of(changes))
        customers = dict.fromkeys(_customers_of(changes))
        return Unit(
            number,
            {lead: self.leads[lead] for lead in leads if lead in self.leads},
            {row: self.customers[row] for row in customers if row in self.customers},
            changes,
        )

    def founding(self, number: int, lead_id: str, customer_id: str, **row: object) -> Unit:
        """Return the unit that makes a customer for one lead."""
        return self.unit(number, new_customer(customer_id, **row), link(lead_id, customer_id))

    def changeset(
        self,
        *units: Unit,
        run: Run | None = None,
        on_stale: OnStale = "refuse",
        on_fault: OnFault = "skip",
    ) -> ChangeSet:
        """Return the change set of *units*, with the figures they would have."""
        return ChangeSet(
            run or run_of(),
            units,
            expected=planned_stats(units),
            claims_at=self.clock,
            on_stale=on_stale,
            on_fault=on_fault,
        )


def read_basis(repository: Repository) -> Basis:
    """Read what a plan made now would rest on."""
    with repository.reading() as reader:
        return Basis(
            {row.id: row.version for row in lead_rows(reader).values()},
            {row.id: row.version for row in customer_rows(reader).values()},
            reader.facts().clock,
        )


def _leads_of(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        match change:
            case (
                Link(lead_id=lead)
                | Follow(lead_id=lead)
                | Erase(lead_id=lead)
                | Reindex(record_id=lead)
                | Queue(lead_id=lead)
            ):
                yield lead


def _customers_of(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        match change:
            case PatchCustomer(customer_id=customer):
                yield customer
            case (
                Link(before=before, after=after)
                | Carry(before=before, after=after)
                | Relink(before=before, after=after)
                | Follow(before=before, customer_id=after)
                | Retire(customer_id=before, into=after)
            ):
                yield from (customer for customer in (before, after) if customer is not None)
            case Erase(rows=rows, images=images):
                yield from (*rows, *images)
            case Reindex(record_id=record) if record.startswith("customer:"):
                yield record.removeprefix("customer:")
