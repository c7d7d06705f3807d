"""The demo as a person reads it: figures, a few customers, a second run, what to try next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.cli.backfill_text import summary
from leadfold.cli.customer_text import customer_json
from leadfold.cli.screen import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold.backfill import Plan, Report
    from leadfold.cli.screen import Screen
    from leadfold.customers import CustomerView
    from leadfold.evaluate import Evaluation

__all__ = ["Demo", "Once", "demo_json", "show_demo"]

_MANY = 3


@attrs.frozen
class Once:
    """The first backfill of the demo, as it was watched."""

    plan: Plan
    report: Report
    phases: Mapping[str, float]


@attrs.frozen
class Demo:
    """What the demo did: two backfills of one store, and what the first one made."""

    store: str | None
    first: Once
    second: Report
    customers: tuple[CustomerView, ...]
    evaluation: Evaluation


def demo_json(demo: Demo, *, show_values: bool) -> dict[str, object]:
    """Return the figures of both runs, and the customers shown."""
    return {
        "store": demo.store,
        "leads": demo.first.plan.leads,
        "counts": dict(demo.first.plan.counts),
        "first": demo.first.report.stats.to_dict(),
        "second": demo.second.stats.to_dict(),
        "customers": [customer_json(view, show_values=show_values) for view in demo.customers],
    }


def show_demo(demo: Demo, screen: Screen, *, show_values: bool) -> None:
    """Show the figures of both runs, the customers, and what to try next."""
    for line in summary(demo.first.plan, demo.first.report, demo.first.phases):
        screen.data(line)
    screen.data()
    screen.table(_customers(demo.customers, show_values=show_values))
    screen.data("\nAgainst the truth, which the samples come with")
    screen.data(str(demo.evaluation))
    stats = demo.second.stats
    screen.data(
        f"\nSecond run, nothing to do: {stats.customers_created} customers created, "
        f"{stats.customers_skipped} reused; {stats.leads_linked} leads linked, "
        f"{stats.leads_already_linked} already linked\n"
    )
    for line in _next(demo):
        screen.data(line)


def _customers(views: tuple[CustomerView, ...], *, show_values: bool) -> Table:
    """Return the customers shown, one a row."""
    rows = []
    for view in views:
        metadata = view.customer.metadata or {}
        held = [each.key if show_values else str(each) for each in view.identifiers]
        more = f" and {len(held) - _MANY} more" if len(held) > _MANY else ""
        rows.append(
            (
                view.customer.id,
                str(metadata.get("groupType")),
                len(view.leads),
                view.dependents.get("Job", 0),
                " ".join(held[:_MANY]) + more,
            )
        )
    columns = ("customer", "type", "leads", "jobs", "identifiers")
    return Table(columns, rows, title="The largest customer of each type")


def _next(demo: Demo) -> Iterator[str]:
    yield "Try next:"
    if demo.store is None:
        yield "   leadfold demo --store sqlite:///demo.db        keep the store, and look into it"
    else:
        yield f"   leadfold stats {demo.store}"
        yield f"   leadfold runs {demo.store}"
        if demo.customers:
            yield f"   leadfold customer {demo.store} {demo.customers[0].customer.id}"
        yield f"   leadfold rollback {demo.store} {demo.first.report.run_id} --dry-run"
    yield "   leadfold group leads.csv                       your own leads, nothing is stored"
    yield "   leadfold backfill sqlite:///crm.db --dry-run   your own store, nothing is written"
