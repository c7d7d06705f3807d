"""Rows as SQLite gives them, into the port's columns and values. Values only; no SQL runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from leadfold.changes import Run
from leadfold.repositories.sqlite.cells import identifiers_of, json_object, load, moment
from leadfold.repository import ORIGINAL, CustomerBatch, LeadBatch, LedgerEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from leadfold.repositories.mapping import LeadTable
    from leadfold.repositories.sqlite.session import Row
    from leadfold.repository import Action, Maker

__all__ = ["Rows", "customer_batch", "entry_of", "lead_batch", "run_of"]

_NAMED = 6  # the columns of a lead before its cells
_NO_ID = "a row without an id"


@attrs.frozen
class Rows:
    """Rows as fetched; *broken* are the columns, by row, whose text is not UTF-8."""

    rows: list[Row]
    broken: Mapping[int, frozenset[int]] = attrs.field(factory=dict)

    @classmethod
    def decoded(cls, rows: Sequence[Row]) -> Rows:
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


def lead_batch(batch: Rows, lead: LeadTable) -> LeadBatch:
    """Return rows of the query for leads as the port's columns."""
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


def _parted(batch: Rows, lead: LeadTable) -> tuple[list[Row], list[tuple[str, str]]]:
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


def customer_batch(batch: Rows) -> CustomerBatch:
    """Return rows of the query for customers as columns; a cell that is not UTF-8 is None.

    A row whose id cannot be read is left out: nothing could be written to it.
    """
    rows = [
        row
        for at, row in enumerate(batch.rows)
        if row[0] and 0 not in batch.broken.get(at, frozenset())
    ]
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


def run_of(row: Row) -> Run:
    """Return a run as it was written."""
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


def entry_of(row: Row) -> LedgerEntry:
    """Return an entry of the ledger."""
    run, unit, table, row_id, action, before, after, reason = row
    return LedgerEntry(
        run_id=str(run),
        unit=cast("int", unit),
        table=str(table),
        row=str(row_id),
        action=cast("Action", action),
        before=load(before),
        after=_image(load(after)) if action == "insert" else load(after),
        reason=str(reason),
    )


def _image(row: object) -> object:
    """Return a customer's *row* as it was given: its moment is no text."""
    image = cast("dict[str, object]", row)
    return {**image, "created_at": moment(image.get("created_at"))}
