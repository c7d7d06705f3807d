"""How the contract reaches an `InMemoryRepository`: by what the application does to its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs

from leadfold.repositories.memory import AuditEntry, InMemoryRepository
from leadfold.repository import ORIGINAL
from leadfold.testing import BlockingRepository, RepositoryContract
from leadfold.testing.changesets import AT
from leadfold.testing.contract_hooks import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadfold.model import Customer, Lead
    from leadfold.repositories.memory.application import ApplicationRows
    from leadfold.repository import Repository


REFERENCES: Mapping[str, Sequence[Mapping[str, object]]] = {ADDRESS: ()}
"""What every store of the contract is made with."""


class InMemoryContract(RepositoryContract):
    """The contract, all but the fixture ``repository``."""

    def made(self, **options: Any) -> Repository:  # noqa: ANN401 - whatever the store takes
        """Return a store made with *options*."""
        return InMemoryRepository(references=REFERENCES, **options)

    def through(self, store: ApplicationRows) -> Repository:
        """Return *store* as the contract sees it."""
        return cast("InMemoryRepository", store)

    def seed(
        self,
        repository: Repository,
        leads: Sequence[Lead] = (),
        customers: Sequence[Customer] = (),
        dependents: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    ) -> None:
        """Insert rows."""
        store = _memory(repository)
        for customer in customers:
            store.insert_customer(customer)
        store.insert_leads(leads)
        for name, rows in (dependents or {}).items():
            for row in rows:
                store.insert_dependent(name, row)

    def edit_lead(self, repository: Repository, lead_id: str, **columns: str | None) -> None:
        """Replace a lead."""
        store = _memory(repository)
        (lead,) = (lead for lead in store.leads() if lead.id == lead_id)
        store.update_lead(attrs.evolve(lead, **cast("dict[str, Any]", columns)))

    def delete_lead(self, repository: Repository, lead_id: str) -> None:
        """Delete a lead."""
        _memory(repository).delete_lead(lead_id)

    def edit_customer(self, repository: Repository, customer_id: str, **columns: object) -> None:
        """Replace a customer."""
        store = _memory(repository)
        (customer,) = (row for row in store.customers() if row.id == customer_id)
        store.update_customer(attrs.evolve(customer, **cast("dict[str, Any]", columns)))

    def raw_leads(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return the leads that the application sees."""
        return {lead.id: attrs.asdict(lead) for lead in _memory(repository).leads()}

    def raw_customers(self, repository: Repository) -> Mapping[str, Mapping[str, object]]:
        """Return the customers that the application sees."""
        return {row.id: attrs.asdict(row) for row in _memory(repository).customers()}

    def raw_dependents(
        self, repository: Repository, name: str
    ) -> Mapping[str, Mapping[str, object]]:
        """Return the rows that the application sees."""
        return {str(row["id"]): row for row in _memory(repository).dependents(name)}

    def seed_carried(
        self, repository: Repository, name: str, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Insert rows."""
        for row in rows:
            _memory(repository).insert_reference(name, row)

    def raw_carried(self, repository: Repository, name: str) -> Mapping[str, Mapping[str, object]]:
        """Return the rows that the application sees."""
        return {str(row["id"]): row for row in _memory(repository).references(name)}

    def raw_audit(self, repository: Repository) -> Sequence[Mapping[str, object]]:
        """Return the audit trail."""
        return [attrs.asdict(entry) for entry in _memory(repository).audit()]

    def with_unique_phones(self, repository: Repository) -> Repository:
        """Return a store that declares it."""
        del repository
        return self.made(unique={"phone"})

    def with_not_null_links(self, repository: Repository) -> Repository:
        """Return a store that declares it."""
        del repository
        return self.made(link_nullable=False)

    def with_original_run(self, repository: Repository, run_id: str) -> Repository:
        """Return a store with such an entry."""
        del repository
        entry = AuditEntry(
            "system", "backfill_customers", {"script": ORIGINAL}, created_at=AT, id=run_id
        )
        return self.made(audit=[entry])

    def with_several_phones(self, repository: Repository) -> Repository:
        """Return the store: any field can hold several texts."""
        return repository

    def with_page_id(self, repository: Repository) -> Repository:
        """Return the store: it takes any name."""
        return repository

    def two_tenants(self, repository: Repository) -> tuple[Repository, Repository]:
        """Return two views of the store."""
        store = _memory(repository)
        return self.through(store.for_tenant("a")), self.through(store.for_tenant("b"))

    def rename_lead_beside(self, repository: Repository, lead_id: str, name: str) -> None:
        """Replace a lead; an open reader holds no lock."""
        self.edit_lead(repository, lead_id, name=name)


def _memory(repository: Repository) -> ApplicationRows:
    """Return the store itself, which the application does not see through leadfold's port."""
    store: object = repository
    if isinstance(repository, BlockingRepository):
        store = repository.repository
    return cast("ApplicationRows", store)
