"""The command line over a PostgreSQL database, as its users meet it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from command_line import leadfold
from repositories.postgres_stores import as_url, new_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Make a database with two leads of one person, a third of another, and a job."""
    with new_database(postgres_dsn) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                """INSERT INTO "Lead" (id, name, phone) VALUES
                ('l1', 'Ann', '(212) 555-0143'), ('l2', 'A.', '212.555.0143'), ('l3', 'B', NULL)"""
            )
            connection.execute("""INSERT INTO "Job" (id, lead_id) VALUES ('j1', 'l2')""")
        yield dsn


def test_a_backfill_from_plan_to_validation(dsn: str, tmp_path: Path) -> None:
    """A plan is saved, applied and looked at; the store is what was asked for."""
    store = as_url(dsn)
    planned = leadfold("backfill", store, "--dry-run", "--plan-out", "plan.json", cwd=tmp_path)
    assert planned.status == 0, planned.err
    applied = leadfold("apply", "plan.json", store, "--json", cwd=tmp_path)
    assert applied.json["outcome"] == "done"
    assert applied.json["stats"]["customersCreated"] == 2
    assert applied.json["stats"]["jobsLinked"] == 1
    assert applied.json["statements"] <= 20
    assert leadfold("validate", store, cwd=tmp_path).status == 0
    assert leadfold("runs", store, "--json", cwd=tmp_path).json["runs"]
    assert leadfold("stats", store, cwd=tmp_path).status == 0
    again = leadfold("backfill", store, "--json", cwd=tmp_path).json
    undone = leadfold("rollback", store, applied.json["run"], "--json", cwd=tmp_path)
    assert undone.json["outcome"] == "done"
    with psycopg.connect(dsn, autocommit=True) as connection:
        left = connection.execute('SELECT count(*), count(customer_id) FROM "Lead"').fetchall()
        assert left == [(3, 0)]
    assert again["stats"]["customersCreated"] == again["stats"]["leadsLinked"] == 0


def test_the_schema_is_printed_and_made(dsn: str, tmp_path: Path) -> None:
    """What is printed makes what ``--apply`` makes; making it again changes nothing."""
    store = as_url(dsn)
    printed = leadfold("schema", store, "--print", cwd=tmp_path)
    assert printed.status == 0, printed.err
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(printed.out)  # type: ignore[arg-type, unused-ignore]
    for _ in range(2):
        assert leadfold("schema", store, "--apply", cwd=tmp_path).status == 0
    assert leadfold("backfill", store, cwd=tmp_path).status == 0


def test_the_printed_checks_run_as_they_are(dsn: str, tmp_path: Path) -> None:
    """Each check that ``--print-sql`` prints gives one row, with what ``validate`` expects."""
    store = as_url(dsn)
    leadfold("backfill", store, cwd=tmp_path)
    script = leadfold("validate", store, "--print-sql", cwd=tmp_path).out
    found = leadfold("validate", store, "--json", cwd=tmp_path).json
    told = {check["name"]: str(check["actual"]) for check in found["checks"]}
    with psycopg.connect(dsn, autocommit=True) as connection:
        statements = [each for each in script.split(";\n") if "SELECT" in each]
        rows = [connection.execute(each).fetchall() for each in statements]  # type: ignore[arg-type, unused-ignore]
    for [(name, _, actual)] in rows:
        assert told[name] == str(actual), name
    assert len(rows) >= 10


def test_a_store_that_cannot_be_reached_is_explained(tmp_path: Path) -> None:
    """Nobody listens there: one line says so, and shows no password."""
    ended = leadfold("backfill", "postgresql://ann:secret@/crm?host=/nowhere", cwd=tmp_path)
    assert ended.status == 1
    assert "connection" in ended.err
    assert "secret" not in ended.out + ended.err


def test_without_the_driver_one_line_says_what_to_install(tmp_path: Path) -> None:
    """Who has not installed the extra is told the command that does."""
    code = (
        "import sys; sys.modules['psycopg'] = None; from leadfold.cli import main;"
        " sys.exit(main(['backfill', 'postgresql://localhost/crm']))"
    )
    ended = subprocess.run(  # noqa: S603 - this interpreter, and a constant
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "pip install 'leadfold[postgres]'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
