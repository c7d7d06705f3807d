"""The backfill: plan, look, apply. The shell around a pure core: it supplies clock and ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from leadfold.backfill import errands
from leadfold.backfill.applying import Report
from leadfold.backfill.checking import validate
from leadfold.backfill.plan import Drift, GroupSize, Limits, Mismatch, Plan
from leadfold.backfill.rollback import Blocker, RollbackPlan
from leadfold.backfill.validation import Check, Validation
from leadfold.errands import run
from leadfold.pausing import collector_paused
from leadfold.reporter import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from leadfold.backfill.rollback import Later
    from leadfold.changes import OnStale
    from leadfold.policy import Policy
    from leadfold.reporter import Reporter
    from leadfold.repository import Repository
    from leadfold.survivorship import StoredPhone

__all__ = [
    "Blocker",
    "Check",
    "Drift",
    "GroupSize",
    "Limits",
    "Mismatch",
    "Plan",
    "Report",
    "RollbackPlan",
    "Validation",
    "apply",
    "plan",
    "plan_rollback",
    "rollback",
    "validate",
]


def plan(
    repository: Repository,
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
    """Read *repository* and decide what a backfill would write. Nothing is written.

    Args:
        repository: where the leads are; read once, in one snapshot.
        policy: default `Policy.keyed()`.
        mode: ``fill``: no existing link is changed. ``reconcile``: leads are moved, and customers
            merged and split, until the links equal the grouping.
        adopt: whether ``reconcile`` may move links that neither leadfold nor the original made.
            Otherwise they are pinned: the grouping is built around them, and they are listed.
        actor: who the audit entry names.
        created_by: what new customers' metadata names, and the audit entry's ``script``.
        stored_phone: how new customers show their phone.
        run_id: the run's id; default: a new one.
        new_id: makes customer ids; default: ascending UUIDs.
        now: the time of the run; default: the present.
        reporter: hears of the stages.

    Raises:
        PolicyError: the policy asks for what the store does not map.
        MappingError: a customer would go that an undeclared foreign key may point at.
        DuplicateLeadError, ConflictingRulingsError, StoreError.
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
    with collector_paused():
        return run(errand, repository)


def apply(
    plan: Plan | RollbackPlan,
    repository: Repository,
    *,
    on_stale: OnStale = "refuse",
    chunk: int | None = None,
    reporter: Reporter = SILENT,
) -> Report:
    """Write *plan* to *repository*, exactly and in one transaction, or with *chunk* in several.

    Chunks are committed one after the other. If it ends early, the run stands as ``unfinished``
    with whole chunks written; applying the same plan again goes on from there, with any *chunk*
    or none.

    Args:
        plan: what `plan` or `plan_rollback` returned, or `Plan.load` read.
        repository: the store it was made from.
        on_stale: if rows it rests on have changed since, ``refuse`` it or ``skip`` their units.
            With *chunk* a chunk is refused; those before it stay.
        chunk: up to how many leads one transaction writes; units are never cut, and one with
            more leads has a transaction to itself. Not for a rollback, which is one transaction.
        reporter: hears of the stages and units.

    Raises:
        StalePlanError: rows have changed since; the leads are named.
        RunExistsError: this plan was applied already, or taken back, finished or not; it says so.
        RollbackRefusedError, NothingToUndo: as `RollbackPlan.check` says.
        StoreError: the store failed; nothing was written, with *chunk* nothing of this chunk. Or
            *chunk* is given and the repository works in a transaction of the caller's.
    """
    with collector_paused():
        errand = errands.apply(plan, on_stale=on_stale, chunk=chunk, reporter=reporter)
        return run(errand, repository)


def plan_rollback(
    run_id: str,
    repository: Repository,
    *,
    later: Later = "refuse",
    actor: str = "system",
    new_run_id: str | None = None,
    now: datetime | None = None,
) -> RollbackPlan:
    """Read what taking the run *run_id* back would write. Nothing is written.

    A rollback restores exactly what was, and only that: each entry of the run's ledger is
    inverted, unit by unit. It is a run itself and can be rolled back.

    Args:
        run_id: of any run but an erasure: a backfill, a merge, a split, a rollback.
        repository: the store the run wrote to.
        later: what becomes of units that something was built on since (a later run changed one
            of their rows, somebody changed a link, a customer gained rows). ``refuse``: they are
            listed in the plan's ``blockers``, and it must not be applied. ``keep``: the other
            units are undone; of these only the run's own links that still stand are taken back,
            and no customer goes that anything still points at.
        actor: who the audit entry names.
        new_run_id: the id of the rollback; default: a new one.
        now: the time of the rollback; default: the present.

    Raises:
        NotUndoableError: no such run, one of the script leadfold replaces, or an erasure.
        AlreadyUndoneError: a rollback of the run is in force.
        NothingToUndo: the run changed nothing.
        LinkRequiredError: a link would have to be null, and the store does not let it.
        MappingError: a customer would go that an undeclared foreign key may point at.
    """
    errand = errands.plan_rollback(run_id, later=later, actor=actor, new_run_id=new_run_id, now=now)
    with collector_paused():
        return run(errand, repository)


def rollback(
    run_id: str,
    repository: Repository,
    *,
    later: Later = "refuse",
    actor: str = "system",
    new_run_id: str | None = None,
    now: datetime | None = None,
    reporter: Reporter = SILENT,
) -> Report:
    """Take the run *run_id* back, in one transaction; see `plan_rollback` for the arguments.

    Raises:
        RollbackRefusedError: something was built on the run, and *later* is ``refuse``.
        StalePlanError: rows changed while the rollback was planned.
        LeadfoldError: whatever `plan_rollback` raises.
    """
    errand = errands.rollback(
        run_id, later=later, actor=actor, new_run_id=new_run_id, now=now, reporter=reporter
    )
    with collector_paused():
        return run(errand, repository)
