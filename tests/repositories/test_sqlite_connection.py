"""On a caller's connection the transaction is the caller's: begun if need be, never ended."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold import backfill
from leadfold.exceptions import RetryableError, RunExistsError, StalePlanError, StoreError
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import new_customer, read_basis, run_of
from leadfold.testing.contract_hooks import read_leads
from repositories.sqlite_stores import changed, dump_of, new_store, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold.changes import ChangeSet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with one lead."""
    path = new_store(tmp_path / "crm.db")
    changed(path, "INSERT INTO Lead (id, name) VALUES ('l1', 'Ann')")
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Return the caller's connection."""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        yield connection


def changes_for(repository: SQLiteRepository) -> ChangeSet:
    """Return the change set that makes a customer for the lead."""
    basis = read_basis(repository)
    return basis.changeset(basis.founding(1, "l1", "c1"))


def test_a_commit_waits_for_the_callers_commit(path: Path, connection: sqlite3.Connection) -> None:
    """What was written is in a transaction that the caller may still take back."""
    before = dump_of(path)
    repository = SQLiteRepository(connection)
    repository.commit(changes_for(repository))
    assert connection.in_transaction
    assert dump_of(path) == before
    connection.rollback()
    assert dump_of(path) == before
    repository.commit(changes_for(repository))
    connection.commit()
    assert query(path, "SELECT customer_id FROM Lead") == [("c1",)]


def test_what_the_caller_wrote_outlives_a_refusal(
    path: Path, connection: sqlite3.Connection
) -> None:
    """A commit that fails is undone to its savepoint, and no further."""
    repository = SQLiteRepository(connection)
    changes = changes_for(repository)
    connection.execute("UPDATE Lead SET phone = '555.9'")
    before = dump_of(connection)
    with pytest.raises(StalePlanError):
        repository.commit(changes)
    assert connection.in_transaction
    assert dump_of(connection) == before
    connection.commit()
    assert query(path, "SELECT phone, customer_id FROM Lead") == [("555.9", None)]


def test_a_failure_ends_the_transaction_it_began(connection: sqlite3.Connection) -> None:
    """Where the commit had to begin a transaction itself, none is left behind by a failure."""
    repository = SQLiteRepository(connection)
    repository.commit(changes_for(repository))
    connection.commit()
    with pytest.raises(RunExistsError):
        repository.commit(attrs.evolve(changes_for(repository), run=run_of()))
    assert not connection.in_transaction


def test_a_callers_busy_store_may_be_tried_again(
    path: Path, connection: sqlite3.Connection
) -> None:
    """Nothing is retried inside a caller's transaction: the caller is told that it may."""
    repository = SQLiteRepository(connection)
    changes = changes_for(repository)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RetryableError):
            repository.commit(changes)


def test_reading_leaves_no_transaction(connection: sqlite3.Connection) -> None:
    """A snapshot is let go when its context ends, also if that is by an error."""
    repository = SQLiteRepository(connection)
    with repository.reading():
        assert connection.in_transaction
    assert not connection.in_transaction
    with contextlib.suppress(StoreError), repository.reading():
        raise StoreError
    assert not connection.in_transaction


def test_reading_ends_no_transaction_of_the_callers(connection: sqlite3.Connection) -> None:
    """A transaction with the caller's own writes is still open after a read."""
    repository = SQLiteRepository(connection)
    connection.execute("UPDATE Lead SET phone = '555.9'")
    assert read_leads(repository)["l1"].fields["phone"] == "555.9"
    assert connection.in_transaction


def test_a_write_while_reading_is_kept(connection: sqlite3.Connection) -> None:
    """What the caller writes before a snapshot is let go is the caller's to commit."""
    repository = SQLiteRepository(connection)
    with repository.reading():
        connection.execute("UPDATE Lead SET phone = '555.9'")
    assert connection.in_transaction
    connection.commit()
    assert read_leads(repository)["l1"].fields["phone"] == "555.9"


def test_a_connections_own_settings_are_kept(connection: sqlite3.Connection) -> None:
    """Row and text factories of the caller's neither disturb nor are disturbed."""
    connection.row_factory = sqlite3.Row
    connection.text_factory = bytes
    repository = SQLiteRepository(connection)
    basis = read_basis(repository)
    unit = basis.unit(1, new_customer("c1"))
    repository.commit(basis.changeset(unit))
    assert read_leads(repository)["l1"].name == "Ann"
    (row,) = connection.execute("SELECT name FROM Lead")
    assert row["name"] == b"Ann"


def test_closing_leaves_the_connection_open(connection: sqlite3.Connection) -> None:
    """The caller's connection outlives the repository."""
    with SQLiteRepository(connection):
        pass
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_text_that_is_no_utf8_keeps_no_reader_open(tmp_path: Path) -> None:
    """Nothing waits for the collector: the last connection closes, and takes its log with it."""
    path = new_store(tmp_path / "crm.db")
    changed(path, "INSERT INTO Lead (id, name) VALUES ('l1', CAST(x'ff' AS TEXT)), ('l2', 'Ann')")
    gc.collect()
    gc.disable()
    try:
        with SQLiteRepository(path) as repository:
            backfill.apply(backfill.plan(repository), repository)
        assert sorted(each.name for each in tmp_path.iterdir()) == ["crm.db"]
    finally:
        gc.enable()
