"""What an erasure leaves in a SQLite file: nothing of the values, and all of the rest as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, cast

import attrs
import pytest

from leadfold.changes import Erase, Restore, Retire
from leadfold.exceptions import StalePlanError
from leadfold.model import Identifier
from leadfold.repositories.mapping import CustomerTable, LeadTable, StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import link, new_customer, read_basis, reindex, run_of
from leadfold.testing.contract_hooks import read_entries, read_holders, read_leads
from repositories.sqlite_stores import changed, new_store, query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from leadfold.changes import Change, Committed

X = Identifier("phone", "+15551230001")
Y = Identifier("email", "a@b.co")
GIVEN = {"name": "Annabel", "phone": X.value, "groupKey": X.key}
METADATA = {"createdBy": "leadfold", "leadCount": 1, "groupKey": X.key}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with two leads."""
    path = new_store(tmp_path / "crm.db")
    changed(path, "INSERT INTO Lead (id) VALUES ('l1'), ('l2')")
    return path


@pytest.fixture
def repository(path: Path) -> Iterator[SQLiteRepository]:
    """Return the adapter over it."""
    with SQLiteRepository(path) as repository:
        yield repository


def committed(repository: SQLiteRepository, *changes: Change, run: str) -> Committed:
    """Commit one unit that nothing speaks against."""
    basis = read_basis(repository)
    found = repository.commit(basis.changeset(basis.unit(1, *changes), run=run_of(run)))
    assert found.failures == ()
    return found


def made(repository: SQLiteRepository) -> None:
    """Make a customer of a lead's values, retire it, and bring it back."""
    row = {"name": "Annabel", "phone": X.value, "email": Y.value, "metadata": METADATA}
    insert = attrs.evolve(
        new_customer("c1", **row), sources={**dict.fromkeys(GIVEN, "l1"), "email": "l2"}
    )
    committed(repository, insert, reindex("l1", X, Y), reindex("l2", Y), run="run-1")
    committed(repository, Retire("c1"), run="run-2")
    (gone,) = read_entries(repository, "run-2")
    image = cast("Mapping[str, object]", gone.before)
    committed(repository, Restore("c1", image), run="run-3")


def own_text(path: Path) -> str:
    """Return all that leadfold's tables hold, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        lines = [line for line in connection.iterdump() if '"leadfold_' in line]
    assert lines
    return "\n".join(lines)


def test_no_table_of_leadfolds_holds_the_values(path: Path, repository: SQLiteRepository) -> None:
    """Ledger, index and runs have no trace of what was erased; what another lead gave is there."""
    made(repository)
    assert "Annabel" in own_text(path)
    erase = Erase("l1", {"c1": GIVEN}, {"c1": GIVEN})
    committed(repository, erase, run="run-4")
    for value in ("Annabel", X.value, X.key):
        assert value not in own_text(path)
    assert Y.value in own_text(path)
    assert query(path, "SELECT record_id FROM leadfold_records") == [("l2",)]
    assert query(path, "SELECT kind, value FROM leadfold_identity") == [("email", Y.value)]


def test_the_rest_of_every_copy_is_as_it_was(path: Path, repository: SQLiteRepository) -> None:
    """A copy loses the values, their sources, and nothing else: texts stay to the byte."""
    made(repository)
    metadata = '{"own":  1.10,"groupKey": "phone:+15551230001", "big":12345678901234567890}'
    changed(path, "UPDATE Customer SET metadata = ?", (metadata,))
    committed(repository, Retire("c1"), run="run-4")
    committed(repository, Erase("l1", {}, {"c1": GIVEN}), run="run-5")
    (insert,) = (e for e in read_entries(repository, "run-1") if e.action == "insert")
    after = cast("Mapping[str, object]", insert.after)
    assert after["metadata"] == {**METADATA, "groupKey": None}
    assert (after["sources"], after["erased"]) == ({"email": "l2"}, ["groupKey", "name", "phone"])
    (gone,) = read_entries(repository, "run-4")
    image = cast("Mapping[str, object]", gone.before)
    assert (
        image["metadata"] == query(path, "SELECT json_set(?, '$.groupKey', NULL)", metadata)[0][0]
    )
    assert '"own":1.10' in str(image["metadata"]).replace(" ", "")
    assert image["email"] == Y.value
    assert gone.after is None


def test_a_row_loses_only_what_it_still_shows(path: Path, repository: SQLiteRepository) -> None:
    """Cells are compared as they are read; metadata keeps everything but the key."""
    changed(
        path,
        "INSERT INTO Customer (id, name, phone, metadata) VALUES"
        """ ('c1', 'Annabel', 5551230001, '{"a":1.10,"groupKey":"k"}'),"""
        """ ('c2', 'annabel', NULL, '{"groupKey":["k"]}'), ('c3', NULL, NULL, 'no JSON')""",
    )
    values = {"name": "Annabel", "phone": "5551230001", "groupKey": "k"}
    erase = Erase("l1", dict.fromkeys(["c1", "c2", "c3", "c4"], values), {})
    committed(repository, erase, run="run-1")
    assert query(path, "SELECT id, name, phone, metadata FROM Customer ORDER BY id") == [
        ("c1", None, None, '{"a":1.10,"groupKey":null}'),
        ("c2", "annabel", None, '{"groupKey":["k"]}'),
        ("c3", None, None, "no JSON"),
    ]
    assert query(path, "SELECT row_id, action, before, after FROM leadfold_ledger") == [
        ("c1", "erase", None, '["groupKey","name","phone"]')
    ]


@pytest.mark.parametrize(
    ("stored", "blank"),
    [
        pytest.param("5551230001", True, id="a number"),
        pytest.param("5551230001.0", True, id="a whole real"),
        pytest.param("X'35353531323330303031'", True, id="bytes of text"),
        pytest.param("'5551230001'", True, id="text"),
        pytest.param("5551230001.5", False, id="another real"),
        pytest.param("' 5551230001'", False, id="another text"),
        pytest.param("X'FF'", False, id="bytes of something"),
        pytest.param("NULL", False, id="nothing"),
    ],
)
def test_rows_and_copies_are_compared_alike(tmp_path: Path, stored: str, *, blank: bool) -> None:
    """A value is found in a copy of a row exactly where it would be found in the row."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT PRIMARY KEY, phone)")
        connection.execute("CREATE TABLE contact (id TEXT PRIMARY KEY, customer_id TEXT)")
        connection.execute(f"INSERT INTO people VALUES ('c1', {stored}), ('c2', {stored})")  # noqa: S608
    mapping = StoreMapping(
        LeadTable("contact", created_at=None, name=None, identifiers={}),
        CustomerTable("people", "id", None, "phone", None, None, None, None),
        (),
        None,
    )
    values = {"phone": "5551230001"}
    with SQLiteRepository(path, mapping=mapping) as repository:
        committed(repository, Retire("c2"), run="run-1")
        committed(repository, Erase("l1", {"c1": values}, {"c2": values}), run="run-2")
        (gone,) = read_entries(repository, "run-1")
        assert len(read_entries(repository, "run-2")) == blank
    image = cast("Mapping[str, object]", gone.before)
    assert image.get("erased") == (["phone"] if blank else None)
    left = query(path, "SELECT phone IS NULL FROM people")
    assert left == [(blank or stored == "NULL",)]


def test_several_values_of_one_column_go_together(path: Path, repository: SQLiteRepository) -> None:
    """A unit can erase one lead in several changes: each blanks what it finds."""
    made(repository)
    changed(path, "UPDATE Customer SET name = 'Bella'")
    erasures = [
        Erase("l1", {"c1": {"name": name}}, {"c1": {"name": name}}) for name in ("Annabel", "Bella")
    ]
    committed(repository, *erasures, run="run-4")
    assert query(path, "SELECT name FROM Customer") == [(None,)]
    assert "Annabel" not in own_text(path)
    committed(repository, Erase("l1", {}, {"c1": {"phone": X.value}}), run="run-5")
    (gone,) = read_entries(repository, "run-2")
    assert cast("Mapping[str, object]", gone.before)["erased"] == ["name", "phone"]


def test_two_leads_of_one_customer_are_erased_in_one_run(
    path: Path, repository: SQLiteRepository
) -> None:
    """Units that blank the same customer are both written; the first is told to have done it."""
    made(repository)
    basis = read_basis(repository)
    units = [
        basis.unit(number, Erase(lead, {"c1": GIVEN}, {"c1": GIVEN}))
        for number, lead in enumerate(["l1", "l2"])
    ]
    found = repository.commit(basis.changeset(*units, run=run_of("run-4")))
    assert found.failures == ()
    assert query(path, "SELECT name, email FROM Customer") == [(None, Y.value)]
    assert read_holders(repository, X, Y).records == {}
    assert [entry.unit for entry in read_entries(repository, "run-4")] == [0]


def test_a_plan_of_before_cannot_claim_what_nobody_holds(
    path: Path, repository: SQLiteRepository
) -> None:
    """What was erased is not kept: no plan of before takes a value that nobody holds."""
    made(repository)
    basis = read_basis(repository)
    committed(repository, Erase("l1", {}, {}), run="run-4")
    for value in (X, Identifier("phone", "+15559999999")):
        changes = basis.changeset(basis.unit(1, reindex("l2", value)), run=run_of("run-5"))
        with pytest.raises(StalePlanError):
            repository.commit(changes)
    committed(repository, reindex("l2", X), run="run-5")
    assert read_leads(repository)["l2"].indexed == (X,)
    assert set(query(path, "SELECT erased_at < clock FROM leadfold_index_state")) == {(1,)}


def test_erasing_a_lead_without_values_makes_no_plan_stale(repository: SQLiteRepository) -> None:
    """Where the index held nothing of a lead there was nothing that a plan could rest on."""
    made(repository)
    basis = read_basis(repository)
    committed(repository, Erase("unheard of", {}, {}), run="run-4")
    changes = basis.changeset(basis.unit(1, reindex("l2", X)), run=run_of("run-5"))
    assert repository.commit(changes).failures == ()


def test_what_is_recorded_of_a_lead_is_read(path: Path, repository: SQLiteRepository) -> None:
    """The index answers for a lead whose row is gone, and not for one that was erased."""
    made(repository)
    changed(path, "DELETE FROM Lead")
    with repository.reading() as reader:
        assert (reader.recorded("l1"), reader.recorded("l3")) == ((Y, X), None)
    committed(repository, Erase("l1", {}, {}), run="run-4")
    with repository.reading() as reader:
        assert (reader.recorded("l1"), reader.recorded("l2")) == (None, (Y,))


def test_odd_names_and_few_columns(tmp_path: Path) -> None:
    """Columns may be called as the stage's own; those that are not mapped are left alone."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "pe""ople" (field INTEGER PRIMARY KEY, "un\'it", value)')
        connection.execute("CREATE TABLE contact (id INTEGER PRIMARY KEY, customer_id INTEGER)")
        connection.execute("INSERT INTO \"pe\"\"ople\" VALUES (1, 'Ann', 1), (2, 'Ann', 2)")
    mapping = StoreMapping(
        LeadTable("contact", created_at=None, name=None, identifiers={}, tenant=None),
        CustomerTable('pe"ople', "field", "un'it", None, None, None, None, None),
        (),
        None,
    )
    values = {"name": "Ann", "phone": "1", "groupKey": "1"}
    with SQLiteRepository(path, mapping=mapping) as repository:
        committed(repository, Retire("2"), run="run-1")
        committed(repository, Erase("7", {"1": values}, {"2": values}), run="run-2")
        (gone,) = read_entries(repository, "run-1")
        assert gone.before == {"id": 2, "name": None, "columns": {"value": 2}, "erased": ["name"]}
    assert query(path, 'SELECT * FROM "pe""ople"') == [(1, None, 1)]


def test_what_a_run_retires_and_erases_is_blank(path: Path, repository: SQLiteRepository) -> None:
    """A copy that the same unit makes is blanked as those of before."""
    made(repository)
    committed(repository, Retire("c1"), Erase("l1", {"c1": GIVEN}, {"c1": GIVEN}), run="run-4")
    assert "Annabel" not in own_text(path)
    assert [entry.action for entry in read_entries(repository, "run-4")] == ["retire"]
    committed(repository, link("l1", None), run="run-5")
