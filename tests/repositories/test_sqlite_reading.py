"""What a SQLite store is read as: any cell a user's table may hold, and what its schema says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from leadfold.exceptions import RetryableError, StoreError
from leadfold.model import Dependent, Identifier, Ruling
from leadfold.repositories.mapping import CustomerTable, DependentTable, LeadTable, StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import AT, link, new_customer, read_basis, reindex
from leadfold.testing.contract_hooks import read_customers, read_holders, read_leads
from repositories.sqlite_stores import changed, new_store, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadfold.repository import LeadBatch, StoreFacts

NOON = datetime(2025, 11, 10, 12, tzinfo=UTC)
BROKEN = "CAST(X'35FF41' AS TEXT)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a fresh file with the usual tables."""
    return new_store(tmp_path / "crm.db")


@pytest.fixture
def repository(path: Path) -> Iterator[SQLiteRepository]:
    """Return the adapter over it."""
    with SQLiteRepository(path) as repository:
        yield repository


def facts(path: Path) -> StoreFacts:
    """Read what the store says of itself."""
    with SQLiteRepository(path) as repository, repository.reading() as reader:
        return reader.facts()


def only_batch(repository: SQLiteRepository) -> LeadBatch:
    """Read the leads of a small store."""
    with repository.reading() as reader:
        (batch,) = reader.leads()
    return batch


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        pytest.param("'2025-11-10T12:00:00.000Z'", NOON, id="as Prisma writes it"),
        pytest.param("'2025-11-10 12:00:00'", NOON, id="as SQLite writes it"),
        pytest.param("'2025-11-10T14:00:00+02:00'", NOON, id="another zone"),
        pytest.param("1762776000", NOON, id="seconds"),
        pytest.param("1762776000000", NOON, id="milliseconds"),
        pytest.param("1762776000.0", NOON, id="real seconds"),
        pytest.param("'soon'", None, id="no time"),
        pytest.param("9e99", None, id="beyond the calendar"),
        pytest.param("X'00'", None, id="bytes"),
        pytest.param("NULL", None, id="nothing"),
    ],
)
def test_times_of_several_kinds_are_read(path: Path, stored: str, read: datetime | None) -> None:
    """Text and numbers since 1970 are moments in UTC; anything else is None."""
    changed(path, "CREATE TABLE Other (id TEXT PRIMARY KEY, customer_id TEXT, at)")
    changed(path, f"INSERT INTO Other (id, at) VALUES ('l1', {stored})")  # noqa: S608
    lead = LeadTable("Other", created_at="at", name=None, identifiers={})
    with SQLiteRepository(path, mapping=StoreMapping(lead=lead)) as repository:
        assert only_batch(repository).created_at == [read]


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        pytest.param("5551234567", "5551234567", id="integer"),
        pytest.param("5551234567.0", "5551234567", id="whole real"),
        pytest.param("0.5", "0.5", id="real"),
        pytest.param("X'353535'", "555", id="bytes of text"),
        pytest.param("'5' || char(0) || '5'", "5\0005", id="text with NUL"),
        pytest.param("''", "", id="empty"),
    ],
)
def test_cells_are_read_as_text(path: Path, stored: str, read: str) -> None:
    """An identifier is text, whatever type its cell has."""
    changed(path, "CREATE TABLE Other (id TEXT PRIMARY KEY, customer_id TEXT, phone)")
    changed(path, f"INSERT INTO Other (id, phone) VALUES ('l1', {stored})")  # noqa: S608
    lead = LeadTable("Other", created_at=None, name=None, identifiers={"phone": "phone"})
    with SQLiteRepository(path, mapping=StoreMapping(lead=lead)) as repository:
        assert only_batch(repository).fields == {"phone": (read,)}


def test_text_that_is_not_utf8_is_set_apart(path: Path, repository: SQLiteRepository) -> None:
    """A lead with undecodable text is named with its columns, and the others are read."""
    changed(path, "INSERT INTO Lead (id, phone) VALUES ('l1', '555.1')")
    changed(path, f"INSERT INTO Lead (id, name, phone) VALUES ('l2', {BROKEN}, {BROKEN})")  # noqa: S608
    changed(path, f"INSERT INTO Lead (id, name) VALUES ({BROKEN}, 'Ann')")  # noqa: S608
    changed(path, "INSERT INTO Lead (id, phone, name) VALUES ('l3', '555.3', 'José')")
    batch = only_batch(repository)
    assert (batch.ids, batch.fields["phone"]) == (("l1", "l3"), ("555.1", "555.3"))
    assert batch.names == (None, "José")
    assert batch.unreadable == [
        ("l2", "not UTF-8 text: name, phone"),
        ("5\\xffA", "not UTF-8 text: id"),
    ]


def test_undecodable_rows_do_not_repeat_others(path: Path, repository: SQLiteRepository) -> None:
    """Each lead is read once, though a later batch has text that is not UTF-8."""
    count = 20_005  # more than one batch
    changed(path, "INSERT INTO Lead (id) VALUES (?)", *((f"l{n}",) for n in range(count)))
    changed(path, f"UPDATE Lead SET phone = {BROKEN} WHERE id = 'l{count - 1}'")  # noqa: S608
    with repository.reading() as reader:
        batches = list(reader.leads())
    ids = [lead for batch in batches for lead in batch.ids]
    assert (len(ids), len(set(ids))) == (count - 1, count - 1)
    assert [named for batch in batches for named, _ in batch.unreadable] == [f"l{count - 1}"]


def test_a_lead_without_an_id_is_set_apart(path: Path) -> None:
    """SQLite lets a primary key be NULL: such a row is no lead."""
    changed(path, "CREATE TABLE Other (id TEXT PRIMARY KEY, customer_id TEXT)")
    changed(path, "INSERT INTO Other (id) VALUES (?)", (None,), ("l1",), ("",))
    lead = LeadTable("Other", created_at=None, name=None, identifiers={})
    with SQLiteRepository(path, mapping=StoreMapping(lead=lead)) as repository:
        batch = only_batch(repository)
    assert batch.ids == ("l1",)
    assert batch.unreadable == [("", "a row without an id")] * 2


def test_a_customers_undecodable_cell_is_none(path: Path, repository: SQLiteRepository) -> None:
    """A customer with text that is not UTF-8 is read without that cell."""
    values = f"('c1', {BROKEN}, '555.1')"
    changed(path, f"INSERT INTO Customer (id, name, phone) VALUES {values}")  # noqa: S608
    row = read_customers(repository)["c1"]
    assert (row.name, row.phone) == (None, "555.1")


@pytest.mark.parametrize("metadata", ["{", "[]", "3", "null", "", "[" * 100_000])
def test_metadata_that_is_no_object_is_none(
    path: Path, repository: SQLiteRepository, metadata: str
) -> None:
    """Metadata that cannot be parsed, or is no object, is as if absent."""
    changed(path, "INSERT INTO Customer (id, metadata) VALUES ('c1', ?)", (metadata,))
    assert read_customers(repository)["c1"].metadata is None


def test_integer_ids_are_text(path: Path) -> None:
    """Leads, customers and dependents with integer keys are read, linked and stale as others."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE people (id INTEGER PRIMARY KEY, name, phone, email, metadata,
                created_at, updated_at);
            CREATE TABLE contacts (id INTEGER PRIMARY KEY, phone INTEGER,
                customer_id INTEGER REFERENCES people);
            CREATE TABLE deals (id INTEGER PRIMARY KEY, lead_id INTEGER, customer_id INTEGER);
            INSERT INTO people (id) VALUES (1);
            INSERT INTO contacts VALUES (7, 5551234567, NULL), (8, NULL, 1);
            INSERT INTO deals VALUES (3, 7, NULL);
        """)
    lead = LeadTable("contacts", created_at=None, name=None, identifiers={"phone": "phone"})
    deals = DependentTable("Deal", "deals")
    mapping = StoreMapping(lead, CustomerTable("people"), (deals,), None)
    with SQLiteRepository(path, mapping=mapping) as repository:
        assert {key: row.customer_id for key, row in read_leads(repository).items()} == {
            "7": None,
            "8": "1",
        }
        basis = read_basis(repository)
        changes = (new_customer("2"), link("7", "2"), reindex("7"))
        committed = repository.commit(basis.changeset(basis.unit(1, *changes)))
        assert committed.failures == ()
        with repository.reading() as reader:
            (batch,) = reader.leads(["7"])
    assert (batch.ids, batch.customer_ids, batch.indexed) == (("7",), ("2",), [()])
    assert query(path, "SELECT typeof(customer_id) FROM contacts WHERE id = 7") == [("integer",)]


def test_unique_columns_are_found(path: Path) -> None:
    """A unique index over phone or email alone counts, also one that leaves out NULLs."""
    changed(path, 'CREATE UNIQUE INDEX a ON "Customer" (phone) WHERE "phone" IS NOT NULL')
    changed(path, "CREATE UNIQUE INDEX b ON Customer (EMAIL)")
    assert facts(path).unique == {"phone", "email"}


@pytest.mark.parametrize(
    "index",
    [
        pytest.param("CREATE INDEX a ON Customer (phone)", id="not unique"),
        pytest.param("CREATE UNIQUE INDEX a ON Customer (phone, name)", id="two columns"),
        pytest.param("CREATE UNIQUE INDEX a ON Customer (phone) WHERE name = 'x'", id="partial"),
        pytest.param(
            "CREATE UNIQUE INDEX a ON Customer (phone) WHERE name IS NOT NULL", id="of another"
        ),
        pytest.param("CREATE UNIQUE INDEX a ON Customer (lower(phone))", id="an expression"),
        pytest.param("CREATE UNIQUE INDEX a ON Lead (phone)", id="of leads"),
    ],
)
def test_other_indexes_do_not_make_a_column_unique(path: Path, index: str) -> None:
    """An index that allows two customers one phone is none to plan for."""
    changed(path, index)
    assert facts(path).unique == frozenset()


def test_undeclared_references_to_customers_are_named(path: Path) -> None:
    """Foreign keys that the mapping does not know are read from the catalog."""
    changed(path, 'CREATE TABLE "Odd one" (owner TEXT REFERENCES customer (id))')
    assert facts(path).foreign_keys == ("Odd one.owner",)
    assert facts(path).dependents == (Dependent("Job"), Dependent("Conversation"))


def test_facts_follow_the_tables(path: Path, repository: SQLiteRepository) -> None:
    """What one repository found out of the tables is found out anew once they are changed."""

    def found() -> tuple[set[str], tuple[str, ...]]:
        with repository.reading() as reader:
            return set(reader.facts().unique), reader.facts().foreign_keys

    before = found()
    assert found() == before
    changed(path, "CREATE UNIQUE INDEX once ON Customer (phone)")
    changed(path, "CREATE TABLE Visit (guest TEXT REFERENCES Customer (id))")
    assert (before, found()) == ((set(), ()), ({"phone"}, ("Visit.guest",)))


def test_nothing_was_ever_indexed_in_a_fresh_store(repository: SQLiteRepository) -> None:
    """Reading works before leadfold's tables exist."""
    with repository.reading() as reader:
        assert (reader.facts().fingerprint, reader.facts().clock) == (None, 0)
        assert (reader.rulings(), reader.runs()) == ((), ())
        assert list(reader.entries("run-1")) == []
    assert read_holders(repository, Identifier("phone", "+1")).records == {}


def test_rulings_in_force_are_read_in_order(path: Path, repository: SQLiteRepository) -> None:
    """Rulings come by creation, those without a date last."""
    repository.commit(read_basis(repository).changeset())
    rows = [
        ("r1", '[["l5"]]', None),
        ("r2", '[["l1","l2"]]', "2026-01-02T00:00:00Z"),
        ("r3", '[["l3"],["l4"]]', "2026-01-01T00:00:00Z"),
    ]
    changed(
        path,
        "INSERT INTO leadfold_rulings (tenant, id, parts, actor, created_at)"
        " VALUES ('', ?, ?, 'ann', ?)",
        *rows,
    )
    with repository.reading() as reader:
        assert reader.rulings() == (
            Ruling("r3", (("l3",), ("l4",)), datetime(2026, 1, 1, tzinfo=UTC), "ann"),
            Ruling("r2", (("l1", "l2"),), datetime(2026, 1, 2, tzinfo=UTC), "ann"),
            Ruling("r1", (("l5",),), None, "ann"),
        )


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    """No file is made by a mistyped path."""
    with pytest.raises(StoreError, match="there is no file"):
        SQLiteRepository(tmp_path / "crn.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_can_be_asked_for(tmp_path: Path) -> None:
    """``create=True`` makes a missing file with the usual tables, and takes one that is there."""
    for _ in range(2):
        with SQLiteRepository(tmp_path / "crm?.db", create=True) as repository:
            assert read_leads(repository) == {}


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """A file that is no database is an error of the store."""
    (tmp_path / "crm.db").write_text("id,phone\n" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        SQLiteRepository(tmp_path / "crm.db")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A path that cannot be opened is an error of the store."""
    with pytest.raises(StoreError, match="unable to open"):
        SQLiteRepository(tmp_path)


def test_a_store_that_is_written_can_be_opened(path: Path) -> None:
    """While another connection writes, the store is opened and read all the same."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with SQLiteRepository(path, timeout=0) as repository:
            assert read_leads(repository) == {}


def test_a_store_that_is_held_may_be_tried_again(path: Path) -> None:
    """While another connection keeps everybody out, opening says so."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RetryableError):
            SQLiteRepository(path, timeout=0)


def test_times_are_written_as_prisma_does(path: Path, repository: SQLiteRepository) -> None:
    """A new customer has ISO text in UTC with milliseconds, the same in both columns."""
    basis = read_basis(repository)
    repository.commit(basis.changeset(basis.unit(1, new_customer("c1"))))
    assert AT.microsecond == 0
    assert query(path, "SELECT created_at, updated_at FROM Customer") == [
        ("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.000Z")
    ]
