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


_FURTHER = {
    "leadsMoved": "leads moved",
    "leadsUnlinked": "leads unlinked",
    "customersRetired": "customers gone",
    "customersRestored": "customers back",
}


def figures_of(stats: Stats, **first: int) -> Figures:
    """Return the figures of a run that are not nought, after those that are to come *first*."""
    told = [(name.lower(), figure) for name, figure in run_figures(stats)]
    told += [
        (name, figure)
        for key, name in _FURTHER.items()
        if isinstance(figure := stats.extra.get(key), int)
    ]
    leading = [(name.replace("_", " "), figure) for name, figure in first.items()]
    return Figures((*leading, *((name, figure) for name, figure in told if figure)))


def report_sheet(
    run_id: str, stats: Stats, failures: Sequence[UnitFailure], statements: int
) -> Sheet:
    """Return the sheet of what a run wrote."""
    note = (
        Note(f"Units left out, nothing of which was written: {len(failures):,}", "look")
        if failures
        else Note("Written whole", "good")
    )
    figures = Figures((*figures_of(stats).pairs, ("statements", statements)))
    return Sheet(
        "Report",
        f"run {run_id}",
        (note, figures, *failures_table(failures)),
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
