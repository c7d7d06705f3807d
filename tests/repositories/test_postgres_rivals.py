"""Others write at the same moment: deadlocks, values taken, snapshots of every isolation level."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import Policy, backfill
from leadfold.exceptions import RetryableError, StalePlanError, StoreError
from leadfold.repositories.postgres import PostgresRepository
from repositories.kill_children import difference
from repositories.kill_deeds import plan_of
from repositories.postgres_pictures import filled_database, picture
from repositories.postgres_stores import before_statement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString


LEVELS = list(psycopg.IsolationLevel)[1:]  # from READ COMMITTED on
STRICTER = LEVELS[1:]


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Make a database of a hundred leads, where no two customers show one phone."""
    with filled_database(postgres_dsn, every=10) as dsn:
        run(dsn, """DELETE FROM "Customer" WHERE id ~ '[13579]$'""")
        yield dsn


def run(dsn: str, statement: LiteralString) -> list[tuple[object, ...]]:
    """Run a statement, and return its rows."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def assert_sound(dsn: str) -> None:
    """See that each phone has one customer, and that no customer of leadfold's has no lead."""
    torn = """SELECT 1 FROM "Lead" WHERE phone IS NOT NULL AND customer_id IS NOT NULL
        GROUP BY phone HAVING count(DISTINCT customer_id) > 1"""
    idle = """SELECT 1 FROM "Customer" AS c WHERE metadata ->> 'createdBy' = 'leadfold'
        AND NOT EXISTS (SELECT 1 FROM "Lead" AS l WHERE l.customer_id = c.id)"""
    doubled = """SELECT 1 FROM "Customer" WHERE phone IS NOT NULL
        GROUP BY phone HAVING count(*) > 1"""
    assert run(dsn, torn) == run(dsn, idle) == run(dsn, doubled) == []


def test_an_index_on_an_expression_filled_between_plan_and_apply(dsn: str) -> None:
    """Somebody takes what only the database knows to be unique: one unit is left out, by name."""
    run(dsn, """CREATE UNIQUE INDEX lower_phone ON "Customer" (lower(phone || 'X'))""")
    with PostgresRepository(dsn) as repository:
        plan = plan_of(repository)
        run(
            dsn,
            """INSERT INTO "Customer" (id, phone) SELECT 'theirs', '+1' || substr(phone, 3)
            FROM "Lead" WHERE id = 'l0500'""",
        )
        report = backfill.apply(plan, repository)
        assert [failure.lead_ids for failure in report.failures] == [("l0500",)]
        assert "lower_phone" in report.failures[0].message
        [(phone,)] = run(dsn, """SELECT phone FROM "Lead" WHERE id = 'l0500'""")
        assert str(phone) not in str(report)
    assert run(dsn, 'SELECT count(customer_id) FROM "Lead"') == [(99,)]
    assert_sound(dsn)


def test_a_value_taken_while_the_run_is_written(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken after the plan was found to be good, before customers are inserted: likewise."""
    run(dsn, 'CREATE UNIQUE INDEX phones ON "Customer" (phone)')
    take = """INSERT INTO "Customer" (id, phone) SELECT 'theirs', '+1' || substr(phone, 3)
        FROM "Lead" WHERE id = 'l0500'"""
    with PostgresRepository(dsn) as repository:
        plan = plan_of(repository)
        before_statement(monkeypatch, 'INSERT INTO "public"."Customer"', lambda: run(dsn, take))
        report = backfill.apply(plan, repository)
    assert [failure.lead_ids for failure in report.failures] == [("l0500",)]
    assert_sound(dsn)


def test_a_lead_edited_while_the_run_is_written(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edited between the test for stale rows and the link: refused whole, the lead is named."""
    before = picture(dsn)
    edit = """UPDATE "Lead" SET phone = '+12129999999' WHERE id = 'l0500'"""
    with PostgresRepository(dsn) as repository:
        plan = plan_of(repository)
        before_statement(monkeypatch, 'UPDATE "public"."Lead"', lambda: run(dsn, edit))
        with pytest.raises(StalePlanError) as raised:
            backfill.apply(plan, repository)
        assert raised.value.lead_ids == ("l0500",)
        found = picture(dsn)
        assert difference(found, before).startswith("public.Lead")
        skipped = backfill.apply(plan, repository, on_stale="skip")
        assert [failure.lead_ids for failure in skipped.failures] == [("l0500",)]


@pytest.mark.parametrize("times", [1, 3])
def test_deadlocks_do_not_reach_the_user(dsn: str, times: int) -> None:
    """Again and again the run has to give way to somebody; in the end it is written as planned."""
    with (
        PostgresRepository(
            psycopg.conninfo.make_conninfo(dsn, options="-cdeadlock_timeout=20ms")
        ) as repository,
        psycopg.connect(dsn) as other,
        psycopg.connect(dsn, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        plan = plan_of(repository)
        blocked = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        other.execute("SET deadlock_timeout = '60s'")  # it is the run that has to give way
        other.execute("""UPDATE "Lead" SET name = 'theirs' WHERE id = 'l0990'""")
        applying = pool.submit(backfill.apply, plan, repository)
        for _ in range(times):
            while not watcher.execute(blocked, [other.info.backend_pid]).fetchall():
                assert not applying.done()
                time.sleep(0.002)
            with other.transaction():
                other.execute("""INSERT INTO "Customer" (id) VALUES ('c5')""")
                raise psycopg.Rollback
        other.rollback()
        report = applying.result()
    assert report.failures == ()
    assert run(dsn, 'SELECT count(customer_id) FROM "Lead"') == [(100,)]
    assert_sound(dsn)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_a_caller_of_any_isolation_level(dsn: str, level: psycopg.IsolationLevel) -> None:
    """Undisturbed, a run and its rollback are written in the caller's own transaction."""
    before = picture(dsn)
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = level
        repository = PostgresRepository(connection)
        report = backfill.apply(plan_of(repository), repository)
        assert (report.stats.leads_linked, report.failures) == (100, ())
        assert not list(backfill.plan(repository, Policy.keyed()).units)
        connection.commit()
        assert_sound(dsn)
        backfill.rollback(report.run_id, repository)
        connection.commit()
    found = picture(dsn)
    assert {name: found[name] for name in before if name != "public.Audit"} == {
        name: rows for name, rows in before.items() if name != "public.Audit"
    }


EDITS = {
    "a lead": """UPDATE "Lead" SET phone = '+12129999999' WHERE id = 'l0500'""",
    "a customer": """UPDATE "Customer" SET phone = '+12129999999' WHERE id = 'known10'""",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
@pytest.mark.parametrize("level", STRICTER, ids=lambda level: level.name)
def test_a_row_that_changed_since_the_callers_snapshot(
    dsn: str, level: psycopg.IsolationLevel, edit: LiteralString
) -> None:
    """A snapshot does not show it, the write does: try again. The transaction is the caller's."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = level
        repository = PostgresRepository(connection)
        plan = plan_of(repository)
        run(dsn, edit)
        before = picture(dsn)
        with pytest.raises(RetryableError, match="try again"):
            backfill.apply(plan, repository)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        connection.commit()
        assert picture(dsn) == before
        with pytest.raises(StalePlanError):
            backfill.apply(plan, repository)
        connection.rollback()
        backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
        connection.commit()
    assert_sound(dsn)


@pytest.mark.parametrize("level", STRICTER, ids=lambda level: level.name)
def test_a_run_that_came_since_the_callers_snapshot(
    dsn: str, level: psycopg.IsolationLevel
) -> None:
    """What another run wrote since is not written a second time, though nothing of it is seen."""
    with psycopg.connect(dsn) as connection, PostgresRepository(dsn) as theirs:
        connection.isolation_level = level
        repository = PostgresRepository(connection)
        theirs.create_schema()
        plan = backfill.plan(repository, Policy.keyed())
        backfill.apply(plan_of(theirs), theirs)
        before = picture(dsn)
        with pytest.raises(StoreError):
            backfill.apply(plan, repository)
        connection.commit()
        assert picture(dsn) == before
    assert_sound(dsn)


def test_a_writer_that_serializes(dsn: str) -> None:
    """Who edits leads in serializable transactions may be told to try again; the run never is."""
    failures = []

    def edit_on() -> None:
        with psycopg.connect(dsn) as connection:
            connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
            for number in range(0, 1000, 10):
                try:
                    count = 'SELECT count(*) FROM "Lead" WHERE customer_id IS NULL'
                    connection.execute(count).fetchall()
                    rename = 'UPDATE "Lead" SET name = %s WHERE id = %s'
                    connection.execute(rename, [f"theirs {number}", f"l{number:04}"])
                    connection.commit()
                except psycopg.errors.SerializationFailure as e:
                    failures.append(e)
                    connection.rollback()

    writer = threading.Thread(target=edit_on)
    with PostgresRepository(dsn) as repository:
        writer.start()
        report = backfill.apply(plan_of(repository), repository)
        writer.join()
    assert report.failures == ()
    assert run(dsn, 'SELECT count(customer_id) FROM "Lead"') == [(100,)]
    assert_sound(dsn)
