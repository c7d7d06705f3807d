"""What only tasks do to a PostgreSQL store: they are cancelled, wait together, share a pool."""

from __future__ import annotations

import asyncio
import socket
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import psycopg
import psycopg_pool
import pytest

from leadfold import Lead, Resolver, aio
from leadfold.exceptions import RetryableError, RunExistsError, StalePlanError, StoreError
from leadfold.repositories.postgres import AsyncPostgresRepository, PostgresRepository
from leadfold.repositories.postgres.async_session import AsyncSession
from leadfold.repositories.postgres.steps import CopyIn
from leadfold.resolver import AsyncResolver, refresh_index
from repositories.postgres_stores import contents, new_place

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import LiteralString

    from leadfold.backfill import Report
    from leadfold.repositories.postgres.steps import Answer, Step
    from repositories.postgres_stores import Place

AsyncConnection = psycopg.AsyncConnection[tuple[object, ...]]


@pytest.fixture
def place(postgres_dsn: str) -> Iterator[Place]:
    """Make a schema with ten leads, a job for each, and leadfold's tables."""
    with new_place(postgres_dsn) as place:
        place.run(
            """INSERT INTO "Lead" (id, phone) SELECT 'l' || n, '202555010' || n
            FROM generate_series(0, 9) AS n"""
        )
        place.run("""INSERT INTO "Job" (id, lead_id) SELECT 'j' || n, 'l' || n
            FROM generate_series(0, 9) AS n""")
        with PostgresRepository(place.dsn, schema=place.own) as repository:
            repository.create_schema()
        yield place


async def backfill(repository: AsyncPostgresRepository) -> Report:
    """Plan and apply."""
    return await aio.apply(await aio.plan(repository), repository)


class Tripwire:
    """Cancels the task that performs the steps of these numbers, and counts steps."""

    def __init__(self, patch: pytest.MonkeyPatch, *at: int) -> None:
        self.steps = 0
        perform = AsyncSession.perform

        async def counted(session: AsyncSession, step: Step) -> Answer:
            number, self.steps = self.steps, self.steps + 1
            task = asyncio.current_task()
            if number in at and task is not None:
                task.cancel()  # it is met where this step first waits for the server
            return await perform(session, step)

        patch.setattr(AsyncSession, "perform", counted)


async def cancelled(errand: Coroutine[object, object, object]) -> bool:
    """Tell whether *errand*, run as a task of its own, was cancelled."""
    (outcome,) = await asyncio.gather(asyncio.create_task(errand), return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
    return isinstance(outcome, asyncio.CancelledError)


def test_an_apply_cancelled_in_any_statement(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever statement it is cancelled in, the store is exactly as it was or as planned."""
    before = contents(place)

    async def until_written() -> int:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            plan = await aio.plan(repository)
            for at in count():
                with monkeypatch.context() as patch:
                    Tripwire(patch, at)
                    was_cancelled = await cancelled(aio.apply(plan, repository))
                if contents(place) != before:
                    with pytest.raises(RunExistsError):  # the run id tells that it landed
                        await aio.apply(plan, repository)
                    return at
                assert was_cancelled, f"cancelled in statement {at}"
        raise AssertionError

    assert asyncio.run(until_written()) > 8
    assert place.run('SELECT count(*) FROM "Lead" WHERE customer_id IS NULL') == [(0,)]


def test_an_apply_cancelled_while_it_is_undone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second cancellation leaves nothing behind either, and the repository is as good as new."""
    before = contents(place)

    async def twice() -> None:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            plan = await aio.plan(repository)
            for at in (4, 6, 8):
                with monkeypatch.context() as patch:
                    Tripwire(patch, at, at + 1)
                    assert await cancelled(aio.apply(plan, repository))
                assert contents(place) == before
            await aio.apply(plan, repository)

    asyncio.run(twice())


def test_a_plan_cancelled_in_any_statement(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction stays open, and the next plan is made on the same connection."""

    async def until_read() -> int:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            for at in count():
                with monkeypatch.context() as patch:
                    Tripwire(patch, at)
                    if not await cancelled(aio.plan(repository)):
                        return at
                assert open_transactions(place) == 0
        raise AssertionError

    assert asyncio.run(until_read()) > 6


def test_a_decision_cancelled_in_any_statement(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements that travel together are undone together; the next decision is made."""
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        refresh_index(repository)
        Resolver(repository).resolve(Lead("l9"))
    before = contents(place)

    async def until_written() -> int:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            resolver = AsyncResolver(repository)
            for at in count():
                with monkeypatch.context() as patch:
                    Tripwire(patch, at)
                    was_cancelled = await cancelled(resolver.resolve(Lead("l0")))
                assert open_transactions(place) == 0
                if contents(place) != before:
                    assert (await resolver.resolve(Lead("l0"))).outcome == "unchanged"
                    return at
                assert was_cancelled, f"cancelled in statement {at}"
        raise AssertionError

    assert asyncio.run(until_written()) >= 4


def open_transactions(place: Place) -> int:
    """Return how many connections are in a transaction, this one apart."""
    [(found,)] = place.run(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' "
        "AND datname = current_database()"
    )
    return int(str(found))


def test_two_backfills_at_once_wait_for_each_other(place: Place) -> None:
    """The second task waits in the server, is refused as stale, and writes nothing."""

    async def both() -> list[Report | BaseException]:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            plans = [await aio.plan(repository), await aio.plan(repository)]
            applies = (aio.apply(each, repository) for each in plans)
            return await asyncio.gather(*applies, return_exceptions=True)

    done = asyncio.run(both())
    assert sum(isinstance(each, StalePlanError) for each in done) == 1
    assert place.run('SELECT count(*) FROM "Customer"') == [(10,)]
    assert place.run('SELECT count(*) FROM "Audit"') == [(1,)]


def test_other_tasks_run_while_a_commit_waits_for_a_lock(place: Place) -> None:
    """Only the task that waits is held up: the one that lets go of the lock is another task."""

    async def waiting() -> Report:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            plan = await aio.plan(repository)
            async with await AsyncConnection.connect(place.dsn) as other:
                await other.execute('SELECT id FROM "Lead" FOR UPDATE')
                apply = asyncio.create_task(aio.apply(plan, repository))
                while not (await blocked(place)):
                    assert not apply.done()
                await other.rollback()
                return await apply

    assert asyncio.run(waiting()).outcome == "done"


def test_a_wait_for_a_lock_can_be_given_up(place: Place) -> None:
    """The statement is cancelled in the server too: nobody waits there, nothing is written."""
    before = contents(place)

    async def given_up() -> None:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            plan = await aio.plan(repository)
            async with await AsyncConnection.connect(place.dsn) as other:
                await other.execute('SELECT id FROM "Lead" FOR UPDATE')
                apply = asyncio.create_task(aio.apply(plan, repository))
                while not (await blocked(place)):
                    assert not apply.done()
                apply.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await apply
                assert not await blocked(place)
            assert contents(place) == before
            await aio.apply(plan, repository)

    asyncio.run(given_up())


async def blocked(place: Place) -> bool:
    """Tell whether a connection of the store waits for another."""
    async with await AsyncConnection.connect(place.dsn, autocommit=True) as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return await cursor.fetchone() is not None


def test_other_tasks_run_while_rows_are_copied(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large COPY lets the event loop turn again and again."""
    place.run("""INSERT INTO "Lead" (id) SELECT 'm' || n FROM generate_series(1, 5000) AS n""")
    turns = 0
    during: list[int] = []
    perform = AsyncSession.perform

    async def watched(session: AsyncSession, step: Step) -> Answer:
        before = turns
        answer = await perform(session, step)
        if isinstance(step, CopyIn):
            during.append(turns - before)
        return answer

    async def turning() -> None:
        nonlocal turns
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            applying = asyncio.create_task(backfill(repository))
            while not applying.done():
                turns += 1
                await asyncio.sleep(0)
            await applying

    monkeypatch.setattr(AsyncSession, "perform", watched)
    asyncio.run(turning())
    assert during[0] > 10


def test_other_tasks_run_while_a_connection_is_made() -> None:
    """A server that never answers holds up nobody but who asks it, and can be given up."""

    async def given_up() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host, port = silent.getsockname()
            repository = AsyncPostgresRepository(f"host={host} port={port} user=nobody")
            planning = asyncio.create_task(aio.plan(repository))
            for _ in range(50):
                await asyncio.sleep(0)
            assert not planning.done()
            planning.cancel()
            with pytest.raises(asyncio.CancelledError):
                await planning

    asyncio.run(given_up())


def test_a_pool_lends_and_gets_back(place: Place) -> None:
    """Connections go back as they came; the pool stays open, for it is the caller's."""

    async def pooled() -> list[str]:
        pool: psycopg_pool.AsyncConnectionPool[AsyncConnection]
        async with psycopg_pool.AsyncConnectionPool(
            place.dsn, min_size=1, max_size=2, open=False
        ) as pool:
            async with AsyncPostgresRepository(pool, schema=place.own) as repository:
                report = await backfill(repository)
                found = await asyncio.gather(*(aio.validate(repository) for _ in range(4)))
            assert all(each.ok for each in found)
            async with pool.connection() as connection:
                assert not connection.autocommit
                cursor = await connection.execute('SELECT id FROM "Audit"')
                assert len(await cursor.fetchall()) == 1
            return [report.outcome]

    assert asyncio.run(pooled()) == ["done"]


def test_a_pooled_connection_goes_back_when_its_task_is_cancelled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool of one connection serves the next task after each cancellation."""

    async def one_after_another() -> None:
        pool: psycopg_pool.AsyncConnectionPool[AsyncConnection]
        async with psycopg_pool.AsyncConnectionPool(
            place.dsn, min_size=1, max_size=1, open=False
        ) as pool:
            repository = AsyncPostgresRepository(pool, schema=place.own)
            for at in (0, 3, 6, 8):
                with monkeypatch.context() as patch:
                    Tripwire(patch, at)
                    assert await cancelled(backfill(repository))
            await backfill(repository)

    asyncio.run(one_after_another())
    assert place.run('SELECT count(*) FROM "Customer"') == [(10,)]


def test_the_callers_transaction_is_never_ended(place: Place) -> None:
    """What is written goes with the caller's rollback, and stays with their commit."""
    before = contents(place)

    async def on_ones_own() -> None:
        async with await AsyncConnection.connect(place.dsn) as connection:
            repository = AsyncPostgresRepository(connection, schema=place.own)
            await backfill(repository)
            await connection.rollback()
            assert contents(place) == before
            await backfill(repository)
            await connection.commit()

    asyncio.run(on_ones_own())
    assert place.run('SELECT count(*) FROM "Customer"') == [(10,)]


def test_a_commit_cancelled_in_the_callers_transaction_is_undone_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever statement it is cancelled in, what the caller wrote is still theirs to commit."""

    async def beside_ones_own() -> int:
        async with await AsyncConnection.connect(place.dsn) as connection:
            await connection.execute("""INSERT INTO "Lead" (id) VALUES ('own')""")
            repository = AsyncPostgresRepository(connection, schema=place.own)
            plan = await aio.plan(repository)
            for at in count():
                with monkeypatch.context() as patch:
                    Tripwire(patch, at)
                    if not await cancelled(aio.apply(plan, repository)):
                        break
                assert await found(connection, 'SELECT count(*) FROM "Customer"') == 0
            await connection.commit()
            return at

    assert asyncio.run(beside_ones_own()) > 8
    assert place.run('SELECT count(*) FROM "Lead"') == [(11,)]
    assert place.run('SELECT count(*) FROM "Customer"') == [(11,)]


async def found(connection: AsyncConnection, query: LiteralString) -> object:
    """Return the one cell that *query* finds in the transaction of *connection*."""
    cursor = await connection.execute(query)
    [cell] = await cursor.fetchone() or [None]
    return cell


@pytest.mark.parametrize("turns", [1, 5, 25])
def test_an_apply_cancelled_amid_a_copy(
    place: Place, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """However many rows were sent already, the caller's transaction goes on as if none were."""
    place.run("""INSERT INTO "Lead" (id) SELECT 'm' || n FROM generate_series(1, 5000) AS n""")
    perform = AsyncSession.perform
    copying = asyncio.Event()

    async def told(session: AsyncSession, step: Step) -> Answer:
        if isinstance(step, CopyIn):
            copying.set()
        return await perform(session, step)

    async def given_up() -> None:
        async with await AsyncConnection.connect(place.dsn) as connection:
            repository = AsyncPostgresRepository(connection, schema=place.own)
            plan = await aio.plan(repository)
            apply = asyncio.create_task(aio.apply(plan, repository))
            await copying.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            apply.cancel()
            with pytest.raises(asyncio.CancelledError):
                await apply
            assert await found(connection, 'SELECT count(*) FROM "Customer"') == 0
            await aio.apply(plan, repository)
            await connection.commit()

    monkeypatch.setattr(AsyncSession, "perform", told)
    asyncio.run(given_up())
    assert place.run('SELECT count(*) FROM "Customer"') == [(5010,)]


def test_a_connection_that_commits_by_itself_is_refused(place: Place) -> None:
    """Nothing would hold together what is written on it."""

    async def refused() -> None:
        async with await AsyncConnection.connect(place.dsn, autocommit=True) as connection:
            repository = AsyncPostgresRepository(connection, schema=place.own)
            with pytest.raises(StoreError, match="commits every statement by itself"):
                await backfill(repository)

    asyncio.run(refused())


def test_a_connection_that_was_lost_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the blocking repository's, the store as it was, the next apply goes through."""
    before = contents(place)
    perform = AsyncSession.perform

    async def ended(session: AsyncSession, step: Step) -> Answer:
        if isinstance(step, CopyIn):
            place.run("SELECT pg_terminate_backend(%s, 5000)", session.connection.info.backend_pid)
        return await perform(session, step)

    async def lost() -> None:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            plan = await aio.plan(repository)
            with monkeypatch.context() as patch:
                patch.setattr(AsyncSession, "perform", ended)
                with pytest.raises(RetryableError, match="the connection to the store was lost"):
                    await aio.apply(plan, repository)
            assert contents(place) == before
            await aio.apply(plan, repository)

    asyncio.run(lost())


def test_a_snapshot_that_has_ended_is_not_read(place: Place) -> None:
    """A reader kept beyond its context says so."""

    async def late() -> None:
        async with AsyncPostgresRepository(place.dsn, schema=place.own) as repository:
            async with repository.reading() as reader:
                pass
            with pytest.raises(StoreError, match="this snapshot has ended"):
                await reader.facts()

    asyncio.run(late())


def test_one_repository_serves_several_event_loops(place: Place) -> None:
    """A connection kept from one ``asyncio.run`` is good in the next."""
    repository = AsyncPostgresRepository(place.dsn, schema=place.own)
    plan = asyncio.run(aio.plan(repository))
    report = asyncio.run(aio.apply(plan, repository))
    asyncio.run(aio.rollback(report.run_id, repository))
    asyncio.run(repository.close())
    assert place.run('SELECT count(*) FROM "Customer"') == [(0,)]


def test_each_face_refuses_what_the_other_is_for(place: Place) -> None:
    """A connection or pool of the wrong kind is told at once, not by some coroutine later."""

    async def swapped() -> None:
        async with await AsyncConnection.connect(place.dsn) as connection:
            with pytest.raises(TypeError, match="give it to AsyncPostgresRepository"):
                PostgresRepository(cast("Any", connection))
        pool: psycopg_pool.AsyncConnectionPool[AsyncConnection]
        async with psycopg_pool.AsyncConnectionPool(place.dsn, min_size=1, open=False) as pool:
            with pytest.raises(TypeError, match="give it to AsyncPostgresRepository"):
                PostgresRepository(cast("Any", pool))

    asyncio.run(swapped())
    with (
        psycopg.connect(place.dsn) as blocking,
        pytest.raises(TypeError, match="give it to PostgresRepository"),
    ):
        AsyncPostgresRepository(cast("Any", blocking))
