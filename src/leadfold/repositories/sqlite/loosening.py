"""The SQL that lets a column be NULL where a table declares it NOT NULL. It changes no store.

SQLite cannot alter a column; its manual has the stored definition of the table edited instead.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from leadfold.repositories.sqlite.shapes import literal, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["loosened", "loosening"]

_TOKEN = re.compile(
    r"""(?P<gap>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*')
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_STATEMENTS = """\
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = {sql} WHERE type = 'table' AND name = {name};
PRAGMA writable_schema = RESET;
CREATE VIEW leadfold_loosened AS SELECT 1;
DROP VIEW leadfold_loosened;"""
"""The view is for other connections: they read the tables anew once one was made or dropped."""

_NO_WAY = "rebuild the table {} with its column {} nullable"


def loosening(table: str, column: str, definition: str, fold: Callable[[str], str]) -> str:
    """Return the statements after which *column* of *table*, stored as *definition*, may be NULL.

    Where the definition cannot be edited safely it is a sentence instead, that says so.
    """
    sql = loosened(definition, fold(column), fold)
    if sql is None or not _differ_in_that_alone(definition, sql, fold(column), fold):
        return _NO_WAY.format(quote(table), quote(column))
    return _STATEMENTS.format(sql=literal(sql), name=literal(table))


def loosened(definition: str, column: str, fold: Callable[[str], str]) -> str | None:
    """Return *definition* without the NOT NULL of *column*, a folded name; None if there is none.

    >>> loosened('CREATE TABLE a (b TEXT NOT NULL, c)', "b", str.lower)
    'CREATE TABLE a (b TEXT, c)'
    """
    tokens = [(match.lastgroup, match[0], match.span()) for match in _TOKEN.finditer(definition)]
    solid = [token for token in tokens if token[0] != "gap"]
    for part in _parts(solid):
        kind, text, _ = part[0]
        if kind in {"quoted", "word"} and fold(_unquoted(text)) == column:
            cuts = list(_constraints(part))
            return _without(definition, cuts) if cuts else None
    return None


Token = tuple[str | None, str, tuple[int, int]]


def _parts(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield what stands between the commas of a table's definition: columns, then constraints."""
    depth = 0
    part: list[Token] = []
    for token in tokens:
        text = token[1]
        depth -= text == ")"
        if depth == 0 or (depth == 1 and text == ","):
            if part:
                yield part
            part = []
        else:
            part.append(token)
        depth += text == "("


def _constraints(column: list[Token]) -> Iterator[tuple[int, int]]:
    """Yield where each NOT NULL of *column* begins and ends, its name and conflict clause too."""
    depth = 0
    words = [text.upper() if kind == "word" else "" for kind, text, _ in column]
    for at, (_, text, (begin, _)) in enumerate(column):
        depth += (text == "(") - (text == ")")
        if depth == 0 and words[at : at + 2] == ["NOT", "NULL"]:
            named = at >= 2 and words[at - 2] == "CONSTRAINT"  # noqa: PLR2004 - CONSTRAINT name
            last = at + 4 if words[at + 2 : at + 4] == ["ON", "CONFLICT"] else at + 1
            yield (column[at - 2][2][0] if named else begin), column[last][2][1]


def _without(text: str, cuts: list[tuple[int, int]]) -> str:
    for begin, end in reversed(cuts):
        text = text[:begin].rstrip() + text[end:]
    return text


def _unquoted(name: str) -> str:
    mark = name[0]
    if mark == "[":
        return name[1:-1]
    return name[1:-1].replace(mark * 2, mark) if mark in "\"`'" else name


def _differ_in_that_alone(before: str, after: str, column: str, fold: Callable[[str], str]) -> bool:
    """Tell whether two definitions make the same table but for the NOT NULL of *column*."""
    try:
        strict, loose = _made_by(before), _made_by(after)
    except sqlite3.Error:
        return False
    return loose == [
        (*row[:3], 0, *row[4:]) if fold(str(row[1])) == column else row for row in strict
    ]


def _made_by(definition: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as scratch:
        scratch.execute(definition)
        return scratch.execute(
            "SELECT info.* FROM sqlite_master AS made JOIN pragma_table_xinfo(made.name) AS info"
            " WHERE made.type = 'table' ORDER BY info.cid"
        ).fetchall()
