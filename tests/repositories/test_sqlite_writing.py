"""What a commit writes to a SQLite file, in how many statements, and who waits for whom."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold import Lead, Resolver
from leadfold.changes import PatchCustomer, Stats
from leadfold.exceptions import RetryableError
from leadfold.model import Identifier
from leadfold.repositories.mapping import CustomerTable, StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.resolver import refresh_index
from leadfold.testing.changesets import (
    read_basis,
    reindex,
    run_of,
)
from leadfold.testing.contract_hooks import read_customers, read_entries, read_leads
from repositories.sqlite_stores import (
    changed,
    founding,
    foundings,
    new_store,
    query,
    seeded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


X = Identifier("phone", "+15551230001")
Y = Identifier("email", "a@b.co")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a fresh file with the usual tables."""
    return new_store(tmp_path / "crm.db")


@pytest.fixture
def repository(path: Path) -> Iterator[SQLiteRepository]:
    """Return the adapter over it."""
    with SQLiteRepository(path) as repository:
        yield repository


# Statements.

FIXED = 9
BATCH = 20
STAGED = 6
"""How many temporary tables a batch fills: with one statement for blocks of rows, one for rows."""


def statements_for(path: Path, leads: int) -> tuple[int, int]:
    """Commit so many units; return how often SQLite ran others than to stage, and what is told."""
    seeded(new_store(path), leads)
    traced: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        repository = SQLiteRepository(connection)
        repository.commit(read_basis(repository).changeset(run=run_of("run-0")))
        connection.execute("COMMIT")
        changes = foundings(repository, leads)
        connection.set_trace_callback(traced.append)
        committed = repository.commit(changes)
    assert committed.failures == ()
    # reading the catalog, SQLite itself runs a pragma for each table
    traced = [text for text in traced if not text.startswith("-- PRAGMA")]
    staging = [text for text in traced if re.match(r"INSERT INTO temp\..* VALUES", text)]
    return len(traced) - len(staging), committed.statements


def test_a_batch_takes_as_many_statements_as_one_lead(tmp_path: Path) -> None:
    """The number of statements depends on the batches, not on the leads in them."""
    counts = {n: statements_for(tmp_path / f"{n}.db", n) for n in (1, 1_000, 4_000)}
    assert counts == {
        1: (FIXED + BATCH, FIXED + BATCH + STAGED),
        1_000: (FIXED + BATCH, FIXED + BATCH + 2 * STAGED),
        # 24,000 staged rows in batches of 10,000
        4_000: (FIXED + 3 * BATCH, FIXED + 3 * (BATCH + 2 * STAGED)),
    }


def test_a_decision_takes_few_statements(path: Path) -> None:
    """Of nobody: 7 to look up, 26 to write; what it does not hold is neither tested nor written."""
    traced: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        repository = SQLiteRepository(connection)
        refresh_index(repository)
        resolver = Resolver(repository)
        resolver.resolve(Lead("l0", phone="212 555 0143"))
        connection.set_trace_callback(traced.append)
        assert resolver.resolve(Lead("l1", phone="212 555 0144")).outcome == "created"
    assert len(traced) == 7 + 26, "\n---\n".join(traced)


# Who waits.


def test_a_commit_that_cannot_wait_may_be_tried_again(path: Path) -> None:
    """While another connection writes, a commit gives up after its timeout, and changes nothing."""
    seeded(path, 1)
    with (
        SQLiteRepository(path, timeout=0) as repository,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        changes = foundings(repository, 1)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RetryableError, match="in use by another connection"):
            repository.commit(changes)
        other.execute("ROLLBACK")
        assert repository.commit(changes).failures == ()


def test_a_decision_that_cannot_wait_is_busy(path: Path) -> None:
    """Nothing is written; once the other connection is done, the lead can be resolved."""
    with (
        SQLiteRepository(path, timeout=0) as repository,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        refresh_index(repository)
        resolver = Resolver(repository)
        other.execute("BEGIN IMMEDIATE")
        found = resolver.resolve(Lead("l1", phone="212 555 0143"))
        assert (found.outcome, found.customer_id, found.events) == ("busy", None, ())
        other.execute("ROLLBACK")
        assert resolver.resolve(Lead("l1", phone="212 555 0143")).outcome == "created"


def test_a_commit_waits_for_another_that_writes(path: Path, repository: SQLiteRepository) -> None:
    """Within its timeout a commit waits until the other is through, and is written then."""
    seeded(path, 1)
    changes = foundings(repository, 1)
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE Lead SET name = 'Ann'")
        waiting = pool.submit(repository.commit, changes)
        other.execute("COMMIT")
        assert waiting.result().failures == ()
    assert query(path, "SELECT name, customer_id FROM Lead") == [("Ann", "c0")]


def test_threads_commit_one_after_another(path: Path, repository: SQLiteRepository) -> None:
    """A repository over a path may be used by several threads."""
    seeded(path, 8)
    basis = read_basis(repository)
    changes = [
        basis.changeset(basis.founding(n, f"l{n}", f"c{n}"), run=run_of(f"run-{n}"))
        for n in range(8)
    ]
    with ThreadPoolExecutor(4) as pool:
        assert [done.failures for done in pool.map(repository.commit, changes)] == [()] * 8
    assert len(read_customers(repository)) == 8


def test_a_reader_does_not_hold_up_a_commit(path: Path, repository: SQLiteRepository) -> None:
    """A plan may still be read while units of it are written."""
    seeded(path, 3)
    basis = read_basis(repository)
    with repository.reading() as reader:
        units = (founding(basis, int(key[1:])) for batch in reader.leads() for key in batch.ids)
        changes = attrs.evolve(basis.changeset(), units=units, expected=Stats(3, 0, 3))
        repository.commit(changes)
        (batch,) = reader.leads()
    assert set(batch.customer_ids) == {None}
    assert read_leads(repository)["l2"].customer_id == "c2"


# What is written besides.


def test_a_value_without_holders_is_forgotten(path: Path, repository: SQLiteRepository) -> None:
    """What no record holds any more is in no table of leadfold's."""
    seeded(path, 1)
    for number, held in enumerate([(X, Y), (Y,), ()]):
        basis = read_basis(repository)
        run = run_of(f"run-{number}", minute=number)
        repository.commit(basis.changeset(basis.unit(1, reindex("l0", *held)), run=run))
        stored = query(path, "SELECT kind FROM leadfold_identity ORDER BY kind")
        assert stored == sorted((identifier.kind,) for identifier in held)
    assert read_leads(repository)["l0"].indexed == ()


def test_a_run_without_policy_leaves_the_mark(repository: SQLiteRepository) -> None:
    """The index keeps the fingerprint that it was written with, and a fresh one has none."""
    marks = []
    for number, policy in enumerate(["", "policy-1", ""]):
        run = run_of(f"run-{number}", minute=number, policy=policy)
        repository.commit(read_basis(repository).changeset(run=run))
        with repository.reading() as reader:
            marks.append(reader.facts().fingerprint)
    assert marks == [None, "policy-1", "policy-1"]


def test_links_leave_other_columns_alone(path: Path, repository: SQLiteRepository) -> None:
    """A lead and a job that are linked keep their updated_at."""
    seeded(path, 1)
    for table in ("Lead", "Job"):
        changed(path, f"UPDATE {table} SET updated_at = 'then'")  # noqa: S608
    repository.commit(foundings(repository, 1))
    for table in ("Lead", "Job"):
        rows = query(path, f"SELECT customer_id, updated_at FROM {table}")  # noqa: S608
        assert rows == [("c0", "then")]


def test_the_audit_table_may_want_an_id(path: Path, repository: SQLiteRepository) -> None:
    """Where the client makes ids, as Prisma does, the audit entry has the run's."""
    changed(path, "DROP TABLE Audit")
    changed(path, "CREATE TABLE Audit (id TEXT PRIMARY KEY, actor, action, payload, created_at)")
    repository.commit(read_basis(repository).changeset())
    assert query(path, "SELECT id, created_at FROM Audit") == [
        ("run-1", "2026-01-02T03:04:05.000Z")
    ]


def test_a_patch_is_exact(path: Path, repository: SQLiteRepository) -> None:
    """Values keep their type, a null is a null, a key is taken as it is; the rest is untouched."""
    metadata = '{"score":1.10,"big":12345678901234567890,"a.b":{"c":1},"gone":true}'
    changed(path, "INSERT INTO Customer (id, metadata) VALUES ('c1', ?)", (metadata,))
    patch = PatchCustomer(
        "c1", {"gone": True, "a.b": {"c": 1}}, {"a.b": None, "n": 1, "list": [1, {}], "t": "x"}
    )
    basis = read_basis(repository)
    committed = repository.commit(basis.changeset(basis.unit(1, patch)))
    assert committed.failures == ()
    assert query(path, "SELECT metadata FROM Customer") == [
        ('{"score":1.10,"big":12345678901234567890,"a.b":null,"list":[1,{}],"n":1,"t":"x"}',)
    ]


def test_a_key_that_no_path_can_name_is_a_fault(path: Path, repository: SQLiteRepository) -> None:
    """SQLite's JSON paths have no word for a double quote: such a key is not written elsewhere."""
    changed(path, "INSERT INTO Customer (id) VALUES ('c1')")
    basis = read_basis(repository)
    unit = basis.unit(1, PatchCustomer("c1", {}, {'a"b': 1}))
    committed = repository.commit(basis.changeset(unit))
    assert [failure.unit for failure in committed.failures] == [1]


def test_customers_without_metadata_are_not_patched(path: Path) -> None:
    """Where no metadata column is mapped, a patch writes nothing and enters nothing."""
    changed(path, "INSERT INTO Customer (id) VALUES ('c1')")
    mapping = StoreMapping(customer=CustomerTable(metadata=None))
    with SQLiteRepository(path, mapping=mapping) as repository:
        basis = read_basis(repository)
        patch = PatchCustomer("c1", {}, {"leadCount": 1})
        committed = repository.commit(basis.changeset(basis.unit(1, patch)))
        assert read_entries(repository, "run-1") == ()
    assert committed.failures == ()
