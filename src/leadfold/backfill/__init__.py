"""The backfill: plan, look, apply. The shell around a pure core: it supplies clock and ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from leadfold.backfill.applying import Report, apply_changes
from leadfold.backfill.checking import validate
from leadfold.backfill.minting import id_maker, installed_version
from leadfold.backfill.minting import now as present
from leadfold.backfill.pausing import collector_paused
from leadfold.backfill.plan import Drift, GroupSize, Limits, Mismatch, Plan
from leadfold.backfill.planning import make_plan
from leadfold.backfill.validation import Check, Validation
from leadfold.changes import Run
from leadfold.model import utc
from leadfold.policy import Policy
from leadfold.reporter import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from leadfold.changes import OnStale
    from leadfold.reporter import Reporter
    from leadfold.repository import Repository
    from leadfold.survivorship import StoredPhone

__all__ = [
    "Check",
    "Drift",
    "GroupSize",
    "Limits",
    "Mismatch",
    "Plan",
    "Report",
    "Validation",
    "apply",
    "plan",
    "validate",
]

ACTION = "backfill_customers"


def plan(
    repository: Repository,
    policy: Policy | None = None,
    *,
    mode: Literal["fill"] = "fill",
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
        mode: ``fill``: no existing link is changed.
        actor: who the audit entry names.
        created_by: what new customers' metadata names, and the audit entry's ``script``.
        stored_phone: how new customers show their phone.
        run_id: the run's id; default: a new one.
        new_id: makes customer ids; default: ascending UUIDs.
        now: the time of the run; default: the present.
        reporter: hears of the stages.

    Raises:
        PolicyError: the policy asks for what the store does not map.
        DuplicateLeadError, ConflictingRulingsError, StoreError.
    """
    if mode != "fill":
        msg = f"mode must be 'fill', not {mode!r}"
        raise ValueError(msg)
    policy = Policy() if policy is None else policy
    at = utc(now) or present()
    make_id = new_id or id_maker(at)
    run = Run(
        id=run_id or id_maker(at)(),
        action=ACTION,
        mode=mode,
        actor=actor,
        created_by=created_by,
        at=at,
        policy=policy.fingerprint,
        versions={"leadfold": installed_version(), **policy.versions},
    )
    reporter.stage(1, 4, "Grouping leads by customer identifiers")
    with collector_paused(), repository.reading() as reader:
        return make_plan(
            reader, policy, run, new_id=make_id, stored_phone=stored_phone, reporter=reporter
        )


def apply(
    plan: Plan,
    repository: Repository,
    *,
    on_stale: OnStale = "refuse",
    reporter: Reporter = SILENT,
) -> Report:
    """Write *plan* to *repository*, exactly and in one transaction.

    Args:
        plan: what `plan` returned, or `Plan.load` read.
        repository: the store it was made from.
        on_stale: if rows it rests on have changed since, ``refuse`` it or ``skip`` their units.
        reporter: hears of the stages and units.

    Raises:
        StalePlanError: rows have changed since; the leads are named.
        RunExistsError: this plan was applied already.
        StoreError: the store failed; nothing was written.
    """
    reporter.stage(2, 4, "Creating customers and linking leads")
    with collector_paused():
        return apply_changes(plan.changes(on_stale), repository, reporter)
