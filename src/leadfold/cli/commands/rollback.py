"""``leadfold rollback``: plan what taking a run back would write, look, write just that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import backfill
from leadfold.changes import Link
from leadfold.cli.answers import Answer
from leadfold.cli.opening import open_store, open_store_to_read
from leadfold.cli.outcomes import DONE, Ending, ending_of
from leadfold.cli.postgres_store import shown_store
from leadfold.cli.rollback_text import (
    rollback_command,
    rollback_json,
    rollback_lines,
    undone_lines,
)
from leadfold.cli.watching import Watcher
from leadfold.exceptions import LeadfoldError, RollbackRefusedError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from leadfold.backfill import Report, RollbackPlan
    from leadfold.cli.screen import Screen
    from leadfold.repository import Repository

__all__ = ["run_rollback"]


def run_rollback(arguments: Namespace, screen: Screen) -> Answer:
    """Plan the rollback of a run, and write it unless it is a dry run or must not be."""
    opened = open_store_to_read if arguments.dry_run else open_store
    with opened(arguments) as repository:
        screen.say(f"Rollback of run {arguments.run} in {shown_store(arguments.store)}")
        screen.say(f"   Mode: {'dry run, nothing is written' if arguments.dry_run else 'write'}\n")
        watcher = Watcher(screen)
        with watcher.timing("Planning"):
            planned = backfill.plan_rollback(
                arguments.run, repository, later=arguments.later, actor=arguments.actor
            )
        refusal = _refusal(planned)
        ways_out = _ways_out(planned, refusal, repository, arguments)
        writing = refusal is None and not arguments.dry_run
        report = _write(planned, repository, watcher) if writing else None
        if report is not None and report.failures:
            ways_out = _try_again(planned, report, arguments)
        if arguments.verbose and refusal is None:
            _tell_units(planned, report, screen)
    if arguments.json:
        _warn(ways_out, screen)
    return Answer(
        _ending(report, refusal),
        lambda: rollback_json(planned, report, watcher.phases, refusal, dry_run=arguments.dry_run),
        lambda screen: _show(
            rollback_lines(planned, report, watcher.phases, refusal), ways_out, screen
        ),
    )


def _refusal(planned: RollbackPlan) -> LeadfoldError | None:
    """Return why *planned* must not or need not be applied, or None."""
    try:
        planned.check()
    except LeadfoldError as refusal:
        return refusal
    return None


def _ending(report: Report | None, refusal: LeadfoldError | None) -> Ending:
    if refusal is not None:
        return ending_of(refusal)
    return DONE if report is None else Ending.of(report.outcome)


def _write(planned: RollbackPlan, repository: Repository, watcher: Watcher) -> Report:
    """Write exactly what was planned and checked."""
    links = sum(isinstance(each, Link) for unit in planned.units for each in unit.changes)
    with watcher.writing(links, "Putting leads back"):
        return backfill.apply(planned, repository, reporter=watcher)


def _ways_out(
    planned: RollbackPlan,
    refusal: LeadfoldError | None,
    repository: Repository,
    arguments: Namespace,
) -> list[str]:
    """Return what refuses the rollback, and the commands that lead on; nothing where none does."""
    if refusal is None:
        return []
    if not isinstance(refusal, RollbackRefusedError):
        return [f"leadfold: {refusal}"]
    run_id = planned.undoes.id
    later = [rollback_command(arguments, run) for run in _later_runs(planned, repository)]
    first = "Either roll back first what came later, beginning with:"
    return [
        f"leadfold: run {run_id} was built upon since, nothing was written",
        *([first] if later else []),
        *(f"   {command}" for command in later),
        f"{'Or keep' if later else 'Keep'} what was built, and take back the rest:",
        f"   {rollback_command(arguments, run_id, '--later', 'keep')}",
    ]


def _try_again(planned: RollbackPlan, report: Report, arguments: Namespace) -> list[str]:
    """Return the commands that give units which were left out another chance."""
    return [
        f"leadfold: {len(report.failures)} unit(s) were left out; once the store would take them:",
        f"   {rollback_command(arguments, report.run_id)}",
        f"   {rollback_command(arguments, planned.undoes.id)}",
    ]


def _later_runs(planned: RollbackPlan, repository: Repository) -> list[str]:
    """Return the runs that built upon the one to be taken back, newest first."""
    ids = {blocker.run_id for blocker in planned.blockers if blocker.run_id is not None}
    if not ids:
        return []
    with repository.reading() as reader:
        return [run.id for run in reader.runs(len(ids), ids=ids)]


def _tell_units(planned: RollbackPlan, report: Report | None, screen: Screen) -> None:
    """Tell unit by unit what was put back, or would be."""
    left_out = {failure.unit for failure in report.failures} if report else set()
    units = (unit for unit in planned.units if unit.number not in left_out)
    for line in undone_lines(units, screen.tick):
        screen.say(line)


def _show(lines: Iterable[str], ways_out: Iterable[str], screen: Screen) -> None:
    for line in lines:
        screen.data(line)
    _warn(ways_out, screen)


def _warn(ways_out: Iterable[str], screen: Screen) -> None:
    for line in ways_out:
        screen.warn(line)
