"""Law 7: a second run writes no link, no customer and no dependent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from leadfold import InMemoryRepository, Policy, backfill, group
from leadfold.testing.strategies import cases
from oracle.balance import balanced, enough

if TYPE_CHECKING:
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_second_backfill_writes_nothing(strategy: Strategy) -> None:
    """No unit is left to write, and the figures say that everything is there already."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            repository = _store(case)
            backfill.apply(backfill.plan(repository, case.policy), repository)
            before = repository.leads(), repository.customers(), repository.dependents("Job")
            again = backfill.plan(repository, case.policy)
            assert tuple(again.units) == ()
            assert _figures(again) == (0, len(resolution.groups), 0, len(case.leads), 0)
            backfill.apply(again, repository)
            assert (
                repository.leads(),
                repository.customers(),
                repository.dependents("Job"),
            ) == before

        law()


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_the_links_partition_the_leads_as_grouping_does(strategy: Strategy) -> None:
    """The first backfill of an unlinked store gives each group a customer of its own."""
    with balanced() as balance:

        @enough()
        @given(cases(strategy))
        def law(case: Case) -> None:
            resolution = group(case.leads, case.policy, rulings=case.rulings)
            balance.note(resolution)
            repository = _store(case)
            report = backfill.apply(backfill.plan(repository, case.policy), repository)
            linked: dict[str | None, list[str]] = {}
            for lead in repository.leads():
                linked.setdefault(lead.customer_id, []).append(lead.id)
            assert None not in linked
            assert sorted(map(sorted, linked.values())) == sorted(
                [*one.lead_ids] for one in resolution.groups
            )
            assert report.stats.customers_created == len(resolution.groups)

        law()


def test_a_policy_that_only_guards_differently_reads_the_same_index() -> None:
    """After a run, a plan under other guards has no index entry to write."""

    @enough()
    @given(cases("linked"))
    def law(case: Case) -> None:
        repository = _store(case)
        backfill.apply(backfill.plan(repository, case.policy), repository)
        keyed = Policy(case.policy.identifiers, strategy="keyed")
        assert backfill.plan(repository, keyed).stats.extra["indexed"] == 0

    law()


def _store(case: Case) -> InMemoryRepository:
    """Return a store of the leads and rulings of *case*, each lead with one job."""
    jobs = [{"id": f"j-{lead.id}", "lead_id": lead.id} for lead in case.leads]
    return InMemoryRepository(leads=case.leads, dependents={"Job": jobs}, rulings=case.rulings)


def _figures(plan: backfill.Plan) -> tuple[int, int, int, int, int]:
    stats = plan.stats
    return (
        stats.customers_created,
        stats.customers_skipped,
        stats.leads_linked,
        stats.leads_already_linked,
        stats.jobs_linked,
    )
