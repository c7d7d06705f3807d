"""What a repository's reads give back, row by row and by id, for tests. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from leadfold.changes import Version
    from leadfold.model import Identifier
    from leadfold.repository import CustomerBatch, LeadBatch, Maker, Reader

__all__ = ["CustomerRow", "LeadRow", "customer_rows", "lead_rows"]


@attrs.frozen
class LeadRow:
    """One row of a `LeadBatch`."""

    id: str
    fields: Mapping[str, object]
    name: str | None
    created_at: datetime | None
    customer_id: str | None
    version: Version
    indexed: tuple[Identifier, ...] | None


@attrs.frozen
class CustomerRow:
    """One row of a `CustomerBatch`."""

    id: str
    name: str | None
    phone: str | None
    email: str | None
    metadata: Mapping[str, object] | None
    created_at: datetime | None
    made_by: Maker | None
    version: Version
    indexed: tuple[Identifier, ...] | None


def lead_rows(reader: Reader, ids: Collection[str] | None = None) -> dict[str, LeadRow]:
    """Return the leads that *reader* yields, by id; one that comes twice is an error."""
    rows: dict[str, LeadRow] = {}
    for batch in reader.leads(ids):
        for row in _lead_rows(batch):
            assert row.id not in rows, f"lead {row.id} was read twice"
            rows[row.id] = row
    return rows


def customer_rows(reader: Reader, ids: Collection[str] | None = None) -> dict[str, CustomerRow]:
    """Return the customers that *reader* yields, by id; one that comes twice is an error."""
    rows: dict[str, CustomerRow] = {}
    for batch in reader.customers(ids):
        for row in _customer_rows(batch):
            assert row.id not in rows, f"customer {row.id} was read twice"
            rows[row.id] = row
    return rows


def _lead_rows(batch: LeadBatch) -> Iterator[LeadRow]:
    columns = (
        batch.ids,
        _transposed(batch.fields, len(batch.ids)),
        batch.names,
        batch.created_at,
        batch.customer_ids,
        batch.versions,
        batch.indexed,
    )
    return (LeadRow(*row) for row in zip(*columns, strict=True))


def _customer_rows(batch: CustomerBatch) -> Iterator[CustomerRow]:
    columns = (
        batch.ids,
        batch.names,
        batch.phones,
        batch.emails,
        batch.metadata,
        batch.created_at,
        batch.made_by,
        batch.versions,
        batch.indexed,
    )
    return (CustomerRow(*row) for row in zip(*columns, strict=True))


def _transposed(columns: Mapping[str, Collection[object]], rows: int) -> list[dict[str, object]]:
    """Return a mapping for each row; columns of another length are an error."""
    cells: list[dict[str, object]] = [{} for _ in range(rows)]
    for name, column in columns.items():
        for row, cell in zip(cells, column, strict=True):
            row[name] = cell
    return cells
