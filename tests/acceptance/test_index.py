"""``leadfold index build``: the index without a backfill."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

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
