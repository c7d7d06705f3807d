"""The backfill's verbs, for whichever kind of repository: the one text behind both its faces.

What the arguments mean is said where they have defaults: `leadfold.backfill`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from leadfold.backfill.applying import applying, applying_in_chunks
from leadfold.backfill.minting import id_maker, new_run
from leadfold.backfill.planning import make_plan
from leadfold.backfill.rollback import RollbackPlan
from leadfold.backfill.standing import rollback_of
from leadfold.backfill.undoing import make_rollback
from leadfold.errands import look
from leadfold.exceptions import RunExistsError
from leadfold.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from leadfold.backfill.applying import Report
    from leadfold.backfill.plan import Plan
    from leadfold.backfill.rollback import Later
    from leadfold.changes import OnStale
    from leadfold.errands import Errand
    from leadfold.reporter import Reporter
    from leadfold.survivorship import StoredPhone

__all__ = ["apply", "check_mode", "plan", "plan_rollback", "rollback"]

ACTION = "backfill_customers"

_ROLLED_BACK = (
    "it was rolled back, by run {by}: make a new plan, or roll {by} back, which brings it into "
    "force again"
)


def plan(
    policy: Policy | None,
    *,
    mode: Literal["fill", "reconcile"],
    adopt: bool,
    actor: str,
    created_by: str,
    stored_phone: StoredPhone,
    run_id: str | None,
    new_id: Callable[[], str] | None,
    now: datetime | None,
    reporter: Reporter,
) -> Errand[Plan]:
    """Decide in one snapshot what a backfill would write."""
    check_mode(mode)
    policy = Policy() if policy is None else policy
    run = new_run(
        ACTION,
        actor=actor,
        mode=mode,
        created_by=created_by,
        run_id=run_id,
        now=now,
        policy=policy,
    )
    make_id = new_id or id_maker(run.at)
    reporter.stage(1, 4, "Grouping leads by customer identifiers")
    asks = make_plan(
        policy, run, new_id=make_id, stored_phone=stored_phone, adopt=adopt, reporter=reporter
    )
    return (yield from look(asks))


def check_mode(mode: str) -> None:
    """Object to a mode that there is not."""
    if mode not in {"fill", "reconcile"}:
        msg = f"mode must be 'fill' or 'reconcile', not {mode!r}"
        raise ValueError(msg)


def apply(
    planned: Plan | RollbackPlan, *, on_stale: OnStale, chunk: int | None, reporter: Reporter
) -> Errand[Report]:
    """Write what is planned."""
    if chunk is not None:
        _check_chunk(chunk, planned)
    changes = planned.changes(on_stale)
    reporter.stage(*planned.stage)
    try:
        if isinstance(planned, RollbackPlan):
            return (yield from applying(changes, reporter))
        return (yield from applying_in_chunks(changes, reporter, chunk))
    except RunExistsError as e:
        by = yield from look(rollback_of(e.run_id))
        if by is None:
            raise
        raise RunExistsError(e.run_id, _ROLLED_BACK.format(by=by)) from e


def _check_chunk(chunk: int, planned: Plan | RollbackPlan) -> None:
    if chunk < 1:
        msg = f"chunk must be 1 lead or more, not {chunk}"
        raise ValueError(msg)
    if isinstance(planned, RollbackPlan):
        msg = "a rollback is one transaction: apply it without chunk="
        raise ValueError(msg)  # noqa: TRY004 - the argument is of no use here, its type is right


def plan_rollback(
    run_id: str, *, later: Later, actor: str, new_run_id: str | None, now: datetime | None
) -> Errand[RollbackPlan]:
    """Decide in one snapshot what taking the run back would write."""
    if later not in {"refuse", "keep"}:
        msg = f"later must be 'refuse' or 'keep', not {later!r}"
        raise ValueError(msg)
    run = new_run("rollback_customers", actor=actor, mode=later, run_id=new_run_id, now=now)
    return (yield from look(make_rollback(run_id, run)))


def rollback(
    run_id: str,
    *,
    later: Later,
    actor: str,
    new_run_id: str | None,
    now: datetime | None,
    reporter: Reporter,
) -> Errand[Report]:
    """Decide what taking the run back would write, and write it."""
    planned = yield from plan_rollback(
        run_id, later=later, actor=actor, new_run_id=new_run_id, now=now
    )
    return (yield from apply(planned, on_stale="refuse", chunk=None, reporter=reporter))
