"""Where asyncio's connections come from: a DSN, a pool, or the caller's own; as in `places`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import psycopg

from leadfold.repositories.postgres.faults import not_connected
from leadfold.repositories.postgres.states import is_idle, is_silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadfold.repositories.postgres.async_session import AsyncConnection

__all__ = ["AsyncConnections", "AsyncPool", "async_connections_of"]


class AsyncPool(Protocol):
    """What is needed of an async pool, such as psycopg_pool's."""

    async def getconn(self) -> AsyncConnection:
        """Lend a connection."""
        ...

    async def putconn(self, conn: AsyncConnection) -> None:
        """Take it back."""
        ...


class AsyncConnections(Protocol):
    """Lends connections; *owned* ones begin and end transactions of leadfold's own."""

    owned: bool

    def lent(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection for one piece of work."""
        ...

    async def close(self) -> None:
        """Close what was opened here."""
        ...


def async_connections_of(store: str | AsyncConnection | AsyncPool) -> AsyncConnections:
    """Return where connections to *store* come from."""
    if isinstance(store, str):
        return _Opened(store)
    if isinstance(store, psycopg.AsyncConnection):
        return _Callers(store)
    if isinstance(store, psycopg.Connection):
        msg = "this connection blocks: give it to PostgresRepository, or open an AsyncConnection"
        raise TypeError(msg)
    return _Pooled(store)


class _Opened:
    """Opens connections and keeps those that are idle."""

    owned = True

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._idle: list[AsyncConnection] = []

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection]:
        connection = await self._kept() or await self._open()
        try:
            yield connection
        finally:
            if is_idle(connection):
                self._idle.append(connection)
            else:
                await connection.close()

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _kept(self) -> AsyncConnection | None:
        """Return an idle connection that is still alive: servers end those that idle too long."""
        while self._idle:
            connection = self._idle.pop()
            if is_silent(connection):
                return connection
            await connection.close()
        return None

    async def _open(self) -> AsyncConnection:
        try:
            # Prepared statements and session state do not survive a pooler between transactions.
            return await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, prepare_threshold=None
            )
        except psycopg.Error as e:
            raise not_connected(e) from None


class _Pooled:
    """Borrows from a pool; a connection goes back in the mode it came in."""

    owned = True

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection]:
        connection = await self._pool.getconn()
        autocommit = connection.autocommit
        try:
            await connection.set_autocommit(True)
            yield connection
        finally:
            if is_idle(connection):
                await connection.set_autocommit(autocommit)
            await self._pool.putconn(connection)

    async def close(self) -> None:
        """Leave the pool to whoever made it."""


class _Callers:
    """The caller's own connection: its transaction is never ended here."""

    owned = False

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[AsyncConnection]:
        yield self._connection

    async def close(self) -> None:
        """Leave the connection open."""
