"""Reading a SQLite store: rows in, the port's columns out. It writes nothing."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Literal, cast

import attrs

from leadfold.changes import Run
from leadfold.model import Identifier, Ruling
from leadfold.repositories.sqlite.cells import (
    dump,
    identifiers_of,
    json_object,
    load,
    moment,
)
from leadfold.repositories.sqlite.schema import facts
from leadfold.repositories.sqlite.session import store_error, undecodable
from leadfold.repository import (
    ORIGINAL,
    CustomerBatch,
    DependentCount,
    Holders,
    LeadBatch,
    LedgerEntry,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from leadfold.repositories.mapping import LeadTable, StoreMapping
    from leadfold.repositories.sqlite.schema import Catalog
    from leadfold.repositories.sqlite.session import Row, Session
    from leadfold.repositories.sqlite.shapes import Shapes
    from leadfold.repository import Maker, StoreFacts

    LedgerAction = Literal["insert", "patch", "link", "follow", "retire", "restore"]

__all__ = ["SQLiteReader"]

_BATCH = 20_000
_NAMED = 6  # the columns of a lead before its cells
_NO_ID = "a row without an id"


@attrs.frozen
class SQLiteReader:
    """One snapshot of a SQLite store, as `leadfold.repository.Reader` asks for it."""

    _session: Session
    _catalog: Catalog
    _mapping: StoreMapping
    _shapes: Shapes
    _tenant: str | None

    def facts(self) -> StoreFacts:
        """Return what a plan must know before it reads rows."""
        return facts(self._session, self._catalog, self._mapping, self._tenant)

    def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
        """Yield the leads in batches, each once, in any order; *ids* None means all."""
        query = self._shapes.leads(chosen=ids is not None)
        for batch in self._batches(query, self._bound(ids=_listed(ids))):
            yield _lead_batch(batch, self._mapping.lead)

    def customers(self, ids: Collection[str] | None = None) -> Iterator[CustomerBatch]:
        """Yield the customers in batches, each once, in any order; *ids* None means all."""
        query = self._shapes.customers(chosen=ids is not None)
        for batch in self._batches(query, self._bound(ids=_listed(ids))):
            yield _customer_batch(batch)

    def dependents(self) -> Iterator[DependentCount]:
        """Yield counts of dependent rows by table, lead and present customer."""
        for table in self._mapping.dependents:
            query = self._shapes.dependent("dependents", table)
            for lead_id, customer_id, count, known in self._session.rows(query, self._bound()):
                yield DependentCount(
                    table.name,
                    cast("str | None", lead_id),
                    cast("str | None", customer_id),
                    cast("int", count),
                    bool(known),
                )

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return up to *at_most* holders of each identifier, from the identity index."""
        if not self._catalog.has_own:
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

    def runs(self, limit: int = 20) -> tuple[Run, ...]:
        """Return the latest runs, newest first."""
        return tuple(_run(row) for row in self._own_rows("runs", limit=limit))

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield the ledger of a run in the order it was written."""
        if not self._catalog.has_own:
            return
        query = self._shapes.statement("entries")
        for rows in self._fetched(query, self._bound(run=run_id), str):
            yield from (_entry(run_id, row) for row in rows)

    def _own_rows(self, name: str, **values: object) -> list[Row]:
        if not self._catalog.has_own:
            return []
        return self._session.rows(self._shapes.statement(name), self._bound(**values))

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

    def _batches(self, query: str, bound: Mapping[str, object]) -> Iterator[_Batch]:
        """Yield rows in batches; from text that is not UTF-8 onward, decoded cell by cell."""
        read = 0
        try:
            for rows in self._fetched(query, {**bound, "skip": 0}, str):
                read += len(rows)
                yield _Batch(rows)
        except sqlite3.OperationalError:
            # The snapshot stands still, so the same query gives the same rows in the same order.
            for rows in self._fetched(query, {**bound, "skip": read}, bytes):
                yield _Batch.decoded(rows)

    def _fetched(
        self, query: str, bound: Mapping[str, object], factory: type[str | bytes]
    ) -> Iterator[list[Row]]:
        """Yield rows in batches, texts as *factory* makes them; its own error stays as it is."""
        cursor = self._session.execute(query, bound)
        while rows := self._fetch(cursor, factory):
            yield rows

    def _fetch(self, cursor: sqlite3.Cursor, factory: type[str | bytes]) -> list[Row]:
        with self._session.decoding(factory):
            try:
                return cursor.fetchmany(_BATCH)
            except sqlite3.Error as e:
                if undecodable(e):
                    raise
                raise store_error(e) from e


@attrs.frozen
class _Batch:
    """Rows as fetched; *broken* are the columns, by row, whose text is not UTF-8."""

    rows: list[Row]
    broken: Mapping[int, frozenset[int]] = attrs.field(factory=dict)

    @classmethod
    def decoded(cls, rows: Sequence[Row]) -> _Batch:
        """Return *rows* with their bytes as text, None where that fails."""
        texts: list[Row] = []
        broken: dict[int, frozenset[int]] = {}
        for row in rows:
            cells = [_decoded(cell) for cell in row]
            faults = {at for at, cell in enumerate(row) if cell is not None and cells[at] is None}
            if faults:
                broken[len(texts)] = frozenset(faults)
                cells[0] = cells[0] or cast("bytes", row[0]).decode(errors="backslashreplace")
            texts.append(tuple(cells))
        return cls(texts, broken)


def _decoded(cell: object) -> object:
    if not isinstance(cell, bytes):
        return cell
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return None


def _listed(ids: Collection[str] | None) -> str | None:
    return None if ids is None else dump(sorted(set(ids)))


def _lead_batch(batch: _Batch, lead: LeadTable) -> LeadBatch:
    rows, unreadable = _parted(batch, lead)
    width = _NAMED + max(1, len(lead.evidence))
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * width
    ids, names, created_at, customer_ids, versions, indexed = columns[:_NAMED]
    return LeadBatch(
        ids=cast("Sequence[str]", ids),
        fields=_fields(columns[_NAMED:], lead),
        names=cast("Sequence[str | None]", names),
        created_at=[moment(raw) for raw in created_at],
        customer_ids=cast("Sequence[str | None]", customer_ids),
        versions=cast("Sequence[int]", versions),
        indexed=identifiers_of(indexed),
        unreadable=unreadable,
    )


def _parted(batch: _Batch, lead: LeadTable) -> tuple[list[Row], list[tuple[str, str]]]:
    """Return the rows that can be read, and the ids of the others with the reason."""
    if not batch.broken and all(row[0] for row in batch.rows):
        return batch.rows, []
    readable: list[Row] = []
    unreadable: list[tuple[str, str]] = []
    for at, row in enumerate(batch.rows):
        if at in batch.broken:
            columns = sorted(_column(lead, fault) for fault in batch.broken[at])
            unreadable.append((str(row[0]), f"not UTF-8 text: {', '.join(columns)}"))
        elif row[0]:
            readable.append(row)
        else:
            unreadable.append(("", _NO_ID))
    return readable, unreadable


def _column(lead: LeadTable, at: int) -> str:
    """Return the name of the column at position *at* of the query for leads."""
    named = (lead.id, lead.name, lead.created_at, lead.customer_id, "version", "index")
    return str((*named, *lead.evidence)[at])


def _fields(columns: Sequence[Sequence[object]], lead: LeadTable) -> dict[str, Sequence[object]]:
    """Return cells by kind and scope; several columns of one kind make tuples."""
    fields: dict[str, Sequence[object]] = {}
    remaining = iter(columns)
    for kind, named in lead.identifiers.items():
        cells = [next(remaining) for _ in named]
        fields[kind] = cells[0] if len(cells) == 1 else _tuples(cells)
    for scope in lead.scopes:
        fields[scope] = next(remaining)
    return fields


def _tuples(cells: Sequence[Sequence[object]]) -> list[object]:
    """Return one cell of several: a tuple of the texts there are, or None."""
    return [
        tuple(text for text in row if text is not None) or None for row in zip(*cells, strict=False)
    ]


def _customer_batch(batch: _Batch) -> CustomerBatch:
    rows = [row for row in batch.rows if row[0]]
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * 9
    ids, names, phones, emails, metadata, created_at, versions, indexed, inserted = columns
    objects = [json_object(raw) for raw in metadata]
    return CustomerBatch(
        ids=cast("Sequence[str]", ids),
        names=cast("Sequence[str | None]", names),
        phones=cast("Sequence[str | None]", phones),
        emails=cast("Sequence[str | None]", emails),
        metadata=objects,
        created_at=[moment(raw) for raw in created_at],
        made_by=[_maker(*made) for made in zip(inserted, objects, strict=True)],
        versions=cast("Sequence[int]", versions),
        indexed=identifiers_of(indexed),
    )


def _maker(inserted: object, metadata: Mapping[str, object] | None) -> Maker | None:
    said = (metadata or {}).get("createdBy")
    if inserted or said == "leadfold":
        return "leadfold"
    return "original" if said == ORIGINAL else None


def _run(row: Row) -> Run:
    run, action, mode, actor, created_by, at, policy, versions, status, stats, extra = row
    return Run(
        id=str(run),
        action=str(action),
        mode=str(mode),
        actor=str(actor),
        created_by=str(created_by),
        at=cast("datetime", moment(at)),
        policy=str(policy),
        versions=cast("Mapping[str, str]", load(versions)),
        status=str(status),
        stats=cast("Mapping[str, object]", load(stats)),
        extra=cast("Mapping[str, object]", load(extra)),
    )


def _entry(run_id: str, row: Row) -> LedgerEntry:
    unit, table, row_id, action, before, after, reason = row
    return LedgerEntry(
        run_id=run_id,
        unit=cast("int", unit),
        table=str(table),
        row=str(row_id),
        action=cast("LedgerAction", action),
        before=load(before),
        after=_image(load(after)) if action == "insert" else load(after),
        reason=str(reason),
    )


def _image(row: object) -> object:
    """Return a customer's *row* as it was given: its moment is no text."""
    if isinstance(row, dict) and "created_at" in row:
        return {**row, "created_at": moment(row["created_at"])}
    return row
