"""A plan and its report as a person reads them: the original's lines and figures. Text only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from leadfold.backfill.showing import run_figures
from leadfold.changes import InsertCustomer, Link
from leadfold.cli.lines import few, figures, listed, times
from leadfold.masking import mask_key
from leadfold.model import INDIVIDUAL, JOB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leadfold.backfill import Plan, Report
    from leadfold.changes import Stats, Unit

__all__ = ["Wording", "findings", "followed_lines", "grouping_lines", "summary", "unit_lines"]

_SPELLED = {"psid": "PSID"}


@attrs.frozen
class Wording:
    """How lines speak of changes: as done, or as what would be."""

    created: str = "Created"
    linked: str = "Linked"
    logged: str = "Audit log created"

    @classmethod
    def of_dry_run(cls) -> Wording:
        """Return the words of a run that writes nothing."""
        return cls("Would create", "Would link", "Would record the run in the audit log")


def grouping_lines(plan: Plan) -> Iterator[str]:
    """Yield what stage 1 found."""
    yield f"   Found {plan.leads} total leads"
    yield f"   Grouped into {sum(plan.counts.values())} potential customers"
    for kind, count in plan.counts.items():
        name = "Individual" if kind == INDIVIDUAL else f"By {_SPELLED.get(kind, kind.title())}"
        yield f"   - {name}: {count}"


def unit_lines(unit: Unit, words: Wording, tick: str) -> Iterator[str]:
    """Yield a line for each customer that *unit* makes, and for each that gains leads."""
    gained = Counter(change.after for change in unit.changes if isinstance(change, Link))
    for change in unit.changes:
        if isinstance(change, InsertCustomer):
            yield f"   {tick} {words.created} customer {change.customer_id} ({_kind_of(change)})"
            if count := gained.pop(change.customer_id, 0):
                yield f"   {tick} {words.linked} {count} lead(s) to customer"
    for customer, count in sorted(gained.items(), key=lambda item: item[0] or ""):
        yield f"   {tick} {words.linked} {count} lead(s) to existing customer {customer}"


def _kind_of(change: InsertCustomer) -> str:
    metadata = change.row.get("metadata")
    found = metadata if isinstance(metadata, dict) else {}
    count = found.get("leadCount")
    return f"{found.get('groupType')}, {count} lead{'' if count == 1 else 's'}"


def followed_lines(linked: Mapping[str, int], words: Wording, tick: str) -> Iterator[str]:
    """Yield what stage 3 linked, by dependent table."""
    for name in sorted({JOB.name, *linked}, key=lambda name: (name != JOB.name, name)):
        yield f"   {tick} {words.linked} {linked.get(name, 0)} {name.lower()}(s) to customers"


def summary(plan: Plan, report: Report | None, phases: Mapping[str, float]) -> Iterator[str]:
    """Yield the figures at the end: of *report*, or of *plan* where nothing was written."""
    stats = plan.stats if report is None else report.stats
    yield _headline(report)
    yield ""
    yield "Statistics:"
    yield from figures(run_figures(stats))
    if further := [*_further_figures(plan, stats)]:
        yield ""
        yield "Also:"
        yield from figures(further)
    yield from times(phases, report)


def _headline(report: Report | None) -> str:
    if report is None:
        return "DRY RUN COMPLETE: nothing was written"
    if report.failures:
        return f"BACKFILL PARTLY DONE: {len(report.failures)} unit(s) left out"
    return "BACKFILL COMPLETE"


def _further_figures(plan: Plan, stats: Stats) -> Iterator[tuple[str, int]]:
    """Yield figures the original did not have, where there is something to tell."""
    tables, written = stats.extra.get("dependents"), stats.extra.get("dependentsLinked")
    for name, counts in (tables if isinstance(tables, dict) else {}).items():
        if name != JOB.name:
            linked = written.get(name, 0) if isinstance(written, dict) else counts["linked"]
            yield f"{name}s linked", linked
            yield f"{name}s already linked", counts["already"]
    rejected = stats.extra.get("rejected")
    moved = stats.extra.get("leadsMoved")
    found = (
        ("Leads moved", moved if isinstance(moved, int) else 0),
        ("Customers merged", len(plan.merges)),
        ("Links pinned", len(plan.pinned)),
        ("Values not used", rejected if isinstance(rejected, int) else 0),
        *_refusals(stats.extra.get("rejectedBy")),
        ("Leads not readable", len(plan.unreadable)),
        ("Drift", len(plan.drift)),
        ("Rows not following", sum(mismatch.count for mismatch in plan.mismatches)),
    )
    yield from ((name, count) for name, count in found if count)


def _refusals(found: object) -> list[tuple[str, int]]:
    """Return how many values were not used, by field and reason, the most frequent first."""
    by_field = found if isinstance(found, dict) else {}
    counts = [
        (f"- {field}, {reason}", count)
        for field, reasons in by_field.items()
        for reason, count in reasons.items()
    ]
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


def findings(plan: Plan, report: Report | None, *, show_values: bool) -> Iterator[str]:
    """Yield what a person should look at, the first few of each kind and how many there are."""
    shown: Callable[[str], str] = str if show_values else mask_key
    yield from listed(
        "Left out (nothing of these units was written)",
        (
            f"unit {failure.unit}, leads {few(failure.lead_ids)}: {failure.message}"
            for failure in (report.failures if report else ())
        ),
    )
    yield from listed(
        "Leads that could not be read",
        (f"{lead_id or '(no id)'}: {reason}" for lead_id, reason in plan.unreadable),
    )
    yield from listed(
        "Customers merged into the one that holds most of their leads' group",
        (f"{customer} into {into}" for customer, into in plan.merges),
    )
    yield from listed(
        "Links that somebody else made, left as they are (--adopt moves them)", plan.pinned
    )
    yield from listed(
        "Drift: stored links that differ from the grouping, left as they are",
        (
            f"customers {few(drift.customers)}; groups {few(map(shown, drift.groups))}"
            for drift in plan.drift
        ),
    )
    yield from listed(
        "Rows that do not follow their lead, left as they are",
        (
            f"{each.table}: {each.count} of lead {each.lead_id or '(none)'}: {each.problem}"
            for each in plan.mismatches
        ),
    )
    yield from listed("Notes", plan.notes)
