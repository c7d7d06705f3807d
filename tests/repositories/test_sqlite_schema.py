"""leadfold's own tables: the schema is what the migrations make, and is there when needed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from leadfold.exceptions import StoreError
from leadfold.repositories import sql
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repositories.sqlite.schema import statements_of
from leadfold.testing.changesets import read_basis, run_of
from repositories.sqlite_stores import changed, dump_of, new_store, query

if TYPE_CHECKING:
    from pathlib import Path


def shape_after(*scripts: str) -> list[tuple[object, ...]]:
    """Return what an empty store has after *scripts*: columns, keys and indexes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in scripts:
            connection.executescript(script)
        return connection.execute(
            "SELECT owner.name, owner.type, owner.sql, info.* FROM sqlite_master AS owner"
            " LEFT JOIN pragma_table_info(owner.name) AS info ORDER BY owner.name, info.cid"
        ).fetchall()


def test_the_schema_is_what_the_migrations_make() -> None:
    """A reviewer may read schema.sql alone."""
    migrated = shape_after(*(text for _, _, text in sql.migrations("sqlite")))
    assert shape_after(sql.read("sqlite/schema.sql")) == migrated


def test_migrations_are_numbered_from_one() -> None:
    """No number is missing, none is taken twice."""
    numbers = [number for number, _, _ in sql.migrations("sqlite")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_reading_makes_no_tables(tmp_path: Path) -> None:
    """Leadfold's tables come with the first commit, not before."""
    path = new_store(tmp_path / "crm.db")
    before = dump_of(path)
    with SQLiteRepository(path) as repository:
        basis = read_basis(repository)
        assert dump_of(path) == before
        repository.commit(basis.changeset())
        repository.commit(basis.changeset(run=run_of("run-2")))
    made = [(number, name) for number, name, _ in sql.migrations("sqlite")]
    assert query(path, "SELECT * FROM leadfold_migrations") == made


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """A store that a later version has migrated is not written by this one."""
    path = new_store(tmp_path / "crm.db")
    with SQLiteRepository(path) as repository:
        basis = read_basis(repository)
        repository.commit(basis.changeset())
        changed(path, "INSERT INTO leadfold_migrations VALUES (99, 'of tomorrow')")
        with pytest.raises(StoreError, match="newer leadfold"):
            repository.commit(basis.changeset(run=run_of("run-2")))


def test_a_script_is_cut_into_statements() -> None:
    """Semicolons in texts and triggers end no statement."""
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n SELECT ';';\n SELECT 2;\nEND;\n"
    assert list(statements_of(f"SELECT 1;\n{trigger}")) == ["SELECT 1;\n", trigger]
