"""The rows of a store in memory, and what the application does to them. Nothing lasts.

Plain dicts of frozen rows. A write works on a copy of the tables it touches and swaps it in,
so that a failed one leaves nothing behind and an open reader sees nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Self

import attrs

from leadfold.exceptions import DuplicateLeadError
from leadfold.model import CONVERSATION, JOB, Dependent, text_id
from leadfold.repositories.memory.committing import commit
from leadfold.repositories.memory.reading import MemoryReader
from leadfold.repositories.memory.rows import (
    DependentRow,
    Shape,
    customer_of,
    lead_of,
)
from leadfold.repositories.memory.tables import DependentTable, Draft, Store, Table, Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from leadfold.changes import ChangeSet, Committed
    from leadfold.model import Customer, Lead, Ruling
    from leadfold.repositories.memory.rows import AuditEntry, Constraint

__all__ = ["ApplicationRows"]

Dependents = Mapping[str, Iterable[DependentRow]] | Mapping[Dependent, Iterable[DependentRow]]
"""Rows by table name, or by `Dependent` where its columns are named otherwise."""


class ApplicationRows:
    """The rows of a store in memory as the application has them: it reads and edits its own.

    leadfold's side is `InMemoryRepository` and its async twin; what the arguments mean is said
    there.
    """

    def __init__(
        self,
        leads: Iterable[object] = (),
        dependents: Dependents | None = None,
        customers: Iterable[object] = (),
        *,
        references: Mapping[str, Iterable[DependentRow]] | None = None,
        rulings: Iterable[Ruling] = (),
        audit: Iterable[AuditEntry] = (),
        unique: Collection[str] = (),
        link_nullable: bool = True,
        fields: Collection[str] | None = None,
        constraints: Iterable[Constraint] = (),
        tenant: str | None = None,
    ) -> None:
        self._shape = Shape(
            None if fields is None else frozenset(fields),
            frozenset(unique),
            link_nullable,
            tuple(constraints),
        )
        self._tenant = tenant
        self._store = Store()
        self._declare(
            Tables(
                leads=Table(self._shape.basis),
                customers=Table(_shown_by),
                dependents={
                    declared.name: DependentTable(declared)
                    for declared in _declared(dependents or {}).values()
                },
                references={name: DependentTable(Dependent(name)) for name in references or {}},
                rulings={ruling.id: ruling for ruling in rulings},
                audit=tuple(audit),
            )
        )
        self._fill(leads, customers)
        for rows in (dependents or {}, references or {}):
            self._point(rows)

    def for_tenant(self, tenant: str) -> Self:
        """Return a repository of the same store bound to *tenant*, with its rows alone."""
        mine = self._tables
        other = copy(self)
        other._tenant = tenant  # noqa: SLF001 - one of this class
        other._declare(  # noqa: SLF001
            Tables(
                leads=Table(self._shape.basis),
                customers=Table(_shown_by),
                dependents={
                    name: DependentTable(table.declared) for name, table in mine.dependents.items()
                },
                references={
                    name: DependentTable(table.declared) for name, table in mine.references.items()
                },
            )
        )
        return other

    def _reader(self) -> MemoryReader:
        """Return a reader of the rows as they are now: later writes do not show in it."""
        return MemoryReader(self._tables, self._shape, self._tenant)

    def _committed(self, changes: ChangeSet) -> Committed:
        """Write *changes*, while nobody else writes."""
        with self._store.alone():
            tables, committed = commit(self._tables, self._shape, changes)
            self._store.tables[self._tenant] = tables
        return committed

    def leads(self) -> tuple[Lead, ...]:
        """Return the leads as they are now, in order of insertion."""
        return tuple(self._tables.leads.rows.values())

    def customers(self) -> tuple[Customer, ...]:
        """Return the customers as they are now, in order of insertion."""
        return tuple(self._tables.customers.rows.values())

    def dependents(self, name: str) -> tuple[DependentRow, ...]:
        """Return the rows of the dependent *name* as they are now, in order of insertion."""
        return tuple(self._tables.dependents[name].rows.values())

    def references(self, name: str) -> tuple[DependentRow, ...]:
        """Return the rows of the referencing table *name* as they are now, likewise."""
        return tuple(self._tables.references[name].rows.values())

    def audit(self) -> tuple[AuditEntry, ...]:
        """Return the audit trail, oldest first."""
        return self._tables.audit

    def insert_lead(self, lead: object) -> None:
        """Insert a lead, as the application does when one comes in."""
        self.insert_leads([lead])

    def insert_leads(self, leads: Iterable[object]) -> None:
        """Insert many leads, or none: an id that is there already, or comes twice, is refused."""
        with self._changing() as draft:
            _insert_leads(draft.leads, map(lead_of, leads))

    def update_lead(self, lead: object) -> None:
        """Replace the lead of that id, as the application does when one is edited."""
        row = lead_of(lead)
        with self._changing() as draft:
            _require(draft.leads.rows, "lead", row.id)
            draft.leads.put(row.id, row)

    def delete_lead(self, lead_id: str) -> None:
        """Delete a lead, as the application does; what depends on it keeps pointing at it."""
        with self._changing() as draft:
            _require(draft.leads.rows, "lead", lead_id)
            draft.leads.drop(lead_id)

    def insert_customer(self, customer: object) -> None:
        """Insert a customer that somebody other than leadfold made."""
        with self._changing() as draft:
            _insert_customer(draft.customers, customer_of(customer))

    def update_customer(self, customer: object) -> None:
        """Replace the customer of that id, as the application does when one is edited."""
        row = customer_of(customer)
        with self._changing() as draft:
            _require(draft.customers.rows, "customer", row.id)
            draft.customers.put(row.id, row)

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer, as the application does; links to it become null."""
        with self._changing() as draft:
            _require(draft.customers.rows, "customer", customer_id)
            draft.customers.drop(customer_id)
            for lead in [row for row in self.leads() if row.customer_id == customer_id]:
                draft.leads.put(lead.id, attrs.evolve(lead, customer_id=None))
            for name in self._tables.pointing:
                draft.pointing(name).unlink(customer_id)

    def insert_dependent(self, name: str, row: DependentRow) -> None:
        """Insert or replace a row of the dependent *name*, as when a job comes in."""
        with self._changing() as draft:
            draft.pointing(name).rows[text_id(row["id"])] = dict(row)

    def insert_reference(self, name: str, row: DependentRow) -> None:
        """Insert or replace a row of the referencing table *name*, as when an address comes in."""
        self.insert_dependent(name, row)

    @property
    def _tables(self) -> Tables:
        return self._store.tables[self._tenant]

    def _declare(self, tables: Tables) -> None:
        """Let *tables* be those of this tenant, if there are none yet."""
        self._store.tables.setdefault(self._tenant, tables)

    def _fill(self, leads: Iterable[object], customers: Iterable[object]) -> None:
        with self._changing() as draft:
            _insert_leads(draft.leads, map(lead_of, leads))
            for customer in map(customer_of, customers):
                _insert_customer(draft.customers, customer)

    def _point(self, tables: Dependents) -> None:
        with self._changing() as draft:
            for name, rows in tables.items():
                table = draft.pointing(name if isinstance(name, str) else name.name)
                table.rows.update((text_id(row["id"]), dict(row)) for row in rows)

    @contextmanager
    def _changing(self) -> Iterator[Draft]:
        """Lend a draft of the tables, and make it the store unless something is raised."""
        with self._store.alone():
            draft = Draft(self._tables)
            yield draft
            self._store.tables[self._tenant] = draft.finished()


def _insert_leads(table: Table[Lead], leads: Iterable[Lead]) -> None:
    """Insert *leads*; if several have one id, all such ids are named."""
    twice = set()
    for lead in leads:
        if lead.id in table.rows:
            twice.add(lead.id)
        table.put(lead.id, lead)
    if twice:
        raise DuplicateLeadError(twice)


def _insert_customer(table: Table[Customer], customer: Customer) -> None:
    if customer.id in table.rows:
        msg = f"several customers share the id {customer.id}: give every customer an id of its own"
        raise ValueError(msg)
    table.put(customer.id, customer)


def _declared(dependents: Dependents) -> dict[str, Dependent]:
    """Return the dependents by name: the usual ones, and those that rows were given for."""
    named = (Dependent(name) if isinstance(name, str) else name for name in dependents)
    return {declared.name: declared for declared in (JOB, CONVERSATION, *named)}


def _shown_by(customer: Customer) -> object:
    """Return what a customer's version stands for: what it is identified by."""
    return customer.phone, customer.email


def _require(rows: Mapping[str, object], what: str, row_id: str) -> None:
    if row_id not in rows:
        msg = f"there is no {what} {row_id}"
        raise KeyError(msg)
