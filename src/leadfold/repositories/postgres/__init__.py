"""Leads and customers in PostgreSQL: over a DSN, a pool, or a connection that the caller has open.

Given a DSN or a pool, the repository owns every transaction. Given an open connection it sets
savepoints only: what it writes is the caller's to commit. Needs ``leadfold[postgres]``.
"""

from __future__ import annotations

import contextlib
from copy import copy
from typing import TYPE_CHECKING, Self

import attrs

from leadfold.exceptions import MissingExtraError

try:
    import psycopg  # noqa: F401 - what is missing is said here, once
except ImportError as e:  # pragma: no cover - the tests have it
    _LINE = "PostgreSQL needs its driver: pip install 'leadfold[postgres]'"
    raise MissingExtraError(_LINE) from e

from leadfold.repositories.mapping import StoreMapping
from leadfold.repositories.postgres.asynchronous import AsyncPostgresRepository
from leadfold.repositories.postgres.checking import validation_sql
from leadfold.repositories.postgres.places import connections_of
from leadfold.repositories.postgres.reader import PostgresReader
from leadfold.repositories.postgres.schema import create_user_tables, schema_sql
from leadfold.repositories.postgres.session import Session
from leadfold.repositories.postgres.states import (
    begins_itself,
    is_lost,
    require_text,
    require_transaction,
)
from leadfold.repositories.postgres.store import LOCK_TIMEOUT, Store
from leadfold.repositories.postgres.transactions import BEGIN_READING, ROLLBACK
from leadfold.repositories.postgres.triggering import trigger_sql
from leadfold.repositories.triggers_told import no_queue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.postgres.places import Pool
    from leadfold.repositories.postgres.session import Connection
    from leadfold.repository import Reader

__all__ = ["AsyncPostgresRepository", "PostgresRepository", "create_user_tables", "schema_sql"]


class PostgresRepository:
    """A `leadfold.repository.Repository` over PostgreSQL 15 and later.

    *store* is a DSN, a psycopg connection (the caller's: its transaction is never ended here) or a
    psycopg pool. *mapping* says which tables and columns are meant, *tenant* whose rows, *schema*
    where leadfold's own tables are; the first commit makes them. Commits of one schema and tenant
    wait for each other; decisions of a resolver do so only where they rest on the same values, and
    for *lock_timeout* seconds (0: for ever), unless the server, the role or the connection sets
    another. Their statements are kept prepared where the connection's driver does so, as those of
    a pool do unless they are told not to.
    """

    def __init__(
        self,
        store: str | Connection | Pool,
        *,
        mapping: StoreMapping | None = None,
        tenant: str | None = None,
        schema: str = "leadfold",
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        self._connections = connections_of(store)
        self._store = Store(
            self._connections.owned,
            tenant,
            schema,
            StoreMapping() if mapping is None else mapping,
            int(lock_timeout * 1000),
        )

    def over(self, connection: Connection) -> PostgresRepository:
        """Return the same store over a *connection* that the caller has open.

        What was seen of its tables serves there too: make one repository, and one over the
        connection of each request.
        """
        other = copy(self)
        other._connections = connections_of(connection)  # noqa: SLF001 - one of this class
        other._store = attrs.evolve(self._store, owned=False)  # noqa: SLF001
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what the repository opened; a caller's connection or pool stays open."""
        self._connections.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open one consistent snapshot: the caller's transaction where it has one."""
        with self._snapshot() as session:
            yield PostgresReader(session, session.run(self._store.reading()))

    @contextlib.contextmanager
    def glancing(self) -> Iterator[Reader]:
        """Open a snapshot, of tables that may have been looked at some time ago."""
        with self._store.known_again(), self._snapshot() as session:
            yield PostgresReader(session, session.run(self._store.reading(known=True)))

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes* in one transaction: every unit whole, or not at all."""
        with self._connections.lent() as connection:
            if not self._connections.owned:
                require_transaction(connection)
            session = Session(connection)
            committed = session.run(self._store.commit(changes))
        return attrs.evolve(committed, statements=session.statements)

    def schema_sql(self) -> str:
        """Return the script that makes leadfold's schema and tables; it asks the store nothing."""
        return schema_sql(self._store.own)

    def validation_sql(self) -> str:
        """Return the checks of a validation that are plain SQL, over the tables the store has."""
        with self._snapshot() as session:
            return validation_sql(session.run(self._store.shapes()))

    def trigger_sql(self) -> str:
        """Return triggers that put leads on the queue which somebody else edits, to be run once.

        Raises:
            StoreError: leadfold's tables are not there yet.
        """
        with self._snapshot() as session:
            shapes = session.run(self._store.shapes())
            if not shapes.catalog.has_own:
                raise no_queue()
            return trigger_sql(shapes)

    def create_schema(self) -> None:
        """Make leadfold's schema and tables now, not with the first commit."""
        with self._connections.lent() as connection:
            Session(connection).run(self._store.create_schema())

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[Session]:
        """Read from one state of the store; a transaction that was open stays open."""
        with self._connections.lent() as connection:
            session = Session(connection)
            begun = begins_itself(connection)
            if begun:
                session.perform(BEGIN_READING)
            require_text(connection)
            try:
                yield session
            finally:
                if begun and not is_lost(connection):
                    session.perform(ROLLBACK)
                session.end()
