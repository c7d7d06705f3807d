"""Leads and customers in a SQLite file, or on a connection that the caller has open.

Given a path, the repository opens and closes connections and owns every transaction. Given an
open connection it sets savepoints only: what it writes is the caller's to commit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

import attrs

from leadfold.exceptions import StoreError
from leadfold.repositories.mapping import StoreMapping
from leadfold.repositories.sqlite.cells import version_of
from leadfold.repositories.sqlite.checking import validation_sql
from leadfold.repositories.sqlite.fitted import fitted
from leadfold.repositories.sqlite.reading import SQLiteReader
from leadfold.repositories.sqlite.schema import create_user_tables
from leadfold.repositories.sqlite.session import Session, connect
from leadfold.repositories.sqlite.triggering import trigger_sql
from leadfold.repositories.sqlite.writing import commit
from leadfold.repositories.triggers_told import no_queue

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import TracebackType

    from leadfold.changes import ChangeSet, Committed
    from leadfold.repositories.sqlite.fitted import Fitted
    from leadfold.repository import Reader

__all__ = ["SQLiteRepository", "create_user_tables"]

_OLDEST = (3, 33)  # the first with UPDATE ... FROM
_TIMEOUT = 30.0
_READERS = 4  # connections that are kept for the next who reads


class SQLiteRepository:
    """A `leadfold.repository.Repository` over SQLite.

    *mapping* says which tables and columns are meant, *tenant* whose rows. A file that is not
    there is an error, unless *create* asks for a new one with the tables of the default mapping.
    Another connection that writes is waited for, up to *timeout* seconds; on a connection of the
    caller's, its own timeout counts. leadfold's tables are made by the first commit; a commit
    leaves empty temporary tables, ``leadfold_stage_...``, on the connection.

    >>> connection = sqlite3.connect(":memory:")
    >>> create_user_tables(connection)
    >>> with SQLiteRepository(connection).reading() as reader:
    ...     [dependent.name for dependent in reader.facts().dependents]
    ['Job', 'Conversation']
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | sqlite3.Connection,
        *,
        mapping: StoreMapping | None = None,
        tenant: str | None = None,
        timeout: float = _TIMEOUT,
        create: bool = False,
    ) -> None:
        if sqlite3.sqlite_version_info < _OLDEST:  # pragma: no cover - needs an older library
            msg = f"SQLite {sqlite3.sqlite_version} is too old: 3.33 is needed for UPDATE ... FROM"
            raise StoreError(msg)
        self._mapping = StoreMapping() if mapping is None else mapping
        self._tenant = tenant
        self._timeout = timeout
        self._lock = Lock()
        self._readers: list[sqlite3.Connection] = []
        self._fitted: Fitted | None = None
        self._path: Path | None = None
        if isinstance(store, sqlite3.Connection):
            self._writer = _prepared(store)
        else:
            self._path = Path(store)
            self._writer = _opened(self._path, timeout, create=create)

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
        """Close what the repository opened; a caller's connection stays open."""
        if self._path is not None:
            while self._readers:
                self._readers.pop().close()
            self._writer.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open one consistent snapshot: the caller's transaction where it has one."""
        with self._reading_session() as session, session.snapshot():
            yield SQLiteReader(session, self._fit(session), self._tenant)

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes* in one transaction: every unit whole, or not at all."""
        with self._lock:
            session = Session(self._writer, owned=self._path is not None)
            with session.writing():
                committed = commit(session, self._fit(session), self._tenant, changes)
        return attrs.evolve(committed, statements=session.statements)

    def validation_sql(self) -> str:
        """Return the checks of a validation that are plain SQL, over the tables the store has."""
        with self._reading_session() as session, session.snapshot():
            return validation_sql(self._fit(session).mapping)

    def _fit(self, session: Session) -> Fitted:
        """Return the store's tables as the mapping names them, and keep what was found."""
        self._fitted = fitted(session, self._mapping, self._tenant, self._fitted)
        return self._fitted

    def trigger_sql(self) -> str:
        """Return triggers that put leads on the queue which somebody else edits, to be run once.

        Raises:
            StoreError: leadfold's tables are not there yet.
        """
        with self._reading_session() as session, session.snapshot():
            found = self._fit(session)
            if not found.catalog.has_own:
                raise no_queue()
            return trigger_sql(found.writing, found.catalog.named(found.mapping.lead.table))

    @contextlib.contextmanager
    def _reading_session(self) -> Iterator[Session]:
        """Use the caller's connection, or one more: a commit may go on while reading."""
        if self._path is None:
            yield Session(self._writer, owned=False)
            return
        connection = self._readers.pop() if self._readers else self._reader(self._path)
        try:
            yield Session(connection, owned=True)
        except BaseException:
            connection.close()
            raise
        if connection.in_transaction or len(self._readers) >= _READERS:
            connection.close()
        else:
            self._readers.append(connection)

    def _reader(self, path: Path) -> sqlite3.Connection:
        connection = _prepared(connect(path, timeout=self._timeout))
        connection.execute("PRAGMA query_only = ON")
        return connection


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return *connection* with the function that marks versions."""
    connection.create_function("leadfold_version", -1, version_of, deterministic=True)
    return connection


def _opened(path: Path, timeout: float, *, create: bool) -> sqlite3.Connection:
    """Open the file at *path* for writing, in WAL mode where it may be changed."""
    fresh = not path.exists()
    if fresh and not create:
        msg = f"there is no file {path}: check the path, or give create=True for a new store"
        raise StoreError(msg)
    connection = _prepared(connect(path, timeout=timeout, mode="rwc" if create else "rw"))
    # A file that is read-only, or that another connection holds, stays as it is; in WAL mode
    # readers go on while a commit writes.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if fresh:
        connection.execute("BEGIN")
        create_user_tables(connection)
        connection.execute("COMMIT")
    return connection
