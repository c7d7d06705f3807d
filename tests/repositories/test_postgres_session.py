"""Statements that travel together: answered each, one failure for all, whichever driver."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from leadfold.exceptions import StoreError, UnitError
from leadfold.repositories.postgres import async_session, session
from leadfold.repositories.postgres.async_session import AsyncSession
from leadfold.repositories.postgres.session import Session
from leadfold.repositories.postgres.steps import Statement, together
from repositories.postgres_relay import relayed

if TYPE_CHECKING:
    from typing import LiteralString

    from leadfold.repositories.postgres.steps import Answer, Steps
    from repositories.postgres_relay import Way


def statement(text: LiteralString, **values: object) -> Statement:
    """Return a single statement."""
    return Statement(sql.SQL(text), values)


def number(dsn: str, steps: Steps[tuple[Answer, ...]], *, awaited: bool) -> tuple[Answer, ...]:
    """Run *steps* on a connection that commits every statement by itself."""
    if not awaited:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return Session(connection).run(steps)

    async def run() -> tuple[Answer, ...]:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await AsyncSession(connection).run(steps)

    return asyncio.run(run())


awaited_or_not = pytest.mark.parametrize("awaited", [False, True], ids=["blocking", "awaited"])


@pytest.fixture(params=["pipeline", "one by one"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let statements travel in a pipeline, or one by one as with an older client library."""
    if request.param == "one by one":
        monkeypatch.setattr(session, "PIPELINED", False)
        monkeypatch.setattr(async_session, "PIPELINED", False)


@pytest.mark.usefixtures("_way")
@awaited_or_not
def test_each_statement_has_its_answer(postgres_dsn: str, *, awaited: bool) -> None:
    """Rows and counts come in the order of the statements; a command has no rows."""
    steps = together(
        statement("BEGIN"),
        statement("SELECT %(n)s::int + 1", n=1),
        statement("SELECT n FROM generate_series(1, 3) AS n"),
        statement("ROLLBACK"),
    )
    begun, one, three, _ = number(postgres_dsn, steps, awaited=awaited)
    assert (list(begun.rows), list(one.rows)) == ([], [(2,)])
    assert (list(three.rows), three.count) == ([(1,), (2,), (3,)], 3)


@pytest.mark.usefixtures("_way")
@awaited_or_not
def test_the_first_failure_is_told(postgres_dsn: str, *, awaited: bool) -> None:
    """What fails is named as it would be by itself, and nothing after it is run."""

    def steps() -> Steps[tuple[Answer, ...]]:
        with pytest.raises(UnitError, match="division by zero"):
            yield from together(
                statement("BEGIN"), statement("SELECT 1 / 0"), statement("SELECT no_such_column")
            )
        with pytest.raises(StoreError, match="current transaction is aborted"):
            yield from together(statement("SELECT 1"), statement("SELECT 2"))
        return (yield from together(statement("ROLLBACK"), statement("SELECT 3")))

    assert list(number(postgres_dsn, steps(), awaited=awaited)[1].rows) == [(3,)]


@awaited_or_not
def test_they_take_one_round_trip(postgres_dsn: str, *, awaited: bool) -> None:
    """The last of them is sent before the first answer comes."""
    passed: list[tuple[Way, bytes]] = []
    first, last = b"SELECT 'leadfold_first'", b"SELECT 'leadfold_last'"
    with relayed(postgres_dsn, lambda *chunk: passed.append(chunk)) as relay:
        steps = together(statement("SELECT 'leadfold_first'"), statement("SELECT 'leadfold_last'"))
        number(relay.dsn, steps, awaited=awaited)
    sent = [
        place for text in (first, last) for place, (_, chunk) in enumerate(passed) if text in chunk
    ]
    assert len(sent) == 2
    assert {way for way, _ in passed[sent[0] : sent[1] + 1]} == {"to the server"}
