"""How the in-memory store writes a unit: whole, or not at all. No staleness, no run.

A unit's rows are staged beside the tables until all of them are right; only then are they kept.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from functools import partial
from typing import TYPE_CHECKING

import attrs

from leadfold.changes import Follow, InsertCustomer, Link, PatchCustomer, Reindex
from leadfold.exceptions import StoreError, UnitError
from leadfold.masking import mask
from leadfold.repositories.memory.rows import customer_of
from leadfold.repository import LedgerEntry

if TYPE_CHECKING:
    from leadfold.changes import Change, Unit
    from leadfold.model import Customer, Lead
    from leadfold.repositories.memory.rows import Shape
    from leadfold.repositories.memory.tables import DependentTable, Draft

__all__ = ["Writer"]


class Writer:
    """Writes units on a draft, and keeps the ledger of it."""

    def __init__(self, draft: Draft, shape: Shape, run_id: str) -> None:
        self.draft = draft
        self.shape = shape
        self.run_id = run_id
        self.entries: list[LedgerEntry] = []
        self.followed: Counter[str] = Counter()
        self.made: set[str] = set()
        self._by_lead: dict[str, dict[str | None, list[str]]] = {}
        self._taken = {
            column: {getattr(row, column): row.id for row in draft.before.customers.rows.values()}
            for column in sorted(shape.unique)
        }

    def write(self, unit: Unit) -> None:
        """Write all changes of *unit*, or raise `UnitError` and write none."""
        staged = _Staged(self, unit.number)
        for change in unit.changes:
            staged.apply(change)
        self._check(staged)
        self._keep(staged)

    def table(self, name: str) -> DependentTable:
        """Return the rows of a dependent, to write on."""
        if name not in self.draft.before.dependents:
            msg = f"no dependent is named {name}: declare it in dependents="
            raise StoreError(msg)
        return self.draft.dependents(name)

    def rows_of(self, name: str, lead_id: str) -> list[str]:
        """Return the ids of the rows of dependent *name* that point at *lead_id*."""
        if name not in self._by_lead:
            self._by_lead[name] = self.table(name).by_lead()
        return self._by_lead[name].get(lead_id, [])

    def _check(self, staged: _Staged) -> None:
        rows: list[Lead | Customer] = [*staged.customers.maps[0].values()]
        rows += staged.leads.maps[0].values()
        for row in rows:
            for constraint in self.shape.constraints:
                if message := constraint(row):
                    raise UnitError(message)
        for column, taken in self._taken.items():
            _check_unique(column, taken, staged)

    def _keep(self, staged: _Staged) -> None:
        for customer in staged.customers.maps[0].values():
            self.draft.customers.put(customer.id, customer)
            for column, taken in self._taken.items():
                taken[getattr(customer, column)] = customer.id
        for lead in staged.leads.maps[0].values():
            self.draft.leads.put(lead.id, lead)
        for name, row_id, customer_id in staged.followed:
            self.table(name).link(row_id, customer_id)
            self.followed[name] += 1
        for record in staged.records:
            self.draft.index.record(record.record_id, record.identifiers)
        self.made.update(entry.row for entry in staged.entries if entry.action == "insert")
        self.entries += staged.entries


class _Staged:
    """The rows of one unit, seen before the tables', and the ledger of their changes."""

    def __init__(self, writer: Writer, number: int) -> None:
        self.leads = ChainMap[str, "Lead"]({}, writer.draft.leads.rows)
        self.customers = ChainMap[str, "Customer"]({}, writer.draft.customers.rows)
        self.followed: list[tuple[str, str, str]] = []
        self.records: list[Reindex] = []
        self.entries: list[LedgerEntry] = []
        self._writer = writer
        self._entry = partial(LedgerEntry, writer.run_id, number)

    def apply(self, change: Change) -> None:
        """Stage one change, or raise what the store has against it."""
        match change:
            case InsertCustomer():
                self._insert(change)
            case PatchCustomer():
                self._patch(change)
            case Link():
                self._link(change)
            case Follow():
                self._follow(change)
            case Reindex():  # pragma: no branch - the last of the five
                self.records.append(change)

    def _insert(self, insert: InsertCustomer) -> None:
        if insert.customer_id in self.customers:
            msg = f"there is a customer {insert.customer_id} already"
            raise UnitError(msg)
        customer = customer_of({**insert.row, "id": insert.customer_id})
        self.customers[customer.id] = customer
        entry = self._entry("Customer", customer.id, "insert", None, dict(insert.row))
        self.entries.append(entry)

    def _patch(self, patch: PatchCustomer) -> None:
        customer = self.customers[patch.customer_id]
        metadata = dict(customer.metadata or {})
        kept = {key: value for key, value in metadata.items() if key not in patch.before}
        self.customers[customer.id] = attrs.evolve(customer, metadata={**kept, **patch.after})
        entry = self._entry("Customer", customer.id, "patch", dict(patch.before), dict(patch.after))
        self.entries.append(entry)

    def _link(self, link: Link) -> None:
        self._require(link.after)
        if link.after is None and not self._writer.shape.link_nullable:
            msg = f"lead {link.lead_id}: its customer must not be null"
            raise UnitError(msg)
        lead = self.leads[link.lead_id]
        self.leads[lead.id] = attrs.evolve(lead, customer_id=link.after)
        entry = self._entry("Lead", lead.id, "link", link.before, link.after, link.reason)
        self.entries.append(entry)

    def _follow(self, follow: Follow) -> None:
        self._require(follow.customer_id)
        table = self._writer.table(follow.table)
        for row_id in self._writer.rows_of(follow.table, follow.lead_id):
            if table.customer_of(table.rows[row_id]) is not None:
                continue
            self.followed.append((follow.table, row_id, follow.customer_id))
            entry = self._entry(follow.table, row_id, "follow", None, follow.customer_id)
            self.entries.append(entry)

    def _require(self, customer_id: str | None) -> None:
        """Hold up the foreign key to customers."""
        if customer_id is not None and customer_id not in self.customers:
            msg = f"there is no customer {customer_id}"
            raise UnitError(msg)


def _check_unique(column: str, taken: dict[object, str], staged: _Staged) -> None:
    """Raise if a staged customer shows a value of *column* that another customer shows."""
    shown: dict[object, str] = {}
    for customer in staged.customers.maps[0].values():
        value = getattr(customer, column)
        if value is None:
            continue
        holder = shown.setdefault(value, taken.get(value, customer.id))
        if holder != customer.id:
            msg = f"{column} {mask(column, value)} is unique and customer {holder} shows it"
            raise UnitError(msg)
