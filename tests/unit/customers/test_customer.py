"""Who a customer is, as `leadfold.customers.customer` reads it from a store."""

from __future__ import annotations

import pytest

from leadfold import InMemoryRepository, Lead, backfill
from leadfold.backfill import rollback
from leadfold.customers import customer, merge, split
from leadfold.exceptions import UnknownCustomerError
from leadfold.model import Customer, Ruling
from oracle.decided import X, Y, Z, backfilled, run

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


def test_it_counts_the_rows_of_every_table_that_names_it() -> None:
    """A table of references as well, with what belongs to no lead."""
    repository = backfilled(Lead("a", phone=X), references={"Address": [], "Note": []})
    repository.insert_reference("Address", {"id": "1", "customer_id": "C1"})
    repository.insert_dependent("Job", {"id": "1", "customer_id": "C1"})
    expected = {"Job": 1, "Conversation": 0, "Address": 1, "Note": 0}
    assert customer(repository, "C1").dependents == expected


def test_it_names_the_rulings_about_its_leads() -> None:
    """Those in force, of a merge and of a split; others are not its own."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y), Lead("c", phone=Y))
    merge(repository, "C1", "C2", run_id="m")
    assert [ruling.id for ruling in customer(repository, "C1").rulings] == ["m"]
    split(repository, "C1", [["c"]], run_id="s", new_id=lambda: "C9")
    for id_ in ("C1", "C9"):
        assert [ruling.id for ruling in customer(repository, id_).rulings] == ["s"]
    repository.insert_lead(Lead("d", phone=Z))
    run(repository, "second")
    assert customer(repository, customer_of(repository, "d")).rulings == ()


def test_a_record_has_the_rulings_that_name_it() -> None:
    """A customer made by hand takes part itself, also where it has no lead."""
    ruling = Ruling("r", [["customer:H"], ["a"]])
    repository = backfilled(Lead("a", phone=X), customers=[Customer("H")], rulings=[ruling])
    assert customer(repository, "H").rulings == (ruling,)
    assert customer(repository, "C1").rulings == (ruling,)


def test_it_tells_the_former_ids_of_what_was_merged_into_it() -> None:
    """Whatever way they came, until they are back."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y), Lead("c", phone=Z))
    assert customer(repository, "C3").former_ids == ()
    merge(repository, "C2", "C1", run_id="m1")
    assert customer(repository, "C2").former_ids == ("C1",)
    merge(repository, "C3", "C2", run_id="m2")
    assert customer(repository, "C3").former_ids == ("C1", "C2")
    rollback("m2", repository)
    assert customer(repository, "C3").former_ids == ()
    assert customer(repository, "C2").former_ids == ("C1",)


def test_a_customer_whose_leads_were_parted_is_nobodys_former_self() -> None:
    """Its leads live with two by now."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=X), Lead("c", phone=Z))
    merge(repository, "C2", "C1")
    split(repository, "C2", [["a"]], new_id=lambda: "C9")
    assert customer(repository, "C2").former_ids == ()
    assert customer(repository, "C9").former_ids == ()


def test_a_former_customer_without_leads_is_told_too() -> None:
    """It had an address alone."""
    repository = backfilled(Lead("a", phone=X), customers=[Customer("H")])
    merge(repository, "C1", "H")
    assert customer(repository, "C1").former_ids == ("H",)


def test_runs_that_merged_split_and_undid_are_told_newest_first() -> None:
    """By id and action; those of others are not."""
    repository = backfilled(Lead("a", phone=X), Lead("b", phone=Y), Lead("c", phone=Z))
    merge(repository, "C1", "C2", run_id="m")
    rollback("m", repository, new_run_id="undo")
    merge(repository, "C1", "C3", run_id="m2")
    view = customer(repository, "C2")
    assert [touch.run.id for touch in view.runs] == ["undo", "m", "first"]
    assert view.runs[0].changes == {"link": 1, "restore": 1}
    assert view.runs[1].changes == {"link": 1, "retire": 1}


def test_its_identifiers_are_masked_in_every_repr() -> None:
    """Of the view, of its leads, of each identifier."""
    repository = backfilled(Lead("a", psid="24000000000000001", phone=X, email="ann@x.co"))
    view = customer(repository, "C1")
    text = repr((view, view.leads, view.identifiers, view.runs))
    assert not [raw for raw in ("24000000000000001", "5552010001", "ann@", "x.co") if raw in text]
