"""``leadfold runs``, ``stats`` and ``customer``: what a store says. They open it to read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.backfill.statistics import statistics
from leadfold.changes import timestamp
from leadfold.cli.answers import Answer
from leadfold.cli.customer_text import customer_json, show_customer
from leadfold.cli.opening import open_store_to_read
from leadfold.cli.outcomes import DONE
from leadfold.cli.screen import Table
from leadfold.customers import customer, customer_id_now

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.backfill.statistics import Statistics
    from leadfold.changes import Run
    from leadfold.cli.screen import Cell, Screen

__all__ = ["run_customer", "run_runs", "run_stats"]


def run_runs(arguments: Namespace, screen: Screen) -> Answer:
    """List the latest runs, newest first."""
    del screen
    with open_store_to_read(arguments) as repository, repository.reading() as reader:
        runs = reader.runs(arguments.limit)

    def show(screen: Screen) -> None:
        columns = ("run", "at", "action", "mode", "actor", "status", "created", "linked", "errors")
        if runs:
            screen.table(Table(columns, [_run_row(run) for run in runs]))
        else:
            screen.data("No runs yet: this store was never written by leadfold.")

    return Answer(DONE, lambda: {"runs": [_run_json(run) for run in runs]}, show)


def _run_row(run: Run) -> tuple[Cell, ...]:
    created, linked = run.stats.get("customersCreated"), run.stats.get("leadsLinked")
    errors = run.stats.get("errors")
    return (
        run.id,
        timestamp(run.at),
        run.action,
        run.mode,
        run.actor,
        run.status,
        created if isinstance(created, int) else None,
        linked if isinstance(linked, int) else None,
        len(errors) if isinstance(errors, list) else None,
    )


def _run_json(run: Run) -> dict[str, object]:
    return {
        "run": run.id,
        "at": timestamp(run.at),
        "action": run.action,
        "mode": run.mode,
        "actor": run.actor,
        "created_by": run.created_by,
        "status": run.status,
        "policy": run.policy,
        "versions": dict(run.versions),
        "stats": dict(run.stats),
        "extra": dict(run.extra),
    }


def run_stats(arguments: Namespace, screen: Screen) -> Answer:
    """Show the health check and the grouping quality."""
    del screen
    with open_store_to_read(arguments) as repository:
        found = statistics(repository)
    return Answer(DONE, found.to_dict, lambda screen: _show_stats(found, screen))


def _show_stats(found: Statistics, screen: Screen) -> None:
    names = [f"{each.name.lower()}s_linked" for each in found.dependents]
    row: list[Cell] = [found.customers, _share(found.leads_linked, found.leads)]
    row += [_share(each.linked, each.rows) for each in found.dependents]
    screen.table(Table(("customers", "leads_linked", *names), [row], title="Health check"))
    screen.data()
    groups = [(group.type or "(none)", group.count, group.avg_leads) for group in found.groups]
    screen.table(Table(("type", "count", "avg_leads"), groups, title="Grouping quality"))
    for run in found.unfinished:
        screen.data()
        screen.data(f"Unfinished run {run}: apply its plan again to go on, or roll it back")


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}"


def run_customer(arguments: Namespace, screen: Screen) -> Answer:
    """Show who a customer is, or who has the leads now of one that is gone."""
    with open_store_to_read(arguments) as repository:
        found = customer_id_now(repository, arguments.id)
        view = customer(repository, found)
    if found != arguments.id:
        screen.warn(f"{arguments.id} is now {found}")
    raw = arguments.show_values
    return Answer(
        DONE,
        lambda: customer_json(view, show_values=raw),
        lambda screen: show_customer(view, screen, show_values=raw),
    )
