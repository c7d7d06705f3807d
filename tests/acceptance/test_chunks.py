"""Large stores in chunks, on the command line: how one that ended early goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold, make_store, rows_of

if TYPE_CHECKING:
    from pathlib import Path

STORE = "sqlite:///crm.db"
LEADS = [{"id": f"l{number}", "phone": f"212-555-01{number:02}"} for number in range(10)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a store with a plan, which is stale in its last unit."""
    make_store(tmp_path / "crm.db", LEADS)
    plan = ("--dry-run", "--plan-out", "plan.json")
    assert leadfold("backfill", STORE, *plan, cwd=tmp_path).status == 0
    edit(tmp_path, "212-555-0199")
    return tmp_path


def edit(place: Path, phone: str) -> None:
    """Edit the last lead behind leadfold's back."""
    with closing(sqlite3.connect(place / "crm.db")) as connection, connection:
        connection.execute("UPDATE Lead SET phone = ? WHERE id = 'l9'", [phone])


def linked(place: Path) -> int:
    """Return how many leads have a customer."""
    [(count,)] = rows_of(place / "crm.db", "SELECT count(customer_id) FROM Lead")
    assert isinstance(count, int)
    return count


def status(place: Path) -> list[str]:
    """Return the status of every run, newest first."""
    runs = leadfold("runs", STORE, "--json", cwd=place).json["runs"]
    return [run["status"] for run in runs]


def test_a_backfill_in_chunks(tmp_path: Path) -> None:
    """It answers as one in a single transaction does."""
    make_store(tmp_path / "crm.db", LEADS)
    ended = leadfold("backfill", STORE, "--chunk", "3", "--json", cwd=tmp_path)
    assert (ended.status, ended.json["outcome"]) == (0, "done")
    assert ended.json["stats"]["leadsLinked"] == linked(tmp_path) == len(LEADS)
    assert status(tmp_path) == ["done"]


def test_a_run_that_ended_early_is_seen_everywhere(place: Path) -> None:
    """The error, runs, stats and validate name it, and the two ways out of it."""
    ended = leadfold("apply", "plan.json", STORE, "--chunk", "4", cwd=place)
    assert (ended.status, linked(place), status(place)) == (1, 8, ["unfinished"])
    assert "l9" in ended.err
    assert "is unfinished: apply the same plan again" in ended.err
    ways = "apply its plan again to go on, or roll it back"
    assert ways in leadfold("stats", STORE, cwd=place).out
    told = leadfold("validate", STORE, cwd=place).out
    assert ways in told
    assert "unfinished" in leadfold("runs", STORE, cwd=place).out


def test_applying_the_plan_again_goes_on(place: Path) -> None:
    """Without the unit that is stale, or whole where it is so no more; then never again."""
    leadfold("apply", "plan.json", STORE, "--chunk", "4", cwd=place)
    edit(place, "212-555-0109")
    ended = leadfold("apply", "plan.json", STORE, "--chunk", "1", "--json", cwd=place)
    assert (ended.status, ended.json["stats"]["leadsLinked"], linked(place)) == (0, 10, 10)
    assert status(place) == ["done"]
    again = leadfold("apply", "plan.json", STORE, "--json", cwd=place).json
    assert (again["outcome"], again["error"]["type"]) == ("refused", "RunExistsError")


def test_going_on_can_leave_units_out(place: Path) -> None:
    """With ``--on-stale skip``, without a chunk: the run is finished, and partly done."""
    leadfold("apply", "plan.json", STORE, "--chunk", "4", cwd=place)
    ended = leadfold("apply", "plan.json", STORE, "--on-stale", "skip", "--json", cwd=place)
    assert (ended.status, ended.json["outcome"], linked(place)) == (1, "partial", 9)
    assert status(place) == ["done"]


def test_rolling_it_back_is_the_other_way(place: Path) -> None:
    """What was written is taken back, and the plan says that it is to be made anew."""
    leadfold("apply", "plan.json", STORE, "--chunk", "4", cwd=place)
    [run] = leadfold("runs", STORE, "--json", cwd=place).json["runs"]
    assert leadfold("rollback", STORE, run["run"], cwd=place).status == 0
    assert (linked(place), status(place)) == (0, ["done", "stopped"])
    refused = leadfold("apply", "plan.json", STORE, "--chunk", "4", cwd=place)
    assert refused.status == 1
    assert "taken back before it was finished: make a new plan" in refused.err


def test_a_backfill_whose_plan_is_lost_is_followed_by_another(place: Path) -> None:
    """A new one takes what is written as linked, and does the rest; nothing warns any more."""
    leadfold("apply", "plan.json", STORE, "--chunk", "4", cwd=place)
    ended = leadfold("backfill", STORE, "--json", cwd=place).json
    assert (ended["stats"]["leadsLinked"], ended["stats"]["leadsAlreadyLinked"]) == (2, 8)
    assert leadfold("validate", STORE, "--json", cwd=place).json["ok"]
    assert "Unfinished" not in leadfold("stats", STORE, cwd=place).out


@pytest.mark.parametrize("chunk", ["0", "-1", "many"])
def test_a_chunk_is_a_number_of_leads(place: Path, chunk: str) -> None:
    """One at least; anything else is wrong usage."""
    ended = leadfold("apply", "plan.json", STORE, "--chunk", chunk, cwd=place)
    assert (ended.status, linked(place)) == (2, 0)
