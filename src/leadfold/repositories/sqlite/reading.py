"""Reading a SQLite store, as the port asks: one snapshot, batch by batch. It writes nothing."""

from __future__ import annotations

import contextlib
from itertools import chain
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.model import Identifier, Ruling, utc
from leadfold.repositories.mapping import tells_no_edits
from leadfold.repositories.records import edited_after, queued_of, read_run, rowless_of
from leadfold.repositories.sqlite.cells import dump, identifiers_of, json_object, load, moment
from leadfold.repositories.sqlite.columns import (
    Rows,
    customer_batch,
    entry_of,
    lead_batch,
)
from leadfold.repositories.sqlite.schema import unmapped
from leadfold.repositories.sqlite.session import UndecodableError
from leadfold.repository import (
    LEAD,
    ORIGINAL,
    RECORD,
    Around,
    Awaited,
    DependentCount,
    Entry,
    Holders,
    Reference,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from leadfold.changes import Run
    from leadfold.repositories.sqlite.fitted import Fitted
    from leadfold.repositories.sqlite.session import Row, Session
    from leadfold.repositories.tables import PointingTable
    from leadfold.repository import (
        CustomerBatch,
        LeadBatch,
        LedgerEntry,
        Queued,
        Rowless,
        StoreFacts,
    )

__all__ = ["SQLiteReader"]

_BATCH = 20_000


@attrs.frozen
class SQLiteReader:
    """One snapshot of a SQLite store, as `leadfold.repository.Reader` asks for it."""

    _session: Session
    _found: Fitted
    _tenant: str | None

    def facts(self) -> StoreFacts:
        """Return what a plan must know before it reads rows."""
        for fingerprint, clock in self._own_rows("index_state"):
            known = cast("str | None", fingerprint) or None
            return attrs.evolve(self._found.facts, fingerprint=known, clock=cast("int", clock))
        return self._found.facts

    def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
        """Yield the leads in batches, each once, in any order; *ids* None means all."""
        if ids is not None and not ids:
            return
        query = self._found.reading.leads(chosen=ids is not None)
        for batch in self._batches(query, self._bound(ids=_listed(ids))):
            yield lead_batch(batch, self._found.mapping.lead)

    def customers(self, ids: Collection[str] | None = None) -> Iterator[CustomerBatch]:
        """Yield the customers in batches, each once, in any order; *ids* None means all."""
        if ids is not None and not ids:
            return
        query = self._found.reading.customers(chosen=ids is not None)
        for batch in self._batches(query, self._bound(ids=_listed(ids))):
            yield customer_batch(batch)

    def dependents(self, leads: Collection[str] | None = None) -> Iterator[DependentCount]:
        """Yield counts of dependent rows by table, lead and present customer."""
        for table in self._found.mapping.dependents:
            query = self._found.reading.dependent("dependents", table, chosen=leads is not None)
            bound = self._bound(ids=_listed(leads))
            for lead_id, customer_id, count, known in self._session.rows(query, bound):
                yield DependentCount(
                    table.name,
                    cast("str | None", lead_id),
                    cast("str | None", customer_id),
                    cast("int", count),
                    bool(known),
                )

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return up to *at_most* holders of each identifier, from the identity index."""
        if not self._found.catalog.has_own:
            return Holders({}, dict.fromkeys(identifiers, 0), frozenset())
        found: set[str] = set()
        saturated: set[Identifier] = set()
        for identifier in sorted(set(identifiers)):
            records = self._holding(identifier, at_most + 1)
            found.update(records[:at_most])
            if len(records) > at_most:
                saturated.add(identifier)
        records_of, versions = self._held(found)
        wanted = {identifier: versions.get(identifier, 0) for identifier in identifiers}
        return Holders(records_of, {**versions, **wanted}, frozenset(saturated))

    def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        """Return what is met one step from these."""
        holding = {each: self._holding(each, at_most + 1) for each in identifiers}
        holders = {each: tuple(records[:at_most]) for each, records in holding.items()}
        crowded: set[Identifier | str]
        crowded = {each for each, records in holding.items() if len(records) > at_most}
        near = (records for each, records in holders.items() if each not in crowded)
        direct = {*leads, *chain.from_iterable(near)}
        entries, present = self._entries_of({*leads, *chain.from_iterable(holders.values())})
        reached = {link for each in direct if (link := entries[each].customer_id) is not None}
        reached.update(customers)
        linked = self._linked(reached)
        crowded.update(customer for customer, rows in linked.items() if len(rows) > at_most)
        met = {row for rows in linked.values() for row in rows[:at_most]}
        return Around(
            tuple(self.leads({*(direct & present), *met})),
            tuple(self.customers(reached)),
            holders,
            entries,
            tuple(self.dependents(direct | met)),
            frozenset(crowded),
        )

    def _linked(self, customers: Collection[str]) -> dict[str, list[str]]:
        """Return the leads of each of *customers* that has any."""
        linked: dict[str, list[str]] = {}
        table = self._found.mapping.pointing[LEAD]
        for end in self._references("pointing_at", table, customers):
            linked.setdefault(str(end.customer_id), []).append(end.row)
        return linked

    def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        """Return those of *values* that customers show."""
        query = self._found.reading.shown(column)
        rows = self._session.rows(query, self._bound(values=_listed(values)))
        return {str(value) for (value,) in rows}

    def _entries_of(self, records: Collection[str]) -> tuple[dict[str, Entry], set[str]]:
        """Return what the index knows of *records* and the customer of each; and who has a row."""
        query = self._found.reading.pointing("entries_of", self._found.mapping.pointing[LEAD])
        rows = self._session.rows(query, self._bound(records=_listed(records)))
        links = {str(row): cast("str | None", link) for _, row, link, *_ in rows if row is not None}
        present = links.keys() & records
        links |= {each: each.removeprefix(RECORD) for each in records if each.startswith(RECORD)}
        held = identifiers_of([cell for *_, cell, _, _, _ in rows])
        entries = dict.fromkeys(records, Entry(()))
        for (asked, *_, customer, until, waits), identifiers in zip(rows, held, strict=True):
            awaited = None if customer is None else Awaited(str(customer), _until(until))
            link = links.get(str(asked))
            entries[str(asked)] = Entry(identifiers or (), link, awaited, queued=bool(waits))
        return entries, present

    def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        """Return what the identity index holds for a record, or None where it never saw it."""
        rows = self._own_rows("recorded", record=record_id)
        return identifiers_of([cell for (cell,) in rows])[0] if rows else None

    def queued(self) -> Iterator[Queued]:
        """Yield the leads that are still to be decided, those that wait longest first."""
        if self._found.catalog.has_own:
            for rows in self._fetched(self._found.reading.statement("waiting"), self._bound(), str):
                yield from map(queued_of, rows)

    def edited(self, since: datetime) -> Iterator[str]:
        """Yield the leads whose row came or was edited at *since* or later."""
        if self._found.mapping.lead.updated_at is None:
            raise tells_no_edits(self._found.mapping.lead)
        after = cast("datetime", utc(since))
        for rows in self._fetched(self._found.reading.statement("edited"), self._bound(), str):
            yield from edited_after(after, rows)

    def rowless(self) -> Iterator[Rowless]:
        """Yield the records of the identity index that hold something and are no row."""
        if self._found.catalog.has_own:
            for rows in self._fetched(self._found.reading.statement("rowless"), self._bound(), str):
                yield from map(rowless_of, rows)

    def rulings(self) -> tuple[Ruling, ...]:
        """Return the rulings in force, in order of creation."""
        rows = self._own_rows("rulings")
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
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        """Return the latest runs, newest first; of *ids*, *action*, *status*, where given."""
        rows = self._own_rows("runs", limit=limit, ids=_listed(ids), action=action, status=status)
        return tuple(read_run(row) for row in rows)

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield the ledger of a run unit by unit, each in the order it was written."""
        return self._entries("entries", run=run_id)

    def later(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield what others did to rows after this run changed them, in the order written."""
        return self._entries("later", run=run_id)

    def history(self, table: str, row: str) -> Iterator[LedgerEntry]:
        """Yield every entry about a row, in the order written; *table* as the ledger calls it.

        About a customer are also the links from and to it, and who was retired into it.
        """
        return self._entries("history", table=table, row=row)

    def unexplained(self, leads: Collection[str] | None = None) -> Iterator[str]:
        """Yield the leads whose customer is not what the ledger's last entry for them says."""
        name = "unexplained" if self._found.catalog.has_own else "linked"
        query = self._found.reading.unexplained(name, chosen=leads is not None)
        for rows in self._fetched(query, self._bound(ids=_listed(leads)), str):
            yield from (str(lead) for (lead,) in rows)

    def links(self, table: str, rows: Collection[str]) -> Iterator[Reference]:
        """Yield the present customer of those *rows* of *table* that exist, in any order."""
        if table not in self._found.mapping.pointing:
            raise unmapped(table)
        return self._references("links", self._found.mapping.pointing[table], rows)

    def pointing_at(self, customer_ids: Collection[str]) -> Iterator[Reference]:
        """Yield every row that points at one of these customers, in any order."""
        for table in self._found.mapping.pointing.values():
            yield from self._references("pointing_at", table, customer_ids)

    def is_original(self, run_id: str) -> bool:
        """Tell whether an audit entry of that id was written by the script `ORIGINAL`."""
        audit = self._found.mapping.audit
        if audit is None or audit.id is None:
            return False
        query = self._found.reading.statement("audited_script")
        payloads = self._session.rows(query, {"run": run_id})
        return any(_script(payload) == ORIGINAL for (payload,) in payloads)

    def audited(self) -> Mapping[str, int]:
        """Return how many entries of the audit trail name each action."""
        if self._found.mapping.audit is None:
            rows = self._own_rows("own_audited")
        else:
            rows = self._session.rows(self._found.reading.statement("user_audited"))
        return {str(action): cast("int", count) for action, count in rows}

    def _entries(self, name: str, **values: object) -> Iterator[LedgerEntry]:
        if not self._found.catalog.has_own:
            return
        query = self._found.reading.statement(name)
        for rows in self._fetched(query, self._bound(**values), str):
            yield from map(entry_of, rows)

    def _references(
        self, name: str, table: PointingTable, ids: Collection[str]
    ) -> Iterator[Reference]:
        if not ids:
            return
        query = self._found.reading.pointing(name, table)
        for rows in self._fetched(query, self._bound(ids=_listed(ids)), str):
            for row, *ends in rows:
                yield Reference(table.name, str(row), *cast("list[str | None]", ends))

    def _own_rows(self, name: str, **values: object) -> list[Row]:
        if not self._found.catalog.has_own:
            return []
        return self._session.rows(self._found.reading.statement(name), self._bound(**values))

    def _bound(self, **values: object) -> dict[str, object]:
        return {"own": self._tenant or "", "tenant": self._tenant, **values}

    def _holding(self, identifier: Identifier, at_most: int) -> list[str]:
        rows = self._own_rows(
            "holders", kind=identifier.kind, value=identifier.value, at_most=at_most
        )
        return [str(record) for (record,) in rows]

    def _held(
        self, records: Collection[str]
    ) -> tuple[dict[str, tuple[Identifier, ...]], dict[Identifier, int]]:
        """Return all identifiers of *records*, and the version of each."""
        held: dict[str, list[Identifier]] = {}
        versions: dict[Identifier, int] = {}
        for record, kind, value, version in self._own_rows("held", records=_listed(records)):
            identifier = Identifier(str(kind), str(value))
            held.setdefault(str(record), []).append(identifier)
            versions[identifier] = cast("int", version)
        return {record: tuple(sorted(held[record])) for record in sorted(held)}, versions

    def _batches(self, query: str, bound: Mapping[str, object]) -> Iterator[Rows]:
        """Yield rows in batches; from text that is not UTF-8 onward, decoded cell by cell."""
        read = 0
        with contextlib.suppress(UndecodableError):
            for rows in self._fetched(query, {**bound, "skip": 0}, str):
                read += len(rows)
                yield Rows(rows)
            return
        # The snapshot stands still, so the same query gives the same rows in the same order.
        for rows in self._fetched(query, {**bound, "skip": read}, bytes):
            yield Rows.decoded(rows)

    def _fetched(
        self, query: str, bound: Mapping[str, object], factory: type[str | bytes]
    ) -> Iterator[list[Row]]:
        """Yield rows in batches, texts as *factory* makes them."""
        cursor = self._session.execute(query, bound)
        while rows := self._session.fetch(cursor, _BATCH, factory):
            yield rows


def _script(payload: object) -> object:
    """Return what the *payload* of an audit entry says that wrote it, or None."""
    if not isinstance(payload, bytes):
        return None
    return (json_object(payload.decode(errors="replace")) or {}).get("script")


def _until(cell: object) -> datetime:
    return cast("datetime", moment(cell))


def _listed(ids: Collection[str] | None) -> str | None:
    return None if ids is None else dump(sorted(set(ids)))
