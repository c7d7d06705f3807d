"""What a store may be able to do beyond the port. A contract test that needs it skips without.

A subclass of the contract has an ability by having its method; there is nothing to inherit.
Each takes the fresh repository of the test and returns what the test goes on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from leadfold.repository import Repository

__all__ = [
    "BesideReaders",
    "ScopedLeads",
    "SeveralPhones",
    "Tenants",
    "UniquePhones",
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
