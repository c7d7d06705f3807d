"""A lead that arrives, stored with its customer: leadfold's resolver against what services have.

The peer is written by hand: select the customer by phone or email, else insert one. Both insert
the lead and commit, in one transaction, durably, by the same driver; half of the leads that arrive
are of nobody, half are of one customer. Run: ``PYTHONPATH=tests python benchmarks/resolve.py
[leads ...] [--stores postgres sqlite] [--workers 1 8] [--arrivals N] [--mode fill|reconcile]``
(default: 1,000, 100,000 and 1,000,000 leads, 500 arrivals a worker, mode fill).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import attrs
import psycopg
from machine import describe
from postgres import SETTINGS, copied
from psycopg import sql
from psycopg.conninfo import make_conninfo
from stores import fill_postgres, fill_sqlite

from leadfold import Lead, Policy, Resolver, backfill
from leadfold.exceptions import RetryableError
from leadfold.repositories.postgres import PostgresRepository
from leadfold.repositories.postgres import session as postgres_session
from leadfold.repositories.postgres.steps import Together
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing import sample_leads
from postgres_server import own_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from leadfold.repositories.postgres.steps import Answer, Step

Mode = Literal["fill", "reconcile"]

POLICY = Policy.linked()
WARMING = 20
"""So many arrivals come before the clock is looked at."""
FAMILIAR = {
    "postgres": """SELECT phone FROM "Customer" WHERE phone IS NOT NULL
        AND (metadata ->> 'leadCount')::int < 4 ORDER BY md5(id) LIMIT 10000""",
    "sqlite": """SELECT phone FROM "Customer" WHERE phone IS NOT NULL
        AND metadata ->> 'leadCount' < 4 ORDER BY substr(id, -6) LIMIT 10000""",
}
INSERT_LEAD = 'INSERT INTO "Lead" (id, phone, email, customer_id) VALUES (%s, %s, %s, %s)'
INSERT_CUSTOMER = 'INSERT INTO "Customer" (id, phone, email) VALUES (%s, %s, %s)'
AROUND = ("BEGIN", "COMMIT", 'INSERT INTO "Lead"')
"""How the statements begin that a service runs around a decision."""
SELECT = 'SELECT id FROM "Customer" WHERE phone = %s OR email = %s LIMIT 1'


@attrs.frozen
class Case:
    """What is measured: the store, where it is, who takes leads in, the resolver's mode."""

    kind: str
    place: str
    way: str
    mode: Mode


class Store:
    """An open connection to either store, as a service has one."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind = kind
        if kind == "postgres":
            self.postgres = psycopg.connect(place)
        else:
            self.sqlite = sqlite3.connect(place, isolation_level=None, timeout=60)
            self.sqlite.execute("PRAGMA foreign_keys = ON")
            self.sqlite.execute("PRAGMA synchronous = FULL")

    def run(self, statement: str, row: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run a statement of this file."""
        if self.kind == "postgres":
            found = self.postgres.execute(statement, row)
            return found.fetchall() if found.description else []
        return self.sqlite.execute(statement.replace("%s", "?"), row).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes, durably."""
        if self.kind == "postgres":
            with self.postgres.transaction():
                yield
            return
        self.sqlite.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.sqlite.execute("ROLLBACK")
            raise
        self.sqlite.execute("COMMIT")

    def resolver(self, mode: Mode) -> Resolver:
        """Return a resolver inside this connection's transactions."""
        made = (
            PostgresRepository(self.postgres)
            if self.kind == "postgres"
            else SQLiteRepository(self.sqlite)
        )
        return Resolver(made, POLICY, mode)


def ours(store: Store, mode: Mode) -> Callable[[Lead], None]:
    """Return how leadfold takes a lead in: it is told whose it is, then it is inserted."""
    resolver = store.resolver(mode)

    def arrive(lead: Lead) -> None:
        with store.transaction():
            customer = resolver.resolve(lead).customer_id
            store.run(INSERT_LEAD, [lead.id, lead.phone, lead.email, customer])

    return arrive


def peer(store: Store, _: Mode) -> Callable[[Lead], None]:
    """Return how it is written by hand; the phone and email are normalized already."""

    def arrive(lead: Lead) -> None:
        with store.transaction():
            found = store.run(SELECT, [lead.phone, lead.email])
            customer = found[0][0] if found else str(uuid4())
            if not found:
                store.run(INSERT_CUSTOMER, [customer, lead.phone, lead.email])
            store.run(INSERT_LEAD, [lead.id, lead.phone, lead.email, customer])

    return arrive


WAYS = {"leadfold": ours, "by hand": peer}


def arrivals(store: Store, count: int, worker: int) -> list[Lead]:
    """Return leads of nobody and leads of one customer by turns, other ones for each worker."""
    familiar = [str(phone) for (phone,) in store.run(FAMILIAR[store.kind])]
    Random(worker).shuffle(familiar)  # noqa: S311 - no secrets
    if store.kind == "postgres":
        store.postgres.rollback()
    return [
        Lead(
            f"new-{worker}-{number}",
            phone=(
                familiar[number % len(familiar)]
                if number % 2
                else f"+1646{200 + worker}{number:04}"
            ),
            email=f"new-{worker}-{number}@mailbox.org",
        )
        for number in range(count)
    ]


def work(case: Case, worker: int, count: int) -> dict[str, object]:
    """Take leads in one after the other; return milliseconds each, and how often it began again."""
    store = Store(case.kind, case.place)
    arrive = WAYS[case.way](store, case.mode)
    leads = arrivals(store, count + WARMING, worker)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all begin at once
    taken: list[float] = []
    again = 0
    for lead in leads:
        began = time.perf_counter()
        while True:
            try:
                arrive(lead)
                break
            except RetryableError:
                again += 1
        taken.append((time.perf_counter() - began) * 1000)
    return {"taken": taken[WARMING:], "again": again}


def crowd(case: Case, workers: int, count: int) -> list[float]:
    """Let workers, each a process, take leads in at once; return milliseconds of all."""
    command = [sys.executable, __file__, "--case", *attrs.astuple(case)]
    running = [
        subprocess.Popen(  # noqa: S603 - this file
            [*command, str(worker), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(workers)
    ]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    ended = []
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in running:
        told, _ = each.communicate()
        assert each.returncode == 0
        ended.append(json.loads(told))
    again = sum(each["again"] for each in ended)
    if again:
        print(f"      ({again} of {workers * count} began again)")
    return [each for told in ended for each in told["taken"]]


def traced(kind: str, place: str, mode: Mode) -> Iterator[str]:
    """Yield round trips and statements of a decision, BEGIN, COMMIT and the insert left out."""
    store, counted = Store(kind, place), Counter[str]()
    perform = postgres_session.Session.perform

    def performed(session: postgres_session.Session, step: Step) -> Answer:
        counted["round trips"] += 1
        counted["statements"] += len(step.statements) if isinstance(step, Together) else 1
        return perform(session, step)

    def heard(text: str) -> None:
        counted["statements"] += not text.startswith(AROUND)

    leads = arrivals(store, 2 * WARMING, 99)
    arrive = ours(store, mode)
    for lead in leads[:WARMING]:
        arrive(lead)
    postgres_session.Session.perform = performed  # type: ignore[method-assign, assignment]
    if kind == "sqlite":
        store.sqlite.set_trace_callback(heard)
    try:
        for lead, who in zip(leads[WARMING:], ("of nobody", "of one customer"), strict=False):
            counted.clear()
            arrive(lead)
            yield f"{who}: " + ", ".join(f"{n} {what}" for what, n in sorted(counted.items()))
    finally:
        postgres_session.Session.perform = perform  # type: ignore[method-assign]


@contextmanager
def filled(kind: str, server: str, count: int, folder: Path) -> Iterator[Callable[[], object]]:
    """Make a store of *count* leads after a backfill; yield what lends a fresh copy of it."""
    leads = [sample.lead for sample in sample_leads(count, seed=1)]
    if kind == "sqlite":
        path = folder / f"{count}.db"
        fill_sqlite(path, leads)
        with SQLiteRepository(path) as repository:
            backfill.apply(backfill.plan(repository, POLICY), repository)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        yield lambda: _copied_file(path)
        path.unlink()
        return
    name = f"resolve_{count}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = make_conninfo(server, dbname=name)
    fill_postgres(dsn, leads)
    with PostgresRepository(dsn) as postgres:
        backfill.apply(backfill.plan(postgres, POLICY), postgres)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    yield lambda: copied(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@contextmanager
def _copied_file(path: Path) -> Iterator[str]:
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    yield str(copy)
    for each in path.parent.glob("*.copy*"):
        each.unlink()


def measure(kind: str, server: str, told: argparse.Namespace, folder: Path) -> None:
    """Print what one store takes at each size, and the ratios."""
    medians: dict[tuple[str, int, int], float] = {}
    for count in told.leads:
        with filled(kind, server, count, folder) as lend:
            print(f"\n{kind}, {count:,} leads stored, mode {told.mode}")
            for workers in told.workers:
                for way in WAYS:
                    with lend() as place:  # type: ignore[attr-defined]
                        taken = crowd(Case(kind, place, way, told.mode), workers, told.arrivals)
                    p50, p99 = median(taken), quantiles(taken, n=100)[98]
                    medians[way, workers, count] = p50
                    print(f"  {way}, {workers} at once: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
                ratio = medians["leadfold", workers, count] / medians["by hand", workers, count]
                print(f"  p50, {workers} at once: {ratio:.2f} x by hand")
            with lend() as place:  # type: ignore[attr-defined]
                for line in traced(kind, place, told.mode):
                    print(f"  {line}")
    first, last = min(told.leads), max(told.leads)
    for workers in told.workers:
        ratio = medians["leadfold", workers, last] / medians["leadfold", workers, first]
        print(f"{kind}, {workers} at once: p50 at {last:,} is {ratio:.2f} x p50 at {first:,}")


def main() -> None:
    """Measure each store that is asked for."""
    if sys.argv[1:2] == ["--case"]:
        *case, worker, count = sys.argv[2:]
        print(json.dumps(work(Case(*case), int(worker), int(count))))  # type: ignore[arg-type]
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("leads", type=int, nargs="*", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--stores", nargs="*", default=["postgres", "sqlite"])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--arrivals", type=int, default=500)
    parser.add_argument("--mode", choices=["fill", "reconcile"], default="fill")
    told = parser.parse_args()
    print(describe())
    with TemporaryDirectory() as folder, own_server(SETTINGS) as server:
        print("PostgreSQL: " + ", ".join(f"{name} {value}" for name, value in SETTINGS.items()))
        print("SQLite: journal_mode WAL, synchronous FULL")
        for kind in told.stores:
            measure(kind, server.dsn, told, Path(folder))


if __name__ == "__main__":
    main()
