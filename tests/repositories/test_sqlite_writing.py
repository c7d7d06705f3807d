"""What a commit does to a SQLite file, fault by fault: by the store's own means, none replaced."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.changes import PatchCustomer, Stats
from leadfold.exceptions import MappingError, RetryableError, StalePlanError, StoreError
from leadfold.model import Identifier
from leadfold.repositories.mapping import CustomerTable, StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import (
    follow,
    link,
    new_customer,
    read_basis,
    reindex,
    run_of,
)
from leadfold.testing.contract_hooks import read_customers, read_entries, read_holders, read_leads
from repositories.sqlite_stores import changed, dump_of, new_store, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold.changes import ChangeSet, Unit
    from leadfold.testing.changesets import Basis

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


def foundings(repository: SQLiteRepository, count: int) -> ChangeSet:
    """Return the change set of so many units."""
    basis = read_basis(repository)
    return basis.changeset(*(founding(basis, number) for number in range(count)))


# Statements.

FIXED = 22
BATCH = 31


def statements_for(path: Path, leads: int) -> tuple[int, int]:
    """Commit so many units; return the statements SQLite traced, and those reported."""
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
    return sum(not text.startswith("-- PRAGMA") for text in traced), committed.statements


def test_a_batch_takes_as_many_statements_as_one_lead(tmp_path: Path) -> None:
    """The number of statements depends on the batches, not on the leads in them."""
    counts = {n: statements_for(tmp_path / f"{n}.db", n) for n in (1, 1_000, 4_000)}
    assert counts == {
        1: (FIXED + BATCH,) * 2,
        1_000: (FIXED + BATCH,) * 2,
        4_000: (FIXED + 3 * BATCH,) * 2,  # 24,000 staged rows in batches of 10,000
    }


def test_a_fault_costs_the_logarithm_of_its_batch(path: Path, repository: SQLiteRepository) -> None:
    """One unit among 1,000 that a trigger refuses is found in about twice log2(1,000) attempts."""
    seeded(path, 1_000)
    changed(path, refusing("id = 'c500'"))
    committed = repository.commit(foundings(repository, 1_000))
    assert [failure.unit for failure in committed.failures] == [500]
    assert committed.statements < FIXED + (2 * 10 + 1) * BATCH


# Faults.


def refusing(condition: str, action: str = "ABORT, 'not this one'") -> str:
    """Return a trigger that raises for some new customers."""
    condition = condition.replace("id", "NEW.id")
    raised = "RAISE(IGNORE)" if action == "IGNORE" else f"RAISE({action})"
    return (
        f"CREATE TRIGGER no BEFORE INSERT ON Customer WHEN {condition} BEGIN SELECT {raised}; END"
    )


@pytest.mark.parametrize("action", ["ABORT, 'not this one'", "FAIL, 'not this one'", "IGNORE"])
def test_units_that_a_trigger_refuses_are_isolated(
    path: Path, repository: SQLiteRepository, action: str
) -> None:
    """Every unit at fault is left out whole and reported; all the others are written."""
    seeded(path, 40)
    changed(path, refusing("id IN ('c3', 'c4', 'c21', 'c39')", action))
    committed = repository.commit(foundings(repository, 40))
    assert [failure.unit for failure in committed.failures] == [3, 4, 21, 39]
    assert {failure.cause for failure in committed.failures} == {"fault"}
    left = {("l3",), ("l4",), ("l21",), ("l39",)}
    assert set(query(path, "SELECT id FROM Lead WHERE customer_id IS NULL")) == left
    assert set(query(path, "SELECT lead_id FROM Job WHERE customer_id IS NULL")) == left
    assert query(path, "SELECT count(*) FROM leadfold_records") == [(36,)]
    assert query(path, "SELECT count(*) FROM leadfold_ledger") == [(3 * 36,)]
    assert committed.stats.jobs_linked == 36


def test_all_units_at_fault_is_a_run_without_customers(
    path: Path, repository: SQLiteRepository
) -> None:
    """A run of which nothing could be written stands, with an error for each unit."""
    seeded(path, 9)
    changed(path, refusing("id > ''"))
    committed = repository.commit(foundings(repository, 9))
    assert len(committed.stats.errors) == 9
    assert (committed.stats.customers_created, committed.stats.leads_linked) == (0, 0)
    assert read_holders(repository, Identifier("phone", "+15551230001")).records == {}
    assert read_basis(repository).clock == 0


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"name": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"phone": 1 << 70}, id="a number beyond 64 bits"),
        pytest.param({"email": ["a@b.co"]}, id="a list"),
        pytest.param({"metadata": {"leadCount": float("nan")}}, id="what JSON has no word for"),
        pytest.param({"metadata": {"leadCount": object()}}, id="an object"),
    ],
)
def test_a_value_that_cannot_be_stored_is_a_fault(
    path: Path, repository: SQLiteRepository, row: dict[str, object]
) -> None:
    """A unit with such a value is left out; its neighbour is written."""
    seeded(path, 2)
    basis = read_basis(repository)
    bad = basis.founding(0, "l0", "c0", **row)
    committed = repository.commit(basis.changeset(bad, founding(basis, 1)))
    assert [failure.unit for failure in committed.failures] == [0]
    assert set(read_customers(repository)) == {"c1"}


def test_broken_metadata_is_a_fault(path: Path, repository: SQLiteRepository) -> None:
    """A customer whose metadata cannot be parsed is not patched, nor lost."""
    changed(path, "INSERT INTO Customer (id, metadata) VALUES ('c1', '{'), ('c2', NULL)")
    basis = read_basis(repository)
    units = [
        basis.unit(number, PatchCustomer(f"c{number}", {}, {"leadCount": 1})) for number in (1, 2)
    ]
    committed = repository.commit(basis.changeset(*units))
    assert [failure.message for failure in committed.failures] == [
        "the metadata of customer c1 is no JSON object"
    ]
    assert query(path, "SELECT metadata FROM Customer") == [("{",), ('{"leadCount":1}',)]


def test_stale_and_faulty_units_are_told_apart(path: Path, repository: SQLiteRepository) -> None:
    """In one batch, one unit is stale, one is at fault, one is written."""
    seeded(path, 3)
    changes = attrs.evolve(foundings(repository, 3), on_stale="skip")
    changed(path, "UPDATE Lead SET phone = '555.9' WHERE id = 'l0'")
    changed(path, refusing("id = 'c1'"))
    committed = repository.commit(changes)
    assert [(failure.unit, failure.cause) for failure in committed.failures] == [
        (0, "stale"),
        (1, "fault"),
    ]
    assert set(read_customers(repository)) == {"c2"}


def test_stale_leads_of_all_batches_are_named(path: Path, repository: SQLiteRepository) -> None:
    """A refusal looks through the whole plan, and writes nothing of it."""
    count = 5_000
    seeded(path, count)
    changes = foundings(repository, count)
    changed(path, "UPDATE Lead SET phone = '555.9' WHERE id IN ('l1', 'l2500', 'l4999')")
    before = dump_of(path)
    with pytest.raises(StalePlanError) as refused:
        repository.commit(changes)
    assert refused.value.lead_ids == ("l1", "l2500", "l4999")
    assert dump_of(path) == before


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


# What fails a whole run.


def test_units_that_fail_leave_the_file_as_it_was(path: Path, repository: SQLiteRepository) -> None:
    """An error between two units comes out unchanged, after batches were written and undone."""
    seeded(path, 4_000)
    changes = foundings(repository, 4_000)
    before = dump_of(path)

    def failing() -> Iterator[Unit]:
        yield from changes.units
        raise sqlite3.OperationalError

    with pytest.raises(sqlite3.OperationalError) as raised:
        repository.commit(attrs.evolve(changes, units=failing()))
    assert raised.value.__cause__ is None
    assert dump_of(path) == before


def test_a_trigger_that_rolls_back_fails_the_run(path: Path, repository: SQLiteRepository) -> None:
    """A constraint that ends the whole transaction leaves nothing of the run."""
    seeded(path, 4)
    changed(path, refusing("id = 'c2'", "ROLLBACK, 'all of it'"))
    before = dump_of(path)
    with pytest.raises(StoreError, match="ended the whole transaction"):
        repository.commit(foundings(repository, 4))
    assert dump_of(path) == before


def test_a_column_that_nobody_fills_fails_the_run(path: Path, repository: SQLiteRepository) -> None:
    """A customer table that asks for more than is mapped is said at once, not unit by unit."""
    seeded(path, 4)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE Customer")
        connection.execute(
            "CREATE TABLE Customer (id TEXT PRIMARY KEY, name, phone, email, metadata, created_at,"
            " updated_at, account TEXT NOT NULL, made TEXT NOT NULL DEFAULT 'x')"
        )
    with pytest.raises(MappingError, match=r"Customer\.account is NOT NULL"):
        repository.commit(foundings(repository, 4))
    repository.commit(read_basis(repository).changeset())


def test_a_dependent_that_is_not_mapped_fails_the_run(
    path: Path, repository: SQLiteRepository
) -> None:
    """A plan for a store with more dependents is refused."""
    seeded(path, 1)
    basis = read_basis(repository)
    changes = basis.changeset(basis.unit(1, follow("Deal", "l0", "c0")))
    with pytest.raises(StoreError, match="no dependent called Deal"):
        repository.commit(changes)


def test_a_broken_trigger_fails_the_run(path: Path, repository: SQLiteRepository) -> None:
    """An error that is no data fault, such as a table that is not there, is fatal."""
    seeded(path, 2)
    changed(path, "CREATE TRIGGER no AFTER INSERT ON Customer BEGIN DELETE FROM nowhere; END")
    before = dump_of(path)
    with pytest.raises(StoreError, match="no such table"):
        repository.commit(foundings(repository, 2))
    assert dump_of(path) == before


def test_a_full_disk_fails_the_run(path: Path) -> None:
    """A store that cannot grow is left exactly as it was."""
    seeded(path, 2_000)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        repository = SQLiteRepository(connection)
        changes = foundings(repository, 2_000)
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 60}")
        before = dump_of(path)
        with pytest.raises(StoreError, match="full"):
            repository.commit(changes)
        assert not connection.in_transaction
    assert dump_of(path) == before


def test_a_read_only_store_can_be_read_alone(path: Path) -> None:
    """Reading works; a commit is refused, and not as something to try again."""
    seeded(path, 2)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        repository = SQLiteRepository(connection)
        changes = foundings(repository, 2)
        with pytest.raises(StoreError, match="readonly") as refused:
            repository.commit(changes)
    assert not isinstance(refused.value, RetryableError)


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
