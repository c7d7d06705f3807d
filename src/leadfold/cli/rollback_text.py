"""A rollback as a person or a machine reads it: what it takes back, and what is in the way."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from leadfold.changes import Link, Relink, Restore, Retire, Rule, timestamp
from leadfold.cli.lines import figures, listed, times
from leadfold.cli.postgres_store import shown_store

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.backfill import Report, RollbackPlan
    from leadfold.changes import Change, Unit
    from leadfold.exceptions import LeadfoldError

__all__ = ["blocked_units", "rollback_command", "rollback_json", "rollback_lines", "undone_lines"]

_SHOWN = 20


def rollback_command(arguments: Namespace, run_id: str, *options: str) -> str:
    """Return the command line that takes *run_id* back, on the store that *arguments* name."""
    told = [("--mapping", arguments.mapping), ("--tenant", arguments.tenant)]
    store = [word for name, value in told if value is not None for word in (name, value)]
    return shlex.join(
        ["leadfold", "rollback", shown_store(arguments.store), run_id, *store, *options]
    )


def rollback_lines(
    planned: RollbackPlan,
    report: Report | None,
    phases: Mapping[str, float],
    refusal: LeadfoldError | None = None,
) -> Iterator[str]:
    """Yield what the plan takes back or would, what is in the way, what cannot come back."""
    run = planned.undoes
    yield _headline(report, refusal)
    yield ""
    yield "Taken back:" if report else "To be taken back:"
    facts = ("Run", run.id), ("Action", run.action), ("At", timestamp(run.at)), ("By", run.actor)
    yield from figures(facts)
    yield ""
    yield "Statistics:"
    yield from figures([*_refused_figures(planned)] if refusal else [*_figures(planned, report)])
    yield from listed(
        "Left out (nothing of these units was written)",
        (f"unit {each.unit}: {each.message}" for each in (report.failures if report else ())),
    )
    yield from listed(
        "Built upon since" + ("" if refusal else ", and kept"),
        map(str, planned.blockers),
        _SHOWN,
    )
    yield from listed("Notes", planned.notes)
    if refusal is None:
        yield from times(phases, report)


def _headline(report: Report | None, refusal: LeadfoldError | None) -> str:
    if refusal is not None:
        return "ROLLBACK REFUSED: nothing was written"
    if report is None:
        return "DRY RUN COMPLETE: nothing was written"
    if report.failures:
        return f"ROLLBACK PARTLY DONE: {len(report.failures)} unit(s) left out"
    return "ROLLBACK COMPLETE"


def _figures(planned: RollbackPlan, report: Report | None) -> Iterator[tuple[str, object]]:
    stats = planned.stats if report is None else report.stats
    extra = stats.extra
    undone, kept = _units(planned, report)
    yield "Units undone", undone
    yield "Units kept", kept
    yield "Customers that go", extra.get("customersRetired", 0)
    yield "Customers that come back", extra.get("customersRestored", 0)
    yield "Leads unlinked", extra.get("leadsUnlinked", 0)
    yield "Leads given back", stats.leads_linked
    yield "Other rows put back", extra.get("dependentsRelinked", 0)
    yield "Rulings out of force", extra.get("rulingsLifted", 0)
    yield "Rulings back in force", extra.get("rulingsMade", 0)


def _units(planned: RollbackPlan, report: Report | None) -> tuple[int, int]:
    """Return how many units are undone whole and how many keep something, less those left out."""
    failed = {failure.unit for failure in report.failures} if report else set()
    kept = failed & blocked_units(planned)
    return planned.whole - len(failed - kept), planned.kept - len(kept)


def _refused_figures(planned: RollbackPlan) -> Iterator[tuple[str, object]]:
    blocked = blocked_units(planned)
    yield "Units built upon", len(blocked)
    yield "Units free to undo", sum(unit.number not in blocked for unit in planned.units)


def blocked_units(planned: RollbackPlan) -> frozenset[int]:
    """Return the numbers of the units that something was built on."""
    return frozenset(blocker.unit for blocker in planned.blockers)


def undone_lines(units: Iterable[Unit], tick: str) -> Iterator[str]:
    """Yield a line for each of *units*: who goes, who comes back, what is put back."""
    for unit in units:
        yield f"   {tick} Unit {unit.number}: {', '.join(_deeds(unit.changes))}"


def _deeds(changes: Iterable[Change]) -> Iterator[str]:
    counts = Counter[str]()
    for change in changes:
        match change:
            case Retire(customer_id=customer):
                yield f"customer {customer} goes"
            case Restore(customer_id=customer):
                yield f"customer {customer} comes back"
            case Link(after=after):
                counts["lead(s) unlinked" if after is None else "lead(s) given back"] += 1
            case Relink():
                counts["other row(s) put back"] += 1
            case Rule(in_force=in_force):
                counts["ruling(s) back in force" if in_force else "ruling(s) out of force"] += 1
            case _:
                counts["customer(s) recounted"] += 1
    yield from (f"{count} {deed}" for deed, count in counts.items())


def rollback_json(
    planned: RollbackPlan,
    report: Report | None,
    phases: Mapping[str, float],
    refusal: LeadfoldError | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, object]:
    """Return all that a person is shown, in full."""
    stats = planned.stats if report is None else report.stats
    undone, kept = _units(planned, report)
    error = {"type": type(refusal).__name__, "message": str(refusal)} if refusal else None
    return {
        "run": planned.run.id,
        "undoes": planned.undoes.id,
        "action": planned.undoes.action,
        "dry_run": dry_run,
        "later": planned.run.mode,
        "units_undone": undone,
        "units_kept": kept,
        "stats": stats.to_dict(),
        "extra": dict(stats.extra),
        "blockers": [
            {
                "unit": blocker.unit,
                "table": blocker.table,
                "row": blocker.row,
                "problem": blocker.problem,
                "run": blocker.run_id,
            }
            for blocker in planned.blockers
        ],
        "notes": list(planned.notes),
        "failures": [failure.to_dict() for failure in (report.failures if report else ())],
        "seconds": {phase.lower(): round(took, 6) for phase, took in phases.items()},
        "statements": report.statements if report else 0,
        **({"error": error} if error else {}),
    }
