"""How the contract reaches a PostgreSQL store past the adapter. No tests here."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Json

from leadfold.model import utc
from leadfold.repositories.mapping import CustomerTable, LeadTable, StoreMapping
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repository import ORIGINAL
from leadfold.testing import RepositoryContract
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadfold.model import Customer, Lead
    from leadfold.repository import Repository
    from repositories.postgres_stores import Place

__all__ = ["PostgresHooks"]

_IDENTIFIERS = {"psid": "messengerPsid", "phone": "phone", "email": "email"}


class PostgresHooks(RepositoryContract):
    """A schema, a connection of the test's own to it, and the repositories made over it."""

    place: Place
    store: str | psycopg.Connection[tuple[object, ...]]
    raw: psycopg.Connection[tuple[object, ...]]
    exits: ExitStack
    tenants: dict[Repository, str]

    @pytest.fixture
    def repository(self, postgres_dsn: str) -> Iterator[Repository]:
        """Return a fresh store with the usual tables."""
        self.tenants = {}
        with ExitStack() as self.exits:
            self.place = self.exits.enter_context(new_place(postgres_dsn))
            self.raw = psycopg.connect(self.place.dsn, autocommit=True)
            self.exits.callback(self.raw.close)
            self.store = self.over(self.place)
            yield self.opened()

    def over(self, place: Place) -> str | psycopg.Connection[tuple[object, ...]]:
        """Return what the repositories are given."""
        return place.dsn

    def opened(self, mapping: StoreMapping | None = None, tenant: str | None = None) -> Repository:
        """Return a repository over the store, closed at the end of the test."""
        made = PostgresRepository(self.store, mapping=mapping, tenant=tenant, schema=self.place.own)
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
        self.raw.execute('DELETE FROM "Lead" WHERE id = %s', [lead_id])

    def edit_customer(self, repository: Repository, customer_id: str, **columns: object) -> None:
        """Update a customer."""
        del repository
        if "metadata" in columns:
            columns = {**columns, "metadata": Json(columns["metadata"])}
        self._update("Customer", customer_id, columns)

    def raw_leads(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return every lead."""
        del repository
        return {str(row["id"]): {**row, "psid": row["messengerPsid"]} for row in self._rows("Lead")}

    def raw_customers(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return every customer."""
        del repository
        return {str(row["id"]): row for row in self._rows("Customer")}

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
        return self._rows("Audit", order="created_at")

    def with_unique_phones(self, repository: Repository) -> Repository:
        """Declare it."""
        self.raw.execute('CREATE UNIQUE INDEX one_phone ON "Customer" (phone)')
        return repository

    def with_several_phones(self, repository: Repository) -> Repository:
        """Give leads one more column for a phone."""
        del repository
        self.raw.execute('ALTER TABLE "Lead" ADD COLUMN mobile text')
        identifiers = {**_IDENTIFIERS, "phone": ("phone", "mobile")}
        return self.opened(StoreMapping(lead=LeadTable(identifiers=identifiers)))

    def with_page_id(self, repository: Repository) -> Repository:
        """Give leads a column for a scope."""
        del repository
        self.raw.execute('ALTER TABLE "Lead" ADD COLUMN page_id text')
        return self.opened(StoreMapping(lead=LeadTable(scopes={"page_id": "page_id"})))

    def refer_undeclared(self, repository: Repository, customer_id: str) -> None:
        """Write into a table that no mapping names; its rows would go with their customer."""
        del repository
        self.raw.execute(
            'CREATE TABLE "Visit" (id text PRIMARY KEY, '
            'customer_id text NOT NULL REFERENCES "Customer" (id) ON DELETE CASCADE)'
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
            add = sql.SQL("ALTER TABLE {} ADD COLUMN account text")
            self.raw.execute(add.format(sql.Identifier(table)))
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
        """Add the constraint."""
        self.raw.execute('ALTER TABLE "Lead" ALTER COLUMN customer_id SET NOT NULL')
        return repository

    def with_original_run(self, repository: Repository, run_id: str) -> Repository:
        """Write into the user's own audit table."""
        payload = Json({"script": ORIGINAL})
        entry = {"id": run_id, "actor": "system", "action": "backfill_customers"}
        self._insert("Audit", [{**entry, "payload": payload}])
        return repository

    def with_unmapped_columns(self, repository: Repository, customer_id: str) -> Repository:
        """Give customers columns of many types, some of them hard to write as JSON."""
        del repository
        self.raw.execute("CREATE TYPE mood AS ENUM ('glad', 'so \"so\"')")
        cells: dict[str, tuple[str, object]] = {
            "photo": ("bytea", bytes(range(256))), "empty": ("bytea", b""),
            "score": ("double precision", 0.1), "huge": ("double precision", 1e300),
            "ever": ("double precision", inf), "small": ("real", 0.25),
            "exact": ("numeric", Decimal("12345678901234567890.1200")),
            "count": ("bigint", 2**62), "flag": ("boolean", True), "on": ("date", date(2026, 1, 2)),
            "seen": ("timestamptz", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)),
            "spent": ("interval", timedelta(days=1, seconds=2.5)),
            "tags": ("text[]", ["a", 'b,"c"', None, ""]), "mood": ("mood", 'so "so"'),
            "note": ("text", 'l\'é"[]\n\\'), "blank": ("text", ""), "nothing": ("text", None),
            "loose": ("json", Json({"a": 1.50, "b": [None]})), "own": ("jsonb", Json({"x": "y"})),
            "null": ("jsonb", Json(None)), "fixed": ("char(5)", "ab   "),
            "select": ("text", "a %s"), "bits": ("bit(3)", "101"),
        }  # fmt: skip
        for name, (kind, _) in cells.items():
            add = sql.SQL('ALTER TABLE "Customer" ADD COLUMN {} {}')
            self.raw.execute(add.format(sql.Identifier(name), sql.SQL(kind)))
        self.raw.execute(
            'ALTER TABLE "Customer" ADD COLUMN shout text GENERATED ALWAYS AS (upper(name)) STORED'
        )
        row = {name: cell for name, (_, cell) in cells.items()}
        mapped = {"name": "Ann", "metadata": Json({"leadCount": 1}), "created_at": "2026-01-02"}
        self._insert("Customer", [{"id": customer_id, **mapped, **row}])
        return self.opened()

    def _insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        for columns in dict.fromkeys(tuple(row) for row in rows):
            statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
            )
            alike = [tuple(row.values()) for row in rows if tuple(row) == columns]
            with self.raw.transaction(), self.raw.cursor() as cursor:
                cursor.executemany(statement, alike)

    def _update(self, table: str, row_id: str, columns: Mapping[str, object]) -> None:
        cells = (sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns)
        statement = sql.SQL("UPDATE {} SET {} WHERE id = %s").format(
            sql.Identifier(table), sql.SQL(", ").join(cells)
        )
        self.raw.execute(statement, [*columns.values(), row_id])

    def _rows(self, table: str, order: str = "id") -> list[dict[str, object]]:
        query = sql.SQL("SELECT * FROM {} ORDER BY {}")
        with self.raw.cursor(row_factory=dict_row) as cursor:
            names = sql.Identifier(table), sql.Identifier(order)
            return cursor.execute(query.format(*names)).fetchall()


def _lead_row(lead: Lead) -> dict[str, object]:
    phones = (lead.phone,) if isinstance(lead.phone, str) else lead.phone or (None,)
    row = {
        "id": lead.id,
        "messengerPsid": lead.psid,
        "email": lead.email,
        "name": lead.name,
        "created_at": utc(lead.created_at),
        "customer_id": lead.customer_id,
        **lead.fields,
    }
    return {**row, **dict(zip(("phone", "mobile"), phones, strict=False))}


def _customer_row(customer: Customer) -> dict[str, object]:
    moment = {} if customer.created_at is None else {"created_at": utc(customer.created_at)}
    metadata = None if customer.metadata is None else Json(dict(customer.metadata))
    shown = {"name": customer.name, "phone": customer.phone, "email": customer.email}
    return {"id": customer.id, **shown, "metadata": metadata, **moment}
