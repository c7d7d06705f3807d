"""Customers that go and come back in a SQLite file: every cell of theirs, and what is refused."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, cast

import attrs
import pytest

from leadfold.changes import Carry, InsertCustomer, PatchCustomer, Restore, Retire, Rule
from leadfold.exceptions import StoreError
from leadfold.repositories.mapping import (
    CustomerTable,
    LeadTable,
    StoreMapping,
)
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import (
    AT,
    follow,
    link,
    new_customer,
    read_basis,
    ruling,
    run_of,
)
from leadfold.testing.contract_hooks import read_entries, read_leads
from repositories.sqlite_stores import changed, dump_of, new_store, query, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from leadfold.changes import Change, Committed, Unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a fresh file with the usual tables."""
    return new_store(tmp_path / "crm.db")


@pytest.fixture
def repository(path: Path) -> Iterator[SQLiteRepository]:
    """Return the adapter over it."""
    with SQLiteRepository(path) as repository:
        yield repository


def committed(repository: SQLiteRepository, *changes: Change, run: str = "run-1") -> Committed:
    """Commit one unit."""
    basis = read_basis(repository)
    return repository.commit(basis.changeset(basis.unit(1, *changes), run=run_of(run)))


def message(found: Committed) -> str:
    """Return what is said of the only unit that was left out."""
    (failure,) = found.failures
    assert failure.cause == "fault"
    return failure.message


def restore_of(repository: SQLiteRepository, run: str, customer_id: str) -> Restore:
    """Return what brings a customer back that *run* retired."""
    (gone,) = (
        entry
        for entry in read_entries(repository, run)
        if (entry.action, entry.row) == ("retire", customer_id)
    )
    return Restore(gone.row, cast("Mapping[str, object]", gone.before))


# There and back.

MINE = StoreMapping(
    lead=LeadTable("contact", created_at=None, name=None, identifiers={}),
    customer=CustomerTable('pe"ople', "Key", "na'me", "ph one", None, "meta", None, None),
    dependents=(),
    audit=None,
)
CELLS = (
    (
        "1, 'Ann', 5551230001, '{\"a\":  1.10}', 0.1 + 0.2, 1e300, 9e999, -9e999, -0.0,"
        " 9223372036854775807, X'00FF', X'', '', 'a' || char(0) || 'é😀', NULL"
    ),
    (
        "2, CAST(X'35FF41' AS TEXT), 0.5, X'7B7D', '12.50', 7, 3.0, 'x', 1, -1, 'text',"
        " CAST(X'C328' AS TEXT), 5, 1e-320, '{\"blob\": \"00\"}'"
    ),
)


def mine(path: Path) -> None:
    """Make tables of one's own, with a column of each type and two rows of every kind of cell."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            """CREATE TABLE "pe""ople" ("KEY" INTEGER PRIMARY KEY, "na'me" TEXT, "ph one",
            meta, r1 REAL, "r""2" REAL, r3 REAL, "select" , r5 REAL, i1 INTEGER, b1 BLOB, b2 BLOB,
            "columns" TEXT, erased, "unit",
            made AS ("ph one" || 'x') STORED, seen AS (r1 + 1))"""
        )
        connection.execute("CREATE TABLE contact (id TEXT, customer_id INTEGER)")
        for cells in CELLS:
            names = (
                'KEY, "na\'me", "ph one", meta, r1, "r""2", r3, "select", r5, i1, b1, b2,'
                ' "columns", erased, unit'
            )
            connection.execute(f'INSERT INTO "pe""ople" ({names}) VALUES ({cells})')  # noqa: S608


def bytes_of(path: Path, table: str) -> list[tuple[object, ...]]:
    """Return every cell of a table: its type, its bytes, and a number as it is."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        names = [row[1].decode() for row in connection.execute(f"PRAGMA table_xinfo({table})")]
        quoted = ['"' + name.replace('"', '""') + '"' for name in names]
        cells = ", ".join(f"typeof({name}), {name}" for name in quoted)
        found = connection.execute(f"SELECT {cells} FROM {table} ORDER BY 2").fetchall()  # noqa: S608
    return [tuple(map(exactly, row)) for row in found]


def exactly(cell: object) -> object:
    """Return a cell so that it equals no other: minus zero is not zero."""
    return (cell.hex(), math.copysign(1, cell)) if isinstance(cell, float) else cell


def test_every_cell_comes_back(tmp_path: Path) -> None:
    """Blobs, reals to the last bit, infinities, text that is none: all of it is what it was."""
    path = tmp_path / "crm.db"
    mine(path)
    before = bytes_of(path, '"pe""ople"')
    assert len(before) == 2
    with SQLiteRepository(path, mapping=MINE) as repository:
        assert committed(repository, Retire("1"), Retire("2")).failures == ()
        assert bytes_of(path, '"pe""ople"') == []
        changes = [restore_of(repository, "run-1", key) for key in ("1", "2")]
        assert committed(repository, *changes, run="run-2").failures == ()
        (first, *_) = read_entries(repository, "run-2")
    assert bytes_of(path, '"pe""ople"') == before
    assert first.after == changes[0].image


def test_an_image_says_what_is_what(tmp_path: Path) -> None:
    """Mapped columns have their field's name, others their own; what is computed is left out."""
    path = tmp_path / "crm.db"
    mine(path)
    with SQLiteRepository(path, mapping=MINE) as repository:
        committed(repository, Retire("1"))
        image = dict(restore_of(repository, "run-1", "1").image)
    columns = cast("dict[str, object]", image.pop("columns"))
    assert image == {"id": 1, "name": "Ann", "phone": 5551230001, "metadata": '{"a":  1.10}'}
    assert set(columns) == {
        "r1", 'r"2', "r3", "select", "r5", "i1", "b1", "b2", "columns", "erased", "unit",
    }  # fmt: skip
    assert (columns["r1"], columns["b1"]) == (0.1 + 0.2, {"blob": "00ff"})
    assert (columns["r3"], columns["select"]) == ({"real": "inf"}, {"real": "-inf"})


def test_an_image_is_of_the_row_as_it_went(path: Path, repository: SQLiteRepository) -> None:
    """A customer that is changed and retired in one run is kept as it was changed."""
    changed(path, """INSERT INTO Customer (id, metadata) VALUES ('c1', '{"own":1}')""")
    committed(repository, PatchCustomer("c1", {"own": 1}, {"own": 2}), Retire("c1"))
    assert restore_of(repository, "run-1", "c1").image["metadata"] == '{"own":2}'


def test_a_phone_given_up_is_in_the_image(path: Path, repository: SQLiteRepository) -> None:
    """A unique phone that passes from one customer to another stays in the copy of the first."""
    changed(path, 'CREATE UNIQUE INDEX one_phone ON "Customer" (phone)')
    changed(path, "INSERT INTO Customer (id, phone, email) VALUES ('c1', '555', 'a@b.co')")
    changed(path, "INSERT INTO Lead (id, customer_id) VALUES ('l1', 'c1')")
    changes = (
        new_customer("c2", phone="555"),
        link("l1", "c2", before="c1"),
        Retire("c1", "c2"),
    )
    assert committed(repository, *changes).failures == ()
    image = restore_of(repository, "run-1", "c1").image
    assert (image["phone"], image["email"]) == ("555", "a@b.co")
    assert query(path, "SELECT id, phone FROM Customer") == [("c2", "555")]


def test_a_unique_phone_that_must_be_there_stays(tmp_path: Path) -> None:
    """Where a phone cannot be NULL it is not given up, and another one can come in its place."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT PRIMARY KEY, phone NOT NULL UNIQUE)")
        connection.execute("CREATE TABLE contact (id TEXT, customer_id TEXT)")
        connection.execute("INSERT INTO people VALUES ('c1', '555')")
    customers = CustomerTable("people", "id", None, "phone", None, None, None, None)
    with SQLiteRepository(path, mapping=attrs.evolve(MINE, customer=customers)) as repository:
        changes = (new_customer("c2", phone="777"), Retire("c1"))
        assert committed(repository, *changes).failures == ()
        assert restore_of(repository, "run-1", "c1").image["phone"] == "555"
    assert query(path, "SELECT * FROM people") == [("c2", "777")]


def test_many_go_and_come_in_few_statements(path: Path, repository: SQLiteRepository) -> None:
    """The number of statements depends on the batches, not on the customers in them."""
    rows = [(f"c{n}",) for n in range(1_200)]
    changed(path, "INSERT INTO Customer (id) VALUES (?)", *rows)
    counts = []
    for number, (low, high) in enumerate([(0, 1), (1, 1_000)]):
        basis = read_basis(repository)
        units = [
            basis.unit(n, Carry("Job", f"c{n}", "c1100"), Retire(f"c{n}", "c1100"))
            for n in range(low, high)
        ]
        run = run_of(f"run-{number}")
        counts.append(repository.commit(basis.changeset(*units, run=run)).statements)
        back = [
            attrs.evolve(unit, changes=(restore_of(repository, run.id, f"c{unit.number}"),))
            for unit in units[:50]
        ]
        undone = basis.changeset(
            *(attrs.evolve(unit, customers={}) for unit in back), run=run_of(f"back-{number}")
        )
        counts.append(repository.commit(undone).statements)
    # the first commit of all makes leadfold's tables
    assert counts[3] == counts[1]
    assert counts[2] < counts[0]
    assert query(path, "SELECT count(*) FROM Customer") == [(1_200 - 949,)]


# What is refused.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            "ALTER TABLE Customer DROP COLUMN name",
            "the mapping has no column for the name of a customer",
            id="not mapped",
        ),
        pytest.param(
            "ALTER TABLE Customer DROP COLUMN own",
            'the table "Customer" has no column "own" any more',
            id="dropped",
        ),
    ],
)
def test_a_column_that_is_gone_is_a_fault(path: Path, change: str, said: str) -> None:
    """A copy of a row that the table cannot hold any more is not written without it."""
    changed(path, "ALTER TABLE Customer ADD COLUMN own TEXT")
    changed(path, "INSERT INTO Customer (id, name) VALUES ('c1', 'Ann'), ('c2', 'Bea')")
    with SQLiteRepository(path) as repository:
        committed(repository, Retire("c1"), Retire("c2"))
        changes = [restore_of(repository, "run-1", key) for key in ("c1", "c2")]
    changed(path, change)
    unnamed = StoreMapping(customer=CustomerTable(name=None))
    mapping = unnamed if "name" in change else StoreMapping()
    with SQLiteRepository(path, mapping=mapping) as repository:
        without = {key: value for key, value in changes[0].image.items() if key != "name"}
        without["columns"] = {}
        good = attrs.evolve(changes[0], image=without)
        basis = read_basis(repository)
        units = (basis.unit(1, good), basis.unit(2, changes[1]))
        found = repository.commit(basis.changeset(*units, run=run_of("run-2")))
    assert (message(found), found.failures[0].unit) == (said, 2)
    assert query(path, "SELECT id FROM Customer") == [("c1",)]


def test_a_row_without_a_key_is_not_doubled(tmp_path: Path) -> None:
    """A table that allows two rows one id gets no second one; two of one id do not retire."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT)")
        connection.execute("CREATE TABLE contact (id TEXT, customer_id TEXT)")
        connection.execute("INSERT INTO people VALUES ('c1')")
    customers = CustomerTable("people", "id", None, None, None, None, None, None)
    mapping = attrs.evolve(MINE, customer=customers)
    with SQLiteRepository(path, mapping=mapping) as repository:
        committed(repository, Retire("c1"))
        back = restore_of(repository, "run-1", "c1")
        changed(path, "INSERT INTO people VALUES ('c1')")
        found = committed(repository, back, run="run-2")
        assert message(found) == "there is a customer c1 already"
        basis = read_basis(repository)
        changed(path, "INSERT INTO people VALUES ('c1')")
        twice = basis.changeset(basis.unit(1, Retire("c1")), run=run_of("run-3"))
        assert "wrote 2 of 1 rows" in message(repository.commit(twice))
    assert query(path, "SELECT count(*) FROM people") == [(2,)]


def test_an_image_is_of_its_customer(path: Path, repository: SQLiteRepository) -> None:
    """The copy of one customer does not come back as another."""
    changed(path, "INSERT INTO Customer (id) VALUES ('c1')")
    committed(repository, Retire("c1"))
    wrong = attrs.evolve(restore_of(repository, "run-1", "c1"), customer_id="c2")
    assert "another customer's" in message(committed(repository, wrong, run="run-2"))


def test_an_image_is_of_its_tenant(tmp_path: Path) -> None:
    """A tenant's customer retires for this tenant alone, and comes back as nobody else's."""
    owned = [f'ALTER TABLE "{table}" ADD COLUMN unit INTEGER' for table in ("Lead", "Customer")]
    path = new_store(tmp_path / "crm.db", *owned)
    changed(path, "INSERT INTO Customer (id, unit, name) VALUES ('c1', 1, 'A'), ('c2', 2, 'B')")
    mapping = StoreMapping(lead=LeadTable(tenant="unit"), customer=CustomerTable(tenant="unit"))
    with (
        SQLiteRepository(path, mapping=mapping, tenant="1") as ours,
        SQLiteRepository(path, mapping=mapping, tenant="2") as theirs,
    ):
        assert committed(ours, Retire("c1")).failures == ()
        back = restore_of(ours, "run-1", "c1")
        assert "another tenant's" in message(committed(theirs, back))
        assert committed(ours, back, run="run-2").failures == ()
    assert query(path, "SELECT id, unit, name FROM Customer ORDER BY id") == [
        ("c1", 1, "A"),
        ("c2", 2, "B"),
    ]


@pytest.mark.parametrize("event", ["DELETE", "INSERT"])
@pytest.mark.parametrize("action", ["IGNORE", "ABORT, 'not this one'"])
def test_a_trigger_that_refuses_is_a_fault(path: Path, event: str, action: str) -> None:
    """A row that a trigger keeps, or keeps out, is not told of as gone or back."""
    changed(path, "INSERT INTO Customer (id) VALUES ('c1')")
    trigger = f"CREATE TRIGGER no BEFORE {event} ON Customer BEGIN SELECT RAISE({action}); END"
    with SQLiteRepository(path) as repository:
        if event == "DELETE":
            changed(path, trigger)
            found = committed(repository, Retire("c1"), run="run-2")
        else:
            committed(repository, Retire("c1"))
            changed(path, trigger)
            back = restore_of(repository, "run-1", "c1")
            found = committed(repository, back, run="run-2")
        assert message(found)
        assert read_entries(repository, "run-2") == ()


def test_a_fault_that_refuses_the_run_is_told(path: Path, repository: SQLiteRepository) -> None:
    """Nothing is written, and the message says what the store has against it."""
    seeded(path, 6)
    changed(path, "INSERT INTO Customer (id) VALUES ('c9')")
    changed(path, "UPDATE Job SET customer_id = 'c9' WHERE lead_id = 'l4'")
    basis = read_basis(repository)
    units: list[Unit] = [basis.founding(n, f"l{n}", f"c{n}") for n in range(5)]
    changes = basis.changeset(*units, basis.unit(9, Retire("c9")))
    before = dump_of(path)
    with pytest.raises(StoreError) as refused:
        repository.commit(attrs.evolve(changes, on_fault="refuse"))
    assert str(refused.value) == "nothing was written: customer c9 still has 1 rows in Job"
    assert type(refused.value) is StoreError
    assert dump_of(path) == before


# What is kept beside.


def test_rulings_in_force_are_all_that_is_kept(path: Path, repository: SQLiteRepository) -> None:
    """A ruling that was lifted is in no row of its own; one without a date can be in force."""
    made = ruling("r1", ["l1", "l2"])
    undated = attrs.evolve(ruling("r'2", ["l1"], ["l3"]), created_at=None)
    committed(repository, Rule(made, in_force=True), Rule(undated, in_force=True))
    with repository.reading() as reader:
        assert reader.rulings() == (made, undated)
    committed(repository, Rule(made, in_force=False), run="run-2")
    assert query(path, "SELECT id FROM leadfold_rulings") == [("r'2",)]
    entries = read_entries(repository, "run-2")
    assert [(entry.before, entry.after) for entry in entries] == [(made.to_dict(), None)]


def test_sources_are_kept_where_there_are_any(path: Path, repository: SQLiteRepository) -> None:
    """The entry of an insertion holds the sources; without them it is what it always was."""
    row = {"name": "Ann", "phone": None, "email": None, "metadata": None, "created_at": AT}
    sourced = InsertCustomer("c1", row, {"name": 'l"1'})
    committed(repository, sourced, InsertCustomer("c2", row))
    base = '{"name":"Ann","phone":null,"email":null,"metadata":null,'
    moment = '"created_at":"2026-01-02T03:04:05.000Z"'
    assert query(path, "SELECT after FROM leadfold_ledger ORDER BY row_id") == [
        (f'{base}{moment},"sources":{{"name":"l\\"1"}}}}',),
        (f"{base}{moment}}}",),
    ]


def test_a_customer_knows_who_was_retired_into_it(path: Path, repository: SQLiteRepository) -> None:
    """Its history tells of those that it replaced, and that they came back."""
    changed(path, "INSERT INTO Customer (id) VALUES ('c1'), ('c2'), ('c\"3')")
    committed(repository, Retire("c1", 'c"3'), Retire("c2", "c1"))
    back = attrs.evolve(restore_of(repository, "run-1", "c1"), into='c"3')
    committed(repository, back, run="run-2")
    with repository.reading() as reader:
        past = [(entry.row, entry.action) for entry in reader.history("Customer", 'c"3')]
    assert past == [("c1", "retire"), ("c1", "restore")]


def test_a_follow_takes_each_row_once(path: Path, repository: SQLiteRepository) -> None:
    """Follows of one lead with different befores stand side by side in one unit."""
    changed(path, "INSERT INTO Customer (id) VALUES ('c1'), ('c2'), ('c3')")
    changed(path, "INSERT INTO Lead (id) VALUES ('l1')")
    jobs = [("j1", None), ("j2", "c1"), ("j3", "c2")]
    changed(path, "INSERT INTO Job (id, lead_id, customer_id) VALUES (?, 'l1', ?)", *jobs)
    basis = read_basis(repository)
    follows = [follow("Job", "l1", "c3", before=before) for before in (None, "c1")]
    found = repository.commit(basis.changeset(basis.unit(1, *follows)))
    assert found.failures == ()
    assert found.stats.jobs_linked == 2
    assert query(path, "SELECT id, customer_id FROM Job ORDER BY id") == [
        ("j1", "c3"),
        ("j2", "c3"),
        ("j3", "c2"),
    ]
    assert read_leads(repository)["l1"].customer_id is None
