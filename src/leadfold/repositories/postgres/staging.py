"""Units of changes as rows of the staging table, made one by one as they are copied."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from json.encoder import encode_basestring as _json
from typing import TYPE_CHECKING, cast

import attrs

from leadfold.changes import (
    Carry,
    Follow,
    InsertCustomer,
    Link,
    PatchCustomer,
    Reindex,
    Relink,
    Restore,
    Retire,
    Rule,
    Unit,
)
from leadfold.exceptions import UnitError
from leadfold.model import Ruling
from leadfold.repositories.cells import dump, load, stored_moment
from leadfold.repositories.postgres.images import row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.changes import Change, Erase, Version
    from leadfold.repositories.mapping import CustomerTable
    from leadfold.repositories.postgres.steps import Row

_BLOCK = 2_000  # rows
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})

__all__ = ["Counts", "Staging", "described"]

Counts = Counter[tuple[str, str | None]]
"""How many rows are staged, by part and name."""

_NO_VERSION = "-1"  # of a plan made over another kind of store: it fits no row of this one


@attrs.define
class Staging:
    """Makes the rows of *units*; counts them, and keeps the units that no row can hold."""

    units: Iterable[Unit]
    table: CustomerTable
    stored: frozenset[str]
    tenant: str | None
    counts: Counts = attrs.field(factory=Counter)
    size: int = 0
    faulty: list[tuple[Unit, str]] = attrs.field(factory=list)

    def blocks(self) -> Iterator[str]:
        """Yield the rows of every unit as COPY takes them; each unit has a position of its own."""
        counts = self.counts
        lines: list[str] = []
        for unit in self.units:
            try:
                rows = [*self._of(unit)]
                texts = _texts(rows)
            except (UnitError, TypeError, ValueError) as e:
                self.faulty.append((unit, _told(e)))
                continue
            head = f"{self.size}\t{unit.number}\t"
            self.size += 1
            for row, text in zip(rows, texts, strict=True):
                counts[row[0], row[2]] += 1
                lines.append(head + text)
            if len(lines) > _BLOCK:
                yield "".join(lines)
                lines.clear()
        yield "".join(lines)

    def _of(self, unit: Unit) -> list[_Staged]:
        rows: list[_Staged] = []
        leads, unlinked = unit.leads, dict(unit.leads)
        erased: set[str] = set()
        for change in unit.changes:
            kind = type(change)  # millions of these: the commonest first, and no match of patterns
            if kind is Link:
                lead, before, after = change.lead_id, change.before, change.after
                read = _version(leads[lead]) if lead in leads else None
                rows.append(("link", lead, None, before, after, change.reason, read))
                unlinked.pop(lead, None)
            elif kind is Reindex:
                rows += _indexed(change)
            elif kind is Restore:
                rows.append(self._restored(change))
            else:
                rows += _further(change, erased)
        rows += [_row("lead", lead, version=_version(read)) for lead, read in unlinked.items()]
        rows += [
            _row("customer", customer, version=_version(read))
            for customer, read in unit.customers.items()
        ]
        return rows

    def _restored(self, change: Restore) -> _Staged:
        row = row_of(change, self.table, self.stored, self.tenant)
        return _row(
            "restore",
            change.customer_id,
            name=dump(sorted(row)),
            before=change.into,
            after=dump(dict(change.image)),
            reason=dump(row),
        )


_moment = lru_cache(maxsize=1)(stored_moment)  # a run has one moment
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

_Staged = tuple[str, str | None, str | None, str | None, str | None, str | None, str | None]


def _row(
    part: str,
    row_id: str | None,
    *,
    name: str | None = None,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
    version: str | None = None,
) -> _Staged:
    return part, row_id, name, before, after, reason, version


def _version(version: Version) -> str:
    return str(version) if isinstance(version, int) else _NO_VERSION


def _further(change: Change, erased: set[str]) -> Iterator[_Staged]:
    match change:
        case InsertCustomer():
            yield "insert", change.customer_id, None, None, _inserted(change), None, None
        case PatchCustomer():
            before, after = dump(dict(change.before)), dump(dict(change.after))
            yield _row("patch", change.customer_id, before=before, after=after)
        case Follow():
            yield _row(
                "follow",
                change.lead_id,
                name=change.table,
                before=change.before,
                after=change.customer_id,
            )
        case Carry():
            yield _row("carry", None, name=change.table, before=change.before, after=change.after)
        case Relink():
            yield _row(
                "relink", change.row, name=change.table, before=change.before, after=change.after
            )
        case Retire():
            yield _row("retire", change.customer_id, after=change.into)
        case Rule():
            yield _ruled(change.ruling, in_force=change.in_force)
        case _:
            yield from _erased(change, erased)  # type: ignore[arg-type] # what is left


def _inserted(change: InsertCustomer) -> str:
    """Return the row of a new customer as the ledger keeps it, in JSON."""
    told = change.row
    row = {field: told.get(field) for field in ("name", "phone", "email", "metadata")}
    row["created_at"] = _moment(told.get("created_at"))
    if change.sources:
        row["sources"] = change.sources
    return _object(row)


def _object(values: Mapping[str, object]) -> str:
    """Return *values* as JSON, as an encoder would write them: its start costs more than they."""
    cells = [
        f"{_json(name)}:{_json(value) if type(value) is str else _value(value)}"
        for name, value in values.items()
    ]
    return f"{{{','.join(cells)}}}"


def _value(value: object) -> str:
    if value is None:
        return "null"
    if type(value) is int:
        return str(value)
    if type(value) is dict and all(type(key) is str for key in value):
        return _object(value)
    return _ENCODE(value)


def _indexed(change: Reindex) -> list[_Staged]:
    record, held = change.record_id, [(each.kind, each.value) for each in change.identifiers]
    if len(held) > 1:
        held = sorted(set(held))
    pairs = ",".join([f"[{_json(kind)},{_json(value)}]" for kind, value in held])
    rows: list[_Staged] = [("record", record, None, None, f"[{pairs}]", None, None)]
    rows += [("holder", record, kind, None, value, None, None) for kind, value in held]
    return rows


def _ruled(ruling: Ruling, *, in_force: bool) -> _Staged:
    told = dump(ruling.to_dict())
    before, after = (None, told) if in_force else (told, None)
    return _row("rule", ruling.id, before=before, after=after)


def _erased(change: Erase, erased: set[str]) -> Iterator[_Staged]:
    """Stage a lead to be forgotten: once, though several changes of a unit name it."""
    if change.lead_id not in erased:
        erased.add(change.lead_id)
        yield _row("erase", change.lead_id)
        yield _row("record", change.lead_id, after="[]")
    for part, values in (("blank", change.rows), ("copy", change.images)):
        yield from _values(part, values)


def _values(part: str, blanks: Mapping[str, Mapping[str, str]]) -> Iterator[_Staged]:
    return (
        _row(part, customer, name=field, before=value)
        for customer, values in blanks.items()
        for field, value in values.items()
    )


def _texts(rows: Sequence[_Staged]) -> list[str]:
    """Return *rows* as COPY takes them, or object to what PostgreSQL cannot hold."""
    text = "".join([cell for row in rows for cell in row if cell])
    if "\\" in text or not text.isprintable():
        _check(text)
        rows = [tuple(cell and cell.translate(_ESCAPES) for cell in row) for row in rows]  # type: ignore[misc]
    return ["\t".join([r"\N" if cell is None else cell for cell in row]) + "\n" for row in rows]


def _check(text: str) -> None:
    if "\0" in text:
        msg = "a text with a NUL character cannot be stored"
        raise UnitError(msg)
    text.encode()


def _told(error: Exception) -> str:
    """Return what is wrong; an error of encoding would quote the text."""
    if isinstance(error, UnicodeEncodeError):
        return "text that is no valid Unicode cannot be stored"
    if isinstance(error, UnitError):
        return str(error)
    return f"a value that JSON cannot hold: {error}"


def described(rows: Iterable[Row]) -> dict[int, Unit]:
    """Return units by position, made of staged *rows*: as far as figures and failures need them."""
    units: dict[int, Unit] = {}
    for position, number, part, row_id, name, before, after in rows:
        place, key = int(str(position)), str(row_id)
        unit = units.get(place) or Unit(int(str(number)), {}, {}, ())
        if part in {"lead", "link"}:
            unit = attrs.evolve(unit, leads={**unit.leads, key: _NO_VERSION})
        if part == "customer":
            unit = attrs.evolve(unit, customers={**unit.customers, key: _NO_VERSION})
        change = _change(str(part), key, str(name), before, after)
        changes = unit.changes if change is None else (*unit.changes, change)
        units[place] = attrs.evolve(unit, changes=changes)
    return units


def _change(part: str, row_id: str, name: str, before: object, after: object) -> Change | None:
    old, new = (None if cell is None else str(cell) for cell in (before, after))
    found: Change | None = None
    match part:
        case "link":
            found = Link(row_id, old, new, "")
        case "insert":
            found = InsertCustomer(row_id, {})
        case "relink":
            found = Relink(name, row_id, old, new)
        case "retire":
            found = Retire(row_id, new)
        case "restore":
            found = Restore(row_id, {}, old)
        case "rule":
            ruling = cast("Mapping[str, object]", load(new if old is None else old))
            found = Rule(Ruling.from_dict(ruling), in_force=new is not None)
    return found
