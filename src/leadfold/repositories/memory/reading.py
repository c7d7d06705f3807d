"""The reads of the in-memory store: tables of one moment, in columns. Nothing is written."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from leadfold.model import field_of, utc
from leadfold.repositories.memory.rows import IDENTIFIERS
from leadfold.repositories.records import edited_after
from leadfold.repository import (
    CUSTOMER,
    LEAD,
    ORIGINAL,
    Around,
    CustomerBatch,
    DependentCount,
    Entry,
    Holders,
    LeadBatch,
    Reference,
    Rowless,
    StoreFacts,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from leadfold.changes import Run
    from leadfold.model import Customer, Identifier, Lead, Ruling
    from leadfold.repositories.memory.rows import Shape
    from leadfold.repositories.memory.tables import DependentTable, Tables
    from leadfold.repository import LedgerEntry, Maker, Queued

__all__ = ["MemoryReader"]

BATCH = 10_000
_NULLABLE = "InMemoryRepository(link_nullable=True)"

Row = TypeVar("Row")


@attrs.frozen
class MemoryReader:
    """A `Reader` of tables that nobody changes any more."""

    tables: Tables = attrs.field(repr=False)
    shape: Shape
    tenant: str | None = None

    def facts(self) -> StoreFacts:
        """Return what a plan must know before it reads rows."""
        return StoreFacts(
            tenant=self.tenant,
            fields=self.shape.fields,
            unique=self.shape.unique,
            dependents=tuple(table.declared for table in self.tables.dependents.values()),
            carried=tuple(self.tables.references),
            not_null={} if self.shape.link_nullable else {LEAD: _NULLABLE},
            fingerprint=self.tables.index.fingerprint,
            clock=self.tables.index.clock,
        )

    def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
        """Yield the leads in batches, in order of insertion or of *ids*.

        The columns of all batches are the same: every name that any lead of the store holds.
        """
        fields = self._fields()
        for rows in _batches(self.tables.leads.rows, ids):
            yield self._lead_batch(rows, fields)

    def customers(self, ids: Collection[str] | None = None) -> Iterator[CustomerBatch]:
        """Yield the customers in batches, in order of insertion or of *ids*."""
        for rows in _batches(self.tables.customers.rows, ids):
            yield self._customer_batch(rows)

    def dependents(self, leads: Collection[str] | None = None) -> Iterator[DependentCount]:
        """Yield counts of dependent rows by table, lead and present customer."""
        known = self.tables.leads.rows
        for name, table in self.tables.dependents.items():
            rows = ((table.lead_of(row), table.customer_of(row)) for row in table.rows.values())
            for (lead, customer), count in Counter(rows).items():
                if leads is not None and lead not in leads:
                    continue
                yield DependentCount(name, lead, customer, count, lead in known)

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return up to *at_most* holders of each identifier, the first in text order."""
        index = self.tables.index
        records: dict[str, tuple[Identifier, ...]] = {}
        saturated: set[Identifier] = set()
        for identifier in sorted(set(identifiers)):
            held_by = sorted(index.holders.get(identifier, ()))
            records.update((record, index.seen[record]) for record in held_by[:at_most])
            if len(held_by) > at_most:
                saturated.add(identifier)
        versions = {identifier: index.versions.get(identifier, 0) for identifier in identifiers}
        return Holders(records, versions, frozenset(saturated))

    def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        """Return what is met one step from these."""
        rows = self.tables.leads.rows
        crowded: set[Identifier | str] = set()
        holders: dict[Identifier, tuple[str, ...]] = {}
        direct = set(leads)
        for identifier in sorted(set(identifiers)):
            records = sorted(self.tables.index.holders.get(identifier, ()))
            holders[identifier] = tuple(records[:at_most])
            if len(records) > at_most:
                crowded.add(identifier)
            else:
                direct.update(records)
        reached = set(customers) | {name for each in direct if (name := self._customer_of(each))}
        linked: dict[str, list[str]] = {customer: [] for customer in sorted(reached)}
        for lead in rows.values():
            if lead.customer_id in linked:
                linked[lead.customer_id].append(lead.id)
        crowded.update(customer for customer, ids in linked.items() if len(ids) > at_most)
        met = {each for ids in linked.values() for each in sorted(ids)[:at_most]}
        found = [rows[each] for each in sorted(direct | met) if each in rows]
        shown = [self.tables.customers.rows.get(each) for each in linked]
        named = {*leads, *(record for records in holders.values() for record in records)}
        return Around(
            (self._lead_batch(found, self._fields()),),
            (self._customer_batch([each for each in shown if each is not None]),),
            holders,
            {each: self._entry(each) for each in sorted(named)},
            tuple(self.dependents(direct | met)),
            frozenset(crowded),
        )

    def _customer_of(self, record: str) -> str | None:
        """Return the customer that a record is linked to, or is."""
        if record in self.tables.leads.rows:
            return self.tables.leads.rows[record].customer_id
        own, _, customer = record.partition("customer:")
        return customer if customer and not own else None

    def _entry(self, record: str) -> Entry:
        index, customer = self.tables.index, self._customer_of(record)
        held, awaited = index.seen.get(record, ()), index.awaited.get(record)
        return Entry(held, customer, awaited, queued=record in self.tables.queue)

    def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        """Return those of *values* that customers show."""
        shown = {getattr(each, column) for each in self.tables.customers.rows.values()}
        return shown.intersection(values)

    def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        """Return what the identity index holds for a record, even one whose row is gone."""
        return self.tables.index.seen.get(record_id)

    def queued(self) -> Iterator[Queued]:
        """Yield the leads that are still to be decided, those that wait longest first."""
        return iter(self.tables.queue.values())

    def edited(self, since: datetime) -> Iterator[str]:
        """Yield the leads whose row came or was edited at *since* or later.

        Of a lead, ``created_at`` and a field ``updated_at`` tell.
        """
        rows = (
            (lead.id, lead.created_at, field_of(lead, "updated_at"))
            for lead in self.tables.leads.rows.values()
        )
        yield from edited_after(cast("datetime", utc(since)), rows)

    def rowless(self) -> Iterator[Rowless]:
        """Yield the records of the identity index that hold something and are no row."""
        customers = {f"customer:{customer}" for customer in self.tables.customers.rows}
        for record, held in self.tables.index.seen.items():
            if held and record not in self.tables.leads.rows and record not in customers:
                awaited = self.tables.index.awaited.get(record)
                yield Rowless(record, None if awaited is None else awaited.until)

    def rulings(self) -> tuple[Ruling, ...]:
        """Return the rulings in force, in order of creation."""
        return tuple(sorted(self.tables.rulings.values(), key=_creation))

    def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        """Return the latest runs, newest first; of *ids*, *action*, *status*, where given."""
        found = (
            run.id
            for run in reversed(tuple(self.tables.runs.values()))
            if (ids is None or run.id in ids)
            and action in {None, run.action}
            and status in {None, run.status}
        )
        told = (self.tables.run(run_id) for run_id in islice(found, limit))
        return tuple(run for run in told if run is not None)

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield the ledger of a run unit by unit, each in the order it was written."""
        return iter(sorted(self.tables.ledger.get(run_id, ()), key=attrgetter("unit")))

    def later(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield what others did to rows after this run changed them, in the order written."""
        touched: set[tuple[str, str]] = set()
        for entry in self.tables.entries():
            place = (entry.table, entry.row)
            if entry.run_id == run_id:
                touched.add(place)
            elif place in touched:
                yield entry

    def history(self, table: str, row: str) -> Iterator[LedgerEntry]:
        """Yield every entry about a row, in the order written; *table* as the ledger calls it."""
        for entry in self.tables.entries():
            if (entry.table, entry.row) == (table, row) or (
                table == CUSTOMER
                and entry.action in {"link", "follow", "retire", "restore"}
                and row in (entry.before, entry.after)
            ):
                yield entry

    def unexplained(self, leads: Collection[str] | None = None) -> Iterator[str]:
        """Yield the leads whose customer is not what the ledger's last entry for them says."""
        given = {entry.row: entry.after for entry in self.tables.entries() if entry.table == LEAD}
        for lead in self.tables.leads.rows.values():
            if leads is not None and lead.id not in leads:
                continue
            if lead.customer_id is not None and given.get(lead.id) != lead.customer_id:
                yield lead.id

    def links(self, table: str, rows: Collection[str]) -> Iterator[Reference]:
        """Yield the present customer of those *rows* of *table* that exist."""
        pointing = None if table == LEAD else self.tables.table(table)
        for row in dict.fromkeys(rows):
            if pointing is None and row in self.tables.leads.rows:
                yield Reference(table, row, self.tables.leads.rows[row].customer_id)
            elif pointing is not None and row in pointing.rows:
                yield _reference(pointing, row)

    def pointing_at(self, customer_ids: Collection[str]) -> Iterator[Reference]:
        """Yield every row that points at one of these customers: leads first, then the others."""
        wanted = set(customer_ids)
        for lead in self.tables.leads.rows.values():
            if lead.customer_id in wanted:
                yield Reference(LEAD, lead.id, lead.customer_id)
        for table in self.tables.pointing.values():
            for row_id, row in table.rows.items():
                if table.customer_of(row) in wanted:
                    yield _reference(table, row_id)

    def is_original(self, run_id: str) -> bool:
        """Tell whether an audit entry of that id was written by the script `ORIGINAL`."""
        return any(
            entry.id == run_id and entry.payload.get("script") == ORIGINAL
            for entry in self.tables.audit
        )

    def audited(self) -> Mapping[str, int]:
        """Return how many entries of the audit trail name each action."""
        return Counter(entry.action for entry in self.tables.audit)

    def _fields(self) -> list[str]:
        if self.shape.fields is not None:
            return sorted(self.shape.fields)
        further = {name for lead in self.tables.leads.rows.values() for name in lead.fields}
        return [*IDENTIFIERS, *sorted(further)]

    def _lead_batch(self, rows: Sequence[Lead], fields: Sequence[str]) -> LeadBatch:
        versions, seen = self.tables.leads.versions, self.tables.index.seen
        return LeadBatch(
            ids=[lead.id for lead in rows],
            fields={name: [field_of(lead, name) for lead in rows] for name in fields},
            names=[lead.name for lead in rows],
            created_at=[utc(lead.created_at) for lead in rows],
            customer_ids=[lead.customer_id for lead in rows],
            versions=[versions[lead.id] for lead in rows],
            indexed=[seen.get(lead.id) for lead in rows],
            queued=frozenset(lead.id for lead in rows if lead.id in self.tables.queue),
        )

    def _customer_batch(self, rows: Sequence[Customer]) -> CustomerBatch:
        versions, seen = self.tables.customers.versions, self.tables.index.seen
        return CustomerBatch(
            ids=[customer.id for customer in rows],
            names=[customer.name for customer in rows],
            phones=[customer.phone for customer in rows],
            emails=[customer.email for customer in rows],
            metadata=[customer.metadata for customer in rows],
            created_at=[utc(customer.created_at) for customer in rows],
            made_by=[self._maker(customer) for customer in rows],
            versions=[versions[customer.id] for customer in rows],
            indexed=[seen.get(f"customer:{customer.id}") for customer in rows],
        )

    def _maker(self, customer: Customer) -> Maker | None:
        """Return who made *customer*: the ledger knows, or else its metadata says so."""
        created_by = (customer.metadata or {}).get("createdBy")
        if customer.id in self.tables.made or created_by == "leadfold":
            return "leadfold"
        return "original" if created_by == ORIGINAL else None


def _creation(ruling: Ruling) -> tuple[bool, str, str]:
    moment = ruling.created_at
    return moment is None, "" if moment is None else moment.isoformat(), ruling.id


def _reference(table: DependentTable, row_id: str) -> Reference:
    row = table.rows[row_id]
    return Reference(table.declared.name, row_id, table.customer_of(row), table.lead_of(row))


def _batches(rows: Mapping[str, Row], ids: Collection[str] | None) -> Iterator[list[Row]]:
    """Yield the rows of *ids* (None means all) that exist, each once."""
    wanted = rows if ids is None else (row_id for row_id in dict.fromkeys(ids) if row_id in rows)
    found = (rows[row_id] for row_id in wanted)
    while batch := list(islice(found, BATCH)):
        yield batch
