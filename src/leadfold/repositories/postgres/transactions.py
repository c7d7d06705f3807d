"""Where a transaction begins and ends, and how a part of one is undone. Steps; they run nothing."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from psycopg import sql

from leadfold.exceptions import RetryableError, StoreError, UnitError
from leadfold.repositories.postgres.composing import composed, fixed, named
from leadfold.repositories.postgres.steps import Statement

if TYPE_CHECKING:
    from leadfold.repositories.postgres.steps import Steps

__all__ = [
    "BEGIN",
    "BEGIN_READING",
    "BRIEFLY",
    "CHECKED",
    "HOWEVER_LONG",
    "OWN_COMMIT",
    "ROLLBACK",
    "as_was_set",
    "in_savepoint",
    "in_transaction",
    "opening",
    "savepoint",
]

R = TypeVar("R")

_EXACT = {
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "datestyle": "ISO, MDY",
    "extra_float_digits": "1",
    "intervalstyle": "postgres",
}
"""Settings under which text is text, and every type writes what it reads back exactly."""

_SETTINGS = sql.SQL("; ").join(
    sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value))
    for name, value in _EXACT.items()
)
BEGIN = Statement(sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED; ") + _SETTINGS)
_BEGIN_ALONE = Statement(sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED"))
BEGIN_READING = Statement(sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; ") + _SETTINGS)
ROLLBACK = Statement(sql.SQL("ROLLBACK"))
_COMMIT = Statement(sql.SQL("COMMIT"))


BRIEFLY = Statement(
    sql.SQL(
        "SELECT set_config('leadfold.patience', current_setting('lock_timeout'), true),"
        " set_config('lock_timeout', '100', true)"
    )
)
HOWEVER_LONG = Statement(
    sql.SQL("SELECT set_config('lock_timeout', current_setting('leadfold.patience'), true)")
)
"""What waits for others but a moment, and then again as before."""

OWN_COMMIT = Statement(
    composed(
        named("writing")["own_commit"], {"own_commits": fixed(named("writing")["own_commits"])}
    )
)
"""What lets the transaction know that it has claimed values, until it is over.

Up to it what is claimed is claimed by one commit, and after it by the next.
"""

CHECKED = Statement(sql.SQL("SET CONSTRAINTS ALL IMMEDIATE"))
"""What has deferred constraints checked."""


@cache
def opening(patience: int) -> tuple[Statement, ...]:
    """Return what begins a transaction, each statement single; it waits so many milliseconds.

    Longer or shorter where the server, the role or the connection says so.
    """
    settings = sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
        for name, value in _EXACT.items()
    )
    waits = sql.SQL(
        "set_config('lock_timeout', CASE current_setting('lock_timeout') WHEN '0' THEN {}"
        " ELSE current_setting('lock_timeout') END, true)"
    ).format(sql.Literal(str(patience)))
    return _BEGIN_ALONE, Statement(sql.SQL("SELECT {}, {}").format(settings, waits))


def in_transaction(steps: Steps[R], *, begin: Statement | None = BEGIN) -> Steps[R]:
    """Run *steps* in one transaction of their own: kept whole, or undone whole.

    Without *begin* their first statement begins it.
    """
    if begin is not None:
        yield begin
    try:
        result = yield from steps
    except BaseException:
        with suppress(StoreError):  # a connection that is lost has rolled back already
            yield ROLLBACK
        raise
    try:
        yield _COMMIT
    except UnitError as e:
        msg = f"nothing was written: {e}"
        raise StoreError(msg) from e
    except RetryableError as e:
        msg = f"{e}; whether it was committed, the list of runs tells by the run's id"
        raise StoreError(msg) from e
    return result


def as_was_set(steps: Steps[R]) -> Steps[R]:
    """Run *steps* under exact settings; the caller's are put back, as a failure does too."""
    names = ", ".join(f"current_setting('{name}')" for name in _EXACT)
    answer = yield Statement(fixed(f"SELECT {names}"))
    yield Statement(_SETTINGS)
    result = yield from steps
    yield Statement(
        sql.SQL("; ").join(
            sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in zip(_EXACT, answer.rows[0], strict=True)
        )
    )
    return result


def savepoint(name: str) -> Statement:
    """Return what begins a part that can be undone."""
    return Statement(sql.SQL("SAVEPOINT {}").format(sql.Identifier(name)))


def in_savepoint(
    name: str, steps: Steps[R], *, ends: tuple[Statement, ...] = (), begin: bool = True
) -> Steps[R]:
    """Undo what *steps* wrote if they raise, and nothing else.

    What *ends* them goes with the release of the savepoint. Without *begin* the first statement of
    *steps* sets it.
    """
    point = sql.Identifier(name)
    if begin:
        yield savepoint(name)
    try:
        result = yield from steps
        release = sql.SQL("RELEASE SAVEPOINT {}").format(point)
        yield Statement(sql.SQL("; ").join([*(each.query for each in ends), release]))
    except BaseException:
        back = sql.SQL("ROLLBACK TO SAVEPOINT {0}; RELEASE SAVEPOINT {0}").format(point)
        with suppress(StoreError):
            yield Statement(back)
        raise
    return result
