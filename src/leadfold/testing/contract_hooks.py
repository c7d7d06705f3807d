"""What an adapter's tests give the contract: raw writes and raw reads, and what is made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

import pytest

from leadfold.changes import Restore
from leadfold.exceptions import StalePlanError
from leadfold.model import Customer, Lead
from leadfold.repository import LEAD
from leadfold.testing.changesets import read_basis, run_of
from leadfold.testing.readback import customer_rows, lead_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leadfold.changes import Change, ChangeSet, Committed, Run
    from leadfold.model import Identifier, Ruling
    from leadfold.repository import Holders, LedgerEntry, Repository
    from leadfold.testing.changesets import Basis
    from leadfold.testing.readback import CustomerRow, LeadRow

__all__ = [
    "ADDRESS",
    "SourceFailedError",
    "StoreHooks",
    "bare",
    "commit",
    "job",
    "read_customers",
    "read_entries",
    "read_history",
    "read_holders",
    "read_leads",
    "read_rulings",
    "read_runs",
    "restored",
    "written",
]

ADDRESS = "CustomerAddress"
"""The table of the fixture whose rows are carried over."""


class StoreHooks(ABC):
    """How the contract reaches a store without its adapter; a subclass fills them in.

    The methods that write are the application's own edits, behind the adapter's back. Those
    that read must not use it either, or a wrong write could hide behind a matching wrong read.
    """

    @abstractmethod
    def seed(
        self,
        repository: Repository,
        leads: Sequence[Lead] = (),
        customers: Sequence[Customer] = (),
        dependents: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    ) -> None:
        """Write rows; those of dependents have ``id``, ``lead_id`` and ``customer_id``."""

    @abstractmethod
    def edit_lead(self, repository: Repository, lead_id: str, **columns: str | None) -> None:
        """Set some of ``name``, ``psid``, ``phone``, ``email`` and ``customer_id`` of a lead."""

    @abstractmethod
    def delete_lead(self, repository: Repository, lead_id: str) -> None:
        """Delete a lead."""

    @abstractmethod
    def edit_customer(self, repository: Repository, customer_id: str, **columns: object) -> None:
        """Set some of ``name``, ``phone``, ``email`` and ``metadata`` of a customer."""

    @abstractmethod
    def raw_leads(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return the stored leads by id, with at least the columns that `edit_lead` sets."""

    @abstractmethod
    def raw_customers(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return the stored customers by id, likewise; ``metadata`` parsed."""

    @abstractmethod
    def raw_dependents(
        self, repository: Repository, name: str
    ) -> Mapping[str, Mapping[str, object]]:
        """Return the stored rows of a dependent by id: ``lead_id`` and ``customer_id``."""

    @abstractmethod
    def seed_carried(
        self, repository: Repository, name: str, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Write rows of a table that is carried over; they have ``id`` and ``customer_id``."""

    @abstractmethod
    def raw_carried(self, repository: Repository, name: str) -> Mapping[str, Mapping[str, object]]:
        """Return the stored rows of such a table by id, with at least those columns."""

    @abstractmethod
    def raw_audit(self, repository: Repository) -> Sequence[Mapping[str, object]]:
        """Return the audit trail, oldest first: ``actor``, ``action``, ``payload`` parsed."""

    def seeded(
        self,
        repository: Repository,
        *leads: Lead,
        customers: Iterable[str] = (),
        jobs: Sequence[Mapping[str, object]] = (),
    ) -> Basis:
        """Seed rows, and return what a plan made now would rest on."""
        self.seed(repository, leads, [Customer(key) for key in customers], {"Job": jobs})
        return read_basis(repository)

    def links(self, repository: Repository) -> dict[str, object]:
        """Return the stored customer of each lead."""
        return {key: row["customer_id"] for key, row in self.raw_leads(repository).items()}

    def pointers(self, repository: Repository, table: str) -> dict[str, object]:
        """Return the stored customer of each row of *table*."""
        if table == LEAD:
            return self.links(repository)
        carried = table == ADDRESS
        read = self.raw_carried if carried else self.raw_dependents
        return {key: row["customer_id"] for key, row in read(repository, table).items()}

    def point(self, repository: Repository, table: str, rows: Mapping[str, str | None]) -> None:
        """Write rows of *table*, each with the customer that it points at."""
        if table == LEAD:
            self.seed(repository, [Lead(row, customer_id=to) for row, to in rows.items()])
        elif table == ADDRESS:
            addresses = [{"id": row, "customer_id": to} for row, to in rows.items()]
            self.seed_carried(repository, ADDRESS, addresses)
        else:
            dependents = {table: [job(row, None, to) for row, to in rows.items()]}
            self.seed(repository, dependents=dependents)

    def image(self, repository: Repository) -> dict[str, object]:
        """Return everything stored in the user's tables."""
        return {
            "leads": dict(self.raw_leads(repository)),
            "customers": dict(self.raw_customers(repository)),
            "jobs": dict(self.raw_dependents(repository, "Job")),
            "conversations": dict(self.raw_dependents(repository, "Conversation")),
            "addresses": dict(self.raw_carried(repository, ADDRESS)),
            "audit": tuple(self.raw_audit(repository)),
        }

    def refuses(
        self, repository: Repository, changes: ChangeSet, *, names: set[str] | None = None
    ) -> None:
        """Check that *changes* are refused as stale, naming those leads, and write nothing."""
        before, runs = self.image(repository), read_runs(repository)
        with pytest.raises(StalePlanError) as refused:
            repository.commit(changes)
        assert names is None or set(refused.value.lead_ids) == names
        assert self.image(repository) == before
        assert read_runs(repository) == runs


class SourceFailedError(Exception):
    """What the units of a test raise in their midst."""


def job(job_id: str, lead_id: str | None, customer_id: str | None = None) -> dict[str, object]:
    """Return a row of a dependent."""
    return {"id": job_id, "lead_id": lead_id, "customer_id": customer_id}


def bare(*ids: str) -> list[Customer]:
    """Return bare customers."""
    return [Customer(key) for key in ids]


def commit(repository: Repository, *changes: Change, number: int = 1) -> Committed:
    """Commit one unit of *changes*, planned now, as the run of that *number*."""
    basis = read_basis(repository)
    units = [basis.unit(1, *changes)] if changes else []
    return repository.commit(basis.changeset(*units, run=run_of(f"run-{number}", minute=number)))


def written(repository: Repository, *changes: Change, number: int = 1) -> tuple[LedgerEntry, ...]:
    """Commit one unit of *changes* that nothing speaks against; return the run's ledger."""
    assert commit(repository, *changes, number=number).failures == ()
    return read_entries(repository, f"run-{number}")


def restored(gone: LedgerEntry) -> Restore:
    """Return what brings back the customer of a retirement."""
    into = cast("str | None", gone.after)
    return Restore(gone.row, cast("Mapping[str, object]", gone.before), into)


def read_leads(repository: Repository) -> dict[str, LeadRow]:
    """Read all leads by id."""
    with repository.reading() as reader:
        return lead_rows(reader)


def read_customers(repository: Repository) -> dict[str, CustomerRow]:
    """Read all customers by id."""
    with repository.reading() as reader:
        return customer_rows(reader)


def read_runs(repository: Repository, limit: int = 20) -> tuple[Run, ...]:
    """Read the latest runs."""
    with repository.reading() as reader:
        return reader.runs(limit)


def read_history(repository: Repository, table: str, row: str) -> tuple[LedgerEntry, ...]:
    """Read the history of a row."""
    with repository.reading() as reader:
        return tuple(reader.history(table, row))


def read_entries(repository: Repository, run_id: str) -> tuple[LedgerEntry, ...]:
    """Read the ledger of a run."""
    with repository.reading() as reader:
        return tuple(reader.entries(run_id))


def read_holders(repository: Repository, *identifiers: Identifier, at_most: int = 10) -> Holders:
    """Look identifiers up in the index."""
    with repository.reading() as reader:
        return reader.holders(identifiers, at_most=at_most)


def read_rulings(repository: Repository) -> tuple[Ruling, ...]:
    """Read the rulings in force."""
    with repository.reading() as reader:
        return reader.rulings()
