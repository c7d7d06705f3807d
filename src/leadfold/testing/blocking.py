"""An async repository as tests of the blocking port see it: each call runs to its end.

For tests only: an event loop of their own, entered for every call.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

if TYPE_CHECKING:
    from asyncio import Runner
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Collection,
        Iterator,
        Mapping,
    )
    from datetime import datetime

    from leadfold.async_repository import AsyncReader, AsyncRepository
    from leadfold.changes import ChangeSet, Committed, Run
    from leadfold.model import Identifier, Ruling
    from leadfold.repository import (
        Around,
        CustomerBatch,
        DependentCount,
        Holders,
        LeadBatch,
        LedgerEntry,
        Queued,
        Reader,
        Reference,
        Rowless,
        StoreFacts,
    )

__all__ = ["BlockingRepository"]

T = TypeVar("T")


@attrs.frozen(eq=False)
class BlockingRepository:
    """A `leadfold.repository.Repository` over an async one, for `RepositoryContract`.

    *runner* has the event loop on which every call is run to its end; make and close the async
    *repository* on it too, where that is awaited.

    >>> import asyncio
    >>> from leadfold import AsyncInMemoryRepository, backfill
    >>> with asyncio.Runner() as runner:
    ...     store = BlockingRepository(AsyncInMemoryRepository(leads=[{"id": "l1"}]), runner)
    ...     backfill.plan(store).leads
    1
    """

    repository: AsyncRepository
    runner: Runner

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open one consistent snapshot."""
        snapshot = self.repository.reading()
        reader = self._run(snapshot.__aenter__())
        try:
            yield _BlockingReader(reader, self.runner)
        except BaseException:
            if not self._run(snapshot.__aexit__(*sys.exc_info())):
                raise
        else:
            self._run(snapshot.__aexit__(None, None, None))

    def commit(self, changes: ChangeSet) -> Committed:
        """Write *changes* in one transaction."""
        return self._run(self.repository.commit(changes))

    def _run(self, answer: Awaitable[T]) -> T:
        return _run(self.runner, answer)


@attrs.frozen
class _BlockingReader:
    _reader: AsyncReader
    _runner: Runner

    def facts(self) -> StoreFacts:
        return _run(self._runner, self._reader.facts())

    def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
        return self._each(self._reader.leads(ids))

    def customers(self, ids: Collection[str] | None = None) -> Iterator[CustomerBatch]:
        return self._each(self._reader.customers(ids))

    def dependents(self, leads: Collection[str] | None = None) -> Iterator[DependentCount]:
        return self._each(self._reader.dependents(leads))

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        return _run(self._runner, self._reader.holders(identifiers, at_most=at_most))

    def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        asked = self._reader.around(leads, identifiers, customers, at_most=at_most)
        return _run(self._runner, asked)

    def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        return _run(self._runner, self._reader.shown(column, values))

    def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        return _run(self._runner, self._reader.recorded(record_id))

    def queued(self) -> Iterator[Queued]:
        return self._each(self._reader.queued())

    def edited(self, since: datetime) -> Iterator[str]:
        return self._each(self._reader.edited(since))

    def rowless(self) -> Iterator[Rowless]:
        return self._each(self._reader.rowless())

    def rulings(self) -> tuple[Ruling, ...]:
        return _run(self._runner, self._reader.rulings())

    def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        return _run(self._runner, self._reader.runs(limit, ids=ids, action=action, status=status))

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        return self._each(self._reader.entries(run_id))

    def later(self, run_id: str) -> Iterator[LedgerEntry]:
        return self._each(self._reader.later(run_id))

    def history(self, table: str, row: str) -> Iterator[LedgerEntry]:
        return self._each(self._reader.history(table, row))

    def unexplained(self, leads: Collection[str] | None = None) -> Iterator[str]:
        return self._each(self._reader.unexplained(leads))

    def links(self, table: str, rows: Collection[str]) -> Iterator[Reference]:
        return self._each(self._reader.links(table, rows))

    def pointing_at(self, customer_ids: Collection[str]) -> Iterator[Reference]:
        return self._each(self._reader.pointing_at(customer_ids))

    def is_original(self, run_id: str) -> bool:
        return _run(self._runner, self._reader.is_original(run_id))

    def audited(self) -> Mapping[str, int]:
        return _run(self._runner, self._reader.audited())

    def _each(self, found: AsyncIterator[T]) -> Iterator[T]:
        end = object()
        while (one := _run(self._runner, anext(found, end))) is not end:
            yield cast("T", one)


def _run(runner: Runner, answer: Awaitable[T]) -> T:
    """Return what *answer* comes to."""

    async def awaited() -> T:
        return await answer

    return runner.run(awaited())
