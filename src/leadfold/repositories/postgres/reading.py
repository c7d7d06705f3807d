"""Reading a PostgreSQL store, as the port asks: one snapshot, batch by batch. It writes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import StoreError
from leadfold.model import Identifier, Ruling, utc
from leadfold.repositories.cells import dump, identifiers_of, json_object, load, moment
from leadfold.repositories.mapping import tells_no_edits
from leadfold.repositories.postgres.castable import castable
from leadfold.repositories.postgres.columns import cells_of, customer_batch, lead_batch
from leadfold.repositories.postgres.steps import Query
from leadfold.repositories.records import (
    edited_after,
    entry_of,
    queued_of,
    read_run,
    rowless_of,
)
from leadfold.repository import (
    ORIGINAL,
    RECORD,
    Around,
    Awaited,
    DependentCount,
    Entry,
    Holders,
    Reference,
    StoreFacts,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from leadfold.changes import Run
    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.steps import Row, Statement, Steps
    from leadfold.repositories.tables import PointingTable
    from leadfold.repository import CustomerBatch, LeadBatch, LedgerEntry, Queued, Rowless

__all__ = ["Reading", "unmapped"]


@attrs.frozen
class Reading:
    """What is asked of one snapshot: queries to read in batches, and steps for the rest."""

    shapes: Shapes
    tenant: str | None
    owned: bool

    def facts(self) -> Steps[StoreFacts]:
        """Return what a plan must know before it reads rows."""
        catalog, mapping = self.shapes.catalog, self.shapes.mapping
        name = "index_state" if catalog.has_own else "no_index_state"
        answer = yield self.shapes.statement(name, self._bound())
        [(mark, fingerprint)] = cast("Sequence[tuple[str, str | None]]", answer.rows)
        return StoreFacts(
            tenant=self.tenant,
            fields=mapping.fields,
            unique=frozenset(catalog.unique_fields(mapping)),
            dependents=tuple(table.dependent for table in mapping.dependents),
            carried=tuple(table.name for table in mapping.carried),
            foreign_keys=catalog.undeclared(mapping),
            not_null=catalog.not_null(mapping),
            fingerprint=fingerprint or None,
            clock=mark,
            owns_transaction=self.owned,
        )

    def leads(self, ids: Collection[str] | None) -> Query[LeadBatch]:
        """Return the query for leads; *ids* None means all."""
        lead = self.shapes.mapping.lead
        bound = self._bound(ids=self._castable(ids, lead.table, lead.id))
        statement = self.shapes.leads(bound, chosen=ids is not None)
        return Query(statement, lambda rows: lead_batch(rows, lead))

    def customers(self, ids: Collection[str] | None) -> Query[CustomerBatch]:
        """Return the query for customers; *ids* None means all."""
        customer = self.shapes.mapping.customer
        bound = self._bound(ids=self._castable(ids, customer.table, customer.id))
        return Query(self.shapes.customers(bound, chosen=ids is not None), customer_batch)

    def dependents(self, leads: Collection[str] | None) -> Iterable[Query[list[DependentCount]]]:
        """Yield the queries for counts of dependent rows; *leads* None means all."""
        for table in self.shapes.mapping.dependents:
            bound = self._bound(ids=self._castable(leads, table.table, table.lead_id))
            statement = self.shapes.dependents(table, bound, chosen=leads is not None)
            yield Query(statement, partial(_counts, table.name))

    def holders(self, identifiers: Collection[Identifier], at_most: int) -> Steps[Holders]:
        """Return up to *at_most* holders of each identifier, from the identity index."""
        asked = sorted(set(identifiers))
        if not self.shapes.catalog.has_own:
            return Holders({}, dict.fromkeys(asked, 0), frozenset())
        found: dict[Identifier, list[str]] = {}
        rows = yield from self._own_rows("holders", at_most=at_most + 1, **_columns(asked))
        for kind, value, record in rows:
            found.setdefault(Identifier(str(kind), str(value)), []).append(str(record))
        wanted = {record for records in found.values() for record in records[:at_most]}
        held = yield from self._own_rows("held", records=sorted(wanted))
        told = zip(held, identifiers_of([cell for _, cell in held]), strict=True)
        records = {str(record): pairs or () for (record, _), pairs in told}
        named = sorted({*asked, *(each for pairs in records.values() for each in pairs)})
        versions = dict.fromkeys(asked, 0)
        for kind, value, version in (yield from self._own_rows("versions", **_columns(named))):
            versions[Identifier(str(kind), str(value))] = cast("int", version)
        saturated = (each for each, holders in found.items() if len(holders) > at_most)
        return Holders(records, versions, frozenset(saturated))

    def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        at_most: int,
    ) -> Steps[Around]:
        """Return what is met one step from these."""
        asked = sorted(set(identifiers))
        told = self._bound(
            leads=castable(leads, "text"),
            customers=castable(customers, "text"),
            at_most=at_most,
            **_columns(asked),
        )
        met = _by_kind((yield self.shapes.around(told)).rows)
        holders: dict[Identifier, list[str]] = {each: [] for each in asked}
        for kind, value, record in met["holder"]:
            holders.setdefault(Identifier(str(kind), str(value)), []).append(str(record))
        lead_rows_of = lead_batch(met["lead"], self.shapes.mapping.lead)
        linked = Counter(link for link in lead_rows_of.customer_ids if link is not None)
        crowded: set[Identifier | str] = {
            each for each, records in holders.items() if len(records) > at_most
        }
        crowded.update(customer for customer, count in linked.items() if count > at_most)
        return Around(
            (lead_rows_of,),
            (customer_batch(met["customer"]),),
            {each: tuple(records[:at_most]) for each, records in holders.items()},
            _entries(met["entry"]),
            tuple(each for name, *row in met["dependent"] for each in _counts(str(name), [row])),
            frozenset(crowded),
        )

    def shown(self, column: str, values: Collection[str]) -> Steps[set[str]]:
        """Return those of *values* that customers show."""
        answer = yield self.shapes.shown(column, self._bound(values=castable(values, "text")))
        return {str(value) for (value,) in answer.rows}

    def recorded(self, record_id: str) -> Steps[tuple[Identifier, ...] | None]:
        """Return what the identity index holds for a record, or None where it never saw it."""
        rows = yield from self._own_rows("held", records=[record_id])
        return identifiers_of([cell for _, cell in rows])[0] if rows else None

    def queued(self) -> Iterable[Query[list[Queued]]]:
        """Yield the query for the leads that are still to be decided, if there is a queue."""
        if self.shapes.catalog.has_own:
            statement = self.shapes.statement("waiting", self._bound())
            yield Query(statement, lambda rows: list(map(queued_of, rows)))

    def edited(self, since: datetime) -> Iterable[Query[list[str]]]:
        """Yield the query for the leads whose row came or was edited at *since* or later."""
        lead = self.shapes.mapping.lead
        if lead.updated_at is None:
            raise tells_no_edits(lead)
        statement = self.shapes.statement("edited", self._bound())
        yield Query(statement, partial(edited_after, cast("datetime", utc(since))))

    def rowless(self) -> Iterable[Query[list[Rowless]]]:
        """Yield the query for the records of the index that hold something and are no row."""
        if self.shapes.catalog.has_own:
            statement = self.shapes.statement("rowless", self._bound())
            yield Query(statement, lambda rows: list(map(rowless_of, rows)))

    def rulings(self) -> Steps[tuple[Ruling, ...]]:
        """Return the rulings in force, in order of creation."""
        rows = yield from self._own_rows("rulings")
        return tuple(
            Ruling(
                id=str(ruling),
                parts=cast("tuple[tuple[str, ...], ...]", load(parts)),
                created_at=moment(created_at),
                actor=str(actor),
            )
            for ruling, parts, created_at, actor in rows
        )

    def runs(
        self, limit: int, ids: Collection[str] | None, action: str | None, status: str | None
    ) -> Steps[tuple[Run, ...]]:
        """Return the latest runs, newest first; of *ids*, *action*, *status*, where given."""
        named = None if ids is None else sorted(set(ids))
        given = {"ids": named, "action": action, "status": status}
        rows = yield from self._own_rows("runs", limit=limit, **given)
        return tuple(read_run(row) for row in rows)

    def entries(self, name: str, **values: object) -> Iterable[Query[list[LedgerEntry]]]:
        """Yield the query called *name* for entries of the ledger, if there is a ledger."""
        if self.shapes.catalog.has_own:
            statement = self.shapes.statement(name, self._bound(**values))
            yield Query(statement, lambda rows: [entry_of(row) for row in rows])

    def history(self, table: str, row: str) -> Iterable[Query[list[LedgerEntry]]]:
        """Yield the query for every entry about a row."""
        return self.entries("history", table=table, row=row, quoted=dump(row))

    def unexplained(self, leads: Collection[str] | None) -> Iterable[Query[list[str]]]:
        """Yield the query for leads whose customer is not what the ledger last gave them."""
        name = "unexplained" if self.shapes.catalog.has_own else "linked"
        lead = self.shapes.mapping.lead
        bound = self._bound(ids=self._castable(leads, lead.table, lead.id))
        statement = self.shapes.unexplained(name, bound, chosen=leads is not None)
        yield Query(statement, lambda rows: [str(lead) for (lead,) in rows])

    def links(self, table: str, rows: Collection[str]) -> Iterable[Query[list[Reference]]]:
        """Yield the query for the present customer of *rows* of *table*."""
        found = self.shapes.mapping.pointing.get(table)
        if found is None:
            raise unmapped(table)
        yield self._references("links", found, rows, found.id)

    def pointing_at(self, customer_ids: Collection[str]) -> Iterable[Query[list[Reference]]]:
        """Yield the queries for every row that points at one of these customers."""
        for table in self.shapes.mapping.pointing.values():
            yield self._references("pointing_at", table, customer_ids, table.customer_id)

    def is_original(self, run_id: str) -> Steps[bool]:
        """Tell whether an audit entry of that id was written by the script `ORIGINAL`."""
        audit = self.shapes.mapping.audit
        if audit is None or audit.id is None:
            return False
        answer = yield self.shapes.statement("audited_script", {"run_id": run_id})
        payloads = (json_object(payload) or {} for (payload,) in answer.rows)
        return any(payload.get("script") == ORIGINAL for payload in payloads)

    def audited(self) -> Steps[dict[str, int]]:
        """Return how many entries of the audit trail name each action."""
        if self.shapes.mapping.audit is None:
            rows = yield from self._own_rows("own_audited")
        else:
            rows = (yield self.shapes.statement("user_audited")).rows
        return {str(action): cast("int", count) for action, count in rows}

    def _references(
        self, name: str, table: PointingTable, ids: Collection[str], column: str
    ) -> Query[list[Reference]]:
        bound = self._bound(ids=self._castable(ids, table.table, column))
        statement: Statement = self.shapes.pointing(name, table, bound)
        return Query(
            statement,
            lambda rows: [
                Reference(table.name, str(row), *cast("list[str | None]", ends))
                for row, *ends in rows
            ],
        )

    def _castable(self, ids: Collection[str] | None, table: str, column: str) -> list[str] | None:
        if ids is None:
            return None
        return castable(ids, self.shapes.catalog.type_of(table, column))

    def _own_rows(self, name: str, **values: object) -> Steps[Sequence[Row]]:
        if not self.shapes.catalog.has_own:
            return ()
        answer = yield self.shapes.statement(name, self._bound(**values))
        return answer.rows

    def _bound(self, **values: object) -> dict[str, object]:
        return {"whose": self.tenant or "", "tenant": self.tenant, **values}


def unmapped(table: str) -> StoreError:
    """Return the error for a *table* that a change or a question names and no mapping does."""
    return StoreError(f"the store maps no table called {table}: declare it in its mapping")


def _by_kind(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    """Return rows of cells by the kind of thing that they are about."""
    found: dict[str, list[Row]] = defaultdict(list)
    for (kind, _), cells in zip(rows, cells_of(row for _, row in rows), strict=True):
        found[str(kind)].append(cells)
    return found


def _entries(rows: Sequence[Row]) -> dict[str, Entry]:
    """Return what the index knows of records, by their names, and the customer of each."""
    held = identifiers_of([row[2] for row in rows])
    entries: dict[str, Entry] = {}
    for (record, link, _, customer, until, waits), identifiers in zip(rows, held, strict=True):
        name = str(record)
        own = name.removeprefix(RECORD) if name.startswith(RECORD) else None
        awaited = None
        if customer is not None:
            awaited = Awaited(str(customer), cast("datetime", moment(until)))
        of = own or cast("str | None", link)
        entries[name] = Entry(identifiers or (), of, awaited, queued=bool(waits))
    return entries


def _columns(identifiers: Sequence[Identifier]) -> dict[str, object]:
    return {
        "kinds": [identifier.kind for identifier in identifiers],
        "values": [identifier.value for identifier in identifiers],
    }


def _counts(table: str, rows: Iterable[Sequence[object]]) -> list[DependentCount]:
    return [
        DependentCount(
            table,
            cast("str | None", lead_id),
            cast("str | None", customer_id),
            cast("int", count),
            bool(known),
        )
        for lead_id, customer_id, count, known in rows
    ]
