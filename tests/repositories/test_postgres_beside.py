"""Several backfills at once, while the application goes on writing: one customer a person."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg

from leadfold import Policy, backfill
from leadfold.exceptions import StalePlanError
from leadfold.repositories.postgres import PostgresRepository
from repositories.postgres_stores import new_place

if TYPE_CHECKING:
    from repositories.postgres_stores import Place

LEADS = 300
PERSONS = 60
BACKFILLS = 4


def phone(person: int) -> str:
    """Return the phone of a person, as somebody types it."""
    return f"(212) 555-{person:04}"


def write_beside(place: Place, seed: int) -> None:
    """Insert and rename leads, each in a transaction of its own."""
    dice = random.Random(seed)  # noqa: S311 - examples, no secrets
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        for number in range(LEADS):
            lead = f"{seed}-{number}"
            insert = 'INSERT INTO "Lead" (id, phone) VALUES (%s, %s)'
            connection.execute(insert, [lead, phone(dice.randrange(PERSONS))])
            rename = 'UPDATE "Lead" SET name = %s WHERE id = %s'
            connection.execute(rename, [f"name {number}", f"{seed}-{dice.randint(0, number)}"])


def backfill_again_and_again(place: Place) -> int:
    """Plan and apply ten times over; return how many plans were stale. Nothing else may fail."""
    stale = 0
    with PostgresRepository(place.dsn, schema=place.own) as repository:
        for _ in range(10):
            try:
                backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
            except StalePlanError:
                stale += 1
    return stale


def test_nobody_gets_two_customers(postgres_dsn: str) -> None:
    """However runs and writers meet, each phone has one customer, and each customer a lead."""
    with new_place(postgres_dsn) as place, ThreadPoolExecutor() as pool:
        writers = [pool.submit(write_beside, place, seed) for seed in (1, 2)]
        runs = [pool.submit(backfill_again_and_again, place) for _ in range(BACKFILLS)]
        for writer in writers:
            writer.result()
        for run in runs:
            run.result()
        backfill_again_and_again(place)
        customers = place.run(
            'SELECT phone, count(DISTINCT customer_id) FROM "Lead" GROUP BY phone'
        )
        assert {count for _, count in customers} == {1}
        assert place.run('SELECT count(*) FROM "Customer"') == [(len(customers),)]
        assert place.run('SELECT count(customer_id) FROM "Lead"') == [(2 * LEADS,)]
        with PostgresRepository(place.dsn, schema=place.own) as repository:
            validation = backfill.validate(repository, Policy.keyed())
        assert validation.ok, [check for check in validation.checks if not check.ok]
