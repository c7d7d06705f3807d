"""PostgreSQL passes the contract, given a DSN and given a connection that the caller has open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repositories.postgres_hooks import PostgresHooks

if TYPE_CHECKING:
    import psycopg

    from leadfold.repository import Repository
    from repositories.postgres_stores import Place


class TestDsn(PostgresHooks):
    """A repository that opens connections itself."""

    def rename_lead_beside(self, repository: Repository, lead_id: str, name: str) -> None:
        """Write on the test's connection while the repository reads on its own."""
        self.edit_lead(repository, lead_id, name=name)


class TestConnection(PostgresHooks):
    """A repository on the caller's connection, inside a transaction that nobody commits."""

    def over(self, place: Place) -> psycopg.Connection[tuple[object, ...]]:
        """Return the connection that the test itself reads and writes on."""
        del place
        self.raw.execute("BEGIN")
        return self.raw
