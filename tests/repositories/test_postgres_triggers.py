"""Triggers that object to the n-th row they see, on every table that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from leadfold import backfill
from leadfold.exceptions import StoreError
from leadfold.repositories.postgres import PostgresRepository
from repositories.kill_children import difference
from repositories.kill_deeds import plan_of
from repositories.postgres_pictures import copied, filled_database, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repositories.kill_children import Tables

OF_UNITS = [
    *(("public", table) for table in ("Customer", "Lead", "Job")),
    *(("leadfold", table) for table in ("ledger", "records", "holders", "identity")),
]
OF_THE_RUN = [("public", "Audit"), ("leadfold", "runs"), ("leadfold", "index_state")]
FUNCTION = """
    CREATE SEQUENCE seen;
    CREATE FUNCTION object() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('public.seen') {} THEN RAISE EXCEPTION 'not this one'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER objecting BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION object()
"""


@pytest.fixture(scope="module")
def filled(postgres_dsn: str) -> Iterator[str]:
    """Make a database of a hundred leads, with leadfold's tables."""
    with filled_database(postgres_dsn, every=10) as dsn:
        with PostgresRepository(dsn) as repository:
            repository.create_schema()
        yield dsn


@pytest.fixture(scope="module")
def planned(postgres_dsn: str, filled: str) -> Tables:
    """Return what the database holds once the plan was written undisturbed."""
    with copied(postgres_dsn, filled) as dsn:
        with PostgresRepository(dsn) as repository:
            backfill.apply(plan_of(repository), repository)
        return picture(dsn)


@pytest.fixture
def dsn(postgres_dsn: str, filled: str) -> Iterator[str]:
    """Make a copy of it."""
    with copied(postgres_dsn, filled) as dsn:
        yield dsn


def object_to(dsn: str, table: tuple[str, str], which: str) -> None:
    """Let a trigger of *table* object to each row whose number is so."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        function = sql.SQL(FUNCTION).format(sql.SQL(which), sql.Identifier(*table))  # type: ignore[arg-type, unused-ignore]
        connection.execute(function)


@pytest.mark.parametrize("table", OF_UNITS, ids=[name for _, name in OF_UNITS])
def test_a_trigger_that_objects_once(dsn: str, planned: Tables, table: tuple[str, str]) -> None:
    """To the 40th row, and never again: what was undone is tried again, and all is as planned."""
    object_to(dsn, table, "= 40")
    with PostgresRepository(dsn) as repository:
        report = backfill.apply(plan_of(repository), repository)
    assert report.failures == ()
    found = picture(dsn)
    assert found == planned, difference(found, planned)


@pytest.mark.parametrize("table", OF_UNITS, ids=[name for _, name in OF_UNITS])
def test_a_trigger_that_objects_for_a_while(dsn: str, table: tuple[str, str]) -> None:
    """To the 40th row and fifty more: a unit is whole or left out and named, and none is torn.

    What was written of them is in the ledger: a rollback takes back that, and finds no more.
    """
    before = picture(dsn)
    object_to(dsn, table, "BETWEEN 40 AND 90")
    with PostgresRepository(dsn) as repository:
        report = backfill.apply(plan_of(repository), repository)
        with psycopg.connect(dsn, autocommit=True) as connection:
            unlinked = 'SELECT id FROM "Lead" WHERE customer_id IS NULL'
            left = {str(lead) for (lead,) in connection.execute(unlinked).fetchall()}
            apart = """SELECT 1 FROM "Job" AS j JOIN "Lead" AS l ON l.id = j.lead_id
                WHERE j.customer_id IS DISTINCT FROM l.customer_id"""
            assert connection.execute(apart).fetchall() == []
            connection.execute("DROP FUNCTION object() CASCADE")
        assert left == {lead for failure in report.failures for lead in failure.lead_ids}
        assert left
        assert {failure.message for failure in report.failures} == {"not this one"}
        if len(left) < 100:
            backfill.rollback(report.run_id, repository)
    found = picture(dsn)
    for name in ("public.Customer", "public.Lead", "public.Job"):
        assert found[name] == before[name], difference(found, before)


@pytest.mark.parametrize("table", OF_THE_RUN, ids=[name for _, name in OF_THE_RUN])
def test_a_trigger_that_objects_to_the_run_itself(dsn: str, table: tuple[str, str]) -> None:
    """What belongs to no unit cannot be left out: nothing is written."""
    object_to(dsn, table, ">= 1")
    before = picture(dsn)
    with PostgresRepository(dsn) as repository:
        plan = plan_of(repository)
        with pytest.raises(StoreError, match="nothing was written: not this one"):
            backfill.apply(plan, repository)
    found = picture(dsn)
    assert found == before, difference(found, before)
