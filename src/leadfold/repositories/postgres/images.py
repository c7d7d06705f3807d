"""A customer's whole row as the ledger keeps it, and back: every cell as its type's own text.

What a type writes it reads back exactly, whatever type it is. Values only; no SQL runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from leadfold.exceptions import UnitError
from leadfold.repositories.cells import dump

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from leadfold.changes import Restore
    from leadfold.repositories.mapping import CustomerTable

__all__ = ["row_of"]

_NO_FIELDS = frozenset({"columns", "erased"})


def row_of(
    change: Restore, table: CustomerTable, stored: Collection[str], tenant: str | None
) -> dict[str, str | None]:
    """Return the text of each cell of a restored row by column; the table has those *stored*.

    Raises:
        UnitError: for a value that the table has no column for, or a row that is another's.
    """
    row: dict[str, str | None] = {}
    for field, cell in change.image.items():
        if field in _NO_FIELDS:
            continue
        column = getattr(table, field, None)
        if column is None:
            msg = f"the mapping has no column for the {field} of a customer"
            raise UnitError(msg)
        row[column] = _text(cell)
    further = cast("Mapping[str, object]", change.image.get("columns") or {})
    row |= {name: _text(cell) for name, cell in further.items()}
    for name in sorted(row.keys() - set(stored)):
        msg = f'the table "{table.table}" has no column "{name}" any more'
        raise UnitError(msg)
    _require_own(row, change.customer_id, table, tenant)
    return row


def _require_own(
    row: Mapping[str, str | None], customer_id: str, table: CustomerTable, tenant: str | None
) -> None:
    if row.get(table.id) != customer_id:
        msg = f"customer {customer_id} cannot be restored: the image is another customer's"
        raise UnitError(msg)
    if table.tenant is not None and row.get(table.tenant) != tenant:
        msg = f"customer {customer_id} cannot be restored: the image is another tenant's"
        raise UnitError(msg)


def _text(cell: object) -> str | None:
    return cell if cell is None or isinstance(cell, str) else dump(cell)
