"""A customer's whole row as the ledger keeps it, and back: JSON, and every cell exact. No SQL runs.

A cell that JSON has no word for is an object of one key, which says what the store keeps: ``blob``
and ``text`` (such as is not UTF-8) in hexadecimal digits, ``real`` for the two infinities.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.exceptions import UnitError
from leadfold.repositories.sqlite.schema import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.repositories.mapping import CustomerTable

__all__ = ["Undecodable", "cell_text", "image_of", "row_of", "shown"]

_FIELDS = ("id", "name", "phone", "email", "metadata", "created_at", "updated_at", "tenant")
_NO_FIELDS = frozenset({"columns", "erased"})


@attrs.frozen
class Undecodable:
    """The bytes of a text that is not UTF-8."""

    raw: bytes


def cell_text(raw: bytes) -> str | Undecodable:
    """Return the text that *raw* is, for a connection to make of every text it reads."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Undecodable(raw)


def image_of(
    names: Sequence[str], cells: Sequence[object], table: CustomerTable
) -> dict[str, object]:
    """Return the image of a row of *table*: its *cells* under the *names* of its columns."""
    held = {fold(name): _encoded(cell) for name, cell in zip(names, cells, strict=True)}
    mapped = _mapped(table)
    image = {field: held[fold(column)] for field, column in mapped.items()}
    known = {fold(column) for column in mapped.values()}
    image["columns"] = {name: held[fold(name)] for name in names if fold(name) not in known}
    return image


def row_of(
    image: Mapping[str, object], table: CustomerTable, stored: Iterable[str]
) -> dict[str, object]:
    """Return the cells of an *image* by column of *table*, of which *stored* are there.

    Raises:
        UnitError: for a value that the table has no column for.
    """
    mapped = _mapped(table)
    row: dict[str, object] = {}
    for field, cell in image.items():
        if field in _NO_FIELDS:
            continue
        if field not in mapped:
            msg = f"the mapping has no column for the {field} of a customer"
            raise UnitError(msg)
        row[mapped[field]] = _decoded(cell)
    further = cast("Mapping[str, object]", image.get("columns") or {})
    row |= {name: _decoded(cell) for name, cell in further.items()}
    present = {fold(name) for name in stored}
    for name in sorted(row):
        if fold(name) not in present:
            msg = f'the table "{table.table}" has no column "{name}" any more'
            raise UnitError(msg)
    return row


def _mapped(table: CustomerTable) -> dict[str, str]:
    named = ((field, getattr(table, field)) for field in _FIELDS)
    return {field: column for field, column in named if column is not None}


def _encoded(cell: object) -> object:
    if isinstance(cell, bytes):
        return {"blob": cell.hex()}
    if isinstance(cell, Undecodable):
        return {"text": cell.raw.hex()}
    if isinstance(cell, float) and math.isinf(cell):
        return {"real": str(cell)}
    return cell


def _decoded(cell: object) -> object:
    match cell:
        case {"blob": str(digits)}:
            return bytes.fromhex(digits)
        case {"text": str(digits)}:
            return Undecodable(bytes.fromhex(digits))
        case {"real": str(word)}:
            return float(word)
    return cell


def shown(cell: object) -> object:
    """Return *cell* as it is read as a text: a whole number kept as REAL has no decimal point."""
    match _decoded(cell):
        case bytes(raw):
            return raw.decode(errors="replace")
        case float(number) if number.is_integer():
            return str(int(number))
        case int() | float() as number:
            return str(number)
        case text:
            return text
