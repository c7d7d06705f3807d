"""The port for asyncio: the verbs of `leadfold.repository`, awaited. Its text is the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

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
        Reference,
        Rowless,
        StoreFacts,
    )

__all__ = ["AsyncReader", "AsyncRepository"]


class AsyncReader(Protocol):
    """A `leadfold.repository.Reader` for asyncio; one task uses it at a time."""

    async def facts(self) -> StoreFacts:
        """Return what `leadfold.repository.Reader.facts` does."""
        ...

    def leads(self, ids: Collection[str] | None = None) -> AsyncIterator[LeadBatch]:
        """Yield what `leadfold.repository.Reader.leads` does."""
        ...

    def customers(self, ids: Collection[str] | None = None) -> AsyncIterator[CustomerBatch]:
        """Yield what `leadfold.repository.Reader.customers` does."""
        ...

    def dependents(self, leads: Collection[str] | None = None) -> AsyncIterator[DependentCount]:
        """Yield what `leadfold.repository.Reader.dependents` does."""
        ...

    async def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return what `leadfold.repository.Reader.holders` does."""
        ...

    async def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        """Return what `leadfold.repository.Reader.around` does."""
        ...

    async def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        """Return what `leadfold.repository.Reader.shown` does."""
        ...

    async def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        """Return what `leadfold.repository.Reader.recorded` does."""
        ...

    def queued(self) -> AsyncIterator[Queued]:
        """Yield what `leadfold.repository.Reader.queued` does."""
        ...

    def edited(self, since: datetime) -> AsyncIterator[str]:
        """Yield what `leadfold.repository.Reader.edited` does."""
        ...

    def rowless(self) -> AsyncIterator[Rowless]:
        """Yield what `leadfold.repository.Reader.rowless` does."""
        ...

    async def rulings(self) -> tuple[Ruling, ...]:
        """Return what `leadfold.repository.Reader.rulings` does."""
        ...

    async def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        """Return what `leadfold.repository.Reader.runs` does."""
        ...

    def entries(self, run_id: str) -> AsyncIterator[LedgerEntry]:
        """Yield what `leadfold.repository.Reader.entries` does."""
        ...

    def later(self, run_id: str) -> AsyncIterator[LedgerEntry]:
        """Yield what `leadfold.repository.Reader.later` does."""
        ...

    def history(self, table: str, row: str) -> AsyncIterator[LedgerEntry]:
        """Yield what `leadfold.repository.Reader.history` does."""
        ...

    def unexplained(self, leads: Collection[str] | None = None) -> AsyncIterator[str]:
        """Yield what `leadfold.repository.Reader.unexplained` does."""
        ...

    def links(self, table: str, rows: Collection[str]) -> AsyncIterator[Reference]:
        """Yield what `leadfold.repository.Reader.links` does."""
        ...

    def pointing_at(self, customer_ids: Collection[str]) -> AsyncIterator[Reference]:
        """Yield what `leadfold.repository.Reader.pointing_at` does."""
        ...

    async def is_original(self, run_id: str) -> bool:
        """Tell what `leadfold.repository.Reader.is_original` does."""
        ...

    async def audited(self) -> Mapping[str, int]:
        """Return what `leadfold.repository.Reader.audited` does."""
        ...


class AsyncRepository(Protocol):
    """A `leadfold.repository.Repository` for asyncio.

    A cancellation is an error like any other: a commit that it meets leaves the store exactly as
    it was, or, where the store had committed already, exactly as planned.
    """

    def reading(self) -> AbstractAsyncContextManager[AsyncReader]:
        """Open one consistent snapshot (the caller's transaction where it has one)."""
        ...

    async def commit(self, changes: ChangeSet) -> Committed:
        """Do what `leadfold.repository.Repository.commit` does."""
        ...
