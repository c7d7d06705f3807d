"""Rows as SQLite gives them, into the port's columns and values. Values only; no SQL runs."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.repositories.cells import identifiers_of, moment
from leadfold.repositories.records import customer_columns, entry_of, fields_of
from leadfold.repository import LeadBatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.repositories.mapping import LeadTable
    from leadfold.repositories.sqlite.session import Row
    from leadfold.repository import CustomerBatch

__all__ = ["Rows", "customer_batch", "entry_of", "lead_batch"]

_NAMED = 7  # the columns of a lead before its cells
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
    ids, names, created_at, customer_ids, versions, indexed, queued = columns[:_NAMED]
    return LeadBatch(
        ids=cast("Sequence[str]", ids),
        fields=fields_of(columns[_NAMED:], lead),
        names=cast("Sequence[str | None]", names),
        created_at=[moment(raw) for raw in created_at],
        customer_ids=cast("Sequence[str | None]", customer_ids),
        versions=cast("Sequence[int]", versions),
        indexed=identifiers_of(indexed),
        unreadable=unreadable,
        queued=frozenset(compress(cast("Sequence[str]", ids), queued)),
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
    named = (lead.id, lead.name, lead.created_at, lead.customer_id, "version", "index", "queue")
    return str((*named, *lead.evidence)[at])


def customer_batch(batch: Rows) -> CustomerBatch:
    """Return rows of the query for customers as columns; a cell that is not UTF-8 is None.

    A row whose id cannot be read is left out: nothing could be written to it.
    """
    rows = [
        row
        for at, row in enumerate(batch.rows)
        if row[0] and 0 not in batch.broken.get(at, frozenset())
    ]
    return customer_columns(rows)
