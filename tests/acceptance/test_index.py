"""``leadfold index build``: the index without a backfill."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from command_line import leadfold
from leadfold import Lead, Policy, Resolver
from leadfold.repositories.sqlite import SQLiteRepository, create_user_tables

if TYPE_CHECKING:
    from pathlib import Path

LEADS = [("l1", "212 555 0143"), ("l2", "(212) 555-0143")]


def test_an_index_is_built_for_a_resolver(tmp_path: Path) -> None:
    """Every lead is indexed and none is linked; a second time there is nothing to do."""
    path = tmp_path / "crm.db"
    connection = sqlite3.connect(path)
    create_user_tables(connection)
    connection.executemany('INSERT INTO "Lead" (id, phone) VALUES (?, ?)', LEADS)
    connection.commit()
    connection.close()
    built = leadfold("index", "build", "sqlite:///crm.db", "--json", cwd=tmp_path)
    assert (built.json["outcome"], built.json["indexed"]) == ("done", 2)
    again = leadfold("index", "build", "sqlite:///crm.db", cwd=tmp_path)
    assert again.out.startswith("Indexed 0 records")
    with SQLiteRepository(path) as repository:
        found = Resolver(repository, Policy.keyed()).resolve(Lead("l2"))
    assert found.reasons == ("l1 and l2 share phone:+1…43, the key of both",)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a store whose leads are indexed."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        create_user_tables(connection)
        connection.executemany('INSERT INTO "Lead" (id, phone) VALUES (?, ?)', LEADS)
    leadfold("backfill", "sqlite:///crm.db", cwd=tmp_path)
    return path


def test_leads_edited_since_are_refreshed(store: Path, tmp_path: Path) -> None:
    """They wait to be decided; one that was edited before is not looked at."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            """UPDATE "Lead" SET phone = '212 555 0177', created_at = '2026-01-30',
            updated_at = iif(id = 'l2', '2026-01-31T08:00Z', '2026-01-31T06:00Z')"""
        )
    refresh = ("index", "refresh", "sqlite:///crm.db", "--since", "2026-01-31T07:00")
    told = leadfold(*refresh, "--json", cwd=tmp_path).json
    assert (told["outcome"], told["indexed"], told["queued"], told["errors"]) == ("done", 1, 1, [])
    everything = leadfold("index", "refresh", "sqlite:///crm.db", cwd=tmp_path)
    assert everything.out.startswith("Indexed 1 records")
    assert "1 leads wait to be decided" in everything.out
    with SQLiteRepository(store) as repository:
        assert len(Resolver(repository, Policy.keyed()).drain()) == 1


def test_when_must_be_a_time_and_of_a_refresh(store: Path, tmp_path: Path) -> None:
    """Anything else is wrong usage."""
    del store
    for what, when in (
        ("refresh", "yesterday"),
        ("build", "2026-01-31"),
        ("trigger", "2026-01-31"),
    ):
        ended = leadfold("index", what, "sqlite:///crm.db", "--since", when, cwd=tmp_path)
        assert ended.status == 2
        assert "--since" in ended.err


def test_triggers_are_printed_as_they_can_be_run(store: Path, tmp_path: Path) -> None:
    """Edits are on the queue from then on; nothing was run by printing."""
    script = leadfold("index", "trigger", "sqlite:///crm.db", cwd=tmp_path).out
    with closing(sqlite3.connect(store)) as connection, connection:
        assert not connection.execute(
            "SELECT * FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        connection.executescript(script)
        connection.execute("""UPDATE "Lead" SET email = 'ann@mailbox.org' WHERE id = 'l2'""")
        assert connection.execute("SELECT record_id, reason FROM leadfold_queue").fetchall() == [
            ("l2", "edited")
        ]
    assert leadfold("index", "trigger", "sqlite:///crm.db", "--json", cwd=tmp_path).json["sql"]
    told = leadfold("validate", "sqlite:///crm.db", cwd=tmp_path)
    assert told.status == 0
    assert "l2: drain the queue (Resolver.drain), or run a backfill" in told.out
