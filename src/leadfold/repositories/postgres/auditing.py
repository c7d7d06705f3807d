"""An audit entry in the user's own table: which cell goes where. Text only; no SQL runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from leadfold.repositories.postgres.composing import fixed, identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold.repositories.mapping import AuditTable

__all__ = ["audit_cells"]


def audit_cells(
    table: AuditTable, type_of: Callable[[str, str], sql.Composable], *, needs_id: bool
) -> dict[str, sql.Composable]:
    """Return the columns of an entry in the user's *table*, and its cells, bound by name."""
    cells = {
        table.actor: "actor",
        table.action: "action",
        table.payload: "payload",
        table.created_at: "at",
    }
    if table.id is not None and needs_id:
        cells[table.id] = "id"
    values = [
        sql.SQL("CAST({} AS {})").format(fixed(f"%({name})s::text"), type_of(table.table, column))
        for column, name in cells.items()
    ]
    return {
        "audit_columns": sql.SQL(", ").join(map(identifier, cells)),
        "audit_values": sql.SQL(", ").join(values),
    }
