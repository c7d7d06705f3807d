"""What a store may be able to do beyond the port. A contract test that needs it skips without.

A subclass of the contract has an ability by having its method; there is nothing to inherit.
Each takes the fresh repository of the test and returns what the test goes on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadfold.repository import Repository

__all__ = [
    "BesideReaders",
    "ConditionalLeads",
    "NotNullLinks",
    "OriginalRuns",
    "ScopedLeads",
    "SeveralPhones",
    "Tenants",
    "UndeclaredReferences",
    "UniquePhones",
    "UnmappedColumns",
]


@runtime_checkable
class UniquePhones(Protocol):
    """The store can declare the phone of customers unique."""

    def with_unique_phones(self, repository: Repository) -> Repository:
        """Return a repository of a store where two customers cannot show one phone."""
        ...


@runtime_checkable
class SeveralPhones(Protocol):
    """A lead of the store can hold several phones."""

    def with_several_phones(self, repository: Repository) -> Repository:
        """Return a repository that `seed` can give leads with a tuple of phones."""
        ...


@runtime_checkable
class ScopedLeads(Protocol):
    """A lead of the store can hold what a scope names."""

    def with_page_id(self, repository: Repository) -> Repository:
        """Return a repository that `seed` can give leads with ``fields={"page_id": ...}``."""
        ...


@runtime_checkable
class Tenants(Protocol):
    """The store keeps the rows of several tenants apart."""

    def two_tenants(self, repository: Repository) -> tuple[Repository, Repository]:
        """Return two repositories of one store, each bound to a tenant of its own."""
        ...


@runtime_checkable
class BesideReaders(Protocol):
    """Others can write while a reader of the repository is open."""

    def rename_lead_beside(self, repository: Repository, lead_id: str, name: str) -> None:
        """Set a lead's name from outside the transaction that *repository* reads in."""
        ...


@runtime_checkable
class ConditionalLeads(Protocol):
    """Which rows of the store are leads can hang on a condition."""

    def with_named_leads(self, repository: Repository) -> Repository:
        """Return a repository for which leads are the rows that have a name."""
        ...


@runtime_checkable
class NotNullLinks(Protocol):
    """The store can declare that every lead has a customer."""

    def with_not_null_links(self, repository: Repository) -> Repository:
        """Return a repository of a store where the link of a lead cannot be null."""
        ...


@runtime_checkable
class OriginalRuns(Protocol):
    """The audit trail of the store can hold what the script wrote that leadfold replaces."""

    def with_original_run(self, repository: Repository, run_id: str) -> Repository:
        """Return a repository whose audit trail has an entry of that script, with that id."""
        ...


@runtime_checkable
class UndeclaredReferences(Protocol):
    """Rows that leadfold was not told of can point at customers of the store."""

    def refer_undeclared(self, repository: Repository, customer_id: str) -> None:
        """Write such a row; the store itself knows what it refers to."""
        ...

    def raw_undeclared(self, repository: Repository) -> Sequence[object]:
        """Return the customers that such rows point at."""
        ...


@runtime_checkable
class UnmappedColumns(Protocol):
    """Customers of the store can have columns that leadfold was not told of."""

    def with_unmapped_columns(self, repository: Repository, customer_id: str) -> Repository:
        """Return a repository with that customer: bytes, numbers and texts beside what is mapped.

        The raw read of customers shows these columns too.
        """
        ...
