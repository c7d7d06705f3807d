"""Leads and customers in PostgreSQL: over a DSN, a pool, or a connection that the caller has open.

Given a DSN or a pool, the repository owns every transaction. Given an open connection it sets
savepoints only: what it writes is the caller's to commit. Needs ``leadfold[postgres]``.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

import attrs

from leadfold.exceptions import MissingExtraError, StoreError, UnitError
from leadfold.repositories.mapping import StoreMapping

try:
    from psycopg.pq import TransactionStatus
except ImportError as e:  # pragma: no cover - the tests have it
    _LINE = "PostgreSQL needs its driver: pip install 'leadfold[postgres]'"
    raise MissingExtraError(_LINE) from e

from leadfold.repositories.postgres.catalog import condition_faults, read_catalog
from leadfold.repositories.postgres.checking import validation_sql
from leadfold.repositories.postgres.places import connections_of
from leadfold.repositories.postgres.reader import PostgresReader
from leadfold.repositories.postgres.reading import Reading
from leadfold.repositories.postgres.schema import (
    create_schema,
    create_user_tables,
    lock,
    schema_sql,
)
from leadfold.repositories.postgres.session import Session
from leadfold.repositories.postgres.shapes import Shapes
from leadfold.repositories.postgres.transactions import (
    BEGIN_READING,
    ROLLBACK,
    as_was_set,
    in_savepoint,
    in_transaction,
)
from leadfold.repositories.postgres.writing import commit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.postgres.catalog import Catalog
    from leadfold.repositories.postgres.places import Connection, Pool
    from leadfold.repositories.postgres.steps import Steps
    from leadfold.repository import Reader

__all__ = ["PostgresRepository", "create_user_tables", "schema_sql"]

_AUTOCOMMIT = (
    "this connection commits every statement by itself: begin a transaction on it first, or "
    "give the repository a DSN"
)
_BYTES = (
    "this connection's client encoding is SQL_ASCII, so that texts come as bytes: set "
    "client_encoding to UTF8 on it, or give the repository a DSN"
)
_BROKEN = "the transaction of this connection has failed already: roll it back first"


class PostgresRepository:
    """A `leadfold.repository.Repository` over PostgreSQL 15 and later.

    *store* is a DSN, a psycopg connection (the caller's: its transaction is never ended here) or a
    psycopg pool. *mapping* says which tables and columns are meant, *tenant* whose rows, *schema*
    where leadfold's own tables are; the first commit makes them. Commits of one schema and tenant
    wait for each other.
    """

    def __init__(
        self,
        store: str | Connection | Pool,
        *,
        mapping: StoreMapping | None = None,
        tenant: str | None = None,
        schema: str = "leadfold",
    ) -> None:
        self._mapping = StoreMapping() if mapping is None else mapping
        self._tenant = tenant
        self._own = schema
        self._connections = connections_of(store)

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
        with self._snapshot() as (session, shapes):
            reading = Reading(shapes, self._tenant, self._connections.owned)
            yield PostgresReader(session, reading)

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes* in one transaction: every unit whole, or not at all."""
        owned = self._connections.owned
        with self._connections.lent() as connection:
            if not owned:
                _require_transaction(connection)
            session = Session(connection)
            steps = self._commit(changes, owned=owned)
            kept = in_transaction(steps) if owned else in_savepoint("leadfold", as_was_set(steps))
            try:
                committed = session.run(kept)
            except UnitError as e:
                msg = f"nothing was written: {e}"
                raise StoreError(msg) from None
        return attrs.evolve(committed, statements=session.statements)

    def schema_sql(self) -> str:
        """Return the script that makes leadfold's schema and tables; it asks the store nothing."""
        return schema_sql(self._own)

    def validation_sql(self) -> str:
        """Return the checks of a validation that are plain SQL, over the tables the store has."""
        with self._snapshot() as (_, shapes):
            return validation_sql(shapes)

    def create_schema(self) -> None:
        """Make leadfold's schema and tables now, not with the first commit."""
        with self._connections.lent() as connection:
            session = Session(connection)
            steps = self._create_schema()
            owned = self._connections.owned
            session.run(in_transaction(steps) if owned else in_savepoint("leadfold", steps))

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[tuple[Session, Shapes]]:
        """Read from one state of the store; a transaction that was open stays open."""
        with self._connections.lent() as connection:
            session = Session(connection)
            begun = connection.autocommit and _status(connection) == TransactionStatus.IDLE
            if begun:
                session.perform(BEGIN_READING)
            _require_text(connection)
            try:
                yield session, session.run(self._shapes())
            finally:
                if begun and _status(connection) != TransactionStatus.UNKNOWN:
                    session.perform(ROLLBACK)
                session.end()

    def _create_schema(self) -> Steps[None]:
        yield lock(self._own, None)
        yield from create_schema(self._own)

    def _commit(self, changes: ChangeSet, *, owned: bool) -> Steps[Committed]:
        catalog = yield from self._fitting()
        tenant = self._tenant or ""
        yield lock(self._own, *([tenant] if catalog.has_own else [None, tenant]))
        if not catalog.has_own:
            yield from create_schema(self._own)
        mapping = catalog.fitted(self._mapping, self._tenant, [])
        shapes = Shapes(mapping, catalog, self._own, indexed=True)
        return (yield from commit(shapes, changes, self._tenant, self._own, owned=owned))

    def _shapes(self) -> Steps[Shapes]:
        catalog = yield from self._fitting()
        mapping = catalog.fitted(self._mapping, self._tenant, [])
        return Shapes(mapping, catalog, self._own, indexed=catalog.has_own)

    def _fitting(self) -> Steps[Catalog]:
        """Return what the database has, or raise everything of the mapping that does not fit."""
        catalog = yield from read_catalog(self._mapping, self._own)
        faults = yield from condition_faults(catalog, self._mapping)
        catalog.fitted(self._mapping, self._tenant, faults)
        return catalog


def _status(connection: Connection) -> TransactionStatus:
    return connection.info.transaction_status


def _require_text(connection: Connection) -> None:
    """Object where the driver would give bytes for texts."""
    if connection.info.encoding == "ascii":
        raise StoreError(_BYTES)


def _require_transaction(connection: Connection) -> None:
    """Object where nothing would hold what is written together."""
    status = _status(connection)
    if connection.autocommit and status == TransactionStatus.IDLE:
        raise StoreError(_AUTOCOMMIT)
    if status == TransactionStatus.INERROR:
        raise StoreError(_BROKEN)
