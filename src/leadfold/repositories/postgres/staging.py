"""Units of changes as rows of the staging table, made one by one as they are copied."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from itertools import chain
from json.encoder import encode_basestring as _json
from operator import itemgetter
from typing import TYPE_CHECKING, cast

import attrs

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
    Unit,
)
from leadfold.exceptions import UnitError
from leadfold.model import Ruling
from leadfold.repositories.cells import dump, load, stored_moment
from leadfold.repositories.postgres.copying import NULL, escaped, is_plain, lines_of
from leadfold.repositories.postgres.images import row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.changes import Change, Erase, Version
    from leadfold.repositories.mapping import CustomerTable
    from leadfold.repositories.postgres.steps import Row

_BLOCK = 1_000  # rows
_KEY = itemgetter(0, 2)  # part and name

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
        batch: list[tuple[Unit, list[_Staged]]] = []
        size = 0
        for unit in self.units:
            try:
                rows = self._of(unit)
            except (UnitError, TypeError, ValueError) as e:
                self.faulty.append((unit, _told(e)))
                continue
            batch.append((unit, rows))
            size += len(rows)
            if size >= _BLOCK:
                yield self._block(batch)
                batch, size = [], 0
        yield self._block(batch)

    def rows(self) -> list[dict[str, object]]:
        """Return the rows of all units, as few as they are; object to what no row can hold."""
        rows: list[dict[str, object]] = []
        for position, unit in enumerate(self.units):
            try:
                staged = self._of(unit)
                for cell in chain.from_iterable(staged):
                    escaped(cell)
            except (UnitError, TypeError, ValueError) as e:
                raise UnitError(_told(e)) from None
            self._count([(unit, staged)])
            head = {"position": position, "unit": unit.number}
            rows += [head | _cells(row) for row in staged]
        return rows

    def _block(self, batch: Sequence[tuple[Unit, list[_Staged]]]) -> str:
        """Return the rows of a *batch* as text: at once, unless one of them needs a closer look."""
        lines = [
            line
            for position, (unit, rows) in enumerate(batch, self.size)
            for line in lines_of(f"{position}\t{unit.number}\t", rows)
        ]
        text = "".join(lines)
        if not is_plain(text, len(lines)):
            return "".join([self._one(unit, rows) for unit, rows in batch])
        self._count(batch)
        return text

    def _one(self, unit: Unit, rows: list[_Staged]) -> str:
        """Return the *rows* of one *unit* as text, escaped; none where one cannot be stored."""
        try:
            safe = [[escaped(cell) for cell in row] for row in rows]
        except (UnitError, ValueError) as e:
            self.faulty.append((unit, _told(e)))
            return ""
        head = f"{self.size}\t{unit.number}\t"
        self._count([(unit, rows)])
        return "".join(lines_of(head, safe))

    def _count(self, batch: Sequence[tuple[Unit, list[_Staged]]]) -> None:
        self.size += len(batch)
        found = Counter(chain.from_iterable(map(_KEY, rows) for _, rows in batch))
        for (part, name), count in found.items():
            self.counts[part, None if name == NULL else name] += count

    def _of(self, unit: Unit) -> list[_Staged]:
        rows: list[_Staged] = []
        leads, unlinked = unit.leads, dict(unit.leads)
        erased: set[str] = set()
        for change in unit.changes:
            if isinstance(change, Link):  # millions of these: the commonest first
                rows.append(_linked(change, leads.get(change.lead_id)))
                unlinked.pop(change.lead_id, None)
            elif isinstance(change, Reindex):
                rows += _indexed(change)
            elif isinstance(change, InsertCustomer):
                rows.append(_row("insert", change.customer_id, after=_inserted(change)))
            elif isinstance(change, Restore):
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

_TEXT = frozenset({str})
_WORDS = {None: "null", True: "true", False: "false"}

_Staged = tuple[str, ...]
"""Part, id, name, before, after, reason, version."""


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
    return (
        part,
        NULL if row_id is None else row_id,
        NULL if name is None else name,
        NULL if before is None else before,
        NULL if after is None else after,
        NULL if reason is None else reason,
        NULL if version is None else version,
    )


def _cells(row: _Staged) -> dict[str, object]:
    """Return the cells of a row that are not NULL, by column."""
    named = zip(("part", "id", "name", "before", "after", "reason", "version"), row, strict=True)
    return {column: cell for column, cell in named if cell != NULL}


def _linked(change: Link, read: Version | None) -> _Staged:
    before, after = change.before, change.after
    return (
        "link",
        change.lead_id,
        NULL,
        NULL if before is None else before,
        NULL if after is None else after,
        change.reason,
        NULL if read is None else _version(read),
    )


def _version(version: Version) -> str:
    return str(version) if isinstance(version, int) else _NO_VERSION


def _further(change: Change, erased: set[str]) -> Iterator[_Staged]:
    match change:
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
        case Await():
            yield _row(
                "await",
                change.lead_id,
                name=cast("str", stored_moment(change.until)),
                before=change.before,
                after=change.after,
                reason=change.reason,
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
        case Queue():
            yield _row("queue", change.lead_id, after=change.reason)
        case _:
            yield from _erased(change, erased)  # type: ignore[arg-type] # what is left


def _inserted(change: InsertCustomer) -> str:
    """Return the row of a new customer as the ledger keeps it, in JSON."""
    row = change.row
    name, phone, email = _value(row.get("name")), _value(row.get("phone")), _value(row.get("email"))
    made, at = _value(row.get("metadata")), _value(_moment(row.get("created_at")))
    sources = f',"sources":{_object(change.sources)}' if change.sources else ""
    shown = f'"name":{name},"phone":{phone},"email":{email}'
    return f'{{{shown},"metadata":{made},"created_at":{at}{sources}}}'


def _object(values: Mapping[str, object]) -> str:
    """Return *values* as JSON, as an encoder would write them: its start costs more than they."""
    cells = [f"{_json(name)}:{_value(value)}" for name, value in values.items()]
    return f"{{{','.join(cells)}}}"


def _value(value: object) -> str:
    if type(value) is str:
        return _json(value)
    if value is None or value is True or value is False:
        return _WORDS[value]
    if type(value) is int:
        return str(value)
    if type(value) is dict and _TEXT.issuperset(map(type, value)):
        return _object(value)
    return _ENCODE(value)


def _indexed(change: Reindex) -> list[_Staged]:
    record, held = change.record_id, [(each.kind, each.value) for each in change.identifiers]
    if len(held) > 1:
        held = sorted(set(held))
    pairs = ",".join([f"[{_json(kind)},{_json(value)}]" for kind, value in held])
    rows: list[_Staged] = [("record", record, NULL, NULL, f"[{pairs}]", NULL, NULL)]
    rows += [("holder", record, kind, NULL, value, NULL, NULL) for kind, value in held]
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
