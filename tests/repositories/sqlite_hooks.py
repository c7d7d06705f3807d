"""How the contract reaches a SQLite store past the adapter. No tests here."""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack
from math import inf
from typing import TYPE_CHECKING

import pytest

from leadfold.model import utc
from leadfold.repositories.mapping import CustomerTable, LeadTable, StoreMapping
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.repository import ORIGINAL
from leadfold.testing import RepositoryContract
from repositories.sqlite_stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from leadfold.model import Customer, Lead
    from leadfold.repository import Repository

__all__ = ["SQLiteHooks"]

_IDENTIFIERS = {"psid": "messengerPsid", "phone": "phone", "email": "email"}


class SQLiteHooks(RepositoryContract):
    """A file, a connection of the test's own to it, and the repositories made over it."""

    store: Path | sqlite3.Connection
    raw: sqlite3.Connection
    exits: ExitStack
    tenants: dict[Repository, str]

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Iterator[Repository]:
        """Return a fresh store with the usual tables."""
        path = new_store(tmp_path / "crm.db")
        self.tenants = {}
        with ExitStack() as self.exits:
            self.raw = sqlite3.connect(path, isolation_level=None)
            self.exits.callback(self.raw.close)
            self.raw.execute("PRAGMA foreign_keys = ON")
            self.store = self.over(path)
            yield self.opened()

    def over(self, path: Path) -> Path | sqlite3.Connection:
        """Return what the repositories are given."""
        return path

    def opened(
        self, mapping: StoreMapping | None = None, tenant: str | None = None
    ) -> SQLiteRepository:
        """Return a repository over the store, closed at the end of the test."""
        made = SQLiteRepository(self.store, mapping=mapping, tenant=tenant)
        return self.exits.enter_context(made)

    def seed(
        self,
        repository: Repository,
        leads: Sequence[Lead] = (),
        customers: Sequence[Customer] = (),
        dependents: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    ) -> None:
        """Insert rows."""
        tenant = self.tenants.get(repository)
        owner = {} if tenant is None else {"account": tenant}
        self._insert("Customer", [{**_customer_row(row), **owner} for row in customers])
        self._insert("Lead", [{**_lead_row(lead), **owner} for lead in leads])
        for name, rows in (dependents or {}).items():
            self._insert(name, rows)

    def edit_lead(self, repository: Repository, lead_id: str, **columns: str | None) -> None:
        """Update a lead."""
        del repository
        named = {_IDENTIFIERS.get(name, name): value for name, value in columns.items()}
        self._update("Lead", lead_id, named)

    def delete_lead(self, repository: Repository, lead_id: str) -> None:
        """Delete a lead."""
        del repository
        self.raw.execute('DELETE FROM "Lead" WHERE id = ?', [lead_id])

    def edit_customer(self, repository: Repository, customer_id: str, **columns: object) -> None:
        """Update a customer."""
        del repository
        if "metadata" in columns:
            columns = {**columns, "metadata": json.dumps(columns["metadata"])}
        self._update("Customer", customer_id, columns)

    def raw_leads(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return every lead."""
        del repository
        return {str(row["id"]): {**row, "psid": row["messengerPsid"]} for row in self._rows("Lead")}

    def raw_customers(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return every customer."""
        del repository
        return {str(row["id"]): _parsed(row, "metadata") for row in self._rows("Customer")}

    def raw_dependents(
        self, repository: Repository, name: str
    ) -> Mapping[str, Mapping[str, object]]:
        """Return every row of a dependent."""
        del repository
        return {str(row["id"]): row for row in self._rows(name)}

    def seed_carried(
        self, repository: Repository, name: str, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Insert rows."""
        del repository
        self._insert(name, rows)

    def raw_carried(self, repository: Repository, name: str) -> Mapping[str, Mapping[str, object]]:
        """Return every row of a carried table."""
        return self.raw_dependents(repository, name)

    def raw_audit(self, repository: Repository) -> Sequence[Mapping[str, object]]:
        """Return the user's own audit table."""
        del repository
        return [_parsed(row, "payload") for row in self._rows("Audit")]

    def with_unique_phones(self, repository: Repository) -> Repository:
        """Declare it."""
        self.raw.execute('CREATE UNIQUE INDEX one_phone ON "Customer" (phone)')
        return repository

    def with_several_phones(self, repository: Repository) -> Repository:
        """Give leads one more column for a phone."""
        del repository
        self.raw.execute('ALTER TABLE "Lead" ADD COLUMN mobile TEXT')
        identifiers = {**_IDENTIFIERS, "phone": ("phone", "mobile")}
        return self.opened(StoreMapping(lead=LeadTable(identifiers=identifiers)))

    def with_page_id(self, repository: Repository) -> Repository:
        """Give leads a column for a scope."""
        del repository
        self.raw.execute('ALTER TABLE "Lead" ADD COLUMN page_id TEXT')
        return self.opened(StoreMapping(lead=LeadTable(scopes={"page_id": "page_id"})))

    def refer_undeclared(self, repository: Repository, customer_id: str) -> None:
        """Write into a table that no mapping names; its rows would go with their customer."""
        del repository
        self.raw.execute(
            'CREATE TABLE "Visit" (id TEXT PRIMARY KEY, '
            'customer_id TEXT NOT NULL REFERENCES "Customer" (id) ON DELETE CASCADE)'
        )
        self._insert("Visit", [{"id": "v1", "customer_id": customer_id}])

    def raw_undeclared(self, repository: Repository) -> Sequence[object]:
        """Return whose those rows are."""
        del repository
        return [row["customer_id"] for row in self._rows("Visit")]

    def two_tenants(self, repository: Repository) -> tuple[Repository, Repository]:
        """Give leads and customers a column that says whose they are."""
        del repository
        for table in ("Lead", "Customer"):
            self.raw.execute(f'ALTER TABLE "{table}" ADD COLUMN account TEXT')
        mapping = StoreMapping(
            lead=LeadTable(tenant="account"), customer=CustomerTable(tenant="account")
        )
        ours, theirs = self.opened(mapping, "a"), self.opened(mapping, "b")
        self.tenants = {ours: "a", theirs: "b"}
        return ours, theirs

    def with_named_leads(self, repository: Repository) -> Repository:
        """Map the condition."""
        del repository
        return self.opened(StoreMapping(lead=LeadTable(where="name IS NOT NULL")))

    def with_not_null_links(self, repository: Repository) -> Repository:
        """Make the table of leads anew, with the constraint."""
        del repository
        query = "SELECT sql FROM sqlite_master WHERE tbl_name = 'Lead' AND sql IS NOT NULL"
        statements = [str(sql) for (sql,) in self.raw.execute(query).fetchall()]
        self.raw.execute('DROP TABLE "Lead"')
        for statement in statements:
            self.raw.execute(statement.replace("customer_id TEXT", "customer_id TEXT NOT NULL", 1))
        return self.opened()

    def with_original_run(self, repository: Repository, run_id: str) -> Repository:
        """Write into the user's own audit table."""
        payload = json.dumps({"script": ORIGINAL})
        entry = {"id": run_id, "actor": "system", "action": "backfill_customers"}
        self._insert("Audit", [{**entry, "payload": payload}])
        return repository

    def with_unmapped_columns(self, repository: Repository, customer_id: str) -> Repository:
        """Give customers columns of every type, and texts that no mapping would write so."""
        del repository
        cells = {
            "photo": bytes(range(256)), "empty": b"", "score": 0.1, "huge": 1e300, "ever": inf,
            "whole": 2.0, "count": 2**62, "note": 'l\'é"[]\n', "blank": "", "nothing": None,
            "loose": '{"a":  1, "a": 2}', "select": "a word",
        }  # fmt: skip
        kinds = {bytes: "BLOB", float: "REAL", int: "INTEGER", str: "TEXT", type(None): ""}
        for name, cell in cells.items():
            kind = kinds[type(cell)]
            self.raw.execute(f'ALTER TABLE "Customer" ADD COLUMN "{name}" {kind}')
        mapped = {"name": "Ann", "metadata": '{"leadCount":  1}', "created_at": "2026-01-02"}
        self._insert("Customer", [{"id": customer_id, **mapped, **cells}])
        return self.opened()

    def _insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        for columns in dict.fromkeys(tuple(row) for row in rows):
            names = ", ".join(f'"{column}"' for column in columns)
            places = ", ".join("?" * len(columns))
            self.raw.execute("SAVEPOINT seeding")
            self.raw.executemany(
                f'INSERT INTO "{table}" ({names}) VALUES ({places})',  # noqa: S608 - of this file
                [tuple(row.values()) for row in rows if tuple(row) == columns],
            )
            self.raw.execute("RELEASE seeding")

    def _update(self, table: str, row_id: str, columns: Mapping[str, object]) -> None:
        names = ", ".join(f'"{column}" = ?' for column in columns)
        statement = f'UPDATE "{table}" SET {names} WHERE id = ?'  # noqa: S608 - names of this file
        self.raw.execute(statement, [*columns.values(), row_id])

    def _rows(self, table: str) -> Iterator[dict[str, object]]:
        cursor = self.raw.execute(f'SELECT * FROM "{table}" ORDER BY rowid')  # noqa: S608
        names = [column for column, *_ in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)


def _lead_row(lead: Lead) -> dict[str, object]:
    phones = (lead.phone,) if isinstance(lead.phone, str) else lead.phone or (None,)
    row = {
        "id": lead.id,
        "messengerPsid": lead.psid,
        "email": lead.email,
        "name": lead.name,
        "created_at": _text(lead.created_at),
        "customer_id": lead.customer_id,
        **lead.fields,
    }
    return {**row, **dict(zip(("phone", "mobile"), phones, strict=False))}


def _customer_row(customer: Customer) -> dict[str, object]:
    moment = {} if customer.created_at is None else {"created_at": _text(customer.created_at)}
    metadata = None if customer.metadata is None else json.dumps(customer.metadata)
    shown = {"name": customer.name, "phone": customer.phone, "email": customer.email}
    return {"id": customer.id, **shown, "metadata": metadata, **moment}


def _text(moment: datetime | None) -> str | None:
    moment = utc(moment)
    return None if moment is None else moment.isoformat()


def _parsed(row: Mapping[str, object], column: str) -> dict[str, object]:
    text = row[column]
    return {**row, column: None if text is None else json.loads(str(text))}
