"""The blocking `leadfold.repository.Reader` over PostgreSQL: what to ask is said elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.repositories.postgres.bundling import answered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import TypeVar

    from leadfold.asking import Call
    from leadfold.changes import Run
    from leadfold.model import Identifier, Ruling
    from leadfold.repositories.postgres.reading import Reading
    from leadfold.repositories.postgres.session import Session
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

__all__ = ["PostgresReader"]


@attrs.frozen
class PostgresReader:
    """One snapshot of a PostgreSQL store."""

    _session: Session
    _reading: Reading

    def facts(self) -> StoreFacts:
        """Return what a plan must know before it reads rows."""
        return self._session.run(self._reading.facts())

    def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
        """Yield the leads in batches, each once, in any order; *ids* None means all."""
        return self._session.stream(self._reading.leads(ids))

    def customers(self, ids: Collection[str] | None = None) -> Iterator[CustomerBatch]:
        """Yield the customers in batches, each once, in any order; *ids* None means all."""
        return self._session.stream(self._reading.customers(ids))

    def dependents(self, leads: Collection[str] | None = None) -> Iterator[DependentCount]:
        """Yield counts of dependent rows by table, lead and present customer."""
        return self._each(self._reading.dependents(leads))

    def holders(self, identifiers: Collection[Identifier], *, at_most: int) -> Holders:
        """Return up to *at_most* holders of each identifier, from the identity index."""
        return self._session.run(self._reading.holders(identifiers, at_most))

    def around(
        self,
        leads: Collection[str],
        identifiers: Collection[Identifier],
        customers: Collection[str],
        *,
        at_most: int,
    ) -> Around:
        """Return what is met one step from these, by look-up alone."""
        return self._session.run(self._reading.around(leads, identifiers, customers, at_most))

    def shown(self, column: str, values: Collection[str]) -> Collection[str]:
        """Return those of *values* that customers show."""
        return self._session.run(self._reading.shown(column, values))

    def recorded(self, record_id: str) -> tuple[Identifier, ...] | None:
        """Return what the identity index holds for a record, or None where it never saw it."""
        return self._session.run(self._reading.recorded(record_id))

    def queued(self) -> Iterator[Queued]:
        """Yield the leads that are still to be decided, those that wait longest first."""
        return self._each(self._reading.queued())

    def edited(self, since: datetime) -> Iterator[str]:
        """Yield the leads whose row came or was edited at *since* or later."""
        return self._each(self._reading.edited(since))

    def rowless(self) -> Iterator[Rowless]:
        """Yield the records of the identity index that hold something and are no row."""
        return self._each(self._reading.rowless())

    def rulings(self) -> tuple[Ruling, ...]:
        """Return the rulings in force, in order of creation."""
        return self._session.run(self._reading.rulings())

    def runs(
        self,
        limit: int = 20,
        *,
        ids: Collection[str] | None = None,
        action: str | None = None,
        status: str | None = None,
    ) -> tuple[Run, ...]:
        """Return the latest runs, newest first; of *ids*, *action*, *status*, where given."""
        return self._session.run(self._reading.runs(limit, ids, action, status))

    def entries(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield the ledger of a run unit by unit, each in the order it was written."""
        return self._each(self._reading.entries("entries", run_id=run_id))

    def later(self, run_id: str) -> Iterator[LedgerEntry]:
        """Yield what others did to rows after this run changed them, in the order written."""
        return self._each(self._reading.entries("later", run_id=run_id))

    def history(self, table: str, row: str) -> Iterator[LedgerEntry]:
        """Yield every entry about a row, in the order written; *table* as the ledger calls it.

        About a customer are also the links from and to it, and who was retired into it.
        """
        return self._each(self._reading.history(table, row))

    def unexplained(self, leads: Collection[str] | None = None) -> Iterator[str]:
        """Yield the leads whose customer is not what the ledger's last entry for them says."""
        return self._each(self._reading.unexplained(leads))

    def links(self, table: str, rows: Collection[str]) -> Iterator[Reference]:
        """Yield the present customer of those *rows* of *table* that exist, in any order."""
        return self._each(self._reading.links(table, rows))

    def pointing_at(self, customer_ids: Collection[str]) -> Iterator[Reference]:
        """Yield every row that points at one of these customers, in any order."""
        return self._each(self._reading.pointing_at(customer_ids))

    def is_original(self, run_id: str) -> bool:
        """Tell whether an audit entry of that id was written by the original script."""
        return self._session.run(self._reading.is_original(run_id))

    def audited(self) -> Mapping[str, int]:
        """Return how many entries of the audit trail name each action."""
        return self._session.run(self._reading.audited())

    def together(self, calls: Sequence[Call]) -> list[object]:
        """Return the answers to several questions, had in one round trip where they can be."""
        return self._session.run(answered(self._reading, calls))

    def _each(self, queries: Iterable[Query[list[T]]]) -> Iterator[T]:
        for query in queries:
            for batch in self._session.stream(query):
                yield from batch
