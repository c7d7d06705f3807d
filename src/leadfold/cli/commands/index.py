"""``leadfold index build``: what a resolver looks leads up by, written without linking anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.cli.answers import Answer
from leadfold.cli.opening import open_policy, open_store
from leadfold.cli.outcomes import Ending
from leadfold.resolver import build_index

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.backfill.applying import Report
    from leadfold.cli.screen import Screen

__all__ = ["run_index"]


def run_index(arguments: Namespace, screen: Screen) -> Answer:
    """Write the identity index of a store under a policy."""
    del screen
    policy = open_policy(arguments)
    with open_store(arguments) as repository:
        report = build_index(repository, policy, actor=arguments.actor)
    return Answer(
        Ending.of(report.outcome), lambda: _told(report), lambda screen: _show(report, screen)
    )


def _told(report: Report) -> dict[str, object]:
    failed = [failure.to_dict() for failure in report.failures]
    return {"run": report.run_id, "indexed": _indexed(report), "errors": failed}


def _indexed(report: Report) -> int:
    return int(str(report.stats.extra["indexed"])) - len(report.failures)


def _show(report: Report, screen: Screen) -> None:
    screen.data(f"Indexed {_indexed(report)} records (run {report.run_id})")
    for failure in report.failures:
        screen.warn(f"left out: {', '.join(failure.lead_ids)}: {failure.message}")
