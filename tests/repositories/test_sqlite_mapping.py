"""A mapping says which tables are meant, and is refused whole where it does not fit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from leadfold.exceptions import MappingError
from leadfold.model import Identifier
from leadfold.repositories.mapping import (
    AuditTable,
    CustomerTable,
    DependentTable,
    LeadTable,
    StoreMapping,
)
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import follow, link, new_customer, read_basis, reindex
from leadfold.testing.contract_hooks import read_customers, read_entries, read_leads
from repositories.sqlite_stores import changed, new_store, query

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
audit = false

[lead]
table = "contacts"
id = "contact_id"
created_at = false
where = "deleted_at IS NULL"

[lead.identifiers]
phone = ["phone", "mobile"]
email = "mail"

[lead.scopes]
page_id = "page"

[customer]
table = "people"
metadata = false

[[dependent]]
name = "Deal"
table = "deals"
lead_id = "contact"
"""


def test_a_mapping_is_read_from_toml(tmp_path: Path) -> None:
    """Names, lists of columns and ``false`` for what is not there; the rest keeps its default."""
    (tmp_path / "mapping.toml").write_text(TOML)
    assert StoreMapping.from_toml(tmp_path / "mapping.toml") == StoreMapping(
        lead=LeadTable(
            table="contacts",
            id="contact_id",
            created_at=None,
            where="deleted_at IS NULL",
            identifiers={"phone": ("phone", "mobile"), "email": "mail"},
            scopes={"page_id": "page"},
        ),
        customer=CustomerTable(table="people", metadata=None),
        dependents=(DependentTable("Deal", "deals", lead_id="contact"),),
        audit=None,
    )


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    """What a file leaves out keeps its default; tables can be told to be optional."""
    (tmp_path / "mapping.toml").write_text("[audit]\noptional = true\n")
    assert StoreMapping.from_toml(tmp_path / "mapping.toml") == StoreMapping()


def test_a_file_is_refused_with_every_fault(tmp_path: Path) -> None:
    """Unknown names, missing ones and values of the wrong kind are told at once."""
    (tmp_path / "mapping.toml").write_text(
        'customer = "people"\n[lead]\nid = false\nscopes = "x"\nshoe = 1\n'
        "[lead.identifiers]\nphone = []\n[[dependent]]\noptional = 1\n[jobs]\n"
    )
    with pytest.raises(MappingError) as refused:
        StoreMapping.from_toml(tmp_path / "mapping.toml")
    assert refused.value.faults == (
        "unknown table [jobs]",
        "unknown key lead.shoe",
        "lead.id must be a name",
        "lead.identifiers.phone names no column",
        "lead.scopes must be a table",
        "[customer] is no table",
        "dependent.name is missing",
        "dependent.table is missing",
        "dependent.optional must be true or false",
    )


def test_what_is_no_toml_is_refused(tmp_path: Path) -> None:
    """A file that cannot be parsed is a mapping error that names it."""
    (tmp_path / "mapping.toml").write_text("lead = [")
    with pytest.raises(MappingError, match=r"mapping\.toml is no TOML"):
        StoreMapping.from_toml(tmp_path / "mapping.toml")


def test_a_store_refuses_a_mapping_with_every_fault(tmp_path: Path) -> None:
    """Tables, columns and conditions that a store lacks are told at once, before any read."""
    mapping = StoreMapping(
        lead=LeadTable(identifiers={"phone": ("phone", "fax")}, where="no such thing"),
        customer=CustomerTable(table="People"),
        dependents=(
            DependentTable("Job", "Job", lead_id="lead"),
            DependentTable("Job", "Conversation"),
        ),
        audit=AuditTable(actor="who"),
    )
    with (
        SQLiteRepository(new_store(tmp_path / "crm.db"), mapping=mapping) as repository,
        pytest.raises(MappingError) as refused,
        repository.reading(),
    ):
        pytest.fail("a mapping that does not fit was read with")
    condition, *faults = refused.value.faults
    assert condition.startswith("where: ")
    assert faults == [
        "several tables are called Job",
        'no column "fax" in table "Lead"',
        'no table "People"',
        'no column "lead" in table "Job"',
        'no column "who" in table "Audit"',
    ]
    assert str(refused.value).endswith("in a StoreMapping (on the command line, --mapping TOML)")


@pytest.mark.parametrize(
    ("lead", "fault"),
    [
        pytest.param(
            LeadTable(scopes={"phone": "channel"}),
            "phone is both an identifier and a scope",
            id="a kind as scope",
        ),
        pytest.param(
            LeadTable(customer_id="phone"),
            'the link "phone" is mapped to something else as well',
            id="the link as identifier",
        ),
        pytest.param(
            LeadTable(identifiers={"phone": ()}), "identifier phone has no column", id="no column"
        ),
        pytest.param(
            LeadTable(tenant="channel"),
            "map a tenant column for leads and for customers, or for neither",
            id="a tenant of leads alone",
        ),
    ],
)
def test_a_mapping_must_mean_something(tmp_path: Path, lead: LeadTable, fault: str) -> None:
    """A mapping that contradicts itself is refused, whatever the store holds."""
    mapping = StoreMapping(lead=lead)
    with (
        SQLiteRepository(new_store(tmp_path / "crm.db"), mapping=mapping, tenant="a") as repository,
        pytest.raises(MappingError) as refused,
    ):
        read_leads(repository)
    assert refused.value.faults == (fault,)


def test_a_tenant_must_be_named(tmp_path: Path) -> None:
    """Rows of several tenants are never read together: a mapped tenant column asks for one."""
    lead, customer = LeadTable(tenant="channel"), CustomerTable(tenant="name")
    mapping = StoreMapping(lead=lead, customer=customer)
    path = new_store(tmp_path / "crm.db")
    with (
        SQLiteRepository(path, mapping=mapping) as repository,
        pytest.raises(MappingError, match="say tenant="),
    ):
        read_leads(repository)
    with (
        SQLiteRepository(path, tenant="") as repository,
        pytest.raises(MappingError, match="must have a name"),
    ):
        read_leads(repository)


def test_the_defaults_optional_tables_may_be_absent(tmp_path: Path) -> None:
    """Without Job, Conversation and Audit there are no dependents, and leadfold's own audit."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            'CREATE TABLE "Customer" (id TEXT PRIMARY KEY, name, phone, email, metadata,'
            " created_at, updated_at);"
            'CREATE TABLE "Lead" (id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, name,'
            ' "messengerPsid", phone, email, created_at);'
        )
    with SQLiteRepository(path) as repository:
        with repository.reading() as reader:
            facts = reader.facts()
        repository.commit(read_basis(repository).changeset())
    assert (facts.dependents, facts.carried, set(facts.not_null)) == ((), (), {"Lead"})
    assert query(path, "SELECT actor, action FROM leadfold_audit") == [
        ("system", "backfill_customers")
    ]


HOSTILE = 'x"; DROP TABLE "Lead"; --'
X = Identifier("phone", "+15551230001")


def test_a_hostile_name_is_a_name(tmp_path: Path) -> None:
    """Tables and columns may be called anything, also by words that leadfold's own SQL uses."""
    names = [HOSTILE, "select", "stage", "row", "it's {lead.id} 100%", "target", "unit"]
    lead_t, customer_t, job_t, key, link_c, phone, extra = (
        '"' + name.replace('"', '""') + '"' for name in names
    )
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {customer_t} ({key} TEXT PRIMARY KEY, {phone}, {extra})")
        connection.execute(
            f"CREATE TABLE {lead_t} ({key} TEXT PRIMARY KEY, {link_c} TEXT REFERENCES"
            f" {customer_t}, {phone}, {extra})"
        )
        connection.execute(f"CREATE TABLE {job_t} ({key} TEXT PRIMARY KEY, {lead_t}, {customer_t})")
        connection.execute(f"INSERT INTO {lead_t} VALUES ('l1', NULL, '555.1', NULL)")  # noqa: S608
        connection.execute(f"INSERT INTO {job_t} VALUES ('j1', 'l1', NULL)")  # noqa: S608
        connection.commit()
    mapping = StoreMapping(
        lead=LeadTable(
            names[0], id=names[3], customer_id=names[4], created_at=None, name=None,
            identifiers={"phone": names[5]}, scopes={names[0]: names[6]},
        ),
        customer=CustomerTable(
            names[1], id=names[3], name=None, phone=names[5], email=None, metadata=None,
            created_at=None, updated_at=None,
        ),
        dependents=(DependentTable(names[0], names[2], names[3], names[0], names[1]),),
    )  # fmt: skip
    with SQLiteRepository(path, mapping=mapping) as repository:
        basis = read_basis(repository)
        changes = (
            new_customer("c1", phone="555.1"), link("l1", "c1"), follow(names[0], "l1", "c1"),
            reindex("l1", X),
        )  # fmt: skip
        committed = repository.commit(basis.changeset(basis.unit(1, *changes)))
        assert committed.failures == ()
        assert read_leads(repository)["l1"].customer_id == "c1"
        assert read_customers(repository)["c1"].phone == "555.1"
        followed = [
            entry for entry in read_entries(repository, "run-1") if entry.action == "follow"
        ]
    assert [(entry.table, entry.row) for entry in followed] == [(names[0], "j1")]
    assert query(path, f"SELECT {customer_t} FROM {job_t}") == [("c1",)]  # noqa: S608


def test_a_condition_says_which_rows_are_leads(tmp_path: Path) -> None:
    """Rows outside the condition are not read, and a lead that left it since is stale."""
    path = new_store(tmp_path / "crm.db")
    changed(path, "INSERT INTO Lead (id, stage) VALUES (?, ?)", ("l1", "new"), ("l2", "spam"))
    changed(path, "INSERT INTO Job (id, lead_id) VALUES ('j1', 'l1'), ('j2', 'l2')")
    mapping = StoreMapping(lead=LeadTable(where="stage <> 'spam' -- or so"))
    with SQLiteRepository(path, mapping=mapping) as repository:
        assert set(read_leads(repository)) == {"l1"}
        with repository.reading() as reader:
            known = {count.lead_id: count.lead_known for count in reader.dependents()}
        basis = read_basis(repository)
        changed(path, "UPDATE Lead SET stage = 'spam'")
        changes = basis.changeset(basis.founding(1, "l1", "c1"), on_stale="skip")
        failures = repository.commit(changes).failures
    assert known == {"l1": True, "l2": False}
    assert [failure.cause for failure in failures] == ["stale"]


def test_a_tenant_sees_its_own_dependents(tmp_path: Path) -> None:
    """Dependents of another tenant's leads and customers are not counted."""
    path = new_store(tmp_path / "crm.db", 'ALTER TABLE "Customer" ADD COLUMN account TEXT')
    changed(path, "INSERT INTO Customer (id, account) VALUES ('c1', 'a'), ('c2', 'b')")
    changed(path, "INSERT INTO Lead (id, channel) VALUES ('l1', 'a'), ('l2', 'b')")
    jobs = [("j1", "l1", None), ("j2", "l2", None), ("j3", None, "c1"), ("j4", None, "c2")]
    changed(path, "INSERT INTO Job (id, lead_id, customer_id) VALUES (?, ?, ?)", *jobs)
    mapping = StoreMapping(
        lead=LeadTable(tenant="channel"), customer=CustomerTable(tenant="account")
    )
    with SQLiteRepository(path, mapping=mapping, tenant="a") as repository:
        basis = read_basis(repository)
        with repository.reading() as reader:
            seen = {(count.lead_id, count.customer_id) for count in reader.dependents()}
        repository.commit(basis.changeset(basis.founding(1, "l1", "c3")))
    assert seen == {("l1", None), (None, "c1")}
    assert query(path, "SELECT account FROM Customer WHERE id = 'c3'") == [("a",)]
