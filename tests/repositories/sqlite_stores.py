"""Files that SQLite tests work on: the usual tables, rows put in and looked at past the adapter."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from leadfold.repositories.sqlite import create_user_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["changed", "dump_of", "new_store", "query"]


def new_store(path: Path, *statements: str) -> Path:
    """Make a file with the usual tables, run further *statements*, return its path."""
    with closing(sqlite3.connect(path)) as connection, connection:
        create_user_tables(connection)
        for statement in statements:
            connection.execute(statement)
    return path


def query(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Return rows, read on a connection of one's own."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def changed(path: Path, sql: str, *rows: Sequence[object]) -> None:
    """Write on a connection of one's own, foreign keys on; once, or for each of *rows*."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executemany(sql, rows or [()])


def dump_of(source: Path | sqlite3.Connection) -> tuple[str, ...]:
    """Return every table and row of a file, or of an open connection, as SQL."""
    if isinstance(source, sqlite3.Connection):
        return tuple(source.iterdump())
    with closing(sqlite3.connect(source)) as connection:
        return tuple(connection.iterdump())
