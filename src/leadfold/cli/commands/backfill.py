"""``leadfold backfill`` and ``leadfold apply``: plan a store, look, write the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from leadfold import backfill
from leadfold.backfill import Limits
from leadfold.cli.answers import Answer
from leadfold.cli.backfill_text import findings, summary
from leadfold.cli.opening import open_plan, open_policy, open_store, open_store_to_read
from leadfold.cli.outcomes import DONE, Ending, UsageError, asked_for
from leadfold.cli.postgres_store import shown_store
from leadfold.cli.telling import tell_dry_run, tell_grouping, tell_rest, tell_written
from leadfold.cli.watching import Watcher
from leadfold.masking import mask_key

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from leadfold.backfill import Plan, Report
    from leadfold.cli.screen import Screen
    from leadfold.repository import Repository

__all__ = ["run_apply", "run_backfill"]


def run_backfill(arguments: Namespace, screen: Screen) -> Answer:
    """Plan the store's backfill, and write it unless it is a dry run."""
    policy = open_policy(arguments)
    _refuse_existing(arguments.plan_out)
    opened = open_store_to_read if arguments.dry_run else open_store
    with opened(arguments) as repository:
        screen.say(f"Customer backfill of {shown_store(arguments.store)}")
        screen.say(f"   Mode: {'dry run, nothing is written' if arguments.dry_run else 'write'}\n")
        watcher = Watcher(screen)
        with watcher.planning():
            plan = backfill.plan(
                repository,
                policy,
                mode=arguments.mode,
                adopt=arguments.adopt,
                actor=arguments.actor,
                created_by=arguments.created_by,
                stored_phone=arguments.stored_phone,
                reporter=watcher,
            )
        _look(plan, arguments, screen)
        if arguments.dry_run:
            tell_dry_run(plan, watcher, screen, verbose=arguments.verbose)
            return _answer(plan, None, watcher, arguments)
        return _write(plan, repository, watcher, arguments, screen)


def run_apply(arguments: Namespace, screen: Screen) -> Answer:
    """Write a saved plan."""
    plan = open_plan(arguments.plan)
    with open_store(arguments) as repository:
        plan.check(_limits(plan, arguments))
        screen.say(f"Applying {arguments.plan} to {shown_store(arguments.store)}")
        return _write(plan, repository, Watcher(screen), arguments, screen)


def _refuse_existing(path: str | None) -> None:
    """Refuse a file that is there before the work is done, not after it."""
    if path is not None and Path(path).exists():
        msg = f"{path}: is there already, and a plan is never written over: name another file"
        raise UsageError(msg)


def _look(plan: Plan, arguments: Namespace, screen: Screen) -> None:
    """Tell what the plan found, keep it if asked to, and hold it to its limits."""
    tell_grouping(plan, screen)
    if arguments.plan_out is not None:
        with asked_for(arguments.plan_out):
            plan.save(arguments.plan_out)
        screen.say(f"   Plan saved to {arguments.plan_out}: it holds raw identifiers")
    plan.check(_limits(plan, arguments))


def _limits(plan: Plan, arguments: Namespace) -> Limits:
    names = [field.name for field in attrs.fields(Limits)]
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return attrs.evolve(Limits.default_for(plan.strategy), **given)


def _write(
    plan: Plan, repository: Repository, watcher: Watcher, arguments: Namespace, screen: Screen
) -> Answer:
    with watcher.writing(plan.stats.leads_linked):
        report = backfill.apply(
            plan,
            repository,
            on_stale=arguments.on_stale,
            chunk=arguments.chunk,
            reporter=watcher,
        )
    tell_written(plan, report, screen, verbose=arguments.verbose)
    tell_rest(plan, report, watcher, screen)
    return _answer(plan, report, watcher, arguments)


def _answer(plan: Plan, report: Report | None, watcher: Watcher, arguments: Namespace) -> Answer:
    def show(screen: Screen) -> None:
        for line in summary(plan, report, watcher.phases):
            screen.data(line)
        for line in findings(plan, report, show_values=arguments.show_values):
            screen.data(line)

    shown: Callable[[str], str] = str if arguments.show_values else mask_key
    return Answer(
        DONE if report is None else Ending.of(report.outcome),
        lambda: _json(plan, report, watcher, shown),
        show,
    )


def _json(
    plan: Plan, report: Report | None, watcher: Watcher, shown: Callable[[str], str]
) -> dict[str, object]:
    """Return all that a person is shown, in full."""
    stats = plan.stats if report is None else report.stats
    return {
        "run": plan.run.id,
        "dry_run": report is None,
        "mode": plan.run.mode,
        "strategy": plan.strategy,
        "leads": plan.leads,
        "counts": dict(plan.counts),
        "stats": stats.to_dict(),
        "extra": dict(stats.extra),
        "drift": [
            {"customers": list(drift.customers), "groups": [*map(shown, drift.groups)]}
            for drift in plan.drift
        ],
        "merges": [{"customer": customer, "into": into} for customer, into in plan.merges],
        "pinned": list(plan.pinned),
        "mismatches": [attrs.asdict(mismatch) for mismatch in plan.mismatches],
        "notes": list(plan.notes),
        "unreadable": [{"lead": lead, "reason": reason} for lead, reason in plan.unreadable],
        "failures": [failure.to_dict() for failure in (report.failures if report else ())],
        "seconds": {phase.lower(): round(took, 6) for phase, took in watcher.phases.items()},
        "statements": report.statements if report else 0,
    }
