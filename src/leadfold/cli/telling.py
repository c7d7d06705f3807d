"""The stages of a backfill told to a screen as the original told them, while and after it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.cli.backfill_text import Wording, followed_lines, grouping_lines, unit_lines
from leadfold.cli.watching import STAGES

if TYPE_CHECKING:
    from leadfold.backfill import Plan, Report
    from leadfold.cli.screen import Screen
    from leadfold.cli.watching import Watcher

__all__ = ["tell_dry_run", "tell_grouping", "tell_rest", "tell_written"]


def tell_grouping(plan: Plan, screen: Screen) -> None:
    """Tell what stage 1 found."""
    for line in grouping_lines(plan):
        screen.say(line)


def tell_written(plan: Plan, report: Report | None, screen: Screen, *, verbose: bool) -> None:
    """Tell what stage 2 wrote, or would: customer by customer if *verbose*, else in one line."""
    if verbose:
        tell_units(plan, report, screen)
        return
    words = Wording.of_dry_run() if report is None else Wording()
    stats = plan.stats if report is None else report.stats
    screen.say(
        f"   {screen.tick} {words.created} {stats.customers_created} customer(s), "
        f"{words.linked.lower()} {stats.leads_linked} lead(s)"
    )


def tell_units(plan: Plan, report: Report | None, screen: Screen) -> None:
    """Tell of each customer that was written; of all that would be where there is no *report*."""
    words = Wording.of_dry_run() if report is None else Wording()
    left_out = {failure.unit for failure in report.failures} if report else set()
    for unit in plan.units:
        if unit.number not in left_out:
            for line in unit_lines(unit, words, screen.tick):
                screen.say(line)


def tell_rest(plan: Plan, report: Report | None, watcher: Watcher, screen: Screen) -> None:
    """Tell of stages 3 and 4, as they went or, where there is no *report*, as they would go."""
    words = Wording.of_dry_run() if report is None else Wording()
    watcher.stage(3, STAGES, "Linking jobs to customers")
    for line in followed_lines(_followed(plan, report), words, screen.tick):
        screen.say(line)
    watcher.stage(4, STAGES, "Recording audit log")
    screen.say(f"   {screen.tick} {words.logged}\n")


def tell_dry_run(plan: Plan, watcher: Watcher, screen: Screen, *, verbose: bool) -> None:
    """Tell of the stages that a dry run does not go through."""
    watcher.stage(2, STAGES, "Creating customers and linking leads")
    tell_written(plan, None, screen, verbose=verbose)
    tell_rest(plan, None, watcher, screen)


def _followed(plan: Plan, report: Report | None) -> dict[str, int]:
    """Return how many rows of each dependent table were linked, or would be."""
    extra = plan.stats.extra if report is None else report.stats.extra
    found = extra.get("dependents" if report is None else "dependentsLinked")
    tables = found if isinstance(found, dict) else {}
    return {
        name: count["linked"] if isinstance(count, dict) else count
        for name, count in tables.items()
    }
