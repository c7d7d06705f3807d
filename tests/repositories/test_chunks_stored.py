"""Chunks in stores that last: to the cell what one transaction writes, whoever was killed."""

from __future__ import annotations

import random
import secrets
import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import backfill
from leadfold.backfill import Plan
from leadfold.exceptions import RunExistsError, StoreError
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.sqlite import SQLiteRepository
from repositories.chunk_stores import FileStore, ServerStore, open_store
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadfold.changes import ChangeSet, Committed
    from repositories.chunk_stores import ChunkStore, State

TESTS = Path(__file__).parent.parent
CHUNK = 20
AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def new(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], ChunkStore]]:
    """Return what makes equal stores, of each sort in turn."""
    numbers = count()
    if request.param == "sqlite":
        yield lambda: FileStore.new(tmp_path / f"crm{next(numbers)}.db")
        return
    server = request.getfixturevalue("postgres_dsn")
    with ExitStack() as places:
        yield lambda: ServerStore.new(places.enter_context(new_place(server)))


def saved(store: ChunkStore, path: Path) -> Path:
    """Save the plan of *store*, which any equal store takes."""
    numbers = count()
    with open_store(store.name) as repository:
        made = backfill.plan(repository, run_id="run-1", new_id=lambda: f"c{next(numbers)}", now=AT)
    made.save(path)
    return path


def states(store: ChunkStore, plan: Path) -> list[State]:
    """Apply *plan* in chunks; return the state before, and after each of them."""
    found = [store.state()]
    with open_store(store.name) as repository:

        class Watched:
            """The repository; each commit is looked at."""

            reading = staticmethod(repository.reading)

            def commit(self, changes: ChangeSet) -> Committed:
                committed = repository.commit(changes)
                found.append(store.state())
                return committed

        backfill.apply(Plan.load(plan), Watched(), chunk=CHUNK)
    return found


def test_chunks_leave_what_one_transaction_does(
    new: Callable[[], ChunkStore], tmp_path: Path
) -> None:
    """Every cell of the user's tables and of leadfold's, but which commit wrote it."""
    one, other = new(), new()
    plan = saved(one, tmp_path / "plan.json")
    with open_store(one.name) as repository:
        whole = backfill.apply(Plan.load(plan), repository)
    in_chunks = states(other, plan)
    assert len(in_chunks) == 1 + 8  # of 150 leads, pairs uncut
    assert in_chunks[-1] == one.state()
    with open_store(one.name) as repository, repository.reading() as reader:
        (run,) = reader.runs()
    assert run.stats == whole.stats.to_dict()


def test_a_killed_process_leaves_whole_chunks(
    new: Callable[[], ChunkStore], tmp_path: Path
) -> None:
    """Killed at any statement, and again: whoever comes next goes on until all is as planned."""
    seed = secrets.randbits(32)
    dice = random.Random(seed)  # noqa: S311 - a test's
    one, other = new(), new()
    plan = saved(one, tmp_path / "plan.json")
    expected = states(other, plan)
    reached, kills = 0, 0
    while reached < len(expected) - 1:
        died = apply_and_die(plan, one, bomb=dice.randint(10, 250 if kills else 100))
        kills += died
        found = one.state()
        assert found in expected[reached:], f"seed {seed}: no whole number of chunks"
        reached = expected.index(found)
        assert died or reached == len(expected) - 1
    assert kills > 0
    with open_store(one.name) as repository, pytest.raises(RunExistsError):
        backfill.apply(Plan.load(plan), repository, chunk=CHUNK)


def apply_and_die(plan: Path, store: ChunkStore, bomb: int) -> bool:
    """Apply in a process that kills itself before its statement *bomb*; tell whether it did."""
    child = subprocess.run(  # noqa: S603 - this interpreter, our own program
        [
            *(sys.executable, "-m", "repositories.chunk_child"),
            *(plan, store.name, str(CHUNK), str(bomb)),
        ],
        cwd=TESTS,
        capture_output=True,
        check=False,
    )
    assert child.returncode in {0, -signal.SIGKILL}, child.stderr.decode()
    return child.returncode != 0


def test_chunks_need_transactions_of_their_own(new: Callable[[], ChunkStore]) -> None:
    """On the caller's connection they are refused with the way out; going on without is not."""
    store = new()
    with ExitStack() as connections:
        repository = on_connection(store, connections)
        plan = backfill.plan(repository)
        with pytest.raises(StoreError, match="give the repository a path, a DSN or a pool"):
            backfill.apply(plan, repository, chunk=CHUNK)
        assert backfill.apply(plan, repository).outcome == "done"


def on_connection(
    store: ChunkStore, connections: ExitStack
) -> SQLiteRepository | PostgresRepository:
    """Return a repository of *store* on a connection that the test has open."""
    if isinstance(store, ServerStore):
        opened = connections.enter_context(psycopg.connect(store.place.dsn))
        return PostgresRepository(opened, schema=store.place.own)
    return SQLiteRepository(connections.enter_context(closing(sqlite3.connect(store.name))))


def test_a_chunk_takes_as_many_statements_as_a_run(
    new: Callable[[], ChunkStore], tmp_path: Path
) -> None:
    """However many chunks: a transaction costs what a run of its size costs."""
    one, other = new(), new()
    plan = saved(one, tmp_path / "plan.json")
    with open_store(one.name) as repository:
        whole = backfill.apply(Plan.load(plan), repository).statements
    with open_store(other.name) as repository:
        in_chunks = backfill.apply(Plan.load(plan), repository, chunk=CHUNK).statements
    assert in_chunks <= 8 * whole
