"""The `leadfold.async_repository.AsyncReader` over PostgreSQL: what to ask is said elsewhere."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import attrs

from leadfold.repositories.postgres.bundling import answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import TypeVar

    from leadfold.asking import Call
    from leadfold.changes import Run
    from leadfold.model import Identifier, Ruling
    from leadfold.repositories.postgres.async_session import AsyncSession
    from leadfold.repositories.postgres.reading import Reading
    from leadfold.repositories.postgres.steps import Query
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

    T = TypeVar("T")

__all__ = ["AsyncPostgresReader"]


@attrs.frozen
class AsyncPostgresReader:
    """One snapshot of a PostgreSQL store; one task reads it at a time."""

    _session: AsyncSession
    _reading: Reading

    async def facts(self) -> StoreFacts:
        """See `leadfold.repository.Reader.facts`."""
        return await self._session.run(self._reading.facts())

    def leads(self, ids: Collection[str] | None = None) -> AsyncIterator[LeadBatch]:
        """See `leadfold.repository.Reader.leads`."""
        return self._session.stream(self._reading.leads(ids))

    def customers(self, ids: Collection[str] | None = None) -> AsyncIterator[CustomerBatch]:
        """See `leadfold.repository.Reader.customers`."""
        return self._session.stream(self._reading.customers(ids))

    def dependents(self, leads: Collection[str] | None = None) -> AsyncIterator[DependentCount]:
        """See `leadfold.repository.Reader.dependents`."""
        return self._each(self._reading.dependents(leads))

    async def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """See `leadfold.repository.Reader.holders`."""
        return await self._session.run(self._reading.holders(identifiers, at_most))

    async def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        """See `leadfold.repository.Reader.around`."""
        asked = self._reading.around(leads, identifiers, customers, at_most)
        return await self._session.run(asked)

    async def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        """See `leadfold.repository.Reader.shown`."""
        return await self._session.run(self._reading.shown(column, values))

    async def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        """See `leadfold.repository.Reader.recorded`."""
        return await self._session.run(self._reading.recorded(record_id))

    def queued(self) -> AsyncIterator[Queued]:
        """See `leadfold.repository.Reader.queued`."""
        return self._each(self._reading.queued())

    def edited(self, since: datetime) -> AsyncIterator[str]:
        """See `leadfold.repository.Reader.edited`."""
        return self._each(self._reading.edited(since))

    def rowless(self) -> AsyncIterator[Rowless]:
        """See `leadfold.repository.Reader.rowless`."""
        return self._each(self._reading.rowless())

    async def rulings(self) -> tuple[Ruling, ...]:
        """See `leadfold.repository.Reader.rulings`."""
        return await self._session.run(self._reading.rulings())

    async def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        """See `leadfold.repository.Reader.runs`."""
        return await self._session.run(self._reading.runs(limit, ids, action, status))

    def entries(self, run_id: str) -> AsyncIterator[LedgerEntry]:
        """See `leadfold.repository.Reader.entries`."""
        return self._each(self._reading.entries("entries", run_id=run_id))

    def later(self, run_id: str) -> AsyncIterator[LedgerEntry]:
        """See `leadfold.repository.Reader.later`."""
        return self._each(self._reading.entries("later", run_id=run_id))

    def history(self, table: str, row: str) -> AsyncIterator[LedgerEntry]:
        """See `leadfold.repository.Reader.history`."""
        return self._each(self._reading.history(table, row))

    def unexplained(self, leads: Collection[str] | None = None) -> AsyncIterator[str]:
        """See `leadfold.repository.Reader.unexplained`."""
        return self._each(self._reading.unexplained(leads))

    def links(self, table: str, rows: Collection[str]) -> AsyncIterator[Reference]:
        """See `leadfold.repository.Reader.links`."""
        return self._each(self._reading.links(table, rows))

    def pointing_at(self, customer_ids: Collection[str]) -> AsyncIterator[Reference]:
        """See `leadfold.repository.Reader.pointing_at`."""
        return self._each(self._reading.pointing_at(customer_ids))

    async def is_original(self, run_id: str) -> bool:
        """See `leadfold.repository.Reader.is_original`."""
        return await self._session.run(self._reading.is_original(run_id))

    async def audited(self) -> Mapping[str, int]:
        """See `leadfold.repository.Reader.audited`."""
        return await self._session.run(self._reading.audited())

    async def together(self, calls: Sequence[Call]) -> list[object]:
        """See `leadfold.asking.Bundling.together`."""
        return await self._session.run(answered(self._reading, calls))

    async def _each(self, queries: Iterable[Query[list[T]]]) -> AsyncIterator[T]:
        for query in queries:
            async with aclosing(self._session.stream(query)) as batches:
                async for batch in batches:
                    for one in batch:
                        yield one
