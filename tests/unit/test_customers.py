"""Who a customer is, as `leadfold.customers.customer` reads it from a store."""

from __future__ import annotations

import pytest

from leadfold import InMemoryRepository, backfill
from leadfold.customers import UnknownCustomerError, customer

PHONE = "212-555-0143"


@pytest.fixture
def repository() -> InMemoryRepository:
    """Make a store of three leads, two of whom are one person, and a job."""
    repository = InMemoryRepository(
        leads=[
            {"id": "l2", "phone": "(212) 555-0143", "email": "ada@example.com"},
            {"id": "l1", "phone": PHONE, "name": "Ada"},
            {"id": "l3", "psid": "24000000000000001"},
        ],
        dependents={"Job": [{"id": "j1", "lead_id": "l1"}]},
    )
    backfill.apply(backfill.plan(repository), repository)
    return repository


def customer_of(repository: InMemoryRepository, lead_id: str) -> str:
    """Return the customer that a lead is linked to."""
    [found] = [lead.customer_id for lead in repository.leads() if lead.id == lead_id]
    assert found is not None
    return found


def test_it_has_its_leads_in_order_with_their_identifiers(repository: InMemoryRepository) -> None:
    """Two leads of one phone, one with an email as well."""
    view = customer(repository, customer_of(repository, "l1"))
    assert [lead.id for lead in view.leads] == ["l1", "l2"]
    assert [each.key for each in view.identifiers] == [
        "email:ada@example.com",
        "phone:+12125550143",
    ]


def test_it_counts_what_depends_on_it(repository: InMemoryRepository) -> None:
    """Every dependent table is named, also one without rows."""
    view = customer(repository, customer_of(repository, "l1"))
    assert view.dependents == {"Job": 1, "Conversation": 0}


def test_it_names_the_runs_that_touched_it(repository: InMemoryRepository) -> None:
    """A later run counts where it changed something, and not otherwise."""
    found = customer_of(repository, "l1")
    repository.insert_lead({"id": "l4", "phone": PHONE})
    second = backfill.apply(backfill.plan(repository), repository)
    view = customer(repository, found)
    assert next(touch.run.id for touch in view.runs) == second.run_id
    assert [dict(touch.changes) for touch in view.runs] == [
        {"link": 1, "patch": 1},
        {"follow": 1, "insert": 1, "link": 2},
    ]
    assert len(customer(repository, customer_of(repository, "l3")).runs) == 1


def test_a_customer_of_somebody_elses_was_touched_by_no_run() -> None:
    """Its maker is nobody we know, and a lead that no run has read has no identifiers yet."""
    repository = InMemoryRepository(
        leads=[{"id": "l1", "phone": PHONE, "customer_id": "c1"}],
        customers=[{"id": "c1", "name": "Ada"}],
    )
    view = customer(repository, "c1")
    assert (view.made_by, view.runs, view.identifiers) == (None, (), ())
    assert view.leads[0].identifiers is None


def test_an_unknown_customer_is_an_error_that_names_it(repository: InMemoryRepository) -> None:
    """It is a LookupError too."""
    with pytest.raises(UnknownCustomerError, match="c9") as raised:
        customer(repository, "c9")
    assert isinstance(raised.value, LookupError)
    assert raised.value.customer_id == "c9"


def test_its_repr_identifies_nobody(repository: InMemoryRepository) -> None:
    """Names, phones and emails are masked."""
    text = repr(customer(repository, customer_of(repository, "l1")))
    for value in ("Ada", "2125550143", "ada@"):
        assert value not in text
