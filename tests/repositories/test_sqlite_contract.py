"""SQLite passes the contract, given a path and given a connection that the caller has open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repositories.sqlite_hooks import SQLiteHooks

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from leadfold.repository import Repository


class TestFile(SQLiteHooks):
    """A repository that opens the file itself."""

    def rename_lead_beside(self, repository: Repository, lead_id: str, name: str) -> None:
        """Write on the test's connection while the repository reads on its own."""
        self.edit_lead(repository, lead_id, name=name)


class TestConnection(SQLiteHooks):
    """A repository on the caller's connection, inside a transaction that nobody commits."""

    def over(self, path: Path) -> sqlite3.Connection:
        """Return the connection that the test itself reads and writes on."""
        del path
        self.raw.execute("BEGIN")
        return self.raw
