"""Rows of leadfold's own tables, and cells of the user's, as the port has them. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from leadfold.changes import Run
from leadfold.progress import with_figures
from leadfold.repositories.cells import identifiers_of, json_object, load, moment
from leadfold.repository import ORIGINAL, CustomerBatch, LedgerEntry, Queued, Rowless

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from leadfold.progress import Counted
    from leadfold.repositories.mapping import LeadTable
    from leadfold.repository import Action, Maker

__all__ = [
    "customer_columns",
    "edited_after",
    "entry_of",
    "fields_of",
    "maker_of",
    "queued_of",
    "read_run",
    "rowless_of",
    "run_of",
]

Row = tuple[object, ...]


def fields_of(columns: Sequence[Sequence[object]], lead: LeadTable) -> dict[str, Sequence[object]]:
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


def maker_of(inserted: object, metadata: Mapping[str, object] | None) -> Maker | None:
    """Return who made a customer: the ledger knows, or its *metadata* says so."""
    said = (metadata or {}).get("createdBy")
    if inserted or said == "leadfold":
        return "leadfold"
    return "original" if said == ORIGINAL else None


def customer_columns(rows: Sequence[Row]) -> CustomerBatch:
    """Return rows of the query for customers, each with its id, as the port's columns."""
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
        made_by=[maker_of(*made) for made in zip(inserted, objects, strict=True)],
        versions=cast("Sequence[int]", versions),
        indexed=identifiers_of(indexed),
    )


def queued_of(row: Sequence[object]) -> Queued:
    """Return a row of the queue as the port's value."""
    lead, reason, at = row
    return Queued(str(lead), str(reason), cast("datetime", moment(at)))


def rowless_of(row: Sequence[object]) -> Rowless:
    """Return a record of the index that is no row, as the port's value."""
    record, until = row
    return Rowless(str(record), moment(until))


def edited_after(since: datetime, rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the leads of *rows* (id, when made, when edited) that came or changed *since*.

    Times are compared here: a store may hold them in any form. Of no time edited nobody knows.
    """
    found: list[str] = []
    for lead, *told in rows:
        created, updated = map(moment, told)
        if updated is None or max(updated, created or updated) >= since:
            found.append(str(lead))
    return found


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


def read_run(row: Row) -> Run:
    """Return a run as it is read: after its own columns come the counts of an open one's ledger."""
    *told, counted = row
    return with_figures(run_of(tuple(told)), cast("Iterable[Counted]", load(counted) or ()))


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
