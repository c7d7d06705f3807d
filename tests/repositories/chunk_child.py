"""A process that applies a saved plan in chunks, and kills itself before one of its statements."""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from leadfold import backfill
from leadfold.repositories.postgres.session import Session as PostgresSession
from leadfold.repositories.sqlite.session import Session as SQLiteSession
from repositories.chunk_stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Apply the plan that the arguments name; they are plan, store, chunk and statement."""
    plan, store, chunk, bomb = sys.argv[1:]
    statements = count(1)

    def counting(execute: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: object) -> object:
            if next(statements) == int(bomb):
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*arguments)

        return counted

    SQLiteSession.execute = counting(SQLiteSession.execute)  # type: ignore[method-assign]
    PostgresSession.perform = counting(PostgresSession.perform)  # type: ignore[method-assign]
    with open_store(store) as repository:
        backfill.apply(backfill.Plan.load(plan), repository, chunk=int(chunk) or None)


if __name__ == "__main__":
    main()
