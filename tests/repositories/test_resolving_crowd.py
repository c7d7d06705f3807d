"""Sixteen processes resolve leads that share identifiers, and are killed: the batch's answer."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import psycopg
import pytest

from leadfold import Lead, backfill, group
from leadfold.repositories.postgres import PostgresRepository
from leadfold.resolver import refresh_index
from repositories.postgres_stores import new_database
from repositories.resolving_crowd import POLICY

TESTS = Path(__file__).parent.parent


def crowded(dsn: str, leads: int, kills: int) -> dict[str, int]:
    """Let a crowd resolve so many leads; none of them may fail."""
    seed = secrets.randbits(32)
    options = {"--leads": leads, "--kills": kills, "--seed": seed}
    ended = subprocess.run(  # noqa: S603 - this interpreter, our own program
        [
            *(sys.executable, "-m", "repositories.resolving_crowd", dsn),
            *(str(each) for option in options.items() for each in option),
        ],
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), f"--seed {seed}: {ended.stderr}"
    told: dict[str, int] = json.loads(ended.stdout)
    return told


@pytest.mark.parametrize(
    ("leads", "kills"), [(200, 6), pytest.param(20_000, 500, marks=pytest.mark.full)]
)
def test_a_killed_crowd_ends_as_the_batch(postgres_dsn: str, leads: int, kills: int) -> None:
    """No customer is lost or doubled, and no deadlock reaches who resolves."""
    with new_database(postgres_dsn) as dsn, PostgresRepository(dsn) as repository:
        refresh_index(repository, POLICY)
        told = crowded(dsn, leads, kills)
        print(told)  # noqa: T201 - pytest -s shows it
        assert told["killed"] > 0
        with psycopg.connect(dsn) as raw:
            query = 'SELECT id, "messengerPsid", phone, email, customer_id FROM "Lead"'
            rows = raw.execute(query).fetchall()
            customers = {row for (row,) in raw.execute('SELECT id FROM "Customer"')}
        parts: dict[str, set[str]] = defaultdict(set)
        for lead, *_, customer in rows:
            parts[customer].add(lead)
        resolution = group([Lead(*cells) for *cells, _ in rows], POLICY)
        assert len(rows) == leads
        assert {frozenset(part) for part in parts.values()} == {
            frozenset(each.lead_ids) for each in resolution.groups
        }
        assert customers == parts.keys()
        assert not list(backfill.plan(repository, POLICY, mode="reconcile").units)
