"""The async store in memory passes the contract, and its tasks are like transactions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from leadfold import AsyncInMemoryRepository, aio
from leadfold.exceptions import RunExistsError, StalePlanError
from leadfold.testing import BlockingRepository
from repositories.memory_contract import REFERENCES, InMemoryContract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.backfill import Plan, Report
    from leadfold.repositories.memory.application import ApplicationRows
    from leadfold.repository import Repository

LEADS = [{"id": f"l{number}", "phone": f"20255501{number:02}"} for number in range(40)]


class TestAsyncInMemory(InMemoryContract):
    """The contract, every call of it run on one event loop."""

    runner: asyncio.Runner

    @pytest.fixture
    def repository(self) -> Iterator[Repository]:
        """Return a fresh store."""
        with asyncio.Runner() as self.runner:
            yield self.made()

    def made(self, **options: Any) -> Repository:  # noqa: ANN401 - whatever the store takes
        """Return an async store made with *options*."""
        return self.through(AsyncInMemoryRepository(references=REFERENCES, **options))

    def through(self, store: ApplicationRows) -> Repository:
        """Return *store* with each call run to its end."""
        return BlockingRepository(cast("AsyncInMemoryRepository", store), self.runner)


def test_two_applies_at_once_write_one_plan_each_lead() -> None:
    """Of two plans for the same leads one is written and one is stale, whichever comes first."""
    repository = AsyncInMemoryRepository(leads=LEADS)

    async def both() -> list[Report | BaseException]:
        plans = [await aio.plan(repository), await aio.plan(repository)]
        applies = (aio.apply(each, repository) for each in plans)
        return await asyncio.gather(*applies, return_exceptions=True)

    done = asyncio.run(both())
    assert sum(isinstance(each, StalePlanError) for each in done) == 1
    assert len(repository.customers()) == len(LEADS)
    assert len(repository.audit()) == 1


def test_one_plan_applied_twice_at_once_is_written_once() -> None:
    """The second task is told that the run exists."""
    repository = AsyncInMemoryRepository(leads=LEADS)

    async def twice() -> list[Report | BaseException]:
        plan = await aio.plan(repository)
        applies = (aio.apply(plan, repository) for _ in range(2))
        return await asyncio.gather(*applies, return_exceptions=True)

    assert sum(isinstance(each, RunExistsError) for each in asyncio.run(twice())) == 1


@pytest.mark.parametrize("turns", range(4))
def test_a_cancelled_apply_writes_all_or_nothing(turns: int) -> None:
    """However far it came when it was cancelled, the store is as it was or as planned."""
    repository = AsyncInMemoryRepository(leads=LEADS)

    async def cancelled() -> bool:
        task = asyncio.create_task(aio.apply(await aio.plan(repository), repository))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        return not isinstance(outcome, asyncio.CancelledError)

    written = asyncio.run(cancelled())
    assert len(repository.customers()) == (len(LEADS) if written else 0)
    assert all((lead.customer_id is not None) == written for lead in repository.leads())


def test_other_tasks_run_while_a_plan_reads() -> None:
    """A task gives way before each verb and between batches, as with a server."""
    repository = AsyncInMemoryRepository(leads=LEADS)

    async def counted() -> tuple[Plan, int]:
        turns = 0
        planning = asyncio.create_task(aio.plan(repository))
        while not planning.done():
            turns += 1
            await asyncio.sleep(0)
        return await planning, turns

    plan, turns = asyncio.run(counted())
    assert plan.leads == len(LEADS)
    assert turns > 3  # the snapshot, its facts, rulings and leads


def test_a_snapshot_stays_as_it_was_while_another_task_writes() -> None:
    """What is committed while a reader is open does not show in it."""
    repository = AsyncInMemoryRepository(leads=LEADS)

    async def read() -> tuple[list[str | None], list[str | None]]:
        async with repository.reading() as reader:
            await aio.apply(await aio.plan(repository), repository)
            (before,) = [batch async for batch in reader.leads()]
        async with repository.reading() as reader:
            (after,) = [batch async for batch in reader.leads()]
        return [*before.customer_ids], [*after.customer_ids]

    before, after = asyncio.run(read())
    assert set(before) == {None}
    assert None not in after
