"""What cells mean whatever the store: JSON, moments, identifiers. Values only; no SQL runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from leadfold.changes import timestamp
from leadfold.model import Identifier, utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["dump", "identifiers_of", "json_object", "load", "moment", "stored_moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138; Prisma stores milliseconds


def moment(raw: object) -> datetime | None:
    """Return the moment *raw* stands for, ISO text or seconds or milliseconds since 1970, in UTC.

    >>> moment("2025-11-10T08:00:00Z") == moment(1762761600) == moment(1762761600000)
    True
    >>> moment("yesterday") is None
    True
    """
    if isinstance(raw, datetime):
        return utc(raw)
    if isinstance(raw, str):
        try:
            return utc(datetime.fromisoformat(raw))
        except (ValueError, OverflowError):
            return None
    if not isinstance(raw, (int, float)):
        return None
    seconds = raw / 1000 if abs(raw) >= _MILLISECONDS_FROM else raw
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def stored_moment(when: object) -> object:
    """Return *when* as it is written: ISO-8601 text in UTC, to the millisecond, with a Z."""
    return timestamp(cast("datetime", utc(when))) if isinstance(when, datetime) else when


def clock_of(mark: int | str) -> int:
    """Return a plan's mark as a clock; to a plan of another kind of store every claim is later."""
    return mark if isinstance(mark, int) else 0


def dump(value: object) -> str | None:
    """Return *value* as compact JSON, None as nothing."""
    return None if value is None else _ENCODER.encode(value)


def load(text: object) -> object:
    """Return what the JSON *text* says, None for nothing."""
    return None if text is None else json.loads(cast("str", text))


def json_object(raw: object) -> Mapping[str, object] | None:
    """Return the JSON object in *raw*, or None where there is none that can be read."""
    if not isinstance(raw, str):
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def identifiers_of(cells: Sequence[object]) -> list[tuple[Identifier, ...] | None]:
    """Return the identifiers the index holds for each record, sorted; None if it never saw it.

    >>> identifiers_of(['[["phone","+15551234567"]]', "[]", None])
    [(Identifier(kind='phone', value=…),), (), None]
    """
    if not any(cells):
        return [None] * len(cells)
    # one document for the whole batch: a parser's start costs more than a record's few values
    records = json.loads(f"[{','.join('null' if cell is None else str(cell) for cell in cells)}]")
    return [None if pairs is None else _sorted(pairs) for pairs in records]


def _sorted(pairs: list[list[str]]) -> tuple[Identifier, ...]:
    pairs.sort()
    return tuple([Identifier(kind, value) for kind, value in pairs])


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
