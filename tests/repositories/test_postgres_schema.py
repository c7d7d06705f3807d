"""leadfold's own tables in PostgreSQL: the schema is what the migrations make, when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from leadfold import Lead, Policy, Resolver, backfill
from leadfold.exceptions import StoreError
from leadfold.repositories import sql as files
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.composing import composed, fixed
from leadfold.testing.changesets import read_basis, run_of
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repositories.postgres_stores import Place

_SHAPE = """
    SELECT col.table_name, col.column_name, col.data_type, col.is_nullable, col.column_default,
        col.is_identity, NULL
    FROM information_schema.columns AS col WHERE col.table_schema = %(schema)s
    UNION ALL
    SELECT tablename, indexname, replace(indexdef, schemaname, ''), NULL, NULL, NULL, NULL
    FROM pg_indexes WHERE schemaname = %(schema)s
    ORDER BY 1, 2, 3
"""


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with the usual tables."""
    with new_place(postgres_dsn) as place:
        yield place


def shape_after(place: Place, script: str) -> list[tuple[object, ...]]:
    """Return what an empty schema has after *script*: columns, keys and indexes."""
    own = sql.Identifier(place.own)
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(own))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(own))
        connection.execute(composed(script, {"own": own}))
        return connection.execute(fixed(_SHAPE), {"schema": place.own}).fetchall()


def test_the_schema_is_what_the_migrations_make(place: Place) -> None:
    """A reviewer may read schema.sql alone."""
    migrated = "\n".join(text for _, _, text in files.migrations("postgres"))
    shape = shape_after(place, migrated)
    assert shape_after(place, files.read("postgres/schema.sql")) == shape
    assert len(shape) > 50


def test_migrations_are_numbered_from_one() -> None:
    """No number is missing, none is taken twice."""
    numbers = [number for number, _, _ in files.migrations("postgres")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_reading_makes_no_tables(place: Place) -> None:
    """Leadfold's tables come with the first commit, not before."""
    query = "SELECT count(*) FROM pg_tables WHERE schemaname = %s"
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        basis = read_basis(repository)
        assert place.run(query, place.own) == [(0,)]
        repository.commit(basis.changeset())
        repository.commit(basis.changeset(run=run_of("run-2")))
    assert place.run(query, place.own) == [(11,)]


def test_a_newer_store_is_refused(place: Place) -> None:
    """A store that a later version has migrated is not written by this one."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        basis = read_basis(repository)
        repository.commit(basis.changeset())
        newer = sql.SQL("INSERT INTO {} VALUES (99, 'of tomorrow')")
        with psycopg.connect(place.dsn, autocommit=True) as connection:
            connection.execute(newer.format(sql.Identifier(place.own, "migrations")))
        with pytest.raises(StoreError, match="newer leadfold"):
            repository.commit(basis.changeset(run=run_of("run-2")))


def test_claims_that_a_clock_counted_are_old(place: Place) -> None:
    """A store of the first migration goes on: its values were claimed before any plan of now."""
    place.run("""INSERT INTO "Customer" (id, metadata) VALUES ('C', '{"createdBy": "leadfold"}')""")
    place.run("""INSERT INTO "Lead" (id, phone, customer_id) VALUES ('l1', '2125550143', 'C')""")
    own, values = sql.Identifier(place.own), ("", "phone", "+12125550143")
    number, name, script = files.migrations("postgres")[0]
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(own))
        connection.execute(composed(script, {"own": own}))
        for table, row in {
            "migrations": (number, name),
            "identity": (*values, 2**40),
            "records": ("", "l1", '[["phone","+12125550143"]]'),
            "holders": (*values, "l1"),
            "index_state": ("", Policy.keyed().fingerprint, 2**40),
        }.items():
            cells = sql.SQL(", ").join(map(sql.Literal, row))
            insert = sql.SQL("INSERT INTO {} VALUES ({})").format(
                sql.Identifier(place.own, table), cells
            )
            connection.execute(insert)
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        came = """INSERT INTO "Lead" (id, phone) VALUES (%s, '(212) 555-0143')"""
        place.run(came, "l2")
        assert backfill.apply(backfill.plan(repository), repository).stats.leads_linked == 1
        place.run(came, "l3")
        assert Resolver(repository).resolve(Lead("l3")).customer_id == "C"
