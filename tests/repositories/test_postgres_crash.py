"""The whole server dies while it writes, with durability on: all or nothing once it is up again.

It has a server of its own, all of whose processes are killed. The machine's own memory outlives
that: what is shown is the write-ahead log's recovery, not that of a disk without power.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres.session import Session
from postgres_server import NoServerError, own_server
from repositories.kill_deeds import plan_of
from repositories.postgres_pictures import applied, copied, filled_database, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.postgres.steps import Answer, Step
    from postgres_server import Server

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
SYNC = {"recovery_init_sync_method": "syncfs"}  # one call to the system, not one a file


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a server that writes for good."""
    with ExitStack() as exits:
        try:
            server = exits.enter_context(own_server({**DURABLE, **SYNC}))
        except NoServerError as e:
            if os.environ.get("LEADFOLD_REQUIRE_POSTGRES"):
                raise
            pytest.skip(f"no server to kill, whatever DATABASE_URL names: {e}")
        with psycopg.connect(server.dsn) as connection:
            shown = [connection.execute(f"SHOW {name}").fetchall() for name in DURABLE]  # type: ignore[arg-type, unused-ignore]
            assert shown == [[("on",)]] * 3
        yield server


class Steps:
    """Counts the steps of sessions; once one of them is answered, the server dies."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        self.deadly: int | None = None
        perform = Session.perform

        def counted(session: Session, step: Step) -> Answer:
            number, self.taken = self.taken, self.taken + 1
            answer = perform(session, step)
            if number == self.deadly:
                server.crash()
            return answer

        monkeypatch.setattr(Session, "perform", counted)

    def count(self, deadly: int | None = None) -> None:
        """Count from 0 again."""
        self.taken, self.deadly = 0, deadly


@contextmanager
def dying(server: Server, after: float) -> Iterator[None]:
    """Let the server die after so many seconds, and wait until it has."""
    timer = threading.Timer(after, server.crash)
    timer.start()
    yield
    timer.join()


@pytest.mark.parametrize("crashes", [2, pytest.param(100, marks=pytest.mark.full)])
def test_a_server_that_dies(server: Server, crashes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was reported as done is there for good; what was not is not, or whole: never a part."""
    steps, dice = Steps(server, monkeypatch), random.Random(crashes)  # noqa: S311 - no secrets
    outcomes: Counter[tuple[bool, str]] = Counter()
    with filled_database(server.dsn, every=2) as filled, ExitStack() as exits:
        with PostgresRepository(filled) as repository:
            plan = plan_of(repository)
        dsn = exits.enter_context(copied(server.dsn, filled))
        began = perf_counter()
        steps.count()
        assert applied(dsn, plan)
        seconds, taken = perf_counter() - began, steps.taken
        wanted = {"before": picture(filled), "after": picture(dsn)}
        dsn = exits.enter_context(copied(server.dsn, filled))
        for number in range(crashes):
            if number == 0:
                steps.count(taken - 1)  # the moment after COMMIT
                done = applied(dsn, plan)
            elif number % 2:
                steps.count(dice.randrange(taken - 1))
                done = applied(dsn, plan)
            else:
                steps.count()
                with dying(server, dice.uniform(0, seconds)):
                    done = applied(dsn, plan)
            server.start()
            found = picture(dsn)
            outcome = next((name for name, each in wanted.items() if each == found), "neither")
            outcomes[done, outcome] += 1
            if outcome == "after":
                dsn = exits.enter_context(copied(server.dsn, filled))
    print(f"{crashes} crashes, (done, what is there): {dict(outcomes)}")  # noqa: T201 - pytest -s shows it
    assert outcomes[True, "after"] > 0
    assert outcomes.keys() <= {(True, "after"), (False, "before"), (False, "after")}
