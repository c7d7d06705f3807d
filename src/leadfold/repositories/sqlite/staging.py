"""Units of changes as rows of temporary tables, one statement for each table of a batch."""

from __future__ import annotations

import sqlite3
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

from leadfold.changes import (
    Await,
    Carry,
    Follow,
    InsertCustomer,
    Link,
    PatchCustomer,
    Queue,
    Reindex,
    Relink,
    Restore,
    Retire,
    Rule,
)
from leadfold.exceptions import UnitError
from leadfold.repositories import sql
from leadfold.repositories.sqlite.cells import dump, stored_moment
from leadfold.repositories.sqlite.schema import statements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.changes import Change, Erase, Unit
    from leadfold.repositories.sqlite.session import Row, Session

__all__ = ["BATCH", "Stage", "batches"]

T = TypeVar("T")

_THERE = "SELECT 1 FROM temp.sqlite_master WHERE name = 'leadfold_stage_gained'"
"""Whether the connection has the last of the tables, and so all of them."""

BATCH = 10_000
"""How many changes and rows they rest on are staged together, or a few more: no unit is cut."""

_COLUMNS = {
    "lead": ("unit", "id", "version"),
    "customer": ("unit", "id", "version"),
    "insert": ("unit", "id", "name", "phone", "email", "metadata", "created_at", "sources"),
    "patch": ("unit", "id", "keys", "before", "after"),
    "key": ("unit", "id", "position", "path", "before", "after"),
    "link": ("unit", "id", "before", "after", "reason"),
    "follow": ("unit", "dependent", "lead_id", "customer_id", "before"),
    "await": ("unit", "id", "before", "after", "reason", "until"),
    "moved": ("unit", "id"),
    "record": ("unit", "record_id"),
    "holder": ("unit", "record_id", "kind", "value"),
}
_FURTHER_COLUMNS = {
    "restore": ("unit", "id", "successor", "image"),
    "carry": ("unit", "table_name", "before", "after"),
    "relink": ("unit", "table_name", "id", "before", "after"),
    "rule": ("unit", "id", "parts", "actor", "created_at", "in_force", "ruling"),
    "retire": ("unit", "id", "successor"),
    "image": ("unit", "id", "successor", "image"),
    "erase": ("unit", "id"),
    "blank": ("unit", "id", "field", "value"),
    "copy": ("unit", "id", "field", "value"),
    "queue": ("unit", "id", "reason"),
}
"""The tables of changes that hardly a backfill makes."""

_TABLES = {**_COLUMNS, **_FURTHER_COLUMNS}
_NAMING = ("follow", "carry", "relink")
_BLOCK = 64  # rows that a statement stages: it is small, for a connection keeps what it prepared


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
        self.counts: dict[str, int] = {}  # what writing fills further tables with is counted too
        self.named: dict[str, tuple[str, ...]] = {}
        if not session.rows(_THERE):
            for statement in statements_of(sql.read("sqlite/staging.sql")):
                session.execute(statement)

    def fill(self, units: Iterable[Unit]) -> None:
        """Stage *units*; raise UnitError for a value that no row can hold."""
        rows = staged_rows(units)
        if any(rows[table] for table in _FURTHER_COLUMNS):
            for statement in statements_of(sql.read("sqlite/staging_undoing.sql")):
                self._session.execute(statement)
        self.counts = dict.fromkeys(_TABLES, 0)
        for table, staged in rows.items():
            if staged:
                self.add(table, staged)
        self.named = {
            table: tuple(sorted({str(name) for _, name, *_ in rows[table]})) for table in _NAMING
        }

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Stage further rows in one of the tables."""
        self.counts[table] += len(rows)
        whole = len(rows) - len(rows) % _BLOCK
        for size, part in ((_BLOCK, rows[:whole]), (1, rows[whole:])):
            if part:
                self._session.execute_many(_insertion(table, size), _blocks(part, size))

    def parts(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:
        """Yield *rows* of so many values each, in parts that one statement can bind."""
        size = self._limit // width
        return (rows[start : start + size] for start in range(0, len(rows), size))

    def empty(self) -> None:
        """Remove what is staged."""
        for table, count in self.counts.items():
            if count:
                self._session.execute(f"DELETE FROM temp.leadfold_stage_{table}")  # noqa: S608 - own names


@cache
def _insertion(table: str, count: int) -> str:
    """Return the statement that stages so many rows."""
    columns = _TABLES[table]
    places = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
    names = ", ".join(columns)
    return f"INSERT INTO temp.leadfold_stage_{table} ({names}) VALUES {places}"  # noqa: S608 - own names


def _blocks(rows: Sequence[Row], size: int) -> Iterator[list[object]]:
    """Yield the cells of so many rows at a time."""
    for start in range(0, len(rows), size):
        yield [cell for row in rows[start : start + size] for cell in row]


def staged_rows(units: Iterable[Unit]) -> dict[str, list[Row]]:
    """Return the rows of each table that *units* stage."""
    rows: dict[str, list[Row]] = {table: [] for table in _TABLES}
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
    if isinstance(change, (Link, Await)) and change.before is not None:
        rows["moved"].append((unit, change.lead_id))
    match change:
        case Link():
            link = (unit, change.lead_id, change.before, change.after, change.reason)
            rows["link"].append(link)
        case Await():
            until = stored_moment(change.until)
            awaited = (unit, change.lead_id, change.before, change.after, change.reason, until)
            rows["await"].append(awaited)
        case InsertCustomer():
            rows["insert"].append((unit, *_inserted(change)))
        case PatchCustomer():
            _add_patch(rows, unit, change)
        case Follow():
            follow = (unit, change.table, change.lead_id, change.customer_id, change.before)
            rows["follow"].append(follow)
        case Reindex():
            rows["record"].append((unit, change.record_id))
            rows["holder"] += [
                (unit, change.record_id, identifier.kind, identifier.value)
                for identifier in dict.fromkeys(change.identifiers)
            ]
        case _:
            _add_further(rows, unit, change)


def _add_further(
    rows: dict[str, list[Row]],
    unit: int,
    change: Carry | Relink | Retire | Restore | Rule | Erase | Queue,
) -> None:
    match change:
        case Carry():
            rows["carry"].append((unit, change.table, change.before, change.after))
        case Relink():
            relink = (unit, change.table, change.row, change.before, change.after)
            rows["relink"].append(relink)
        case Retire():
            rows["retire"].append((unit, change.customer_id, change.into))
        case Restore():
            image = dump(dict(change.image))
            rows["restore"].append((unit, change.customer_id, change.into, image))
        case Rule():
            rows["rule"].append((unit, *_ruled(change)))
        case Queue():
            rows["queue"].append((unit, change.lead_id, change.reason))
        case _:
            _add_erased(rows, (unit, change.lead_id))
            rows["blank"] += _values(unit, change.rows)
            rows["copy"] += _values(unit, change.images)


def _add_erased(rows: dict[str, list[Row]], lead: Row) -> None:
    """Stage a *lead* of a unit to be forgotten: once, though several changes of it name one."""
    of_unit = takewhile(lambda row: row[0] == lead[0], reversed(rows["erase"]))
    if lead not in of_unit:
        rows["erase"].append(lead)
        rows["record"].append(lead)


def _ruled(change: Rule) -> Row:
    ruling = change.ruling
    told = ruling.to_dict()
    values = (dump(told["parts"]), ruling.actor, told["created_at"])
    return (ruling.id, *values, change.in_force, dump(told))


def _values(unit: int, blanks: Mapping[str, Mapping[str, str]]) -> Iterator[Row]:
    return (
        (unit, customer, field, value)
        for customer, values in blanks.items()
        for field, value in values.items()
    )


def _inserted(change: InsertCustomer) -> Row:
    row = change.row
    shown = (row.get("name"), row.get("phone"), row.get("email"))
    created_at = stored_moment(row.get("created_at"))
    sources = dump(dict(change.sources) or None)
    return (change.customer_id, *shown, dump(row.get("metadata")), created_at, sources)


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
