"""One connection in use: steps performed, statements counted, errors named. It knows no tables."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, TypeVar

import psycopg

from leadfold.driving import drive
from leadfold.exceptions import StoreError
from leadfold.repositories.postgres.cursors import BATCH, server_cursor
from leadfold.repositories.postgres.faults import store_error
from leadfold.repositories.postgres.steps import Answer, CopyIn, Together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadfold.repositories.postgres.steps import Query, Row, Step, Steps

__all__ = ["ENDED", "PIPELINED", "Connection", "Session"]

R = TypeVar("R")
T = TypeVar("T")

ENDED = "this snapshot has ended: read inside of `with repository.reading()`"

Connection = psycopg.Connection[tuple[object, ...]]
Cursor = psycopg.Cursor[tuple[object, ...]]

PIPELINED = psycopg.Pipeline.is_supported()
"""Whether the client library can send several statements before it hears of the first."""


class Session:
    """The blocking driver of steps; *statements* counts what the store was given."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.statements = 0
        self._ended = False

    def end(self) -> None:
        """Perform nothing any more: the connection is somebody else's from now on."""
        self._ended = True

    def run(self, steps: Steps[R]) -> R:
        """Perform every step of *steps* and return what they come to.

        An error of the store, or of rows that are copied, is thrown into *steps*.
        """
        return drive(steps, self.perform)

    def perform(self, step: Step) -> Answer:
        """Perform one step."""
        if self._ended:
            raise StoreError(ENDED)
        try:
            if isinstance(step, Together):
                return self._all(step)
            self.statements += 1
            with self._cursor() as cursor:
                if isinstance(step, CopyIn):
                    with cursor.copy(step.query) as copy:
                        for block in step.blocks:
                            copy.write(block)
                    return Answer((), cursor.rowcount)
                cursor.execute(step.query, step.parameters, prepare=False)
                return _answer(cursor)
        except psycopg.Error as e:
            # The driver's message quotes the row that is at fault: no traceback may show it.
            raise store_error(e) from None

    def _all(self, step: Together) -> Answer:
        """Perform statements that travel together; without a pipeline each travels by itself."""
        self.statements += len(step.statements)
        cursors = [self._numbered() for _ in step.statements]
        with self.connection.pipeline() if PIPELINED else nullcontext():
            for cursor, each in zip(cursors, step.statements, strict=True):
                cursor.execute(*each.numbered())
        return Answer(each=tuple(map(_answer, cursors)))

    def _cursor(self) -> Cursor:
        return self.connection.cursor(row_factory=psycopg.rows.tuple_row)

    def _numbered(self) -> Cursor:
        return psycopg.RawCursor(self.connection, row_factory=psycopg.rows.tuple_row)

    def stream(self, query: Query[T]) -> Iterator[T]:
        """Yield the rows of *query* batch by batch, through a cursor that the server holds."""
        cursor = server_cursor(query.statement)
        self.perform(cursor.declare)
        try:
            while rows := self.perform(cursor.fetch).rows:
                yield query.made(rows)
                if len(rows) < BATCH:
                    break
        finally:
            status = self.connection.info.transaction_status
            if not self._ended and status == psycopg.pq.TransactionStatus.INTRANS:
                with suppress(StoreError):  # of a lost connection the next step hears
                    self.perform(cursor.close)


def _answer(cursor: Cursor) -> Answer:
    rows: list[Row] = [] if cursor.rownumber is None else cursor.fetchall()
    return Answer(rows, cursor.rowcount)
