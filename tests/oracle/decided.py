"""Small stores for what a person decides: backfilled, edited as an application would, compared."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from leadfold import InMemoryRepository, backfill
from leadfold.repositories.memory.reading import MemoryReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold import Customer, Lead, Ruling
    from leadfold.repository import LedgerEntry, Reader, StoreFacts

__all__ = [
    "AT",
    "Told",
    "Undeclared",
    "X",
    "Y",
    "Z",
    "backfilled",
    "counts",
    "edit",
    "entries",
    "found",
    "history",
    "links",
    "rename",
    "rulings",
    "run",
    "state",
]

AT = datetime(2026, 1, 1, tzinfo=UTC)
X, Y, Z = "(555) 201-0001", "(555) 201-0002", "(555) 201-0003"


def backfilled(*leads: Lead, **options: Any) -> InMemoryRepository:  # noqa: ANN401 - of the store
    """Return a store of *leads* after the run ``first``; its customers are C1, C2 … by age."""
    dated = [attrs.evolve(lead, created_at=AT + timedelta(hours=n)) for n, lead in enumerate(leads)]
    repository = InMemoryRepository(dated, **options)
    run(repository, "first")
    return repository


def run(repository: InMemoryRepository, run_id: str) -> backfill.Report:
    """Backfill *repository*; new customers are numbered on."""
    numbers = count(1 + max([int(row.id[1:]) for row in _numbered(repository)], default=0))
    return backfill.apply(
        backfill.plan(repository, run_id=run_id, new_id=lambda: f"C{next(numbers)}"), repository
    )


def _numbered(repository: InMemoryRepository) -> list[Customer]:
    return [row for row in repository.customers() if row.id[:1] == "C" and row.id[1:].isdigit()]


def edit(repository: InMemoryRepository, lead_id: str, **columns: str | None) -> None:
    """Edit a lead as the application does."""
    (lead,) = (lead for lead in repository.leads() if lead.id == lead_id)
    repository.update_lead(attrs.evolve(lead, **columns))  # type: ignore[arg-type]


def rename(repository: InMemoryRepository, customer_id: str, **columns: object) -> None:
    """Edit a customer as the application does."""
    row = attrs.evolve(found(repository, customer_id), **columns)  # type: ignore[arg-type]
    repository.update_customer(row)


def found(repository: InMemoryRepository, customer_id: str) -> Customer:
    """Return the row of a customer."""
    (row,) = (row for row in repository.customers() if row.id == customer_id)
    return row


def links(repository: InMemoryRepository) -> dict[str, str | None]:
    """Return the customer of each lead."""
    return {lead.id: lead.customer_id for lead in repository.leads()}


def counts(repository: InMemoryRepository) -> dict[str, tuple[object, object]]:
    """Return the two counts in the metadata of each customer that has them."""
    return {
        row.id: (row.metadata["leadCount"], row.metadata["multipleLeads"])
        for row in repository.customers()
        if row.metadata and "leadCount" in row.metadata
    }


def rulings(repository: InMemoryRepository) -> tuple[Ruling, ...]:
    """Return the rulings in force."""
    with repository.reading() as reader:
        return reader.rulings()


def entries(repository: InMemoryRepository, run_id: str) -> list[LedgerEntry]:
    """Return the ledger of a run."""
    with repository.reading() as reader:
        return list(reader.entries(run_id))


def history(repository: InMemoryRepository, table: str, row: str) -> list[LedgerEntry]:
    """Return every entry about a row."""
    with repository.reading() as reader:
        return list(reader.history(table, row))


def state(repository: InMemoryRepository) -> Mapping[str, object]:
    """Return all that a rollback restores: the application's tables and the rulings in force."""
    with repository.reading() as reader:
        facts = reader.facts()
    return {
        "leads": {lead.id: lead for lead in repository.leads()},
        "customers": {row.id: row for row in repository.customers()},
        "rulings": rulings(repository),
        **{each.name: _rows(repository.dependents(each.name)) for each in facts.dependents},
        **{name: _rows(repository.references(name)) for name in facts.carried},
    }


def _rows(rows: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return *rows* with their customer, be it none."""
    return [{"customer_id": None, **row} for row in rows]


class Told(InMemoryRepository):
    """A store whose facts are others than its tables say, where *told* has them."""

    told: Mapping[str, Any] = MappingProxyType({})

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a snapshot that says so."""
        told = self.told

        class Telling(MemoryReader):
            def facts(self) -> StoreFacts:
                return attrs.evolve(super().facts(), **told)

        with super().reading() as reader:
            assert isinstance(reader, MemoryReader)
            yield Telling(reader.tables, reader.shape, reader.tenant)


class Undeclared(Told):
    """A store in which a table that nobody declared references customers."""

    told = MappingProxyType({"foreign_keys": ("Invoice.customer_id",)})
