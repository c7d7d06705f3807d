"""Faults that a SQLite store raises itself: what is left out, and what fails a whole run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest

from leadfold.changes import PatchCustomer
from leadfold.exceptions import MappingError, RetryableError, StalePlanError, StoreError
from leadfold.model import Identifier
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import (
    follow,
    read_basis,
)
from leadfold.testing.contract_hooks import read_customers, read_holders
from repositories.sqlite_stores import (
    changed,
    dump_of,
    founding,
    foundings,
    new_store,
    query,
    seeded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold.changes import Unit

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


def test_one_value_of_many_rows_is_a_fault(path: Path, repository: SQLiteRepository) -> None:
    """Rows are staged many at a time: of a hundred units, that of the value alone is left out."""
    seeded(path, 100)
    basis = read_basis(repository)
    bad = basis.founding(50, "l50", "c50", name="\ud800")
    others = [founding(basis, number) for number in range(100) if number != bad.number]
    committed = repository.commit(basis.changeset(bad, *others))
    assert [failure.unit for failure in committed.failures] == [50]
    assert set(read_customers(repository)) == {f"c{unit.number}" for unit in others}


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


def test_a_fault_costs_the_logarithm_of_its_batch(path: Path, repository: SQLiteRepository) -> None:
    """One unit among 1,000 that a trigger refuses is found in about twice log2(1,000) attempts."""
    seeded(path, 1_000)
    changed(path, refusing("id = 'c500'"))
    committed = repository.commit(foundings(repository, 1_000))
    assert [failure.unit for failure in committed.failures] == [500]
    attempts, statements = 2 * 10 + 1, 40
    assert committed.statements < attempts * statements


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
