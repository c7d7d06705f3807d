"""The backfill for asyncio: `leadfold.backfill`, awaited, over an async repository.

Each function takes what its namesake there takes, and does, returns and raises the same: one text
of the logic serves both. While a store is waited for the event loop runs; grouping is computing
and holds it, a second or two for a hundred thousand leads: where that is too long, plan in a
process of its own. Python's cycle collector is left as it is: the loop is others' too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from leadfold.aio import customers
from leadfold.backfill import errands
from leadfold.backfill.checking import validating
from leadfold.backfill.minting import new_run
from leadfold.errands import arun
from leadfold.policy import Policy
from leadfold.reporter import SILENT
from leadfold.resolver import REFRESH
from leadfold.resolving.indexing import indexing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from leadfold.async_repository import AsyncRepository
    from leadfold.backfill.applying import Report
    from leadfold.backfill.plan import Plan
    from leadfold.backfill.rollback import Later, RollbackPlan
    from leadfold.backfill.validation import Validation
    from leadfold.changes import OnStale
    from leadfold.reporter import Reporter
    from leadfold.survivorship import StoredPhone

__all__ = ["apply", "customers", "plan", "plan_rollback", "refresh_index", "rollback", "validate"]


async def plan(
    repository: AsyncRepository,
    policy: Policy | None = None,
    *,
    mode: Literal["fill", "reconcile"] = "fill",
    adopt: bool = False,
    actor: str = "system",
    created_by: str = "leadfold",
    stored_phone: StoredPhone = "e164",
    run_id: str | None = None,
    new_id: Callable[[], str] | None = None,
    now: datetime | None = None,
    reporter: Reporter = SILENT,
) -> Plan:
    """Decide what a backfill would write; see `leadfold.backfill.plan`.

    >>> import asyncio
    >>> from leadfold import AsyncInMemoryRepository
    >>> repository = AsyncInMemoryRepository(leads=[{"id": "l1"}, {"id": "l2"}])
    >>> asyncio.run(plan(repository)).stats.customers_created
    2
    """
    errand = errands.plan(
        policy,
        mode=mode,
        adopt=adopt,
        actor=actor,
        created_by=created_by,
        stored_phone=stored_phone,
        run_id=run_id,
        new_id=new_id,
        now=now,
        reporter=reporter,
    )
    return await arun(errand, repository)


async def apply(
    plan: Plan | RollbackPlan,
    repository: AsyncRepository,
    *,
    on_stale: OnStale = "refuse",
    chunk: int | None = None,
    reporter: Reporter = SILENT,
) -> Report:
    """Write *plan*, exactly and in one transaction, or in chunks; see `leadfold.backfill.apply`.

    Cancelled, it leaves the store as it was; or as planned, if it was committed already: then the
    list of runs has the plan's run id.

    >>> import asyncio
    >>> from leadfold import AsyncInMemoryRepository
    >>> async def backfill(repository):
    ...     return await apply(await plan(repository), repository)
    >>> asyncio.run(backfill(AsyncInMemoryRepository(leads=[{"id": "l1"}]))).outcome
    'done'
    """
    errand = errands.apply(plan, on_stale=on_stale, chunk=chunk, reporter=reporter)
    return await arun(errand, repository)


async def plan_rollback(
    run_id: str,
    repository: AsyncRepository,
    *,
    later: Later = "refuse",
    actor: str = "system",
    new_run_id: str | None = None,
    now: datetime | None = None,
) -> RollbackPlan:
    """Read what taking a run back would write; see `leadfold.backfill.plan_rollback`.

    >>> import asyncio
    >>> from leadfold import AsyncInMemoryRepository
    >>> async def backfill_and_look(repository):
    ...     report = await apply(await plan(repository), repository)
    ...     return await plan_rollback(report.run_id, repository)
    >>> asyncio.run(backfill_and_look(AsyncInMemoryRepository(leads=[{"id": "l1"}]))).whole
    1
    """
    errand = errands.plan_rollback(run_id, later=later, actor=actor, new_run_id=new_run_id, now=now)
    return await arun(errand, repository)


async def rollback(
    run_id: str,
    repository: AsyncRepository,
    *,
    later: Later = "refuse",
    actor: str = "system",
    new_run_id: str | None = None,
    now: datetime | None = None,
    reporter: Reporter = SILENT,
) -> Report:
    """Take a run back, in one transaction; see `leadfold.backfill.rollback`.

    >>> import asyncio
    >>> from leadfold import AsyncInMemoryRepository
    >>> async def to_and_fro(repository):
    ...     report = await apply(await plan(repository), repository)
    ...     return await rollback(report.run_id, repository)
    >>> asyncio.run(to_and_fro(AsyncInMemoryRepository(leads=[{"id": "l1"}]))).outcome
    'done'
    """
    errand = errands.rollback(
        run_id, later=later, actor=actor, new_run_id=new_run_id, now=now, reporter=reporter
    )
    return await arun(errand, repository)


async def validate(
    repository: AsyncRepository, policy: Policy | None = None, *, samples: int = 5
) -> Validation:
    """Check a store against what a backfill promises; see `leadfold.backfill.validate`.

    >>> import asyncio
    >>> from leadfold import AsyncInMemoryRepository
    >>> found = asyncio.run(validate(AsyncInMemoryRepository(leads=[{"id": "l1"}])))
    >>> found.ok, found["leads linked"].samples
    (False, ('l1',))
    """
    return await arun(validating(policy, samples=samples), repository)


async def refresh_index(
    repository: AsyncRepository,
    policy: Policy | None = None,
    *,
    since: datetime | None = None,
    actor: str = "system",
    run_id: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Bring the identity index up to date; see `leadfold.resolver.refresh_index`."""
    policy = Policy() if policy is None else policy
    made = new_run(REFRESH, actor=actor, run_id=run_id, now=now, policy=policy)
    return await arun(indexing(policy, made, since), repository)
