"""``leadfold schema``: leadfold's own tables, printed for whoever reviews them, or made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.cli.answers import Answer
from leadfold.cli.outcomes import DONE, UsageError
from leadfold.cli.postgres_store import is_postgres, open_postgres, shown_store

if TYPE_CHECKING:
    from argparse import Namespace

    from leadfold.cli.screen import Screen

__all__ = ["run_schema"]


def run_schema(arguments: Namespace, screen: Screen) -> Answer:
    """Print the script that makes leadfold's tables, or run what of it is missing."""
    del screen
    if not is_postgres(arguments.store):
        msg = "schema is for PostgreSQL: a SQLite store gets its tables with its first run"
        raise UsageError(msg)
    with open_postgres(arguments.store, None, None) as repository:
        if arguments.print_only:
            script = repository.schema_sql()
            return Answer(
                DONE, lambda: {"sql": script}, lambda screen: screen.data(script.rstrip("\n"))
            )
        repository.create_schema()
    shown = shown_store(arguments.store)
    return Answer(
        DONE, lambda: {"store": shown}, lambda screen: screen.say(f"{shown} has leadfold's tables")
    )
