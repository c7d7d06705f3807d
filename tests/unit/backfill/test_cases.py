"""The hard cases of `tests/cases`, arriving in a store that is reconciled after each step."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from case_files import EVERY_CASE
from leadfold import InMemoryRepository, backfill, customers

if TYPE_CHECKING:
    from case_files import CaseFile
    from leadfold import Ruling


@EVERY_CASE
def test_a_store_comes_to_hold_the_groups_of_all_leads_so_far(case: CaseFile) -> None:
    """However many customers that takes apart or together; and a second run writes nothing."""
    repository = InMemoryRepository()
    for step in case.steps:
        repository.insert_leads(step.new_leads)
        for ruling in step.new_rulings:
            _decide(repository, ruling)
        backfill.apply(backfill.plan(repository, case.policy, mode="reconcile"), repository)
        assert _partition(repository) == sorted(step.expected["groups"].values())
        assert not [*backfill.plan(repository, case.policy, mode="reconcile").units]


def _decide(repository: InMemoryRepository, ruling: Ruling) -> None:
    """Merge the customers of the leads that *ruling* says are one."""
    assert ruling.is_must_link, "a file with a cannot-link wants a split here"
    links = {lead.id: lead.customer_id for lead in repository.leads()}
    keep, *others = sorted({str(links[lead]) for lead in ruling.parts[0]})
    for absorb in others:
        customers.merge(repository, keep, absorb)


def _partition(repository: InMemoryRepository) -> list[list[str]]:
    """Return the leads by customer, in text order."""
    found: dict[str | None, list[str]] = defaultdict(list)
    for lead in repository.leads():
        found[lead.customer_id].append(lead.id)
    assert None not in found
    return sorted(sorted(leads) for leads in found.values())
