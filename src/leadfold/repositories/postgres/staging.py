"""Units of changes as rows of the staging table, made one by one as they are copied."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from itertools import chain, islice
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
from leadfold.founding import Founding
from leadfold.model import Ruling
from leadfold.repositories.cells import dump, load, stored_moment
from leadfold.repositories.postgres.copying import (
    NULL,
    escaped,
    is_plain,
    lines_of,
    require_storable,
)
from leadfold.repositories.postgres.images import row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadfold.changes import Change, Erase, Version
    from leadfold.founding import Pairs
    from leadfold.repositories.mapping import CustomerTable
    from leadfold.repositories.postgres.steps import Row

_BLOCK = 300  # units
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
        units = iter(self.units)
        while batch := list(islice(units, _BLOCK)):
            yield self._block(batch)

    def rows(self) -> list[dict[str, object]]:
        """Return the rows of all units, as few as they are; object to what no row can hold."""
        rows: list[dict[str, object]] = []
        for position, unit in enumerate(self.units):
            try:
                staged = self._of(unit)
                require_storable("".join(chain.from_iterable(staged)))
            except (UnitError, TypeError, ValueError) as e:
                raise UnitError(_told(e)) from None
            self._count(1, Counter(map(_KEY, staged)))
            rows += [{"position": position, **_cells(row)} for row in staged]
        return rows

    def _block(self, batch: Sequence[Unit]) -> str:
        """Return the rows of a *batch* as text: at once, unless one of them needs a closer look."""
        lines: list[str] = []
        counts: Counts = Counter()
        try:
            for position, unit in enumerate(batch, self.size):
                head = f"{position}\t{unit.number}\t"
                if type(unit.changes) is Founding:  # nearly all
                    lines += _founded(head, unit.changes, unit.leads, counts)
                else:
                    rows = self._of(unit)
                    lines += lines_of(head, rows)
                    counts.update(map(_KEY, rows))
        except (UnitError, TypeError, ValueError):
            return "".join(map(self._one, batch))
        text = "".join(lines)
        if not is_plain(text, len(lines)):
            return "".join(map(self._one, batch))
        self._count(len(batch), counts)
        return text

    def _one(self, unit: Unit) -> str:
        """Return the rows of one *unit* as text, escaped; none where one cannot be stored."""
        try:
            rows = self._of(unit)
            safe = [[escaped(cell) for cell in row] for row in rows]
        except (UnitError, TypeError, ValueError) as e:
            self.faulty.append((unit, _told(e)))
            return ""
        text = "".join(lines_of(f"{self.size}\t{unit.number}\t", safe))
        self._count(1, Counter(map(_KEY, rows)))
        return text

    def _count(self, units: int, counts: Counts) -> None:
        self.size += units
        for (part, name), count in counts.items():
            self.counts[part, None if name == NULL else name] += count

    def _of(self, unit: Unit) -> list[_Staged]:
        rows: list[_Staged] = []
        leads, unlinked = unit.leads, dict(unit.leads)
        erased: set[str] = set()
        for change in unit.changes:
            if isinstance(change, Link):
                rows.append(_linked(change, leads.get(change.lead_id)))
                unlinked.pop(change.lead_id, None)
            elif isinstance(change, Reindex):
                rows += _indexed(change)
            elif isinstance(change, InsertCustomer):
                rows.append(_inserted(change))
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

_TAB = "\t"
_NO = f"\t{NULL}"
_NO_CUSTOMER = f"{_NO * 3}\n"  # the end of a row that shows none
_TEXT = frozenset({str})
_WORDS = {None: "null", True: "true", False: "false"}

_COLUMNS = (
    *("part", "id", "name", "before", "after", "reason", "version"),
    *("shown_name", "shown_phone", "shown_email"),  # of a new customer alone
)
_Staged = tuple[str, ...]
"""A row: the cells of `_COLUMNS`."""


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
    return (part, *map(_cell, (row_id, name, before, after, reason, version)), NULL, NULL, NULL)


def _cell(value: str | None) -> str:
    return NULL if value is None else value


def _founded(
    head: str, founding: Founding, versions: Mapping[str, Version], counts: Counts
) -> Iterator[str]:
    """Yield the lines of a new customer and its leads: the rows of these changes, in *counts* too.

    No tuple a row, and nothing asked that is known: half of what a large run asks of Python.
    """
    customer, leads, follows = founding.insert.customer_id, founding.leads, founding.follows
    to = f"{_NO}{_NO}\t{customer}\t"
    yield f"{head}{_TAB.join(_inserted(founding.insert))}\n"
    for lead in leads:
        version = _version(versions[lead])
        yield f"{head}link\t{lead}{to}{founding.reason}\t{version}{_NO_CUSTOMER}"
    for lead, held in zip(leads, founding.held, strict=True):
        if lead in follows:
            rows = [_followed(lead, table, before, customer) for table, before, _ in follows[lead]]
            yield from lines_of(head, rows)
            counts.update(map(_KEY, rows))
        if held is None:
            continue
        pairs = _pairs(held)
        yield f"{head}record\t{lead}{_NO}{_NO}\t{pairs}{_NO}{_NO}{_NO_CUSTOMER}"
        for kind, value in held:
            yield f"{head}holder\t{lead}\t{kind}{_NO}\t{value}{_NO}{_NO}{_NO_CUSTOMER}"
            counts["holder", kind] += 1
        counts["record", None] += 1
    counts["insert", None] += 1
    counts["link", None] += len(leads)


def _followed(lead: str, table: str, before: str | None, customer: str) -> _Staged:
    return _row("follow", lead, name=table, before=before, after=customer)


def _cells(row: _Staged) -> dict[str, object]:
    """Return the cells of a row that are not NULL, by column."""
    return {column: cell for column, cell in zip(_COLUMNS, row, strict=True) if cell != NULL}


def _linked(change: Link, read: Version | None) -> _Staged:
    version = None if read is None else _version(read)
    cells = {"before": change.before, "after": change.after, "reason": change.reason}
    return _row("link", change.lead_id, version=version, **cells)


def _version(version: Version) -> str:
    return str(version) if isinstance(version, int) else _NO_VERSION


def _further(change: Change, erased: set[str]) -> Iterator[_Staged]:
    match change:
        case PatchCustomer():
            before, after = dump(dict(change.before)), dump(dict(change.after))
            yield _row("patch", change.customer_id, before=before, after=after)
        case Follow():
            yield _followed(change.lead_id, change.table, change.before, change.customer_id)
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


def _inserted(change: InsertCustomer) -> _Staged:
    """Return a new customer: its metadata and the sources in JSON, the rest as it is shown."""
    row, sources, metadata = change.row, change.sources, change.row.get("metadata")
    name, phone, email = row.get("name"), row.get("phone"), row.get("email")
    at = _moment(row.get("created_at"))
    return (
        "insert",
        change.customer_id,
        NULL,
        _object(sources) if sources else NULL,
        NULL if metadata is None else _value(metadata),
        NULL if at is None else str(at),
        NULL,
        NULL if name is None else str(name),
        NULL if phone is None else str(phone),
        NULL if email is None else str(email),
    )


def _object(values: Mapping[str, object]) -> str:
    """Return *values* as JSON, as an encoder would write them: its start costs more than they."""
    cells = [
        f"{_json(name)}:{_json(value) if type(value) is str else _value(value)}"
        for name, value in values.items()
    ]
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
    held = sorted(set(held))
    rows = [_row("record", record, after=_pairs(held))]
    return rows + [_row("holder", record, name=kind, after=value) for kind, value in held]


def _pairs(held: Pairs) -> str:
    """Return what the index holds for a record, in JSON."""
    return f"[{','.join([f'[{_json(kind)},{_json(value)}]' for kind, value in held])}]"


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
