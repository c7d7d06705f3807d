"""Roles that may not do everything, row security, views for tables: right, or a clear error."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadfold import Lead, Policy, Resolver, backfill
from leadfold.exceptions import MappingError, StoreError
from leadfold.repositories.mapping import CustomerTable, LeadTable, StoreMapping
from leadfold.repositories.postgres import PostgresRepository
from leadfold.resolver import refresh_index
from repositories.kill_children import difference
from repositories.kill_deeds import plan_of
from repositories.postgres_pictures import filled_database, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString

LEAST = (
    "GRANT USAGE ON SCHEMA leadfold TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA leadfold TO {role}",
    'GRANT SELECT ON "Lead", "Customer", "Job", "Conversation", "Audit" TO {role}',
    'GRANT UPDATE (customer_id) ON "Lead", "Job", "Conversation" TO {role}',
    'GRANT INSERT, UPDATE (metadata) ON "Customer" TO {role}',
    'GRANT INSERT ON "Audit" TO {role}',
)
"""What a backfill needs once leadfold's tables are there, and no more."""

DECIDES = (*LEAST, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA leadfold TO {role}")
"""What a resolver needs."""


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Make a database of a hundred leads, with leadfold's tables."""
    with filled_database(postgres_dsn, every=10) as dsn:
        with PostgresRepository(dsn) as repository:
            repository.create_schema()
        yield dsn


def run(dsn: str, *statements: LiteralString) -> None:
    """Run statements as the owner of everything."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def role_with(dsn: str, *statements: LiteralString) -> Iterator[str]:
    """Make a role, let statements grant it something, and yield how it connects."""
    role = f"{conninfo_to_dict(dsn)['dbname']}_role"
    names = {"role": sql.Identifier(role)}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in ("CREATE ROLE {role} LOGIN", *statements):
            connection.execute(sql.SQL(statement).format(**names))
        try:
            yield make_conninfo(dsn, user=role)
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            connection.execute(sql.SQL("DROP ROLE {role}").format(**names))


def refused(dsn: str, theirs: str, match: str, mapping: StoreMapping | None = None) -> None:
    """See a backfill refused with a message, as an error of ours, and nothing changed."""
    before = picture(dsn)
    with (
        PostgresRepository(theirs, mapping=mapping) as repository,
        pytest.raises((StoreError, MappingError), match=match),
    ):
        backfill.apply(plan_of(repository), repository)
    found = picture(dsn)
    assert found == before, difference(found, before)


def test_the_least_that_a_role_must_be_granted(dsn: str) -> None:
    """A role with so much does the whole backfill, again and again."""
    with role_with(dsn, *LEAST) as theirs, PostgresRepository(theirs) as repository:
        report = backfill.apply(plan_of(repository), repository)
        assert report.stats.leads_linked == 100
        assert backfill.validate(repository, Policy.keyed()).ok
        assert not list(backfill.plan(repository, Policy.keyed()).units)


def test_the_least_that_a_resolver_must_be_granted(dsn: str) -> None:
    """It numbers what it writes beside others; without that privilege it says so."""
    with role_with(dsn, *LEAST) as theirs, PostgresRepository(theirs) as repository:
        refresh_index(repository)
        with pytest.raises(StoreError, match=r"may not do that: .*unit_numbers"):
            Resolver(repository).resolve(Lead("l00"))
    with role_with(dsn, *DECIDES) as theirs, PostgresRepository(theirs) as repository:
        assert Resolver(repository).resolve(Lead("l00")).outcome == "created"


@pytest.mark.parametrize("missing", range(len(LEAST)), ids=lambda at: LEAST[at].partition(" TO")[0])
def test_a_privilege_that_is_missing(dsn: str, missing: int) -> None:
    """Each of them is missed at once: the message says so, and nothing is written."""
    granted = (*LEAST[:missing], *LEAST[missing + 1 :])
    with role_with(dsn, *granted) as theirs:
        refused(dsn, theirs, "permission denied|may not do that|cannot make")


def test_a_role_that_may_not_make_temporary_tables(dsn: str) -> None:
    """A run needs a table to stage in: that is what the message is about."""
    database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC").format(database))
    with role_with(dsn, *LEAST) as theirs:
        refused(dsn, theirs, "may not do that: .*temporary tables")


@pytest.mark.parametrize(
    ("policy", "linked"),
    [
        pytest.param("FOR ALL USING (id >= 'l05')", 50, id="rows that the role cannot see"),
        pytest.param("FOR SELECT USING (true)", 0, id="rows that it may not write"),
        pytest.param(
            "FOR ALL USING (true) WITH CHECK (customer_id IS NULL)", 0, id="links it may not write"
        ),
    ],
)
def test_row_security(dsn: str, policy: LiteralString, linked: int) -> None:
    """Rows that a policy hides take no part; those it guards cost their units, which are named."""
    run(
        dsn,
        'ALTER TABLE "Lead" ENABLE ROW LEVEL SECURITY',
        f'CREATE POLICY part ON "Lead" {policy}',
    )
    with role_with(dsn, *LEAST) as theirs, PostgresRepository(theirs) as repository:
        report = backfill.apply(plan_of(repository), repository)
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = 'SELECT id FROM "Lead" WHERE customer_id IS NOT NULL'
        done = {str(lead) for (lead,) in connection.execute(found).fetchall()}
        alone = """SELECT count(*) FROM "Customer" AS c WHERE c.id LIKE 'c%' AND NOT EXISTS
            (SELECT 1 FROM "Lead" AS l WHERE l.customer_id = c.id)"""
        assert connection.execute(alone).fetchall() == [(0,)]
    assert len(done) == linked
    left_out = {lead for failure in report.failures for lead in failure.lead_ids}
    assert not left_out & done
    assert len(left_out) == (0 if linked else 100)


def test_a_role_to_which_row_security_may_not_apply(dsn: str) -> None:
    """Who asks for an error instead of hidden rows gets one, before anything is read."""
    run(
        dsn,
        'ALTER TABLE "Lead" ENABLE ROW LEVEL SECURITY',
        'CREATE POLICY part ON "Lead" FOR ALL USING (false)',
    )
    with role_with(dsn, *LEAST) as theirs:
        refused(dsn, make_conninfo(theirs, options="-crow_security=off"), "row-level security")


VIEWS = StoreMapping(
    lead=LeadTable(table="lead_view"), customer=CustomerTable(table="customer_view")
)


def test_views_that_can_be_written(dsn: str) -> None:
    """A plain view serves as a table: all is written and rolled back through it."""
    run(
        dsn,
        'CREATE VIEW lead_view AS SELECT * FROM "Lead"',
        'CREATE VIEW customer_view AS SELECT * FROM "Customer"',
    )
    before = picture(dsn)
    with PostgresRepository(dsn, mapping=VIEWS) as repository:
        report = backfill.apply(plan_of(repository), repository)
        assert (report.stats.leads_linked, report.failures) == (100, ())
        assert backfill.validate(repository, Policy.keyed()).ok
        backfill.rollback(report.run_id, repository)
    found = picture(dsn)
    for table in ("Lead", "Customer", "Job"):
        assert found[f"public.{table}"] == before[f"public.{table}"]


@pytest.mark.parametrize(
    ("view", "match"),
    [
        pytest.param("VIEW {} AS SELECT DISTINCT * FROM", "cannot update view", id="distinct"),
        pytest.param("MATERIALIZED VIEW {} AS SELECT * FROM", "materialized view", id="stored"),
    ],
)
def test_views_that_cannot_be_written(dsn: str, view: LiteralString, match: str) -> None:
    """The run ends with the database's own word, not unit by unit, and nothing is written."""
    run(
        dsn,
        f'CREATE {view.format("lead_view")} "Lead"',
        'CREATE VIEW customer_view AS SELECT * FROM "Customer"',
    )
    refused(dsn, dsn, match, VIEWS)


def test_a_view_behind_which_a_column_must_be_filled(dsn: str) -> None:
    """What no catalog can tell is told by each unit: nobody has a customer that was not made."""
    run(
        dsn,
        "ALTER TABLE \"Customer\" ADD COLUMN region text NOT NULL DEFAULT 'x'",
        'ALTER TABLE "Customer" ALTER COLUMN region DROP DEFAULT',
        'CREATE VIEW lead_view AS SELECT * FROM "Lead"',
        """CREATE VIEW customer_view AS SELECT id, name, phone, email, metadata, created_at,
            updated_at FROM "Customer" """,
    )
    before = picture(dsn)["public.Customer"]
    with PostgresRepository(dsn, mapping=VIEWS) as repository:
        report = backfill.apply(plan_of(repository), repository)
    assert report.failures
    assert all('"region"' in failure.message for failure in report.failures)
    found = picture(dsn)["public.Customer"]
    assert [row[0] for row in found] == [row[0] for row in before]


def test_a_column_that_must_be_filled(dsn: str) -> None:
    """The table's own catalog tells it, so nothing is tried."""
    run(
        dsn,
        "ALTER TABLE \"Customer\" ADD COLUMN region text NOT NULL DEFAULT 'x'",
        'ALTER TABLE "Customer" ALTER COLUMN region DROP DEFAULT',
    )
    refused(dsn, dsn, "Customer.region is NOT NULL, has no default and is not mapped")
