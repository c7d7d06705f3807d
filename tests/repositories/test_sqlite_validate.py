"""`backfill.validate` over SQLite, a store broken with SQL of one's own; and the checks as SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from leadfold import Policy, backfill
from leadfold.backfill.checking import LARGE
from leadfold.repositories.mapping import (
    AuditTable,
    CustomerTable,
    DependentTable,
    LeadTable,
    StoreMapping,
)
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repositories.sqlite.checking import validation_sql
from leadfold.repositories.sqlite.schema import statements_of
from repositories.sqlite_stores import dump_of, new_store, query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leadfold.backfill import Validation

LEADS = """
INSERT INTO "Lead" (id, "messengerPsid", phone, email, created_at) VALUES
('a1', NULL, '(555) 201-0001', 'a@x.co', '2026-01-01T00:00:00Z'),
('a2', NULL, '(555) 201-0001', NULL, '2026-01-01T01:00:00Z'),
('b1', '24001', '(555) 201-0002', 'b@x.co', '2026-01-01T02:00:00Z'),
('b2', '24001', NULL, NULL, '2026-01-01T03:00:00Z'),
('d1', NULL, NULL, 'd@x.co', '2026-01-01T04:00:00Z')
"""
JOBS = """INSERT INTO "Job" (id, lead_id) VALUES ('j1', 'a1'), ('j2', 'b1')"""
TALKS = """INSERT INTO "Conversation" (id, lead_id) VALUES ('k1', 'b1')"""
NOT_IN_SQL = {
    "leads that cannot be read",
    "groups with several customers",
    "customers with several groups",
    "stale index entries",
    "index entries without a row",
    "leads in the queue",
    "policy of the index",
    "unfinished runs",
    "undeclared foreign keys",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a store in order: a1 and a2 are C1, b1 and b2 are C2, d1 is C3; jobs and talks."""
    path = new_store(tmp_path / "crm.db", LEADS, JOBS, TALKS)
    run(path)
    return path


def run(path: Path) -> None:
    """Backfill the store at *path*, with ids C1, C2 … by oldest lead."""
    with SQLiteRepository(path) as repository:
        run_on(repository)


def run_on(repository: SQLiteRepository, policy: Policy | None = None) -> None:
    """Backfill *repository*, likewise."""
    ids = iter([f"C{number}" for number in range(1, 10)])
    backfill.apply(backfill.plan(repository, policy, new_id=lambda: next(ids)), repository)


def broken(path: Path, *statements: str) -> None:
    """Run *statements* with foreign keys off, as a broken import does."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def validated(path: Path) -> Validation:
    """Validate the store at *path*."""
    with SQLiteRepository(path) as repository:
        return backfill.validate(repository)


def not_ok(found: Validation) -> set[str]:
    """Return the names of the checks that are not ok."""
    return {check.name for check in found.checks if not check.ok}


def by_sql(
    path: Path, script: str, values: Mapping[str, object] | None = None
) -> dict[str, tuple[str, str]]:
    """Run every statement of *script*; return what was expected and found, by check."""
    found: dict[str, tuple[str, str]] = {}
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements_of(script):
            ((name, expected, actual),) = connection.execute(statement, values or {})
            found[name] = (str(expected), str(actual))
    return found


def by_us(found: Validation) -> dict[str, tuple[str, str]]:
    """Return what was expected and found by the checks that can be said in SQL."""
    return {
        check.name: (check.expected, check.actual)
        for check in found.checks
        if check.name not in NOT_IN_SQL
    }


def test_a_store_after_a_backfill_is_in_order(path: Path) -> None:
    """Every check is ok, and the store stays as it was."""
    before = dump_of(path)
    found = validated(path)
    assert (found.ok, not_ok(found)) == (True, set())
    assert found["leads linked"].actual == "5/5 (100%)"
    assert found["policy of the index"].actual != "no index yet"
    assert dump_of(path) == before


def _of_dependent(table: str) -> list[object]:
    def put(lead: str, customer: str) -> list[str]:
        return [
            f"INSERT INTO \"{table}\" (id, lead_id, customer_id) VALUES ('n', {lead}, {customer})"  # noqa: S608
        ]

    return [
        pytest.param(
            # A NULL is both: a row not covered, and one in the way of NOT NULL.
            [f'UPDATE "{table}" SET customer_id = NULL'],  # noqa: S608
            {f"{table} linked", f"{table} ready for NOT NULL"},
            id=f"{table} unlinked",
        ),
        pytest.param(
            put("'gone'", "'C1'"),
            {f"{table} whose lead is missing"},
            id=f"{table} of a lead that is not there",
        ),
        pytest.param(
            put("NULL", "'ghost'"),
            {f"{table} whose customer is missing"},
            id=f"{table} of a customer that is not there",
        ),
        pytest.param(
            put("'a1'", "'C2'"),
            {f"{table}/lead mismatch"},
            id=f"{table} of another customer than its lead",
        ),
    ]


INSERT_C9 = """
INSERT INTO "Customer" (id, metadata) VALUES ('C9', '{"createdBy": "leadfold"}')
"""
BREAKS = [
    pytest.param(
        # A NULL is both: a lead not covered, and one in the way of NOT NULL.
        ["""UPDATE "Lead" SET customer_id = NULL WHERE id = 'a2'"""],
        {"leads linked", "leads ready for NOT NULL"},
        id="a lead unlinked",
    ),
    pytest.param(
        ["""UPDATE "Lead" SET customer_id = 'ghost' WHERE id = 'a2'"""],
        {"leads whose customer is missing"},
        id="a lead of a customer that is not there",
    ),
    *_of_dependent("Job"),
    *_of_dependent("Conversation"),
    pytest.param([INSERT_C9], {"customers without leads"}, id="a customer of ours without leads"),
    pytest.param(
        ["""UPDATE "Customer" SET phone = '+15552010001' WHERE id = 'C3'"""],
        {"phones shown by several customers"},
        id="one phone on two customers",
    ),
    pytest.param(
        ["""UPDATE "Customer" SET email = 'a@x.co' WHERE id = 'C3'"""],
        {"emails shown by several customers"},
        id="one email on two customers",
    ),
    pytest.param(
        [INSERT_C9, """UPDATE "Lead" SET customer_id = 'C9' WHERE id = 'a2'"""],
        {"groups with several customers"},
        id="a group parted between two customers",
    ),
    pytest.param(
        [
            """UPDATE "Lead" SET customer_id = 'C1' WHERE id = 'd1'""",
            """DELETE FROM "Customer" WHERE id = 'C3'""",
        ],
        {"customers with several groups"},
        id="two groups with one customer",
    ),
    pytest.param(
        ["""UPDATE "Lead" SET email = 'new@x.co' WHERE id = 'a1'"""],
        {"stale index entries"},
        id="a lead edited behind our back",
    ),
    pytest.param(
        ["DELETE FROM leadfold_holders WHERE record = 1"],
        {"stale index entries"},
        id="an index that lost an entry",
    ),
    pytest.param(
        ["""INSERT INTO "Lead" (id, phone, customer_id) VALUES ('a3', '(555) 201-0001', 'C1')"""],
        {"stale index entries"},
        id="a lead the index has never seen",
    ),
    pytest.param(
        ["UPDATE leadfold_index_state SET fingerprint = 'another'"],
        {"policy of the index"},
        id="an index made with another policy",
    ),
    pytest.param(['DELETE FROM "Audit"'], {"audit entries"}, id="the audit trail deleted"),
    pytest.param(
        ["""UPDATE "Audit" SET action = 'something_else'"""],
        {"audit entries"},
        id="an audit trail of other things",
    ),
    pytest.param(
        ["""UPDATE "Lead" SET name = 'Ann', stage = 'won'"""], set(), id="columns of no matter"
    ),
]


@pytest.mark.parametrize(("statements", "turned"), BREAKS)
def test_a_fault_turns_its_check_alone(path: Path, statements: list[str], turned: set[str]) -> None:
    """What is wrong in a store shows in exactly the check for it; plain SQL finds the same."""
    broken(path, *statements)
    found = validated(path)
    assert not_ok(found) == turned
    assert found.ok is all(found[name].severity == "warn" for name in turned)
    assert by_sql(path, validation_sql(StoreMapping())) == by_us(found)


def test_a_lead_that_cannot_be_read_fails(path: Path) -> None:
    """A lead of broken text is named: nobody can tell whose it is. Plain SQL does not see it."""
    broken(path, """UPDATE "Lead" SET name = CAST(x'ff' AS TEXT) WHERE id = 'a2'""")
    found = validated(path)
    assert not_ok(found) == {"leads that cannot be read"}
    assert (found.ok, found["leads that cannot be read"].samples) == (False, ("a2",))


def test_a_lead_without_an_id_fails(tmp_path: Path) -> None:
    """A row without an id cannot be read either, and has no id to name it by."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE Lead (id, customer_id, name, messengerPsid, phone, email)")
        connection.execute("CREATE TABLE Customer (id, name, phone, email)")
        connection.execute("INSERT INTO Lead (id) VALUES (NULL), (NULL)")
    mapping = StoreMapping(
        lead=LeadTable(created_at=None),
        customer=CustomerTable(metadata=None, created_at=None, updated_at=None),
    )
    with SQLiteRepository(path, mapping=mapping) as repository:
        check = backfill.validate(repository)["leads that cannot be read"]
    assert (check.actual, check.samples) == ("2", ("(no id)",))


def test_many_leads_of_one_customer_warn(path: Path) -> None:
    """A customer with more leads than the threshold warns, here and in SQL."""
    one_more = """INSERT INTO "Lead" (phone) VALUES ('(555) 201-0001')"""
    broken(path, *[one_more] * (LARGE - 1))  # with a1 and a2, one more than the threshold
    run(path)  # else the leads would be unlinked and unindexed as well
    found = validated(path)
    assert not_ok(found) == {f"customers with more than {LARGE} leads"}
    assert by_sql(path, validation_sql(StoreMapping())) == by_us(found)


def test_an_original_entry_explains_links(tmp_path: Path) -> None:
    """A store that the original filled has no run of ours, and passes by its own audit entry."""
    path = new_store(
        tmp_path / "crm.db",
        """INSERT INTO "Customer" (id, metadata) VALUES ('c1', '{"createdBy": "leadfold"}')""",
        """INSERT INTO "Lead" (id, customer_id) VALUES ('l1', 'c1')""",
    )
    assert not_ok(validated(path)) == {"audit entries"}
    broken(path, """INSERT INTO "Audit" (actor, action) VALUES ('system', 'backfill_customers')""")
    assert not_ok(validated(path)) == set()


def test_without_an_audit_table_our_own_counts(tmp_path: Path) -> None:
    """Where the application keeps no audit trail, leadfold's own entries explain the links."""
    path = new_store(tmp_path / "crm.db", LEADS, 'DROP TABLE "Audit"')
    assert validated(path)["audit entries"].ok
    run(path)
    assert not_ok(validated(path)) == set()
    broken(path, "DELETE FROM leadfold_audit")
    assert not_ok(validated(path)) == {"audit entries"}


def test_the_script_only_reads_and_says_what_it_leaves_out(path: Path) -> None:
    """Every statement is a SELECT; what SQL cannot tell is said in the comment above."""
    script = validation_sql(StoreMapping())
    comment, *statements = script.split("\n\n")
    assert all(line.startswith("--") for line in comment.splitlines())
    assert "drift" in comment
    assert all(statement.startswith("SELECT ") for statement in statements)
    assert len(statements) == len(by_us(validated(path)))


def test_a_repository_leaves_out_the_tables_it_lacks(tmp_path: Path) -> None:
    """The script of a store without Job, Conversation and Audit asks for none of them."""
    dropped = [f'DROP TABLE "{table}"' for table in ("Job", "MemoryNote", "Message", "Audit")]
    path = new_store(tmp_path / "crm.db", *dropped, 'DROP TABLE "Conversation"')
    with SQLiteRepository(path) as repository:
        found = by_sql(path, repository.validation_sql())
        expected = by_us(backfill.validate(repository))
    assert found == {name: said for name, said in expected.items() if name != "audit entries"}


def test_a_customer_table_may_have_few_columns(tmp_path: Path) -> None:
    """What the mapping does not name is not asked for."""
    path = new_store(tmp_path / "crm.db")
    mapping = StoreMapping(
        customer=CustomerTable(phone=None, email=None, metadata=None), audit=None
    )
    names = by_sql(path, validation_sql(mapping)).keys()
    assert not [name for name in names if name.startswith(("phones", "emails", "audit"))]
    assert "customers without leads" not in names


AWKWARD = StoreMapping(
    lead=LeadTable(
        table='le"ads; --',
        id="the id",
        customer_id="cust'omer",
        created_at=None,
        name=None,
        identifiers={"phone": "phone"},
        where="deleted = 0 -- not the deleted ones",
    ),
    customer=CustomerTable(
        table="select",
        name=None,
        phone="ph one",
        email=None,
        metadata='me"ta',
        created_at=None,
        updated_at=None,
    ),
    dependents=[DependentTable("De'al", table='d"l', lead_id="le ad", customer_id="cu")],
    audit=AuditTable(table="log book", id=None),
)
AWKWARD_TABLES = (
    'CREATE TABLE "le""ads; --" ("the id" TEXT, "cust\'omer" TEXT, phone TEXT, deleted INTEGER)',
    'CREATE TABLE "select" (id TEXT, "ph one" TEXT, "me""ta" TEXT)',
    'CREATE TABLE "d""l" (id TEXT, "le ad" TEXT, cu TEXT)',
    'CREATE TABLE "log book" (actor TEXT, action TEXT, payload TEXT, created_at TEXT)',
    """INSERT INTO "le""ads; --" VALUES ('l1', NULL, '5552010001', 0)""",
    """INSERT INTO "le""ads; --" VALUES ('spam', NULL, '5552010001', 1)""",
    """INSERT INTO "d""l" VALUES ('d1', 'l1', NULL), ('d2', 'l1', 'ghost')""",
)


def test_names_are_quoted_whatever_they_are(tmp_path: Path) -> None:
    """Names with quotes, spaces and semicolons, and a condition with a comment, are no trap."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in AWKWARD_TABLES:
            connection.execute(statement)
    policy = Policy(["phone"])
    with SQLiteRepository(path, mapping=AWKWARD) as repository:
        run_on(repository, policy)
        found = backfill.validate(repository, policy)
        said = by_sql(path, repository.validation_sql())
    # NOT NULL is the table's: it asks for the rows that the mapping leaves out as well.
    assert said.pop("leads ready for NOT NULL") == ("0 NULL", "1 NULL")
    ours = by_us(found)
    assert ours.pop("leads ready for NOT NULL") == ("0 NULL", "0 NULL")
    absent = {"emails shown by several customers"}
    assert said == {name: what for name, what in ours.items() if name not in absent}
    assert not_ok(found) == {"De'al whose customer is missing", "De'al/lead mismatch"}


def test_a_tenant_is_bound(tmp_path: Path) -> None:
    """The script of a store with tenants says that one must be bound, and then counts its rows."""
    owned = [f'ALTER TABLE "{table}" ADD COLUMN owner TEXT' for table in ("Lead", "Customer")]
    path = new_store(
        tmp_path / "crm.db",
        *owned,
        """INSERT INTO "Lead" (id, owner) VALUES ('l1', 'us'), ('l2', 'them'), ('l3', 'them')""",
        """INSERT INTO "Job" (id, lead_id) VALUES ('j1', 'l1'), ('j2', 'l2')""",
    )
    mapping = StoreMapping(lead=LeadTable(tenant="owner"), customer=CustomerTable(tenant="owner"))
    with SQLiteRepository(path, mapping=mapping, tenant="us") as repository:
        run_on(repository)
        found = by_us(backfill.validate(repository))
        script = repository.validation_sql()
    said = by_sql(path, script, {"tenant": "us"})
    assert ":tenant" in script.split("\n\n")[0]
    assert said["leads linked"] == found["leads linked"] == ("100%", "1/1 (100%)")
    assert said["Job linked"] == found["Job linked"] == ("100%", "1/1 (100%)")
    assert query(path, 'SELECT count(*) FROM "Lead" WHERE customer_id IS NULL') == [(2,)]
