"""One lead now: who is this? The same answer as the backfill, for the set connected with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from leadfold.async_repository import AsyncRepository
from leadfold.backfill.errands import check_mode
from leadfold.backfill.minting import id_maker, new_run
from leadfold.backfill.minting import now as present
from leadfold.backfill.waiting import GRACE
from leadfold.errands import arun, run
from leadfold.policy import Policy
from leadfold.repository import Repository
from leadfold.resolving.deciding import Decision, Event
from leadfold.resolving.draining import draining
from leadfold.resolving.errands import Settings, forgetting, previewing, resolving
from leadfold.resolving.indexing import indexing
from leadfold.resolving.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta
    from uuid import UUID

    from leadfold.backfill.applying import Report
    from leadfold.changes import Run
    from leadfold.survivorship import StoredPhone

__all__ = ["AsyncResolver", "Decision", "Event", "Resolver", "refresh_index"]

Store = TypeVar("Store")

ACTION = "resolve_lead"
REFRESH = "refresh_index"

MAX_SET = 10_000
"""How many records may be connected with a lead that is decided at once."""


class _Resolving(Generic[Store]):
    """What a resolver over whichever kind of repository is made with."""

    def __init__(
        self,
        repository: Store,
        policy: Policy | None = None,
        mode: Literal["fill", "reconcile"] = "fill",
        *,
        adopt: bool = False,
        max_set: int = MAX_SET,
        grace: timedelta = GRACE,
        stored_phone: StoredPhone = "e164",
        actor: str = "system",
        created_by: str = "leadfold",
        audit: bool = False,
        new_id: Callable[[], str] | None = None,
        now: Callable[[], datetime] = present,
    ) -> None:
        check_mode(mode)
        policy = Policy() if policy is None else policy

        def mint() -> str:
            return id_maker(now())() if new_id is None else new_id()

        def begin() -> Run:
            return new_run(
                ACTION,
                actor=actor,
                mode=mode,
                created_by=created_by,
                run_id=ACTION,
                now=now(),
                policy=policy,
            )

        self._repository = repository
        self._settings = Settings(
            policy, max_set, grace, adopt, stored_phone, audit, Running(begin), mint
        )


class Resolver(_Resolving[Repository]):
    """Decides leads one by one, as a backfill of the whole store would.

    It reads what is connected with a lead through the identity index (never the whole store),
    decides that set with the same engine, and writes the difference. It never inserts, edits or
    deletes a lead row; it sets ``customer_id`` on it where the row exists.

    All decisions of a UTC day are written under one run, which `leadfold.backfill.rollback` takes
    back as any other: ``resolve_lead-2026-11-30-`` and a mark of mode, actor, policy and versions.
    Once it was taken back a new one begins.

    Args:
        repository: where the leads are.
        policy: default `Policy.keyed()`; the index must have been written under it.
        mode: ``fill``: no existing link is changed. ``reconcile``: leads are moved, and customers
            merged and split, until the links equal the grouping.
        adopt: as for `leadfold.backfill.plan`.
        grace: a lead that is resolved before its row is there counts for as long; if the row has
            not come by then, it is as if it had never been.
        max_set: a lead with more records connected is ``queued``: a backfill decides it, or
            `drain` once less is.
        stored_phone: how new customers show their phone.
        actor: who the audit entries name.
        created_by: what new customers' metadata names.
        audit: whether each decision that writes gets an entry in the audit trail.
        new_id: makes customer ids; default: ascending UUIDs.
        now: tells the time; default: the present.
    """

    def resolve(self, lead: object) -> Decision:
        """Return whose lead *lead* is, and write that.

        Args:
            lead: a `leadfold.Lead`, a mapping, or any object with those attributes. Where the
                store has a row of its id, the row counts; else the values given here count, and
                who inserts the row gives it the customer returned.

        Raises:
            IndexOutdatedError: the identity index is missing, or of another policy.
            RetryableError: others wrote at the same time, in a transaction that is the caller's.
            StalePlanError: others kept writing what this rests on.
            StoreError: the store failed; nothing was written.
        """
        return self.resolve_many([lead])[0]

    def resolve_many(self, leads: Iterable[object]) -> tuple[Decision, ...]:
        """Return whose leads these are, decided together and written in one transaction.

        Where more than ``max_set`` records are connected with them, they are taken one by one,
        each in a transaction of its own.
        """
        return run(resolving(tuple(leads), self._settings), self._repository)

    def preview(self, lead: object) -> Decision:
        """Return what `resolve` would; nothing is written, and a new customer's id is made up."""
        return run(previewing([lead], self._settings), self._repository)[0]

    def update(self, lead: object) -> Decision:
        """Return whose lead *lead* is now that its row was edited, and write that.

        In mode ``reconcile`` those it was together with are parted where its old values were the
        reason.
        """
        return self.resolve(lead)

    def forget(self, lead_id: str | int | UUID) -> None:
        """Take a lead whose row was deleted out of the index.

        In mode ``reconcile`` those it held together are parted.

        Raises:
            DecisionError: the row is still there.
        """
        run(forgetting(lead_id, self._settings), self._repository)

    def drain(self, limit: int | None = None) -> tuple[Decision, ...]:
        """Decide the leads that wait in the queue, those that wait longest first, and write that.

        Each is decided with all that is connected with it, other leads of the queue included, in
        a commit of its own. What is still too large stays; a lead whose row is gone is forgotten.

        Args:
            limit: settle up to so many connected sets, and leave the rest for later.

        Returns:
            For each set the decision on the lead of it that waited longest.

        Raises:
            IndexOutdatedError, RetryableError, StalePlanError, StoreError: as `resolve`; what was
                decided before that stays.
        """
        return run(draining(limit, self._settings), self._repository)


class AsyncResolver(_Resolving[AsyncRepository]):
    """`Resolver` for asyncio: the same arguments, over a repository whose verbs are awaited."""

    async def resolve(self, lead: object) -> Decision:
        """Return what `Resolver.resolve` does."""
        return (await self.resolve_many([lead]))[0]

    async def resolve_many(self, leads: Iterable[object]) -> tuple[Decision, ...]:
        """Return what `Resolver.resolve_many` does."""
        return await arun(resolving(tuple(leads), self._settings), self._repository)

    async def preview(self, lead: object) -> Decision:
        """Return what `Resolver.preview` does."""
        return (await arun(previewing([lead], self._settings), self._repository))[0]

    async def update(self, lead: object) -> Decision:
        """Return what `Resolver.update` does."""
        return await self.resolve(lead)

    async def forget(self, lead_id: str | int | UUID) -> None:
        """Do what `Resolver.forget` does."""
        await arun(forgetting(lead_id, self._settings), self._repository)

    async def drain(self, limit: int | None = None) -> tuple[Decision, ...]:
        """Return what `Resolver.drain` does."""
        return await arun(draining(limit, self._settings), self._repository)


def refresh_index(
    repository: Repository,
    policy: Policy | None = None,
    *,
    since: datetime | None = None,
    actor: str = "system",
    run_id: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Bring the identity index up to date with the leads and customer records; touch no link.

    Where there is no index, or one of another policy, it is written anew: for a store that is to
    be resolved lead by lead before (or without) a backfill. Otherwise leads are looked for that
    came, changed or went behind leadfold's back: others find them from now on, and they wait in
    the queue to be decided, by `Resolver.drain` or a backfill. Leads that are edited meanwhile
    are left out and listed in the report's ``failures``: refresh again.

    Args:
        repository: where the leads are.
        policy: default `Policy.keyed()`.
        since: look only at leads that came or were edited at that time or later, by the columns
            mapped as ``created_at`` and ``updated_at``. None: at all, which also finds those
            whose rows are gone.
        actor: who the audit entry names.
        run_id: the run's id; default: a new one.
        now: the time of the run; default: the present.

    Raises:
        IndexOutdatedError: *since* is told and the index is missing, or of another policy.
        MappingError: *since* is told and the mapping has no column that tells of edits.
        PolicyError: the policy asks for what the store does not map.
        StoreError: the store failed; nothing was written.

    >>> from leadfold import InMemoryRepository
    >>> repository = InMemoryRepository(leads=[{"id": "l1", "phone": "202-555-0141"}])
    >>> refresh_index(repository).stats.extra["indexed"]
    1
    >>> repository.insert_lead({"id": "l2", "phone": "202-555-0141"})
    >>> refresh_index(repository).stats.extra["queued"]
    1
    >>> [decision.lead_id for decision in Resolver(repository).drain()]
    ['l2']
    """
    policy = Policy() if policy is None else policy
    made = new_run(REFRESH, actor=actor, run_id=run_id, now=now, policy=policy)
    return run(indexing(policy, made, since), repository)
