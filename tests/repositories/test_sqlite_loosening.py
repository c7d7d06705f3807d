"""The SQL that lets a link be NULL: it runs, and it changes nothing but that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from leadfold.repositories.mapping import CustomerTable, DependentTable, LeadTable, StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repositories.sqlite.loosening import loosened, loosening
from repositories.sqlite_stores import new_store, query

if TYPE_CHECKING:
    from pathlib import Path

CUSTOMERS = 'CREATE TABLE "peo""ple" (id TEXT PRIMARY KEY)'
ODD = """CREATE TABLE "le'ad""s, (x" ( -- NOT NULL, in a comment
    id TEXT NOT NULL PRIMARY KEY, /* "cust" TEXT NOT NULL, */
    note TEXT NOT NULL DEFAULT 'cust NOT NULL,',
    [cu"st 'x] TEXT CONSTRAINT "must, be" NOT NULL ON CONFLICT FAIL
        CHECK ([cu"st 'x] IS NOT NULL OR 1) REFERENCES "peo""ple" (id) NOT NULL,
    twice AS (id || 'NOT NULL') STORED NOT NULL,
    CHECK (note NOT NULL)
)"""
CUST = "cu\"st 'x"


def mapping_of(dependent: str = "d") -> StoreMapping:
    """Return the mapping for the odd tables, leads and a dependent."""
    return StoreMapping(
        lead=LeadTable(
            "le'ad\"s, (x", customer_id=CUST, created_at=None, name=None, identifiers={}
        ),
        customer=CustomerTable(
            'peo"ple', name=None, phone=None, email=None, metadata=None, created_at=None,
            updated_at=None,
        ),
        dependents=[DependentTable("De'al", dependent)],
    )  # fmt: skip


def not_null(path: Path, mapping: StoreMapping | None = None) -> dict[str, str]:
    """Read which links cannot be NULL."""
    with SQLiteRepository(path, mapping=mapping) as repository, repository.reading() as reader:
        return dict(reader.facts().not_null)


def test_links_can_be_null_by_default(tmp_path: Path) -> None:
    """Nothing is named where every link can be NULL; carried tables do not count."""
    assert not_null(new_store(tmp_path / "crm.db")) == {}


def test_the_statements_let_a_link_be_null(tmp_path: Path) -> None:
    """After them a NULL is taken, and the file is whole; nothing else is taken that was not."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(CUSTOMERS)
        connection.execute(ODD)
        connection.execute("CREATE TABLE D (id, lead_id, customer_id INT not/**/null DEFAULT 0)")
        connection.execute("""INSERT INTO "le'ad""s, (x" VALUES ('l1', 'n', 'c1')""")
        connection.execute("CREATE INDEX by_customer ON D (customer_id)")
    found = not_null(path, mapping_of())
    assert set(found) == {"Lead", "De'al"}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statements in found.values():
            connection.executescript(statements)
        connection.execute("""INSERT INTO "le'ad""s, (x" VALUES ('l2', 'n', NULL)""")
        connection.execute("INSERT INTO D (customer_id) VALUES (NULL)")
        with pytest.raises(sqlite3.IntegrityError, match="note"):
            connection.execute("""INSERT INTO "le'ad""s, (x" VALUES ('l3', NULL, NULL)""")
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, 'SELECT id FROM "le\'ad""s, (x" WHERE twice IS NOT NULL') == [
        ("l1",),
        ("l2",),
    ]
    assert not_null(path, mapping_of()) == {}


def test_open_connections_hear_of_it(tmp_path: Path) -> None:
    """A connection that had read the tables before takes a NULL, and a repository sees that."""
    path = new_store(tmp_path / "crm.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
        DROP TABLE "Lead";
        CREATE TABLE "Lead" (
            id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, name, "messengerPsid", phone, email,
            created_at
        )""")
    with SQLiteRepository(path) as repository, closing(sqlite3.connect(path)) as other:
        with repository.reading() as reader:
            [statements] = reader.facts().not_null.values()
        assert other.execute("SELECT count(*) FROM Lead").fetchone() == (0,)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(statements)
        other.execute("INSERT INTO Lead (id, customer_id) VALUES ('l1', NULL)")
        with repository.reading() as reader:
            assert reader.facts().not_null == {}


@pytest.mark.parametrize(
    ("definition", "without"),
    [
        pytest.param(
            "CREATE TABLE a (b TEXT NOT NULL, c NOT NULL)",
            "CREATE TABLE a (b TEXT, c NOT NULL)",
            id="first",
        ),
        pytest.param(
            'CREATE TABLE a (c NOT NULL, "B" not null)',
            'CREATE TABLE a (c NOT NULL, "B")',
            id="last, in another case",
        ),
        pytest.param(
            "CREATE TABLE a (`b` NOT\n NULL UNIQUE)", "CREATE TABLE a (`b` UNIQUE)", id="backticks"
        ),
        pytest.param(
            "CREATE TABLE a (b TEXT CONSTRAINT x NOT NULL ON CONFLICT ABORT DEFAULT 'y')",
            "CREATE TABLE a (b TEXT DEFAULT 'y')",
            id="a named constraint",
        ),
        pytest.param(
            "CREATE TABLE a (b DECIMAL(10,5) NOT NULL CHECK (b NOT NULL)) STRICT",
            "CREATE TABLE a (b DECIMAL(10,5) CHECK (b NOT NULL)) STRICT",
            id="inside parentheses it stays",
        ),
    ],
)
def test_only_that_constraint_is_cut(definition: str, without: str) -> None:
    """The definition stays as it is written, but for the NOT NULL of the column."""
    assert loosened(definition, "b", str.lower) == without


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param("CREATE TABLE a (b, c, PRIMARY KEY (b)) WITHOUT ROWID", id="by its key"),
        pytest.param(
            "CREATE TABLE a (b NOT NULL, c, PRIMARY KEY (b)) WITHOUT ROWID", id="in its key"
        ),
        pytest.param("CREATE TABLE a (c NOT NULL)", id="no such column"),
        pytest.param("CREATE TABLE a (b NOT NULL, c", id="broken"),
        pytest.param("CREATE VIRTUAL TABLE a USING nothing(b NOT NULL)", id="virtual"),
        pytest.param("CREATE TABLE a (b NOT NULL CHECK (theirs(b)))", id="a function of theirs"),
    ],
)
def test_what_cannot_be_edited_is_said_so(definition: str) -> None:
    """A definition that this cannot edit and prove is left to a person, in plain words."""
    assert loosening("a", "b", definition, str.lower) == (
        'rebuild the table "a" with its column "b" nullable'
    )
