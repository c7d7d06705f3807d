"""Many processes that resolve the leads of one PostgreSQL store at once, some of them killed.

A program of one thread, for it forks: ``python -m repositories.resolving_crowd --help``. Each
worker inserts its share of the leads and resolves each in a transaction of leadfold's own. At
random moments one of them is ended by SIGKILL, and another goes on where it was. What became of
the leads is printed as JSON; whatever error nobody is to meet ends the program.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import psycopg

from leadfold import Lead, Policy
from leadfold.exceptions import StalePlanError
from leadfold.repositories.postgres import PostgresRepository
from leadfold.resolver import Resolver
from repositories.kill_children import begin, end

if TYPE_CHECKING:
    from repositories.kill_children import Child

__all__ = ["POLICY", "lead"]

PAUSE = 0.3
"""No more than so many seconds pass from one kill to the next."""
POLICY = Policy.linked()


def lead(number: int, count: int) -> Lead:
    """Return a lead of one of few people: they share phones and emails with others of theirs."""
    dice = Random(number)  # noqa: S311 - examples, no secrets
    person = dice.randrange(max(count // 10, 2))
    psid = f"2400000{person:010}" if dice.random() < 0.4 else None
    phone = f"(212) 5{person % 100:02}-{person // 100:04}" if dice.random() < 0.6 else None
    email = f"person{person // 2}@mailbox.org" if dice.random() < 0.4 else None
    return Lead(f"l{number:06}", psid, phone, email)


def work(dsn: str, worker: int, workers: int, count: int) -> Counter[str]:
    """Insert and resolve every lead of this worker's that has no customer yet, in its own order."""
    told = Counter[str]()
    mine = [lead(number, count) for number in range(worker, count, workers)]
    Random(worker).shuffle(mine)  # noqa: S311
    with psycopg.connect(dsn, autocommit=True) as raw, PostgresRepository(dsn) as repository:
        done = {
            row for (row,) in raw.execute('SELECT id FROM "Lead" WHERE customer_id IS NOT NULL')
        }
        resolver = Resolver(repository, POLICY, "reconcile")
        for one in mine:
            if one.id not in done:
                _arrive(raw, one)
                told[_resolved(resolver, one, told)] += 1
    return told


def _arrive(raw: psycopg.Connection[tuple[object, ...]], one: Lead) -> None:
    """Insert a lead as an application does; before it was killed it may have done so already."""
    raw.execute(
        """INSERT INTO "Lead" (id, "messengerPsid", phone, email) VALUES (%s, %s, %s, %s)
        ON CONFLICT DO NOTHING""",
        [one.id, one.psid, one.phone, one.email],
    )


def _resolved(resolver: Resolver, one: Lead, told: Counter[str]) -> str:
    """Resolve a lead until it is: who is told that others were faster, or busy, asks again."""
    while True:
        try:
            outcome: str = resolver.resolve(one).outcome
        except StalePlanError:
            outcome = "stale"
        if outcome not in {"busy", "stale"}:
            return outcome
        told[outcome] += 1


def play(dsn: str, workers: int, count: int, kills: int, dice: Random) -> Counter[str]:
    """Let all work at once, kill some, and put others in their place; return what they tell."""
    told = Counter[str]()

    def started(worker: int) -> Child:
        return begin(lambda: json.dumps(work(dsn, worker, workers, count)).encode())

    crowd = {worker: started(worker) for worker in range(workers)}
    while crowd:
        after = dice.uniform(0, PAUSE) if told["killed"] < kills else None
        ready, _, _ = select.select([child.pipe for child in crowd.values()], [], [], after)
        for worker in [worker for worker, child in crowd.items() if child.pipe in ready]:
            _, answer = end(crowd.pop(worker), None)
            told.update(json.loads(answer))
        if not ready:
            worker = dice.choice(sorted(crowd))
            os.kill(crowd[worker].process, signal.SIGKILL)
            killed, answer = end(crowd.pop(worker), None)
            told["killed"] += killed
            crowd[worker] = started(worker)
    return told


def main() -> None:
    """Play, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dsn")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    counted = play(told.dsn, told.workers, told.leads, told.kills, Random(told.seed))  # noqa: S311
    sys.stdout.write(json.dumps(counted) + "\n")


if __name__ == "__main__":
    main()
