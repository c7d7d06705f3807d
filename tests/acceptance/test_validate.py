"""``leadfold validate``: the verdict of every check, an exit status, and the checks as SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold, make_store, rows_of

if TYPE_CHECKING:
    from pathlib import Path

LEADS = [
    {"id": "lead-1", "phone": "(212) 555-0143", "created_at": "2026-01-01T08:00:00Z"},
    {"id": "lead-2", "phone": "212.555.0143", "created_at": "2026-01-02T08:00:00Z"},
    {"id": "lead-3", "email": "ann@example.com", "created_at": "2026-01-03T08:00:00Z"},
]
JOBS = [{"id": "job-1", "lead_id": "lead-2"}]


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Make a store that was backfilled."""
    store = make_store(tmp_path / "crm.db", LEADS, JOBS)
    assert leadfold("backfill", store, cwd=tmp_path).status == 0
    return store


def edit(tmp_path: Path, statement: str) -> None:
    """Change the store behind leadfold's back."""
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute(statement)


def test_a_store_in_order_passes(store: str, tmp_path: Path) -> None:
    """Every check is a line with what was expected and found; the exit status is 0."""
    ended = leadfold("validate", store, cwd=tmp_path)
    names, *lines = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    assert names.split() == ["check", "expected", "actual", "verdict"]
    assert lines[0].split() == ["leads", "linked", "100%", "3/3", "(100%)", "ok"]
    assert all(line.endswith(" ok") for line in lines)


def test_a_check_that_must_hold_fails(store: str, tmp_path: Path) -> None:
    """An unlinked lead is named, and the exit status is 1."""
    edit(tmp_path, """UPDATE "Lead" SET customer_id = NULL WHERE id = 'lead-3'""")
    ended = leadfold("validate", store, cwd=tmp_path)
    assert ended.status == 1
    assert ended.out.splitlines()[1].split() == [
        "leads", "linked", "100%", "2/3", "(66%)", "fail",
    ]  # fmt: skip
    assert "leads linked, such as:\n   lead-3\n" in ended.out


def test_a_warning_is_told_and_fails_nothing(store: str, tmp_path: Path) -> None:
    """A phone that two customers show is told by its mask; the exit status is 0."""
    edit(tmp_path, """UPDATE "Customer" SET phone = '2125550143' WHERE email IS NOT NULL""")
    ended = leadfold("validate", store, cwd=tmp_path)
    assert ended.status == 0
    assert "phones shown by several customers, such as:\n   phone:+1…43: " in ended.out
    assert not [raw for raw in ("2125550143", "555-0143", "ann@example.com") if raw in ended.out]


def test_json_has_every_check(store: str, tmp_path: Path) -> None:
    """A machine gets the outcome, the verdict and the checks."""
    passed = leadfold("validate", store, "--json", cwd=tmp_path).json
    assert (passed["outcome"], passed["ok"]) == ("done", True)
    assert {check["severity"] for check in passed["checks"]} == {"fail", "warn"}
    edit(tmp_path, 'UPDATE "Job" SET customer_id = NULL')
    failed = leadfold("validate", store, "--json", "--samples", "0", cwd=tmp_path)
    assert (failed.status, failed.json["outcome"], failed.json["ok"]) == (1, "failed", False)
    assert {check["name"] for check in failed.json["checks"] if not check["ok"]} == {
        "Job linked",
        "Job ready for NOT NULL",
    }


def test_the_policy_is_the_one_that_is_named(store: str, tmp_path: Path) -> None:
    """Leads are grouped by the policy in the file, which the index was not made with."""
    (tmp_path / "policy.toml").write_text('identifiers = ["email"]\n')
    ended = leadfold("validate", store, "--policy", "policy.toml", "--json", cwd=tmp_path)
    told = {check["name"]: check for check in ended.json["checks"] if not check["ok"]}
    assert told.keys() == {
        "customers with several groups",  # without phones lead-1 and lead-2 are two
        "policy of the index",  # so that stale entries are not judged
    }


def test_the_sql_gives_the_same_verdicts(store: str, tmp_path: Path) -> None:
    """What ``--print-sql`` prints runs as it is, and finds what the command finds."""
    edit(tmp_path, """UPDATE "Lead" SET customer_id = NULL WHERE id = 'lead-3'""")
    script = leadfold("validate", store, "--print-sql", cwd=tmp_path)
    assert (script.status, script.err) == (0, "")
    told = leadfold("validate", store, "--json", cwd=tmp_path).json["checks"]
    found = [
        tuple(map(str, row))
        for statement in script.out.split("\n\n")[1:]
        for row in rows_of(tmp_path / "crm.db", statement)
    ]
    assert len(found) > len(told) / 2
    assert set(found) <= {(c["name"], c["expected"], c["actual"]) for c in told}
    as_json = leadfold("validate", store, "--print-sql", "--json", cwd=tmp_path).json
    assert as_json == {"outcome": "done", "sql": script.out}


def test_validating_writes_nothing(store: str, tmp_path: Path) -> None:
    """The file is the same to the byte, and nothing stands beside it."""
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert leadfold("validate", store, cwd=tmp_path).status == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_store_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """No store, no verdict: exit status 2."""
    ended = leadfold("validate", "sqlite:///none.db", cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert "none.db" in ended.err
