"""Schemas of one's own in PostgreSQL: types of ids, names with schemas, what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import Lead, Policy, Resolver, backfill
from leadfold.exceptions import MappingError, StoreError
from leadfold.repositories.mapping import (
    AuditTable,
    CustomerTable,
    DependentTable,
    LeadTable,
    StoreMapping,
)
from leadfold.repositories.postgres import PostgresRepository
from leadfold.resolver import refresh_index
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repositories.postgres_stores import Place


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with the usual tables."""
    with new_place(postgres_dsn) as place:
        yield place


def retyped(place: Place, kind: str) -> None:
    """Make the tables of leads, customers and jobs anew, ids and links of type *kind*."""
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        connection.execute(
            'DROP TABLE "Job", "Conversation", "Message", "MemoryNote", "CustomerAddress", "Lead",'
            ' "Customer"'
        )
        for statement in (
            """CREATE TABLE "Customer" (id {kind} PRIMARY KEY, name text, phone text, email text,
                metadata jsonb, created_at timestamptz DEFAULT now(),
                updated_at timestamptz NOT NULL)""",
            """CREATE TABLE "Lead" (id {kind} PRIMARY KEY, customer_id {kind}
                REFERENCES "Customer" (id) ON DELETE SET NULL, name text, "messengerPsid" text,
                phone text, email text, created_at timestamp(3) DEFAULT now(),
                updated_at timestamptz NOT NULL DEFAULT '2020-01-01')""",
            """CREATE TABLE "Job" (id {kind} PRIMARY KEY, lead_id {kind} REFERENCES "Lead" (id),
                customer_id {kind} REFERENCES "Customer" (id))""",
        ):
            connection.execute(statement.replace("{kind}", kind))  # type: ignore[arg-type, unused-ignore]


IDS = {
    "uuid": [f"00000000-0000-4000-8000-{number:012}" for number in range(9)],
    "bigint": [str(number) for number in range(1, 10)],
    "integer": [str(number) for number in range(1, 10)],
    "varchar(40)": [f"L{number}" for number in range(9)],
}


@pytest.mark.parametrize("kind", IDS)
def test_a_lead_is_resolved_whatever_ids_are(place: Place, kind: str) -> None:
    """Those that no row can have are looked up and not found; jobs follow."""
    retyped(place, kind)
    ids = iter(IDS[kind])
    first, second, job, *new = ids
    resolver_ids = iter(new)
    place.run(
        """INSERT INTO "Lead" (id, phone) VALUES (%s, '212 555 0143'), (%s, '(212) 555-0143')""",
        first,
        second,
    )
    place.run('INSERT INTO "Job" (id, lead_id) VALUES (%s, %s)', job, second)
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        refresh_index(repository)
        resolver = Resolver(
            repository, Policy.keyed(), "reconcile", new_id=lambda: next(resolver_ids)
        )
        before = resolver.resolve(Lead("no-such-id", phone="212 555 0143"))
        assert before.outcome == "created"
        found = resolver.resolve(Lead(second))
        assert (found.outcome, found.customer_id) == ("unchanged", before.customer_id)
    assert place.run('SELECT count(DISTINCT customer_id) FROM "Lead"') == [(1,)]
    assert place.run('SELECT customer_id::text FROM "Job"') == [(before.customer_id,)]


def test_ids_of_type_uuid(place: Place) -> None:
    """A backfill, its repetition and its rollback work on uuid ids, and touch no lead else."""
    retyped(place, "uuid")
    place.run(
        """INSERT INTO "Lead" (id, phone) SELECT gen_random_uuid(), '212 555 01' || (10 + n / 2)
        FROM generate_series(0, 19) AS n"""
    )
    place.run("""INSERT INTO "Job" (id, lead_id) SELECT gen_random_uuid(), id FROM "Lead" """)
    before = place.run('SELECT * FROM "Lead" ORDER BY id')
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        plan = backfill.plan(repository, Policy.keyed())
        report = backfill.apply(plan, repository)
        assert (report.stats.customers_created, report.stats.jobs_linked) == (10, 20)
        assert backfill.validate(repository, Policy.keyed()).ok
        again = backfill.plan(repository, Policy.keyed())
        assert not list(again.units)
        with repository.reading() as reader:
            assert list(reader.leads(["nobody"])) == []
            assert list(reader.pointing_at(["nobody"])) == []
        backfill.rollback(report.run_id, repository)
    assert place.run('SELECT * FROM "Lead" ORDER BY id') == before
    assert place.run('SELECT count(*) FROM "Customer"') == [(0,)]


def test_ids_of_type_bigint(place: Place) -> None:
    """Where ids are numbers, new customers get those that ``new_id`` makes."""
    retyped(place, "bigint")
    place.run("""INSERT INTO "Lead" (id, phone) VALUES (1, '2125550143'), (2, '2125550143')""")
    numbers = iter(range(100, 200))
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        plan = backfill.plan(repository, Policy.keyed(), new_id=lambda: str(next(numbers)))
        backfill.apply(plan, repository)
    assert place.run('SELECT customer_id FROM "Lead"') == [(100,), (100,)]


def test_customers_that_the_store_numbers_by_itself(place: Place) -> None:
    """Nothing is written, and it is said what would let leadfold name them."""
    retyped(place, "bigint")
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        connection.execute(
            """ALTER TABLE "Customer" ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
            INSERT INTO "Lead" (id, phone) VALUES (1, '212 555 0143')"""
        )
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        plan = backfill.plan(repository, new_id=lambda: "1001")
        with pytest.raises(StoreError, match="GENERATED BY DEFAULT, and give new_id="):
            backfill.apply(plan, repository)


def test_names_with_a_schema(place: Place) -> None:
    """A table is found by schema and name, whatever the search path."""
    mapping = StoreMapping(
        lead=LeadTable(table=f"{place.schema}.Lead"),
        customer=CustomerTable(table=f"{place.schema}.Customer"),
        dependents=[DependentTable("Job", f"{place.schema}.Job")],
        references=[],
        audit=AuditTable(table=f"{place.schema}.Audit"),
    )
    place.run("""INSERT INTO "Lead" (id, phone) VALUES ('l1', '2125550143')""")
    dsn = psycopg.conninfo.make_conninfo(place.dsn, options="")
    with PostgresRepository(dsn, mapping=mapping, schema=place.own) as repository:
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
    assert report.stats.leads_linked == 1


def test_every_misfit_is_named_at_once(place: Place) -> None:
    """Tables, columns, types and conditions that do not fit are told together."""
    place.run('ALTER TABLE "Customer" ALTER COLUMN metadata TYPE text')
    mapping = StoreMapping(
        lead=LeadTable(identifiers={"phone": "mobile"}, where="no_such_column > 1"),
        dependents=[DependentTable("Order", "Order")],
    )
    with (
        PostgresRepository(place.dsn, mapping=mapping, schema=place.own) as repository,
        pytest.raises(MappingError) as refused,
        repository.reading(),
    ):
        pass
    told = "; ".join(refused.value.faults)
    for fault in ('no table "Order"', 'no column "mobile"', "no_such_column"):
        assert fault in told


def test_a_type_that_does_not_fit_is_named(place: Place) -> None:
    """Metadata must be JSON for the database too."""
    place.run('ALTER TABLE "Customer" ALTER COLUMN metadata TYPE text')
    with (
        PostgresRepository(place.dsn, schema=place.own) as repository,
        pytest.raises(MappingError, match="not jsonb"),
        repository.reading(),
    ):
        pass


def test_a_column_that_nobody_fills_is_named(place: Place) -> None:
    """A customer table with a further NOT NULL column is refused at once, not unit by unit."""
    place.run('ALTER TABLE "Customer" ADD COLUMN region text NOT NULL')
    place.run("""INSERT INTO "Lead" (id, phone) VALUES ('l1', '2125550143')""")
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        plan = backfill.plan(repository, Policy.keyed())
        with pytest.raises(MappingError, match="region"):
            backfill.apply(plan, repository)


def test_texts_that_cannot_be_stored_are_one_units_fault(place: Place) -> None:
    """A value with NUL, or too long for an index, leaves out its unit alone."""
    place.run("""INSERT INTO "Lead" (id, phone, "messengerPsid") VALUES
        ('l1', '2125550143', NULL),
        ('l2', NULL, (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) AS n))""")
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
    linked = place.run('SELECT id FROM "Lead" WHERE customer_id IS NOT NULL ORDER BY id')
    assert ("l1",) in linked
    assert len(linked) + len(report.failures) == 2


def test_a_pool(place: Place) -> None:
    """A psycopg pool lends connections and gets them back."""
    pools = pytest.importorskip("psycopg_pool")
    place.run("""INSERT INTO "Lead" (id, phone) VALUES ('l1', '2125550143')""")
    with (
        pools.ConnectionPool(place.dsn, min_size=1, max_size=2, open=True) as pool,
        PostgresRepository(pool, schema=place.own) as repository,
    ):
        report = backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
        assert report.stats.leads_linked == 1
        with pool.connection() as connection:
            assert not connection.autocommit


def test_a_bare_schema(place: Place) -> None:
    """Without audit, metadata, names and times of its own a store is written and read as well."""
    place.run("CREATE TABLE clients (id text PRIMARY KEY, mobile text)")
    place.run(
        """CREATE TABLE contacts (id integer PRIMARY KEY, client text REFERENCES clients (id),
        mobile text, since date, state text)"""
    )
    place.run(
        """INSERT INTO contacts VALUES (1, NULL, '212 555 0143', '2025-01-02', 'new'),
        (2, NULL, '212.555.0143', 'infinity', 'new'), (3, NULL, '212 555 0199', NULL, 'spam')"""
    )
    mapping = StoreMapping(
        lead=LeadTable(
            table="contacts",
            customer_id="client",
            name=None,
            created_at="since",
            identifiers={"phone": "mobile"},
            where="state <> 'spam' AND mobile LIKE '2%'",
        ),
        customer=CustomerTable(
            table="clients",
            name=None,
            phone="mobile",
            email=None,
            metadata=None,
            created_at=None,
            updated_at=None,
        ),
        dependents=[],
        references=[],
        audit=None,
    )
    policy = Policy(identifiers=["phone"])
    with PostgresRepository(place.dsn, mapping=mapping, schema=place.own) as repository:
        report = backfill.apply(backfill.plan(repository, policy), repository)
        assert (report.stats.customers_created, report.stats.leads_linked) == (1, 2)
        with repository.reading() as reader:
            assert reader.audited() == {"backfill_customers": 1}
            (batch,) = reader.leads(["1", "2", "3", "nobody", "01"])
            assert sorted(batch.ids) == ["1", "2"]
            assert None in batch.created_at
        assert backfill.validate(repository, policy).ok
        assert "check" in repository.validation_sql()
        backfill.rollback(report.run_id, repository)
    assert place.run("SELECT count(client) FROM contacts") == [(0,)]
