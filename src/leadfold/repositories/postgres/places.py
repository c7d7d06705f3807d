"""Where connections come from: a DSN, a pool, or the caller's own. They run no statement."""

from __future__ import annotations

import contextlib
from inspect import iscoroutinefunction
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import psycopg

from leadfold.repositories.postgres.faults import not_connected
from leadfold.repositories.postgres.states import is_idle, is_silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.postgres.session import Connection

__all__ = ["Connections", "Pool", "connections_of"]


class Pool(Protocol):
    """What is needed of a pool, such as psycopg_pool's."""

    def getconn(self) -> Connection:
        """Lend a connection."""
        ...

    def putconn(self, conn: Connection) -> None:
        """Take it back."""
        ...


class Connections(Protocol):
    """Lends connections; *owned* ones begin and end transactions of leadfold's own."""

    owned: bool

    def lent(self) -> contextlib.AbstractContextManager[Connection]:
        """Lend a connection for one piece of work."""
        ...

    def close(self) -> None:
        """Close what was opened here."""
        ...


def connections_of(store: str | Connection | Pool) -> Connections:
    """Return where connections to *store* come from."""
    if isinstance(store, str):
        return _Opened(store)
    if isinstance(store, psycopg.Connection):
        return _Callers(store)
    if isinstance(store, psycopg.AsyncConnection) or iscoroutinefunction(store.getconn):
        msg = "this connection or pool is for asyncio: give it to AsyncPostgresRepository"
        raise TypeError(msg)
    return _Pooled(store)


class _Opened:
    """Opens connections and keeps those that are idle."""

    owned = True

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._idle: list[Connection] = []
        self._lock = Lock()

    @contextlib.contextmanager
    def lent(self) -> Iterator[Connection]:
        connection = self._kept() or self._open()
        try:
            yield connection
        finally:
            if is_idle(connection):
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _kept(self) -> Connection | None:
        """Return an idle connection that is still alive: servers end those that idle too long."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if is_silent(connection):
                return connection
            connection.close()

    def _open(self) -> Connection:
        try:
            # Prepared statements and session state do not survive a pooler between transactions.
            return psycopg.connect(self._dsn, autocommit=True, prepare_threshold=None)
        except psycopg.Error as e:
            raise not_connected(e) from None


class _Pooled:
    """Borrows from a pool; a connection goes back in the mode it came in."""

    owned = True

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @contextlib.contextmanager
    def lent(self) -> Iterator[Connection]:
        connection = self._pool.getconn()
        autocommit = connection.autocommit
        try:
            connection.autocommit = True
            yield connection
        finally:
            if is_idle(connection):
                connection.autocommit = autocommit
            self._pool.putconn(connection)

    def close(self) -> None:
        """Leave the pool to whoever made it."""


class _Callers:
    """The caller's own connection: its transaction is never ended here."""

    owned = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextlib.contextmanager
    def lent(self) -> Iterator[Connection]:
        yield self._connection

    def close(self) -> None:
        """Leave the connection open."""
