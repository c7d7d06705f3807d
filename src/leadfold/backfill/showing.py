"""What notebooks show of plans, reports and checks: figures, and the first of what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.masking import some
from leadfold.sheets import FEW, Figures, Note, Sheet, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadfold.changes import Stats, UnitFailure
    from leadfold.sheets import Table

__all__ = ["failures_table", "figures_of", "lines_table", "report_sheet", "run_figures"]


def run_figures(stats: Stats) -> tuple[tuple[str, int], ...]:
    """Return the seven figures of a run with the names that people read."""
    return (
        ("Customers created", stats.customers_created),
        ("Customers reused", stats.customers_skipped),
        ("Leads linked", stats.leads_linked),
        ("Leads already linked", stats.leads_already_linked),
        ("Jobs linked", stats.jobs_linked),
        ("Jobs already linked", stats.jobs_already_linked),
        ("Errors", len(stats.errors)),
    )


def figures_of(stats: Stats, **more: int) -> Figures:
    """Return the figures of a run that are worth seeing first, after those of *more*."""
    told = [(name.lower(), figure) for name, figure in run_figures(stats) if figure]
    further = {"leadsMoved": "leads moved", "customersRetired": "customers gone"}
    told += [
        (name, n)
        for key, name in further.items()
        if isinstance(n := stats.extra.get(key), int) and n
    ]
    return Figures((*((name.replace("_", " "), figure) for name, figure in more.items()), *told))


def report_sheet(
    run_id: str, stats: Stats, failures: Sequence[UnitFailure], statements: int
) -> Sheet:
    """Return the sheet of what a run wrote."""
    note = (
        Note(f"{len(failures):,} units were left out: nothing of these was written", "look")
        if failures
        else Note("Written whole", "good")
    )
    return Sheet(
        "Report",
        f"run {run_id}",
        (note, figures_of(stats, statements=statements), *failures_table(failures)),
    )


def failures_table(failures: Sequence[UnitFailure]) -> tuple[Table, ...]:
    """Return the units that were left out, and why."""
    return table(
        "Left out",
        ("unit", "leads", "cause", "message"),
        failures,
        lambda each: (each.unit, some(each.lead_ids, FEW), each.cause, each.message),
    )


def lines_table(title: str, lines: Iterable[str]) -> tuple[Table, ...]:
    """Return sentences, one a row."""
    return table(title, ("",), lines, lambda line: (line,))
