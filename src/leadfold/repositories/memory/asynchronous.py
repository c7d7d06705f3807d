"""The store in memory for asyncio: the fixture for unit tests of async services. Nothing lasts.

No thread and no lock: a task gives way before each verb and between batches, as it would while a
server works, and a commit is one step that no other task is in the midst of.
"""

from __future__ import annotations

from asyncio import sleep
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import attrs

from leadfold.repositories.memory.application import ApplicationRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator, Mapping
    from datetime import datetime

    from leadfold.async_repository import AsyncReader
    from leadfold.changes import ChangeSet, Committed, Run
    from leadfold.model import Identifier, Ruling
    from leadfold.repositories.memory.reading import MemoryReader
    from leadfold.repository import (
        Around,
        CustomerBatch,
        DependentCount,
        Holders,
        LeadBatch,
        LedgerEntry,
        Queued,
        Reference,
        Rowless,
        StoreFacts,
    )

__all__ = ["AsyncInMemoryRepository"]

T = TypeVar("T")


class AsyncInMemoryRepository(ApplicationRows):
    """An `AsyncRepository` whose rows live as long as it does; otherwise an `InMemoryRepository`.

    The arguments are the same, and so is what the application does to its own rows, without
    ``await``.

    >>> import asyncio
    >>> from leadfold import aio
    >>> repository = AsyncInMemoryRepository(leads=[{"id": "l1", "phone": "202-555-0141"}])
    >>> plan = asyncio.run(aio.plan(repository))
    >>> asyncio.run(aio.apply(plan, repository)).stats.customers_created
    1
    >>> repository.leads()[0].customer_id == repository.customers()[0].id
    True
    """

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncReader]:
        """Open a snapshot: later writes do not show in it."""
        await sleep(0)
        yield _AsyncMemoryReader(self._reader())

    async def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes*: every unit whole, or not at all; see `Repository.commit`."""
        await sleep(0)
        return self._committed(changes)


@attrs.frozen
class _AsyncMemoryReader:
    """An `AsyncReader` of tables that nobody changes any more."""

    _reader: MemoryReader

    async def facts(self) -> StoreFacts:
        await sleep(0)
        return self._reader.facts()

    def leads(self, ids: Collection[str] | None = None) -> AsyncIterator[LeadBatch]:
        return _giving_way(self._reader.leads(ids))

    def customers(self, ids: Collection[str] | None = None) -> AsyncIterator[CustomerBatch]:
        return _giving_way(self._reader.customers(ids))

    def dependents(self, leads: Collection[str] | None = None) -> AsyncIterator[DependentCount]:
        return _giving_way(self._reader.dependents(leads), every=_ROWS)

    async def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        await sleep(0)
        return self._reader.holders(identifiers, at_most=at_most)

    async def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        await sleep(0)
        return self._reader.around(leads, identifiers, customers, at_most=at_most)

    async def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        await sleep(0)
        return self._reader.shown(column, values)

    async def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        await sleep(0)
        return self._reader.recorded(record_id)

    def queued(self) -> AsyncIterator[Queued]:
        return _giving_way(self._reader.queued(), every=_ROWS)

    def edited(self, since: datetime) -> AsyncIterator[str]:
        return _giving_way(self._reader.edited(since), every=_ROWS)

    def rowless(self) -> AsyncIterator[Rowless]:
        return _giving_way(self._reader.rowless(), every=_ROWS)

    async def rulings(self) -> tuple[Ruling, ...]:
        await sleep(0)
        return self._reader.rulings()

    async def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        await sleep(0)
        return self._reader.runs(limit, ids=ids, action=action, status=status)

    def entries(self, run_id: str) -> AsyncIterator[LedgerEntry]:
        return _giving_way(self._reader.entries(run_id), every=_ROWS)

    def later(self, run_id: str) -> AsyncIterator[LedgerEntry]:
        return _giving_way(self._reader.later(run_id), every=_ROWS)

    def history(self, table: str, row: str) -> AsyncIterator[LedgerEntry]:
        return _giving_way(self._reader.history(table, row), every=_ROWS)

    def unexplained(self, leads: Collection[str] | None = None) -> AsyncIterator[str]:
        return _giving_way(self._reader.unexplained(leads), every=_ROWS)

    def links(self, table: str, rows: Collection[str]) -> AsyncIterator[Reference]:
        return _giving_way(self._reader.links(table, rows), every=_ROWS)

    def pointing_at(self, customer_ids: Collection[str]) -> AsyncIterator[Reference]:
        return _giving_way(self._reader.pointing_at(customer_ids), every=_ROWS)

    async def is_original(self, run_id: str) -> bool:
        await sleep(0)
        return self._reader.is_original(run_id)

    async def audited(self) -> Mapping[str, int]:
        await sleep(0)
        return self._reader.audited()


_ROWS = 1_000


async def _giving_way(found: Iterator[T], *, every: int = 1) -> AsyncIterator[T]:
    """Yield what is *found*, and let other tasks run before the first and *every* so many."""
    for number, one in enumerate(found):
        if number % every == 0:
            await sleep(0)
        yield one
