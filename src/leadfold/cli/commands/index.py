"""``leadfold index``: what a resolver looks leads up by, kept up to date. It links nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.cli.answers import Answer
from leadfold.cli.opening import open_policy, open_store, open_store_to_read
from leadfold.cli.outcomes import DONE, Ending, UsageError
from leadfold.resolver import refresh_index

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.backfill.applying import Report
    from leadfold.cli.screen import Screen

__all__ = ["run_index"]


def run_index(arguments: Namespace, screen: Screen) -> Answer:
    """Write the identity index of a store under a policy, or print the triggers that mark edits."""
    del screen
    if arguments.since is not None and arguments.what != "refresh":
        msg = "--since is for leadfold index refresh: the others take every lead"
        raise UsageError(msg)
    if arguments.what == "trigger":
        return _triggers(arguments)
    policy = open_policy(arguments)
    with open_store(arguments) as repository:
        report = refresh_index(repository, policy, since=arguments.since, actor=arguments.actor)
    return Answer(
        Ending.of(report.outcome), lambda: _told(report), lambda screen: _show(report, screen)
    )


def _triggers(arguments: Namespace) -> Answer:
    with open_store_to_read(arguments) as repository:
        script = repository.trigger_sql()
    return Answer(DONE, lambda: {"sql": script}, lambda screen: screen.data(script.rstrip("\n")))


def _told(report: Report) -> dict[str, object]:
    failed = [failure.to_dict() for failure in report.failures]
    figures = {name: report.stats.extra[name] for name in ("indexed", "queued")}
    return {"run": report.run_id, **figures, "errors": failed}


def _show(report: Report, screen: Screen) -> None:
    told = report.stats.extra
    screen.data(f"Indexed {told['indexed']} records (run {report.run_id})")
    if told["queued"]:
        screen.data(f"{told['queued']} leads wait to be decided, by Resolver.drain() or a backfill")
    for failure in report.failures:
        screen.warn(f"left out: {', '.join(failure.lead_ids)}: {failure.message}")
