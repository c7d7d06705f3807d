"""Which ids a column can hold at all: one that it cannot is nobody's. Values only; no SQL runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["cast_where_castable", "castable"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_BIGINT: LiteralString = "-9223372036854775808 AND 9223372036854775807"
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")


def castable(ids: Collection[str], kind: str) -> list[str]:
    """Return those of *ids*, sorted, that a column of type *kind* gives back letter by letter.

    >>> castable(["7", "nobody", "007"], "integer")
    ['7']
    """
    wanted = sorted(set(ids))
    if kind == "uuid":
        return [each for each in wanted if _UUID.fullmatch(each)]
    if kind in _INTEGERS:
        limit = _INTEGERS[kind]
        numbers = (each for each in wanted if _INTEGER.fullmatch(each))
        return [each for each in numbers if -limit <= int(each) < limit]
    return [each for each in wanted if "\0" not in each]


def cast_where_castable(text: str, kind: sql.SQL) -> sql.Composed:
    """Return what casts the *text* that an expression gives to a column's *kind*: else to NULL."""
    name = kind.as_string(None)
    whole, cast = "", "CAST({text} AS {kind})"
    if name == "uuid":
        whole = _UUID.pattern
    elif name in _INTEGERS:
        whole, kind = _INTEGER.pattern, sql.SQL("bigint")
        cast = f"CASE WHEN CAST({{text}} AS numeric) BETWEEN {_BIGINT} THEN {cast} END"
    if whole:
        cast = f"CASE WHEN {{text}} ~ {{whole}} THEN {cast} END"
    return sql.SQL(cast).format(text=sql.SQL(text), kind=kind, whole=sql.Literal(f"^{whole}$"))
