"""``leadfold validate``: is the store what a backfill promises? It opens it to read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold import backfill
from leadfold.cli.answers import Answer
from leadfold.cli.opening import open_policy, open_store_to_read
from leadfold.cli.outcomes import DONE, Ending
from leadfold.cli.screen import Table

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.backfill import Validation
    from leadfold.cli.screen import Screen

__all__ = ["run_validate"]

_NOT_AS_ASKED = Ending("failed", 1)


def run_validate(arguments: Namespace, screen: Screen) -> Answer:
    """Check a store, or with ``--print-sql`` print the checks that are plain SQL."""
    del screen
    if arguments.print_sql:
        return _sql(arguments)
    policy = open_policy(arguments)
    with open_store_to_read(arguments) as repository:
        found = backfill.validate(repository, policy, samples=arguments.samples)
    ending = DONE if found.ok else _NOT_AS_ASKED
    return Answer(ending, found.to_dict, lambda screen: _show(found, screen))


def _sql(arguments: Namespace) -> Answer:
    with open_store_to_read(arguments) as repository:
        script = repository.validation_sql()
    return Answer(DONE, lambda: {"sql": script}, lambda screen: screen.data(script.rstrip("\n")))


def _show(found: Validation, screen: Screen) -> None:
    """Show every check, and below them what those that are not ok found."""
    rows = [(check.name, check.expected, check.actual, check.verdict) for check in found.checks]
    screen.table(Table(("check", "expected", "actual", "verdict"), rows))
    for check in found.checks:
        if check.samples:
            screen.data()
            screen.data(f"{check.name}, such as:")
            for sample in check.samples:
                screen.data(f"   {sample}")
