"""Eight processes run the same backfill while an application inserts and edits leads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from leadfold import Policy, backfill
from leadfold.repositories.postgres import PostgresRepository
from repositories.kill_deeds import plan_of
from repositories.postgres_pictures import copied, filled_database, picture
from repositories.postgres_stores import new_database

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).parent.parent
RUNS = 8
WRITERS = 2


def together(dsn: str, *parts: Sequence[str]) -> list[Counter[str]]:
    """Let processes play their *parts* at once; return what each tells. None of them may fail."""
    crowd = [
        subprocess.Popen(  # noqa: S603 - this interpreter, our own program
            [sys.executable, "-m", "repositories.postgres_crowd", dsn, *part],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in parts
    ]
    for each in crowd:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    ended = [each.communicate() for each in crowd]
    assert [error for _, error in ended if error] == []
    return [Counter(json.loads(out)) for out, _ in ended]


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.full)])
def test_eight_backfills_beside_an_application(postgres_dsn: str, rounds: int) -> None:
    """One customer a phone, a lead for each customer, and no deadlock that anybody hears of."""
    with new_database(postgres_dsn) as dsn:
        runs = [["--rounds", str(rounds)]] * RUNS
        writers = [["--rounds", str(60 * rounds), "--write", str(n)] for n in range(WRITERS)]
        told = together(dsn, *runs, *writers)
        print(f"{rounds} rounds: {sum(told[:RUNS], Counter())}, {told[RUNS:]}")  # noqa: T201 - pytest -s shows it
        assert sum(told[:RUNS], Counter())["done"] >= 1
        with PostgresRepository(dsn) as repository:
            backfill.apply(backfill.plan(repository, Policy.keyed()), repository)
            checks = backfill.validate(repository, Policy.keyed()).checks
        assert [check for check in checks if not check.ok and check.severity == "fail"] == []
        with psycopg.connect(dsn) as connection:
            phones = connection.execute(
                """SELECT phone, count(DISTINCT customer_id), count(*) - count(customer_id)
                FROM "Lead" GROUP BY phone"""
            ).fetchall()
            customers = connection.execute(
                """SELECT count(*), count(DISTINCT phone), (SELECT count(DISTINCT customer_id)
                FROM "Lead") FROM "Customer" """
            ).fetchall()
        assert {tuple(counts) for _, *counts in phones} == {(1, 0)}
        assert customers == [(len(phones),) * 3]


def test_one_plan_applied_by_eight_processes(postgres_dsn: str, tmp_path: Path) -> None:
    """It is written once, exactly, and the others are told that it was."""
    path = tmp_path / "plan.json"
    with filled_database(postgres_dsn, every=10) as filled:
        with PostgresRepository(filled) as repository:
            plan = plan_of(repository)
            plan.save(path)
        with copied(postgres_dsn, filled) as alone:
            with PostgresRepository(alone) as repository:
                backfill.apply(plan, repository)
            wanted = picture(alone)
        told = together(filled, *[["--plan", str(path)]] * RUNS)
        assert sum(told, Counter()) == {"done": 1, "RunExistsError": RUNS - 1}
        assert picture(filled) == wanted
