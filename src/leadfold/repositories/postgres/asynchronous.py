"""Leads and customers in PostgreSQL for asyncio; what is done is said elsewhere, it only awaits."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import copy
from typing import TYPE_CHECKING, Self

import attrs

from leadfold.repositories.mapping import StoreMapping
from leadfold.repositories.postgres.async_places import async_connections_of
from leadfold.repositories.postgres.async_reader import AsyncPostgresReader
from leadfold.repositories.postgres.async_session import AsyncSession
from leadfold.repositories.postgres.states import (
    begins_itself,
    is_lost,
    require_text,
    require_transaction,
)
from leadfold.repositories.postgres.store import LOCK_TIMEOUT, Store
from leadfold.repositories.postgres.transactions import BEGIN_READING, ROLLBACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from leadfold.async_repository import AsyncReader
    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.postgres.async_places import AsyncPool
    from leadfold.repositories.postgres.async_session import AsyncConnection

__all__ = ["AsyncPostgresRepository"]


class AsyncPostgresRepository:
    """A `leadfold.async_repository.AsyncRepository` over PostgreSQL 15 and later.

    *store* is a DSN, a psycopg ``AsyncConnection`` (the caller's: its transaction is never ended
    here, and one task uses it at a time) or a psycopg ``AsyncConnectionPool``; the rest is as for
    `leadfold.repositories.postgres.PostgresRepository`.
    """

    def __init__(
        self,
        store: str | AsyncConnection | AsyncPool,
        *,
        mapping: StoreMapping | None = None,
        tenant: str | None = None,
        schema: str = "leadfold",
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        self._connections = async_connections_of(store)
        self._store = Store(
            self._connections.owned,
            tenant,
            schema,
            StoreMapping() if mapping is None else mapping,
            int(lock_timeout * 1000),
        )

    def over(self, connection: AsyncConnection) -> AsyncPostgresRepository:
        """Return the same store over a *connection* that the caller has open.

        See `leadfold.repositories.postgres.PostgresRepository.over`.
        """
        other = copy(self)
        other._connections = async_connections_of(connection)  # noqa: SLF001 - one of this class
        other._store = attrs.evolve(self._store, owned=False)  # noqa: SLF001
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what the repository opened; a caller's connection or pool stays open."""
        await self._connections.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncReader]:
        """Open one consistent snapshot: the caller's transaction where it has one."""
        async with self._snapshot() as session:
            yield AsyncPostgresReader(session, await session.run(self._store.reading()))

    @asynccontextmanager
    async def glancing(self) -> AsyncIterator[AsyncReader]:
        """Open a snapshot, of tables that may have been looked at some time ago."""
        with self._store.known_again():
            async with self._snapshot() as session:
                reading = await session.run(self._store.reading(known=True))
                yield AsyncPostgresReader(session, reading)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncSession]:
        """Read from one state of the store; a transaction that was open stays open."""
        async with self._connections.lent() as connection:
            session = AsyncSession(connection)
            begun = begins_itself(connection)
            try:
                if begun:
                    await session.perform(BEGIN_READING)
                require_text(connection)
                yield session
            finally:
                if begun and not is_lost(connection):
                    await session.perform(ROLLBACK)
                session.end()

    async def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes* in one transaction: every unit whole, or not at all."""
        async with self._connections.lent() as connection:
            if not self._connections.owned:
                require_transaction(connection)
            session = AsyncSession(connection)
            committed = await session.run(self._store.commit(changes))
        return attrs.evolve(committed, statements=session.statements)

    async def create_schema(self) -> None:
        """Make leadfold's schema and tables now, not with the first commit."""
        async with self._connections.lent() as connection:
            await AsyncSession(connection).run(self._store.create_schema())
