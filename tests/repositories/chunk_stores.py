"""Stores for tests of chunks, a SQLite file or a PostgreSQL schema, looked at past the adapter."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, LiteralString, Protocol

import attrs
import psycopg
from psycopg import sql

from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.sqlite import SQLiteRepository
from repositories.sqlite_stores import changed, new_store

if TYPE_CHECKING:
    from pathlib import Path

    from repositories.postgres_stores import Place

__all__ = ["ChunkStore", "FileStore", "ServerStore", "open_store"]

State = dict[str, list[tuple[object, ...]]]
"""What is stored, but which commit each row came with."""

USERS: dict[str, LiteralString] = {
    "leads": 'SELECT id, phone, customer_id FROM "Lead" ORDER BY 1',
    "customers": 'SELECT id, name, phone, email, metadata, created_at FROM "Customer" ORDER BY 1',
    "jobs": 'SELECT id, lead_id, customer_id FROM "Job" ORDER BY 1',
    "audit": 'SELECT actor, action, payload, created_at FROM "Audit" ORDER BY 1',
}
RUNS: LiteralString = (
    "SELECT id, action, mode, actor, created_by, at, policy, versions, status, stats, extra FROM {}"
)
_NO_CLOCKS = """regexp_replace(extra, '"clocks": ?[^]]+]', '')"""
"""In PostgreSQL these are transactions, and those that came to nothing are numbered too."""

LEDGER: LiteralString = (
    "SELECT unit, table_name, row_id, action, before, after, reason FROM {} ORDER BY 1, 2, 3, 4"
)
LEADS = [(f"l{number:03}", f"212-555-{100 + number * 2 // 3:04}") for number in range(150)]
"""Every other group is a pair, so that chunks are not all of as many units."""


class ChunkStore(Protocol):
    """A store of `LEADS`, each with a job."""

    @property
    def name(self) -> str:
        """Return what `open_store` opens."""
        ...

    def state(self) -> State:
        """Return what is stored."""
        ...


def open_store(name: str) -> SQLiteRepository | PostgresRepository:
    """Open the store that *name* names: a path, or a DSN and the schema of leadfold's tables."""
    dsn, mark, own = name.partition("|")
    return PostgresRepository(dsn, schema=own) if mark else SQLiteRepository(name)


@attrs.frozen
class FileStore:
    """A SQLite file."""

    path: Path

    @classmethod
    def new(cls, path: Path) -> FileStore:
        """Make the file, and fill it."""
        new_store(path)
        changed(path, "INSERT INTO Lead (id, phone) VALUES (?, ?)", *LEADS)
        changed(path, "INSERT INTO Job (id, lead_id) VALUES ('j' || ?1, ?1)", *_ids())
        return cls(path)

    @property
    def name(self) -> str:
        """Return its path."""
        return str(self.path)

    def state(self) -> State:
        """Return what is stored; of leadfold's tables, where there are any."""
        with closing(sqlite3.connect(self.path)) as connection:
            found = {name: connection.execute(query).fetchall() for name, query in USERS.items()}
            made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'leadfold_runs'")
            if made.fetchone():
                queries = {
                    "runs": RUNS.format("leadfold_runs"),
                    "ledger": LEDGER.format("leadfold_ledger"),
                    "held": "SELECT record_id, kind, value FROM leadfold_holders AS h"
                    " JOIN leadfold_records AS r ON r.id = h.record"
                    " JOIN leadfold_identity AS i ON i.id = h.identity ORDER BY 1, 2, 3",
                    "index": "SELECT fingerprint FROM leadfold_index_state",
                }
                found |= {name: connection.execute(q).fetchall() for name, q in queries.items()}
        return {name: rows for name, rows in found.items() if rows}


@attrs.frozen
class ServerStore:
    """A PostgreSQL schema."""

    place: Place

    @classmethod
    def new(cls, place: Place) -> ServerStore:
        """Fill the schema."""
        with psycopg.connect(place.dsn, autocommit=True) as connection:
            with connection.cursor().copy('COPY "Lead" (id, phone) FROM STDIN') as copy:
                for row in LEADS:
                    copy.write_row(row)
            connection.execute(
                """INSERT INTO "Job" (id, lead_id) SELECT 'j' || id, id FROM "Lead" """
            )
        return cls(place)

    @property
    def name(self) -> str:
        """Return its DSN and the schema of leadfold's tables."""
        return f"{self.place.dsn}|{self.place.own}"

    def state(self) -> State:
        """Return what is stored, likewise."""
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            found = {name: connection.execute(query).fetchall() for name, query in USERS.items()}
            own = "SELECT 1 FROM pg_tables WHERE schemaname = %s"
            if connection.execute(own, [self.place.own]).fetchone():
                queries: dict[str, LiteralString] = {
                    "runs": RUNS.replace("extra", _NO_CLOCKS),
                    "ledger": LEDGER,
                    "identity": "SELECT kind, value FROM {} ORDER BY 1, 2",
                    "records": "SELECT record_id, identifiers FROM {} ORDER BY 1",
                    "holders": "SELECT kind, value, record_id FROM {} ORDER BY 1, 2, 3",
                    "index_state": "SELECT fingerprint FROM {}",
                }
                for name, query in queries.items():
                    table = sql.Identifier(self.place.own, name)
                    composed = sql.SQL(query).format(table)
                    found[name] = connection.execute(composed).fetchall()
        return {name: rows for name, rows in found.items() if rows}


def _ids() -> list[tuple[str]]:
    return [(lead,) for lead, _ in LEADS]
