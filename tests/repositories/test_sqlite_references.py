"""Tables that point at customers: declared and not, carried and ignored, of any name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from leadfold.backfill import rollback, validate
from leadfold.changes import Carry, Relink, Retire
from leadfold.customers import merge
from leadfold.exceptions import MappingError, StoreError
from leadfold.repositories.mapping import (
    CustomerTable,
    DependentTable,
    LeadTable,
    ReferenceTable,
    StoreMapping,
)
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repository import LEAD, ORIGINAL
from leadfold.testing.changesets import follow, link, read_basis, run_of
from leadfold.testing.contract_hooks import read_entries, read_leads
from repositories.sqlite_stores import changed, dump_of, new_store, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold.changes import Change, Committed
    from leadfold.repository import StoreFacts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with two customers, rows that point at the first one, and nothing else."""
    return new_store(
        tmp_path / "crm.db",
        """INSERT INTO "Customer" (id) VALUES ('c1'), ('c2')""",
        """INSERT INTO "CustomerAddress" (id, customer_id) VALUES ('a1', 'c1'), ('a2', 'c1')""",
        """INSERT INTO "MemoryNote" (id, customer_id) VALUES ('n1', 'c1')""",
    )


@pytest.fixture
def repository(path: Path) -> Iterator[SQLiteRepository]:
    """Return the adapter over it."""
    with SQLiteRepository(path) as repository:
        yield repository


def committed(repository: SQLiteRepository, *changes: Change, run: str = "run-1") -> Committed:
    """Commit one unit."""
    basis = read_basis(repository)
    return repository.commit(basis.changeset(basis.unit(1, *changes), run=run_of(run)))


def facts(path: Path, mapping: StoreMapping | None = None) -> StoreFacts:
    """Read what the store says of itself."""
    with SQLiteRepository(path, mapping=mapping) as repository, repository.reading() as reader:
        return reader.facts()


# The mapping.


def test_references_are_read_from_toml(tmp_path: Path) -> None:
    """A reference has a table, and may have columns and a treatment; the list may be empty."""
    file = tmp_path / "mapping.toml"
    file.write_text('[[reference]]\ntable = "notes"\ncustomer_id = "who"\ntreatment = "ignore"\n')
    assert StoreMapping.from_toml(file) == StoreMapping(
        references=[ReferenceTable("notes", customer_id="who", treatment="ignore")]
    )
    file.write_text("reference = []\n")
    assert StoreMapping.from_toml(file).references == ()


def test_a_wrong_reference_is_refused(tmp_path: Path) -> None:
    """Unknown keys, a missing table and a treatment that is none are told together."""
    file = tmp_path / "mapping.toml"
    file.write_text(
        '[[reference]]\nlead_id = "lead"\ntreatment = "move"\n'
        '[[reference]]\ntable = "notes"\ntreatment = ["carry"]\n'
    )
    with pytest.raises(MappingError) as refused:
        StoreMapping.from_toml(file)
    assert refused.value.faults == (
        "unknown key reference.lead_id",
        "reference.table is missing",
        "reference.treatment must be carry or ignore",
        "reference.treatment must be carry or ignore",
    )


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        pytest.param(
            StoreMapping(dependents=[DependentTable("Lead", "Job")]),
            "several tables are called Lead",
            id="a dependent called as the leads",
        ),
        pytest.param(
            StoreMapping(dependents=[DependentTable("Ruling", "Job")]),
            "several tables are called Ruling",
            id="a dependent called as rulings",
        ),
        pytest.param(
            StoreMapping(references=[ReferenceTable("Job")]),
            "several tables are called Job",
            id="a dependent that is a reference",
        ),
        pytest.param(
            StoreMapping(references=[ReferenceTable("MemoryNote"), ReferenceTable("MemoryNote")]),
            "several tables are called MemoryNote",
            id="a reference twice",
        ),
        pytest.param(
            StoreMapping(references=[ReferenceTable("MemoryNote", treatment="move")]),  # type: ignore[arg-type]
            "the treatment of MemoryNote must be carry or ignore",
            id="no such treatment",
        ),
        pytest.param(
            StoreMapping(references=[ReferenceTable("Visit")]), 'no table "Visit"', id="absent"
        ),
    ],
)
def test_references_must_mean_something(path: Path, mapping: StoreMapping, fault: str) -> None:
    """The ledger tells tables apart by name, so no name is given twice."""
    with pytest.raises(MappingError) as refused:
        facts(path, mapping)
    assert refused.value.faults == (fault,)


def test_the_facts_tell_carried_from_undeclared(path: Path) -> None:
    """What is declared is no undeclared foreign key, and carried only if it says so."""
    found = facts(path)
    assert (found.carried, found.foreign_keys) == (("CustomerAddress", "MemoryNote"), ())
    some = StoreMapping(references=[ReferenceTable("memorynote", treatment="ignore")])
    found = facts(path, some)
    assert (found.carried, found.foreign_keys) == ((), ("CustomerAddress.customer_id",))


def test_a_default_reference_may_be_another_table(tmp_path: Path) -> None:
    """A table that has a default's name but not its columns is not meant, and is told of."""
    path = new_store(
        tmp_path / "crm.db",
        'DROP TABLE "MemoryNote"',
        'CREATE TABLE "MemoryNote" (id TEXT, owner TEXT REFERENCES "Customer")',
    )
    found = facts(path)
    assert (found.carried, found.foreign_keys) == (("CustomerAddress",), ("MemoryNote.owner",))


# What is done with their rows.


def test_rows_that_would_go_with_their_customer_are_carried(
    path: Path, repository: SQLiteRepository
) -> None:
    """Not one row of a table that deletes in cascade is lost when its customer retires."""
    carries = (Carry("CustomerAddress", "c1", "c2"), Carry("MemoryNote", "c1", "c2"))
    assert committed(repository, *carries, Retire("c1", "c2")).failures == ()
    assert query(path, "SELECT id, customer_id FROM CustomerAddress ORDER BY id") == [
        ("a1", "c2"),
        ("a2", "c2"),
    ]
    assert query(path, "SELECT id, customer_id FROM MemoryNote") == [("n1", "c2")]


def test_a_row_that_is_left_behind_is_a_fault(path: Path, repository: SQLiteRepository) -> None:
    """A customer at which rows point does not retire; the message says which, and where."""
    found = committed(repository, Carry("MemoryNote", "c1", "c2"), Retire("c1", "c2"))
    assert [failure.message for failure in found.failures] == [
        "customer c1 still has 2 rows in CustomerAddress"
    ]
    assert query(path, "SELECT customer_id FROM MemoryNote") == [("c1",)]
    assert query(path, "SELECT count(*) FROM leadfold_ledger") == [(0,)]


def test_a_row_that_is_no_lead_any_more_counts(path: Path) -> None:
    """Rows that a mapping's condition leaves out are linked, read, and not left behind."""
    changed(path, "INSERT INTO Lead (id, customer_id, stage) VALUES ('l1', 'c2', 'spam')")
    mapping = StoreMapping(lead=LeadTable(where="stage <> 'spam'"))
    with SQLiteRepository(path, mapping=mapping) as repository:
        assert read_leads(repository) == {}
        found = committed(repository, Retire("c2"))
        assert [failure.message for failure in found.failures] == [
            "customer c2 still has 1 rows in Lead"
        ]
        changes = (link("l1", None, before="c2"), Retire("c2"))
        assert committed(repository, *changes, run="run-2").failures == ()
    assert query(path, "SELECT customer_id FROM Lead") == [(None,)]


@pytest.mark.parametrize("treatment", ["carry", "ignore"])
def test_undeclared_references_refuse_a_retirement(path: Path, treatment: str) -> None:
    """No customer retires while there are columns nobody told of; told of, they are no matter."""
    changed(
        path,
        'CREATE TABLE "Odd ""one" (id TEXT, owner TEXT REFERENCES Customer ON DELETE CASCADE)',
    )
    changed(path, """INSERT INTO "Odd ""one" VALUES ('o1', 'c2')""")
    before = dump_of(path)
    with (
        SQLiteRepository(path) as repository,
        pytest.raises(MappingError, match="map it as a dependent") as refused,
    ):
        committed(repository, Retire("c2"))
    assert [fault.split(" references ")[0] for fault in refused.value.faults] == ['Odd "one.owner']
    assert dump_of(path) == before
    odd = ReferenceTable('Odd "one', customer_id="owner", treatment=treatment)  # type: ignore[arg-type]
    mapping = StoreMapping(references=[odd])
    changed(path, "DELETE FROM CustomerAddress")
    changed(path, "DELETE FROM MemoryNote")
    changed(path, "DROP TABLE CustomerAddress")
    changed(path, "DROP TABLE MemoryNote")
    changes: tuple[Change, ...] = (Carry('Odd "one', "c2", "c1"), Retire("c2"))
    with SQLiteRepository(path, mapping=mapping) as repository:
        assert committed(repository, *changes[treatment == "ignore" :]).failures == ()
    left = [("o1", "c1")] if treatment == "carry" else []
    assert query(path, 'SELECT * FROM "Odd ""one"') == left


def test_undeclared_references_do_not_matter_to_others(path: Path) -> None:
    """A batch that retires nobody is written whatever points at customers."""
    changed(path, "CREATE TABLE Odd (owner TEXT REFERENCES Customer ON DELETE CASCADE)")
    with SQLiteRepository(path) as repository:
        assert committed(repository, Carry("MemoryNote", "c1", "c2")).failures == ()


def test_undeclared_references_are_told_before_they_matter(path: Path) -> None:
    """A validation names them, with the way out: not only the rollback that they refuse."""
    changed(path, "CREATE TABLE Odd (owner TEXT REFERENCES Customer ON DELETE CASCADE)")
    with SQLiteRepository(path) as repository:
        check = validate(repository)["undeclared foreign keys"]
    assert (check.ok, check.severity) == (False, "warn")
    [sample] = check.samples
    assert sample.startswith("Odd.owner references customers and is not declared: map it")


@pytest.mark.parametrize("change", [Carry("Visit", "c1", "c2"), Relink("Visit", "v1", "c1", "c2")])
def test_a_table_that_is_not_mapped_fails_the_run(path: Path, change: Change) -> None:
    """A plan for a store with more tables is refused; so is a question about them."""
    before = dump_of(path)
    with SQLiteRepository(path) as repository:
        with pytest.raises(StoreError, match="maps no table called Visit"):
            committed(repository, change)
        with (
            repository.reading() as reader,
            pytest.raises(StoreError, match="maps no table called Visit"),
        ):
            list(reader.links("Visit", ["v1"]))
    assert dump_of(path) == before


def test_a_trigger_that_keeps_rows_is_a_fault(path: Path, repository: SQLiteRepository) -> None:
    """Where a trigger quietly leaves a row as it was, the ledger does not say that it moved."""
    for table in ("MemoryNote", "CustomerAddress"):
        changed(
            path,
            f"CREATE TRIGGER no_{table} BEFORE UPDATE ON {table} WHEN OLD.id IN ('a1', 'n1')"
            " BEGIN SELECT RAISE(IGNORE); END",
        )
    changes: list[Change] = [
        Carry("CustomerAddress", "c1", "c2"),
        Relink("MemoryNote", "n1", "c1", "c2"),
    ]
    for number, change in enumerate(changes):
        found = committed(repository, change, run=f"run-{number}")
        assert [failure.cause for failure in found.failures] == ["fault"]
        assert read_entries(repository, f"run-{number}") == ()
    assert query(path, "SELECT DISTINCT customer_id FROM CustomerAddress") == [("c1",)]


# Names and ids of any kind.

ODD = StoreMapping(
    lead=LeadTable('x"; --', "row", "stage", None, None, identifiers={}),
    customer=CustomerTable("sel'ect", "unit", None, None, None, None, None, None),
    dependents=[DependentTable("De'al", 'd"l', 'i"d', "lead id", "target")],
    references=[ReferenceTable("no\"te's", "stage", "before")],
    audit=None,
)
ODD_TABLES = """
CREATE TABLE "sel'ect" (unit INTEGER PRIMARY KEY);
CREATE TABLE "x""; --" ("row" INTEGER PRIMARY KEY, stage INTEGER REFERENCES "sel'ect");
CREATE TABLE "d""l" ("i""d", "lead id", target);
CREATE TABLE "no""te's" (stage REAL, before INTEGER REFERENCES "sel'ect" ON DELETE CASCADE);
INSERT INTO "sel'ect" VALUES (1), (2), (30);
INSERT INTO "x""; --" VALUES (7, 1), (8, 2), (9, NULL);
INSERT INTO "d""l" VALUES (70, 7, 1), (80, 7, NULL), ('90', '8', 2), (95, 7, 2);
INSERT INTO "no""te's" VALUES (1.5, 1), (2.0, 1), (3.0, 2);
"""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Return a file of tables with numbers for ids, some in columns of no type."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(ODD_TABLES)
    return path


def test_rows_of_any_id_and_name_are_read(odd: Path) -> None:
    """Ids compare as text, whatever type they are kept as."""
    with SQLiteRepository(odd, mapping=ODD) as repository, repository.reading() as reader:
        deals = {(found.row, found.customer_id) for found in reader.links("De'al", ["70", "90"])}
        notes = {(found.row, found.customer_id) for found in reader.links("no\"te's", ["1.5"])}
        leads = {(found.row, found.customer_id) for found in reader.links(LEAD, ["9", "7", "1"])}
        ones = {(found.table, found.row) for found in reader.pointing_at(["1", "30", "77"])}
    assert deals == {("70", "1"), ("90", "2")}
    assert notes == {("1.5", "1")}
    assert leads == {("7", "1"), ("9", None)}
    assert ones == {(LEAD, "7"), ("De'al", "70"), ("no\"te's", "1.5"), ("no\"te's", "2.0")}


def test_rows_of_any_id_and_name_are_moved(odd: Path) -> None:
    """Carried, relinked and followed rows are those meant, and keep the type of their columns."""
    with SQLiteRepository(odd, mapping=ODD) as repository:
        found = committed(
            repository,
            Carry(LEAD, "1", "30"),
            Carry("no\"te's", "1", "30"),
            Relink("De'al", "90", "2", "30"),
            Relink("De'al", "80", None, "30"),
            follow("De'al", "7", "30", before="1"),
            Retire("1", "30"),
        )
        assert found.failures == ()
        assert found.stats.extra["dependentsLinked"] == {"De'al": 1}
        told = {
            (entry.table, entry.row, entry.action, entry.before, entry.after)
            for entry in read_entries(repository, "run-1")
            if entry.action != "retire"
        }
        assert told == {
            (LEAD, "7", "link", "1", "30"),
            ("no\"te's", "1.5", "follow", "1", "30"),
            ("no\"te's", "2.0", "follow", "1", "30"),
            ("De'al", "90", "follow", "2", "30"),
            ("De'al", "80", "follow", None, "30"),
            ("De'al", "70", "follow", "1", "30"),
        }
    assert query(odd, 'SELECT * FROM "x""; --"') == [(7, 30), (8, 2), (9, None)]
    assert query(odd, 'SELECT "i""d", CAST(target AS TEXT) FROM "d""l"') == [
        (70, "30"),
        (80, "30"),
        ("90", "30"),
        (95, "2"),
    ]
    assert query(odd, 'SELECT * FROM "no""te\'s"') == [(1.5, 30), (2.0, 30), (3.0, 2)]
    assert query(odd, 'SELECT * FROM "sel\'ect"') == [(2,), (30,)]


# What is asked before and beside leadfold's own tables.


def test_a_store_without_runs_has_no_past(path: Path, repository: SQLiteRepository) -> None:
    """Every question has an answer before leadfold's tables exist, and none is made."""
    before = dump_of(path)
    with repository.reading() as reader:
        assert reader.runs(ids=["run-1"]) == ()
        assert list(reader.later("run-1")) == list(reader.history("Customer", "c1")) == []
        assert reader.recorded("l1") is None
        assert not reader.is_original("run-1")
        assert len(list(reader.pointing_at(["c1"]))) == 3
    assert dump_of(path) == before


@pytest.mark.parametrize(
    ("payload", "original"),
    [
        pytest.param(f'{{"script": "{ORIGINAL}"}}', True, id="text"),
        pytest.param(f'{{"script": "{ORIGINAL}"}}'.encode(), True, id="bytes"),
        pytest.param('{"script": "leadfold"}', False, id="another"),
        pytest.param(f'["{ORIGINAL}"]', False, id="a list"),
        pytest.param(ORIGINAL, False, id="no JSON"),
        pytest.param(b"\xff\xfe", False, id="no text"),
        pytest.param(None, False, id="nothing"),
    ],
)
def test_the_originals_runs_are_told_by_their_payload(
    path: Path, payload: object, *, original: bool
) -> None:
    """A payload that cannot be read is nobody's; an audit table without ids tells nothing."""
    changed(
        path,
        "INSERT INTO Audit (id, actor, action, payload) VALUES ('a1', 's', 'x', ?)",
        (payload,),
    )
    with SQLiteRepository(path) as repository, repository.reading() as reader:
        assert reader.is_original("a1") is original
        assert not reader.is_original("a2")
    changed(path, "ALTER TABLE Audit RENAME COLUMN id TO key")
    with SQLiteRepository(path) as repository, repository.reading() as reader:
        assert not reader.is_original("a1")


def test_a_table_with_two_customers_is_declared_twice(path: Path) -> None:
    """The customer that pays a job is carried by a merge beside the one whose job it is."""
    changed(path, 'ALTER TABLE "Job" ADD COLUMN payer TEXT REFERENCES "Customer" (id)')
    changed(path, "INSERT INTO Customer (id) VALUES ('k'), ('x')")
    changed(path, "INSERT INTO Job (id, customer_id, payer) VALUES ('own', 'k', 'x')")
    payer = ReferenceTable("Job", customer_id="payer", name="Job payer")
    default = StoreMapping()
    mapping = StoreMapping(references=(*default.references, payer))
    with SQLiteRepository(path) as undeclared, pytest.raises(MappingError, match=r"Job\.payer"):
        merge(undeclared, "k", "x")
    with SQLiteRepository(path, mapping=mapping) as repository:
        report = merge(repository, "k", "x")
        assert query(path, "SELECT customer_id, payer FROM Job WHERE id = 'own'") == [("k", "k")]
        rollback(report.run_id, repository)
    assert query(path, "SELECT customer_id, payer FROM Job WHERE id = 'own'") == [("k", "x")]
