"""Units of changes as rows of temporary tables, one statement for each table of a batch."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from leadfold.changes import Follow, InsertCustomer, Link, PatchCustomer
from leadfold.exceptions import UnitError
from leadfold.repositories import sql
from leadfold.repositories.sqlite.cells import dump, stored_moment
from leadfold.repositories.sqlite.schema import statements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.changes import Change, Unit
    from leadfold.repositories.sqlite.session import Row, Session

__all__ = ["BATCH", "Stage", "batches"]

BATCH = 10_000
"""How many changes and rows they rest on are staged together, or a few more: no unit is cut."""

_COLUMNS = {
    "lead": ("unit", "id", "version"),
    "customer": ("unit", "id", "version"),
    "insert": ("unit", "id", "name", "phone", "email", "metadata", "created_at"),
    "patch": ("unit", "id", "keys", "before", "after"),
    "key": ("unit", "id", "position", "path", "before", "after"),
    "link": ("unit", "id", "before", "after", "reason"),
    "follow": ("unit", "dependent", "lead_id", "customer_id"),
    "record": ("unit", "record_id"),
    "holder": ("unit", "record_id", "kind", "value"),
}
_FILLED_BY_WRITING = ("lost", "gained")


def batches(units: Iterable[Unit]) -> Iterator[tuple[Unit, ...]]:
    """Yield *units* in batches of about `BATCH` rows."""
    batch: list[Unit] = []
    weight = 0
    for unit in units:
        batch.append(unit)
        weight += 1 + len(unit.changes) + len(unit.leads) + len(unit.customers)
        if weight >= BATCH:
            yield tuple(batch)
            batch, weight = [], 0
    if batch:
        yield tuple(batch)


class Stage:
    """The temporary tables of one connection; between two batches they are empty."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._limit = session.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        self.counts: dict[str, int] = {}
        self.dependents: tuple[str, ...] = ()
        for statement in statements_of(sql.read("sqlite/staging.sql")):
            session.execute(statement)

    def fill(self, units: Iterable[Unit]) -> None:
        """Stage *units*; raise UnitError for a value that no row can hold."""
        rows = staged_rows(units)
        self.counts = {table: len(rows[table]) for table in _COLUMNS}
        self.dependents = tuple(sorted({str(name) for _, name, *_ in rows["follow"]}))
        for table, columns in _COLUMNS.items():
            for part in _parts(rows[table], self._limit // len(columns)):
                self._insert(table, columns, part)

    def empty(self) -> None:
        """Remove what is staged."""
        used = [table for table in _COLUMNS if self.counts.get(table)]
        if "record" in used:
            used.extend(_FILLED_BY_WRITING)
        for table in used:
            self._session.execute(f"DELETE FROM temp.leadfold_stage_{table}")  # noqa: S608 - own names

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        places = f"({', '.join('?' * len(columns))})"
        names = ", ".join(columns)
        statement = (
            f"INSERT INTO temp.leadfold_stage_{table} ({names}) "  # noqa: S608 - own names
            f"VALUES {', '.join([places] * len(rows))}"
        )
        self._session.execute(statement, [cell for row in rows for cell in row])


def staged_rows(units: Iterable[Unit]) -> dict[str, list[Row]]:
    """Return the rows of each table that *units* stage."""
    rows: dict[str, list[Row]] = {table: [] for table in _COLUMNS}
    for unit in units:
        rows["lead"] += [(unit.number, *basis) for basis in unit.leads.items()]
        rows["customer"] += [(unit.number, *basis) for basis in unit.customers.items()]
        for change in unit.changes:
            try:
                _add(rows, unit.number, change)
            except (TypeError, ValueError) as e:
                msg = f"a value that JSON cannot hold: {e}"
                raise UnitError(msg) from e
    return rows


def _add(rows: dict[str, list[Row]], unit: int, change: Change) -> None:
    match change:
        case Link():
            link = (unit, change.lead_id, change.before, change.after, change.reason)
            rows["link"].append(link)
        case InsertCustomer():
            rows["insert"].append((unit, *_inserted(change)))
        case PatchCustomer():
            _add_patch(rows, unit, change)
        case Follow():
            rows["follow"].append((unit, change.table, change.lead_id, change.customer_id))
        case _:
            rows["record"].append((unit, change.record_id))
            rows["holder"] += [
                (unit, change.record_id, identifier.kind, identifier.value)
                for identifier in dict.fromkeys(change.identifiers)
            ]


def _inserted(change: InsertCustomer) -> Row:
    row = change.row
    shown = (row.get("name"), row.get("phone"), row.get("email"))
    created_at = stored_moment(row.get("created_at"))
    return (change.customer_id, *shown, dump(row.get("metadata")), created_at)


def _add_patch(rows: dict[str, list[Row]], unit: int, change: PatchCustomer) -> None:
    before, after = change.before, change.after
    keys = sorted({*before, *after})
    customer = change.customer_id
    rows["patch"].append((unit, customer, len(keys), dump(dict(before)), dump(dict(after))))
    rows["key"] += [
        (unit, customer, position, _path(key), _member(before, key), _member(after, key))
        for position, key in enumerate(keys, start=1)
    ]


def _path(key: str) -> str:
    """Return SQLite's JSON path of a member; it has no way to write a double quote in one."""
    if '"' in key:
        msg = "a metadata key with a double quote"
        raise ValueError(msg)
    return f'$."{key}"'


def _member(values: Mapping[str, object], key: str) -> str | None:
    """Return a member as JSON text: null for None, nothing where there is no such key."""
    if key not in values:
        return None
    return "null" if values[key] is None else dump(values[key])


def _parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
