"""`leadfold.aio` does what `leadfold.backfill` and `leadfold.customers` do, to the letter."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from inspect import iscoroutinefunction, isfunction, signature
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest

from leadfold import AsyncInMemoryRepository, InMemoryRepository, aio, backfill, customers
from leadfold.exceptions import (
    AmbiguousCustomerError,
    DecisionError,
    NotUndoableError,
    RunExistsError,
    UnknownCustomerError,
)
from leadfold.model import Customer
from leadfold.testing import sample_leads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from leadfold.repositories.memory.application import ApplicationRows

AT = datetime(2026, 1, 2, tzinfo=UTC)

PAIRS = [(aio, backfill), (aio.customers, customers)]


def ids() -> Callable[[], str]:
    """Return a maker of ids that are the same in every test."""
    numbers = count(1)
    return lambda: f"c{next(numbers)}"


@pytest.mark.parametrize(("awaited", "blocking"), PAIRS, ids=["backfill", "customers"])
def test_both_faces_take_the_same(awaited: ModuleType, blocking: ModuleType) -> None:
    """Every verb there is here, with the same parameters and defaults; only repositories differ."""
    verbs = {name for name in blocking.__all__ if isfunction(getattr(blocking, name))}
    others = {"customers", "refresh_index"}  # a face of its own, and one beside the resolver's
    assert {name for name in awaited.__all__ if name not in others} == verbs
    for name in verbs:
        assert iscoroutinefunction(getattr(awaited, name))
        faces = [signature(getattr(module, name)) for module in (awaited, blocking)]
        told = [str(face).replace("AsyncRepository", "Repository") for face in faces]
        assert told[0] == told[1]


def shown(store: ApplicationRows) -> tuple[object, ...]:
    """Return everything that the application sees of a store."""
    return store.leads(), store.customers(), store.dependents("Job"), store.audit()


def stores() -> tuple[InMemoryRepository, AsyncInMemoryRepository]:
    """Return two stores with the same rows, one of either kind."""
    leads = [each.lead for each in sample_leads(300, seed=7)]
    jobs = {"Job": [{"id": f"j{lead.id}", "lead_id": lead.id} for lead in leads[::3]]}
    made = [Customer("theirs", phone="+12025550199")]
    return InMemoryRepository(leads, jobs, made), AsyncInMemoryRepository(leads, jobs, made)


def test_a_story_leaves_both_stores_alike() -> None:
    """Plan, apply, validate, merge, split, look, erase and roll back, one beside the other."""
    blocking, awaiting = stores()

    def told(mine: object, theirs: Awaitable[object]) -> None:
        async def awaited() -> object:
            return await theirs

        assert str(mine) == str(asyncio.run(awaited()))
        assert shown(blocking) == shown(awaiting)

    plan = backfill.plan(blocking, run_id="first", now=AT, new_id=ids())
    same = asyncio.run(aio.plan(awaiting, run_id="first", now=AT, new_id=ids()))
    assert (plan.stats, [*plan.units]) == (same.stats, [*same.units])
    told(backfill.apply(plan, blocking), aio.apply(same, awaiting))
    told(backfill.validate(blocking), aio.validate(awaiting))
    told(
        customers.merge(blocking, "c1", "c2", run_id="merge", now=AT),
        aio.customers.merge(awaiting, "c1", "c2", run_id="merge", now=AT),
    )
    told(customers.customer(blocking, "c1"), aio.customers.customer(awaiting, "c1"))
    told(customers.customer_id_now(blocking, "c2"), aio.customers.customer_id_now(awaiting, "c2"))
    lead = next(lead.id for lead in blocking.leads() if lead.customer_id == "c1")
    told(
        customers.split(blocking, "c1", [[lead]], new_id=lambda: "n", run_id="split", now=AT),
        aio.customers.split(awaiting, "c1", [[lead]], new_id=lambda: "n", run_id="split", now=AT),
    )
    told(
        backfill.plan_rollback("first", blocking, new_run_id="no", now=AT),
        aio.plan_rollback("first", awaiting, new_run_id="no", now=AT),
    )
    told(
        backfill.rollback("first", blocking, later="keep", new_run_id="undo", now=AT),
        aio.rollback("first", awaiting, later="keep", new_run_id="undo", now=AT),
    )
    for store in (blocking, awaiting):
        store.delete_lead(lead)
    told(
        customers.erase(blocking, lead, run_id="erase", now=AT),
        aio.customers.erase(awaiting, lead, run_id="erase", now=AT),
    )


@pytest.mark.parametrize(
    ("verb", "error"),
    [
        pytest.param(lambda s: aio.plan(s, mode=cast("Any", "other")), ValueError, id="mode"),
        pytest.param(
            lambda s: aio.plan_rollback("x", s, later=cast("Any", "no")), ValueError, id="later"
        ),
        pytest.param(lambda s: aio.rollback("x", s), NotUndoableError, id="rollback"),
        pytest.param(lambda s: aio.customers.merge(s, "c", "c"), DecisionError, id="merge"),
        pytest.param(lambda s: aio.customers.split(s, "c", []), UnknownCustomerError, id="split"),
        pytest.param(lambda s: aio.customers.erase(s, "x"), DecisionError, id="erase"),
        pytest.param(lambda s: aio.customers.customer(s, "c"), UnknownCustomerError, id="view"),
        pytest.param(
            lambda s: aio.customers.customer_id_now(s, "c"), UnknownCustomerError, id="now"
        ),
    ],
)
def test_the_errors_are_the_same(
    verb: Callable[[AsyncInMemoryRepository], Awaitable[object]], error: type[Exception]
) -> None:
    """What is refused there is refused here."""

    async def refused() -> None:
        with pytest.raises(error):
            await verb(AsyncInMemoryRepository(leads=[{"id": "l1"}]))

    asyncio.run(refused())


def test_a_plan_is_applied_once() -> None:
    """A plan is a value: made from one kind of store, it is written to the other, and once."""
    blocking, awaiting = stores()
    plan = backfill.plan(blocking)
    asyncio.run(aio.apply(plan, awaiting))
    with pytest.raises(RunExistsError):
        asyncio.run(aio.apply(plan, awaiting))


def test_an_ambiguous_id_is_told() -> None:
    """An old customer whose leads live in several places is never picked silently."""
    store = AsyncInMemoryRepository(
        leads=[{"id": "l1", "customer_id": "a"}, {"id": "l2", "customer_id": "a"}],
        customers=[Customer("a"), Customer("b")],
    )

    async def parted() -> None:
        await aio.customers.merge(store, "b", "a")
        await aio.customers.split(store, "b", [["l1"], ["l2"]])
        with pytest.raises(AmbiguousCustomerError):
            await aio.customers.customer_id_now(store, "a")

    asyncio.run(parted())
