"""One connection in use by asyncio: `Session`, awaited. It knows no tables."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, TypeVar

import psycopg

from leadfold.driving import adrive
from leadfold.exceptions import StoreError
from leadfold.repositories.postgres.cursors import BATCH, server_cursor
from leadfold.repositories.postgres.faults import store_error
from leadfold.repositories.postgres.session import ENDED, PIPELINED
from leadfold.repositories.postgres.steps import Answer, CopyIn, Together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncCopy

    from leadfold.repositories.postgres.steps import Query, Row, Step, Steps

__all__ = ["AsyncConnection", "AsyncSession"]

R = TypeVar("R")
T = TypeVar("T")

AsyncConnection = psycopg.AsyncConnection[tuple[object, ...]]
AsyncCursor = psycopg.AsyncCursor[tuple[object, ...]]


class AsyncSession:
    """The awaiting driver of steps; *statements* counts what the store was given."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.statements = 0
        self._ended = False

    def end(self) -> None:
        """Perform nothing any more: the connection is somebody else's from now on."""
        self._ended = True

    async def run(self, steps: Steps[R]) -> R:
        """Perform every step of *steps* and return what they come to.

        An error of the store, or of rows that are copied, is thrown into *steps*; a cancellation
        too, so that what they undo for it is done.
        """
        return await adrive(steps, self.perform)

    async def perform(self, step: Step) -> Answer:
        """Perform one step."""
        if self._ended:
            raise StoreError(ENDED)
        try:
            if isinstance(step, Together):
                return await self._all(step)
            self.statements += 1
            async with self._cursor() as cursor:
                if isinstance(step, CopyIn):
                    async with _begun(cursor.copy(step.query)) as copy:
                        for block in step.blocks:
                            await copy.write(block)
                    return Answer((), cursor.rowcount)
                await cursor.execute(step.query, step.parameters, prepare=False)
                return await _answer(cursor)
        except psycopg.Error as e:
            # The driver's message quotes the row that is at fault: no traceback may show it.
            raise store_error(e) from None

    async def _all(self, step: Together) -> Answer:
        """Perform statements that travel together; without a pipeline each travels by itself."""
        self.statements += len(step.statements)
        cursors = [self._numbered() for _ in step.statements]
        async with self.connection.pipeline() if PIPELINED else nullcontext():
            for cursor, each in zip(cursors, step.statements, strict=True):
                await cursor.execute(*each.numbered())
        return Answer(each=tuple([await _answer(cursor) for cursor in cursors]))

    def _cursor(self) -> AsyncCursor:
        return self.connection.cursor(row_factory=psycopg.rows.tuple_row)

    def _numbered(self) -> AsyncCursor:
        return psycopg.AsyncRawCursor(self.connection, row_factory=psycopg.rows.tuple_row)

    async def stream(self, query: Query[T]) -> AsyncGenerator[T, None]:
        """Yield the rows of *query* batch by batch, through a cursor that the server holds."""
        cursor = server_cursor(query.statement)
        await self.perform(cursor.declare)
        try:
            while rows := (await self.perform(cursor.fetch)).rows:
                yield query.made(rows)
                if len(rows) < BATCH:
                    break
        finally:
            status = self.connection.info.transaction_status
            if not self._ended and status == psycopg.pq.TransactionStatus.INTRANS:
                with suppress(StoreError):  # of a lost connection the next step hears
                    await self.perform(cursor.close)


async def _answer(cursor: AsyncCursor) -> Answer:
    rows: list[Row] = [] if cursor.rownumber is None else await cursor.fetchall()
    return Answer(rows, cursor.rowcount)


@asynccontextmanager
async def _begun(copying: AbstractAsyncContextManager[AsyncCopy]) -> AsyncIterator[AsyncCopy]:
    """Begin to copy though the task is cancelled meanwhile: half begun, it could not be ended.

    It does not take long: what is copied into is a table that nobody else has.
    """
    async with AsyncExitStack() as exits:
        beginning = asyncio.ensure_future(exits.enter_async_context(copying))
        try:
            copy = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await asyncio.gather(beginning, return_exceptions=True)
            raise
        yield copy
