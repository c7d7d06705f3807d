"""A process killed while it writes leaves a SQLite store as before or as planned."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import read_basis
from leadfold.testing.contract_hooks import read_runs
from repositories.sqlite_stores import changed, dump_of, new_store, query

if TYPE_CHECKING:
    from pathlib import Path

LEADS = 3_000
NEVER = 10_000  # statements, more than the run takes

WRITER = """
import os, signal, sqlite3, sys
import attrs
from leadfold.repositories.sqlite import SQLiteRepository
from leadfold.testing.changesets import link, new_customer, read_basis

path, after = sys.argv[1], int(sys.argv[2])
connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA cache_size = 10")  # pages reach the file before the commit
repository = SQLiteRepository(connection)
basis = read_basis(repository)
seen = 0

def watch(statement):
    global seen
    seen += 1
    if seen == after:
        os.kill(os.getpid(), signal.SIGKILL)

connection.set_trace_callback(watch)
units = (
    basis.founding(number, f"l{number}", f"c{number}") for number in range(%d)
)
repository.commit(attrs.evolve(basis.changeset(), units=units))
connection.execute("COMMIT")
"""


@pytest.mark.parametrize("after", [5, 20, 30, 40, 50, NEVER])
def test_a_killed_writer_leaves_all_or_nothing(tmp_path: Path, after: int) -> None:
    """Killed before any statement: no run and the old rows, or the run and all of its rows."""
    path = new_store(tmp_path / "crm.db")
    changed(path, "INSERT INTO Lead (id) VALUES (?)", *((f"l{n}",) for n in range(LEADS)))
    before = dump_of(path)
    writer = subprocess.run(  # noqa: S603 - this interpreter, this file's program
        [sys.executable, "-c", WRITER % LEADS, str(path), str(after)], check=False
    )
    assert writer.returncode == (0 if after == NEVER else -9)
    if writer.returncode:
        assert dump_of(path) == before
    else:
        linked = query(path, "SELECT count(*) FROM Lead WHERE customer_id IS NOT NULL")
        assert linked == [(LEADS,)]
    with SQLiteRepository(path) as repository:
        assert len(read_runs(repository)) == (0 if writer.returncode else 1)
        read_basis(repository)
