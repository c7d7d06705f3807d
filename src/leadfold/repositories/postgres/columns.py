"""Rows as PostgreSQL gives them, into the port's columns. Values only; no SQL runs."""

from __future__ import annotations

import json
from itertools import compress
from typing import TYPE_CHECKING, cast

from leadfold.repositories.cells import identifiers_of, moment
from leadfold.repositories.records import customer_columns, fields_of
from leadfold.repository import LeadBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadfold.repositories.mapping import LeadTable
    from leadfold.repositories.postgres.steps import Row
    from leadfold.repository import CustomerBatch

__all__ = ["cells_of", "customer_batch", "lead_batch"]

_NAMED = 7  # the columns of a lead before its cells
_NO_ID = "a row without an id"


def lead_batch(rows: Sequence[Row], lead: LeadTable) -> LeadBatch:
    """Return rows of the query for leads as the port's columns."""
    unreadable = [("", _NO_ID) for row in rows if not row[0]]
    if unreadable:
        rows = [row for row in rows if row[0]]
    width = _NAMED + len(lead.evidence)
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


def cells_of(rows: Iterable[object]) -> list[tuple[object, ...]]:
    """Return the cells of *rows*, each of which came as JSON, by whatever names."""
    # one document for all of them: a parser's start costs more than a row
    return [tuple(row.values()) for row in json.loads(f"[{','.join(map(str, rows))}]")]


def customer_batch(rows: Sequence[Row]) -> CustomerBatch:
    """Return rows of the query for customers as the port's columns."""
    return customer_columns([row for row in rows if row[0]])
