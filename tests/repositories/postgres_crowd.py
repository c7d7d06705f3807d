"""One of many processes that use a PostgreSQL store at once, each with a part to play.

It prints what became of what it tried as JSON. Whatever error nobody is to meet ends it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter

import psycopg

from leadfold import Policy, backfill
from leadfold.backfill import Plan
from leadfold.exceptions import RunExistsError, StalePlanError
from leadfold.repositories.postgres import PostgresRepository

PERSONS = 60
TOGETHER = 5  # leads that the application edits in one transaction, in any order


def phone(person: int) -> str:
    """Return the phone of a person, as somebody types it."""
    return f"(212) 555-{person:04}"


def write(dsn: str, rounds: int, seed: int) -> Counter[str]:
    """Insert a lead, and edit some in one transaction: names, and now and then a phone."""
    dice, told = random.Random(seed), Counter[str]()  # noqa: S311 - examples, no secrets
    with psycopg.connect(dsn) as connection:
        for number in range(rounds):
            try:
                insert = 'INSERT INTO "Lead" (id, phone) VALUES (%s, %s)'
                connection.execute(insert, [f"{seed}-{number}", phone(dice.randrange(PERSONS))])
                for _ in range(TOGETHER):
                    lead = f"{seed}-{dice.randint(0, number)}"
                    rename = 'UPDATE "Lead" SET name = %s WHERE id = %s'
                    connection.execute(rename, [f"name {number}", lead])
                if number % 10 == 0:
                    edit = 'UPDATE "Lead" SET phone = %s WHERE id = %s AND customer_id IS NULL'
                    person = phone(dice.randrange(PERSONS))
                    connection.execute(edit, [person, f"{seed}-{dice.randint(0, number)}"])
                connection.commit()
                told["written"] += 1
            except psycopg.errors.DeadlockDetected:  # the application's own affair: it goes on
                connection.rollback()
                told["gave way"] += 1
    return told


def run(dsn: str, rounds: int, path: str | None) -> Counter[str]:
    """Apply the plan saved at *path*, or plan and apply so many times over."""
    told = Counter[str]()
    with PostgresRepository(dsn) as repository:
        for _ in range(1 if path else rounds):
            plan = Plan.load(path) if path else backfill.plan(repository, Policy.keyed())
            try:
                report = backfill.apply(plan, repository)
            except (StalePlanError, RunExistsError) as e:
                told[type(e).__name__] += 1
            else:
                told["done"] += 1
                told["left out"] += len(report.failures)
    return told


def main() -> None:
    """Play the part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dsn")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--write", type=int, metavar="SEED", help="be the application")
    parser.add_argument("--plan", help="a saved plan to apply")
    told = parser.parse_args()
    sys.stdin.readline()  # all begin at once
    if told.write is None:
        counted = run(told.dsn, told.rounds, told.plan)
    else:
        counted = write(told.dsn, told.rounds, told.write)
    sys.stdout.write(json.dumps(counted) + "\n")


if __name__ == "__main__":
    main()
