"""What a person decides about customers, for asyncio: `leadfold.customers`, awaited.

Each function takes what its namesake there takes, and does, returns and raises the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.customers.erasing import erasing
from leadfold.customers.former import present_id
from leadfold.customers.merging import merging
from leadfold.customers.splitting import splitting
from leadfold.customers.viewing import view
from leadfold.errands import arun, look

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from leadfold.async_repository import AsyncRepository
    from leadfold.backfill.applying import Report
    from leadfold.customers.viewing import CustomerView
    from leadfold.policy import Policy
    from leadfold.survivorship import StoredPhone

__all__ = ["customer", "customer_id_now", "erase", "merge", "split"]


async def merge(
    repository: AsyncRepository,
    keep: str,
    absorb: str,
    *,
    actor: str = "system",
    run_id: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Let one customer take over all that points at another; see `leadfold.customers.merge`."""
    return await arun(merging(keep, absorb, actor=actor, run_id=run_id, now=now), repository)


async def split(
    repository: AsyncRepository,
    customer: str,
    parts: Sequence[Collection[str]],
    *,
    policy: Policy | None = None,
    stored_phone: StoredPhone = "e164",
    actor: str = "system",
    created_by: str = "leadfold",
    run_id: str | None = None,
    new_id: Callable[[], str] | None = None,
    now: datetime | None = None,
) -> Report:
    """Give parts of a customer's leads customers of their own; see `leadfold.customers.split`."""
    errand = splitting(
        customer,
        parts,
        policy=policy,
        stored_phone=stored_phone,
        actor=actor,
        created_by=created_by,
        run_id=run_id,
        new_id=new_id,
        now=now,
    )
    return await arun(errand, repository)


async def erase(
    repository: AsyncRepository,
    lead_id: str,
    *,
    policy: Policy | None = None,
    actor: str = "system",
    run_id: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Blank what leadfold keeps of a lead, for good; see `leadfold.customers.erase`."""
    errand = erasing(lead_id, policy=policy, actor=actor, run_id=run_id, now=now)
    return await arun(errand, repository)


async def customer(repository: AsyncRepository, customer_id: str) -> CustomerView:
    """Return what a store says of a customer; see `leadfold.customers.customer`."""
    return await arun(look(view(customer_id)), repository)


async def customer_id_now(repository: AsyncRepository, old: str) -> str:
    """Return where the leads of *old* live now; see `leadfold.customers.customer_id_now`."""
    return await arun(look(present_id(old)), repository)
