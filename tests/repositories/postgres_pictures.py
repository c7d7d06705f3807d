"""Pictures of whole databases, cell by cell and past the adapter, and databases to take them of."""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import count
from os import getpid
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadfold import backfill
from leadfold.exceptions import StoreError
from leadfold.repositories.postgres import PostgresRepository
from repositories.kill_deeds import FIRST, PREPARED, leads_and_phones, phones_of_known
from repositories.postgres_stores import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.backfill import Plan
    from repositories.kill_children import Tables

__all__ = ["applied", "await_alone", "copied", "filled_database", "picture", "prepared_database"]

_NUMBERS = count(1)
_COLUMNS = """
    SELECT space.nspname, class.relname, array_agg(col.attname::text ORDER BY col.attnum)
    FROM pg_class AS class
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_attribute AS col ON col.attrelid = class.oid
    WHERE class.relkind IN ('r', 'p') AND col.attnum > 0 AND NOT col.attisdropped
    AND col.attidentity = ''
    AND (class.relname, col.attname) NOT IN (('identity', 'version'), ('index_state', 'erased_at'))
    AND space.nspname NOT LIKE 'pg\\_%' AND space.nspname <> 'information_schema'
    GROUP BY 1, 2 ORDER BY 1, 2
"""


def picture(dsn: str) -> Tables:
    """Return every row of every table of a database, leadfold's own included, each cell as text.

    Numbers that the database counts up by itself are left out, those of transactions too, and
    runs are there by rank: an attempt that came to nothing uses some of them up.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        tables: Tables = {}
        for space, name, columns in connection.execute(_COLUMNS).fetchall():
            cells = sql.SQL(", ").join(map(_cell, columns))
            query = sql.SQL("SELECT {} FROM {}").format(cells, sql.Identifier(space, name))
            tables[f"{space}.{name}"] = sorted(connection.execute(query).fetchall(), key=repr)
    return tables


def _cell(column: str) -> sql.Composed:
    text = "dense_rank() OVER (ORDER BY {})" if column == "run" else "{}::text"
    return sql.SQL(text).format(sql.Identifier(column))


@contextmanager
def filled_database(server: str, *, every: int = 1) -> Iterator[str]:
    """Make a database that holds what `kill_deeds` writes to, and drop it in the end.

    With *every* it holds each so manieth lead alone: enough for a backfill and its rollback.
    """
    with new_database(server) as dsn:
        with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
            # no random ids
            cursor.execute('ALTER TABLE "Audit" ALTER COLUMN id DROP DEFAULT')
            with cursor.copy('COPY "Lead" (id, name, phone) FROM STDIN') as copy:
                for lead in leads_and_phones()[::every]:
                    copy.write_row(lead)
            cursor.execute("""INSERT INTO "Job" (id, lead_id) SELECT 'j' || id, id FROM "Lead" """)
            with cursor.copy('COPY "Customer" (id, phone) FROM STDIN') as copy:
                for customer in phones_of_known():
                    copy.write_row(customer)
        yield dsn


@contextmanager
def prepared_database(server: str, deed: str) -> Iterator[str]:
    """Make such a database with all that comes before *deed*, and drop it in the end."""
    with filled_database(server) as dsn:
        with PostgresRepository(dsn) as repository:
            for act in PREPARED.get(deed, ()):
                act(repository)
        if deed == "erase":
            with psycopg.connect(dsn, autocommit=True) as connection:
                blank = 'UPDATE "Lead" SET name = NULL, phone = NULL WHERE id = %s'
                connection.execute(blank, [FIRST])
        yield dsn


@contextmanager
def copied(server: str, dsn: str) -> Iterator[str]:
    """Make a copy of a database that nobody is connected to, and drop it in the end."""
    name = f"leadfold_test_copy_{getpid()}_{next(_NUMBERS)}"
    names = [sql.Identifier(name), sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*names)
        )
    try:
        yield make_conninfo(dsn, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))


def applied(dsn: str, plan: Plan) -> bool:
    """Apply a plan; tell whether it was done or failed as an error of the store, no other."""
    with PostgresRepository(dsn) as repository:
        try:
            backfill.apply(plan, repository)
        except StoreError:
            return False
        return True


def await_alone(dsn: str) -> None:
    """Wait until nobody else is connected: what a lost client began has come to an end."""
    others = """SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(others).fetchall():
            time.sleep(0.005)
