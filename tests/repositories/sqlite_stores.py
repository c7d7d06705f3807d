"""Files that SQLite tests work on: the usual tables, rows put in and looked at past the adapter."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from leadfold.model import Identifier
from leadfold.repositories.sqlite import create_user_tables
from leadfold.testing.changesets import follow, link, new_customer, read_basis, reindex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leadfold.changes import ChangeSet, Unit
    from leadfold.repository import Repository
    from leadfold.testing.changesets import Basis

__all__ = ["changed", "dump_of", "founding", "foundings", "new_store", "query", "seeded"]


def new_store(path: Path, *statements: str) -> Path:
    """Make a file with the usual tables, run further *statements*, return its path."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("BEGIN")  # one wait for the disk, not one for each table
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


def seeded(path: Path, count: int) -> None:
    """Insert so many leads, with a job for each."""
    changed(path, "INSERT INTO Lead (id) VALUES (?)", *((f"l{n}",) for n in range(count)))
    changed(path, "INSERT INTO Job (lead_id) VALUES (?)", *((f"l{n}",) for n in range(count)))


def founding(basis: Basis, number: int) -> Unit:
    """Return the unit that makes a customer for a lead, and indexes it."""
    return basis.unit(
        number,
        new_customer(f"c{number}"),
        link(f"l{number}", f"c{number}"),
        follow("Job", f"l{number}", f"c{number}"),
        reindex(f"l{number}", Identifier("phone", f"+1555123{number:04}")),
    )


def foundings(repository: Repository, count: int) -> ChangeSet:
    """Return the change set of so many units."""
    basis = read_basis(repository)
    return basis.changeset(*(founding(basis, number) for number in range(count)))
