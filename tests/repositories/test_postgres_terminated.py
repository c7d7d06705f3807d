"""The server ends a connection before or after any statement: all or nothing, whatever is written.

Nothing here is timed: what happens between two statements is made to happen there.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import backfill
from leadfold.exceptions import StoreError
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.session import Session
from repositories.kill_children import difference
from repositories.kill_deeds import ACTS, AT, BACKFILL, fill_in, plan_of
from repositories.postgres_pictures import copied, filled_database, picture, prepared_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.backfill import Plan, RollbackPlan
    from leadfold.repositories.postgres.steps import Answer, Step
    from repositories.kill_deeds import Act


@pytest.fixture(params=["backfill", "rollback"])
def small(request: pytest.FixtureRequest, postgres_dsn: str) -> Iterator[tuple[str, Act]]:
    """Return a database of a hundred leads, and the plan to write to it."""
    with filled_database(postgres_dsn, every=10) as dsn:
        with PostgresRepository(dsn) as repository:
            if request.param == "rollback":
                fill_in(repository)
                plan: Plan | RollbackPlan = backfill.plan_rollback(BACKFILL, repository, now=AT)
            else:
                plan = plan_of(repository)
        yield dsn, lambda repository: backfill.apply(plan, repository).run_id


@pytest.fixture(params=list(ACTS))
def large(request: pytest.FixtureRequest, postgres_dsn: str) -> Iterator[tuple[str, Act]]:
    """Return a database of a thousand leads, and what is done to it, planning included."""
    with prepared_database(postgres_dsn, request.param) as dsn:
        yield dsn, ACTS[request.param]


class Steps:
    """Counts the steps of every session; ends the connection beside the step that is chosen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        self.before: int | None = None
        self.after: int | None = None
        perform = Session.perform

        def counted(session: Session, step: Step) -> Answer:
            number, self.taken = self.taken, self.taken + 1
            if number == self.before:
                terminate(session)
            answer = perform(session, step)
            if number == self.after:
                terminate(session)
            return answer

        monkeypatch.setattr(Session, "perform", counted)

    def count(self, *, before: int | None = None, after: int | None = None) -> None:
        """Count from 0 again, towards another step."""
        self.taken, self.before, self.after = 0, before, after


def terminate(session: Session) -> None:
    """End a session's connection from another one, and wait until it has ended."""
    info = session.connection.info
    if info.status == psycopg.pq.ConnStatus.OK:
        with psycopg.connect(info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [info.backend_pid])
            there = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
            while other.execute(there, [info.backend_pid]).fetchall():
                time.sleep(0.002)


def done(dsn: str, act: Act) -> bool:
    """Do it; tell whether it was done or failed. It fails as an error of the store, no other."""
    with PostgresRepository(dsn) as repository:
        try:
            act(repository)
        except StoreError:
            return False
        return True


def test_a_connection_ended_beside_any_statement_of_an_apply(
    postgres_dsn: str, small: tuple[str, Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it, after it: the store is as it was, and as planned after the last of them."""
    assert end_beside_every_statement(postgres_dsn, *small, monkeypatch) == []


@pytest.mark.full
def test_a_connection_ended_beside_any_statement_of_any_deed(
    postgres_dsn: str, large: tuple[str, Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is lost while nothing is open, or once all is read, does not even stop the deed."""
    survived = end_beside_every_statement(postgres_dsn, *large, monkeypatch)
    assert len(survived) <= 4


def end_beside_every_statement(
    server: str, prepared: str, act: Act, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, str]]:
    """Do it once for each statement and side, and look at the store each time.

    Return where it was done all the same, but for the last: a connection that ends after COMMIT.
    """
    steps = Steps(monkeypatch)
    with copied(server, prepared) as dsn:
        assert done(dsn, act)
        taken, wanted = steps.taken, {False: picture(prepared), True: picture(dsn)}
    survived = []
    with ExitStack() as exits:
        dsn = exits.enter_context(copied(server, prepared))
        for number, where in product(range(taken), ("before", "after")):
            steps.count(**{where: number})
            ended = done(dsn, act)
            other = difference(picture(dsn), wanted[ended])
            assert not other, f"{where} statement {number} of {taken}, done: {ended}: {other}"
            if ended:
                survived.append((number, where))
                dsn = exits.enter_context(copied(server, prepared))
    print(f"{taken} statements, ended before and after each")  # noqa: T201 - pytest -s shows it
    assert survived.pop() == (taken - 1, "after")
    return survived
