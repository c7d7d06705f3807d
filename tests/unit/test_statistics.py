"""The figures of a store: the original's health check and grouping quality."""

from __future__ import annotations

from leadfold import InMemoryRepository, backfill
from leadfold.backfill.statistics import DependentFigures, GroupQuality, statistics

JOBS: list[dict[str, object]] = [{"id": "j1", "lead_id": "l1"}, {"id": "j2", "lead_id": None}]


def test_an_empty_store_has_nothing() -> None:
    """No customer, no lead, no group; the dependents are named."""
    found = statistics(InMemoryRepository())
    assert (found.customers, found.leads, found.leads_linked, found.groups) == (0, 0, 0, ())
    assert found.dependents == (
        DependentFigures("Job", 0, 0),
        DependentFigures("Conversation", 0, 0),
    )


def test_groups_are_counted_by_type_the_most_frequent_first() -> None:
    """Average leads are those linked now."""
    repository = InMemoryRepository(
        leads=[
            {"id": "l1", "psid": "1"},
            {"id": "l2", "psid": "2"},
            {"id": "l3", "psid": "2"},
            {"id": "l4", "email": "a@b.example"},
        ],
        dependents={"Job": JOBS},
    )
    backfill.apply(backfill.plan(repository), repository)
    found = statistics(repository)
    assert found.groups == (GroupQuality("psid", 2, 3), GroupQuality("email", 1, 1))
    assert found.groups[0].avg_leads == 1.5
    assert found.dependents[0] == DependentFigures("Job", 2, 1)
    assert (found.customers, found.leads, found.leads_linked) == (3, 4, 4)


def test_the_links_are_believed_and_not_what_metadata_says() -> None:
    """A lead that left its customer no longer counts; unlinked ones are seen."""
    repository = InMemoryRepository(leads=[{"id": "l1", "psid": "1"}, {"id": "l2", "psid": "1"}])
    backfill.apply(backfill.plan(repository), repository)
    repository.update_lead({"id": "l2", "psid": "1"})
    found = statistics(repository)
    assert (found.leads, found.leads_linked) == (2, 1)
    assert found.groups == (GroupQuality("psid", 1, 1),)


def test_customers_of_somebody_elses_have_no_type() -> None:
    """They are counted apart, whatever their metadata holds."""
    repository = InMemoryRepository(
        customers=[{"id": "c1"}, {"id": "c2", "metadata": {"groupType": 7}}]
    )
    found = statistics(repository)
    assert found.groups == (GroupQuality(None, 2, 0),)
    assert found.to_dict()["groups"] == [{"type": None, "count": 2, "avg_leads": 0.0}]
