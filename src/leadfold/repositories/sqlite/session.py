"""One SQLite connection in use: statements counted, errors named, transactions kept. No tables."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import quote as percent

from leadfold.exceptions import BusyError, StoreError, UnitError
from leadfold.masking import MASK

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Parameters", "Session", "UndecodableError", "connect", "store_error"]

Parameters = Sequence[object] | Mapping[str, object]
Row = tuple[object, ...]
T = TypeVar("T")

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SETTINGS = ("foreign_keys = ON", "temp_store = MEMORY", "cache_size = -65536")  # KiB
_PRIMARY = 0xFF  # the low byte of an extended result code
_QUOTED = re.compile(r"""(?P<quote>["'])(?![A-Za-z_]+(?P=quote)).*?(?:(?P=quote)|$)""", re.DOTALL)
_UNBINDABLE = (UnicodeEncodeError, OverflowError, sqlite3.DataError)


def connect(
    path: str | os.PathLike[str], *, timeout: float, mode: Literal["ro", "rw", "rwc"] = "rw"
) -> sqlite3.Connection:
    """Open the file at *path* with foreign keys on; the session says when transactions begin."""
    uri = f"file:{percent(str(Path(path).absolute()))}?mode={mode}"
    try:
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as e:
        raise store_error(e) from e
    try:
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error as e:
        connection.close()
        raise store_error(e) from e
    return connection


class UndecodableError(StoreError):
    """The store holds text that is not UTF-8."""


def store_error(error: sqlite3.Error) -> StoreError:
    """Return what *error* is to a caller: worth another try, or not."""
    if "decode to UTF-8" in str(error):  # the driver's own: it has no code of SQLite's
        return UndecodableError(f"the store holds text that is not UTF-8: {_text(error)}")
    if code_of(error) in _BUSY:
        msg = f"the store is in use by another connection ({_text(error)}): try again later"
        return BusyError(msg)
    return StoreError(f"the store failed: {_text(error)}")


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 where the driver itself objected."""
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY


def _text(error: Exception) -> str:
    """Return the message without any value.

    The driver quotes text it could not decode, and SQLite what it could not read as a token or
    as a path into JSON: of what is quoted only plain names stay.
    """
    return _QUOTED.sub(MASK, str(error).partition(" with text ")[0])


def _cause(error: Exception) -> Exception | None:
    """Return *error* as a cause that a traceback may show: not where it quotes a value."""
    return error if _text(error) == str(error) else None


def _fault(error: Exception) -> UnitError:
    """Return the data fault that *error* is; the errors of binding name no value."""
    if isinstance(error, UnicodeEncodeError):
        return UnitError("text that is no valid Unicode cannot be stored")
    if isinstance(error, OverflowError):
        return UnitError("a number is too large to be stored")
    return UnitError(_text(error))


class Session:
    """A connection, how many statements it was given, and whose transaction it works in.

    *owned* connections get transactions of their own; on a caller's only savepoints are set.
    """

    def __init__(self, connection: sqlite3.Connection, *, owned: bool) -> None:
        self.connection = connection
        self.owned = owned
        self.statements = 0

    def execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """Run one statement; raise UnitError for a data fault, StoreError for anything else."""
        return self._run(self._cursor().execute, sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each of *rows*; raise what `execute` does."""
        self._run(self._cursor().executemany, sql, rows)

    def _cursor(self) -> sqlite3.Cursor:
        cursor = self.connection.cursor()
        cursor.row_factory = None
        return cursor

    def _run(self, run: Callable[[str, T], sqlite3.Cursor], sql: str, given: T) -> sqlite3.Cursor:
        self.statements += 1
        try:
            return run(sql, given)
        except (sqlite3.IntegrityError, *_UNBINDABLE) as e:
            raise _fault(e) from _cause(e)
        except sqlite3.Error as e:
            if "binding parameter" in str(e):
                raise _fault(e) from _cause(e)
            raise store_error(e) from _cause(e)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query."""
        return self.fetch(self.execute(sql, parameters), -1, str)

    def fetch(
        self, cursor: sqlite3.Cursor, count: int, factory: Callable[[bytes], object]
    ) -> list[Row]:
        """Return the next *count* rows, or all for a negative one, texts as *factory* makes them.

        The caller's connection may have a factory of its own: it is put back.
        """
        before = self.connection.text_factory
        self.connection.text_factory = factory
        try:
            return cursor.fetchall() if count < 0 else cursor.fetchmany(count)
        except sqlite3.Error as e:
            # The error's traceback holds this frame, whose cursor would hold its read transaction.
            cursor.close()
            raise store_error(e) from _cause(e)
        finally:
            self.connection.text_factory = before

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write in one transaction, or inside the caller's: kept whole, or undone whole.

        Where a caller has no transaction open one is begun, and left for the caller to commit.
        """
        begun = not self.connection.in_transaction
        if begun:
            self.execute("BEGIN IMMEDIATE")
        try:
            with contextlib.nullcontext() if begun else self.savepoint():
                yield
            if self.owned:
                self.execute("COMMIT")
        except BaseException:
            if begun and self.connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is written inside if it raises, and nothing else."""
        self.execute("SAVEPOINT leadfold")
        try:
            yield
        except BaseException:
            self._back_to_savepoint()
            raise
        self.execute("RELEASE leadfold")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read from one state of the store; a transaction that was open stays open."""
        begun = not self.connection.in_transaction
        changes = self.connection.total_changes
        if begun:
            self.execute("BEGIN")
        try:
            yield
        finally:
            # The caller may have written meanwhile: then the transaction is the caller's to end.
            if (
                begun
                and self.connection.in_transaction
                and (changes == self.connection.total_changes)
            ):
                self.execute("ROLLBACK")

    def _back_to_savepoint(self) -> None:
        """Go back, unless the store has rolled everything back by itself already."""
        if self.connection.in_transaction:
            self.execute("ROLLBACK TO leadfold")
            self.execute("RELEASE leadfold")
