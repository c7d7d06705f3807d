"""`customers.split`: leads of one customer get customers of their own."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from leadfold import InMemoryRepository, Lead, Policy, backfill
from leadfold.backfill import rollback
from leadfold.customers import customer_id_now, merge, split
from leadfold.exceptions import DecisionError, StoreError, UnknownCustomerError
from leadfold.model import Customer, Ruling
from oracle.decided import (
    AT,
    X,
    Y,
    Z,
    backfilled,
    counts,
    edit,
    entries,
    found,
    links,
    rename,
    rulings,
    run,
    state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


def numbered() -> Callable[[], str]:
    """Return a maker of the ids N1, N2 …."""
    numbers = count(1)
    return lambda: f"N{next(numbers)}"


@pytest.fixture
def repository() -> InMemoryRepository:
    """Return a store of C1 with leads a to d, C2 with e; jobs of some."""
    return backfilled(
        Lead("a", phone=X, name="Ann", email="ann@x.co"),
        Lead("b", phone=X, name="Bea", email="bea@x.co"),
        Lead("c", phone=X, name="Cy"),
        Lead("d", phone=X),
        Lead("e", phone=Y),
        dependents={
            "Job": [{"id": f"j{lead}", "lead_id": lead} for lead in "abe"],
            "Conversation": [{"id": "kb", "lead_id": "b"}],
        },
        references={"Address": [{"id": "1", "customer_id": "C1"}]},
    )


def test_a_part_gets_a_customer_of_its_own(repository: InMemoryRepository) -> None:
    """The leads that no part names keep theirs."""
    split(repository, "C1", [["b", "c"]], new_id=numbered())
    assert links(repository) == {"a": "C1", "b": "N1", "c": "N1", "d": "C1", "e": "C2"}
    assert counts(repository) == {"C1": (2, True), "C2": (1, False), "N1": (2, True)}


def test_each_part_gets_one_in_the_order_given(repository: InMemoryRepository) -> None:
    """Whatever the order of their leads."""
    split(repository, "C1", [["d"], ["b"]], new_id=numbered())
    assert links(repository) == {"a": "C1", "b": "N2", "c": "C1", "d": "N1", "e": "C2"}


def test_dependents_follow_their_lead(repository: InMemoryRepository) -> None:
    """Those that had the same customer; what points at the customer alone stays."""
    repository.insert_dependent("Job", {"id": "own", "customer_id": "C1"})
    repository.insert_dependent("Job", {"id": "other", "lead_id": "b", "customer_id": "C2"})
    repository.insert_dependent("Job", {"id": "none", "lead_id": "b"})
    report = split(repository, "C1", [["b"]], new_id=numbered())
    assert report.stats.extra["dependentsLinked"] == {"Conversation": 1, "Job": 1}
    assert {row["id"]: row.get("customer_id") for row in repository.dependents("Job")} == {
        "ja": "C1",
        "jb": "N1",
        "je": "C2",
        "own": "C1",
        "other": "C2",
        "none": None,
    }
    assert [row["customer_id"] for row in repository.dependents("Conversation")] == ["N1"]
    assert [row["customer_id"] for row in repository.references("Address")] == ["C1"]


def test_a_table_none_of_whose_rows_follow_is_not_in_the_figures(
    repository: InMemoryRepository,
) -> None:
    """The lead's conversation belongs to another customer."""
    row = {"id": "kd", "lead_id": "d", "customer_id": "C2"}
    repository.insert_dependent("Conversation", row)
    report = split(repository, "C1", [["d"]], new_id=numbered())
    assert report.stats.extra["dependentsLinked"] == {}


def test_a_new_customer_is_as_a_backfill_would_have_made_it(
    repository: InMemoryRepository,
) -> None:
    """Named after the oldest lead of its part, with the six keys of metadata."""
    split(repository, "C1", [["c", "b"]], new_id=numbered(), now=AT, created_by="desk")
    row = found(repository, "N1")
    assert (row.name, row.phone, row.email) == ("Bea", "+15552010001", "bea@x.co")
    assert row.created_at == AT
    assert row.metadata == {
        "groupType": "phone",
        "groupKey": "phone:+15552010001#b",
        "leadCount": 2,
        "createdBy": "desk",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "multipleLeads": True,
    }


def test_the_ledger_says_which_lead_a_new_customer_has_its_values_from(
    repository: InMemoryRepository,
) -> None:
    """An erasure of that lead must find them."""
    split(repository, "C1", [["b", "c"]], run_id="s", new_id=numbered())
    (entry,) = (each for each in entries(repository, "s") if each.action == "insert")
    assert isinstance(entry.after, dict)
    assert entry.after["sources"] == {"name": "b", "phone": "b", "email": "b", "groupKey": "b"}


def test_it_is_a_run_that_says_who_and_why(repository: InMemoryRepository) -> None:
    """By default the system's."""
    split(repository, "C1", [["b"]], run_id="s", actor="ann", created_by="desk", now=AT)
    split(repository, "C1", [["c"]], run_id="s2", new_id=numbered())
    with repository.reading() as reader:
        second, first = reader.runs(2, ids=["s", "s2"])
    assert (first.action, first.actor, first.created_by, first.at) == (
        "split_customer",
        "ann",
        "desk",
        AT,
    )
    assert (second.action, second.actor, second.created_by) == (
        "split_customer",
        "system",
        "leadfold",
    )
    assert (found(repository, "N1").metadata or {})["createdBy"] == "leadfold"
    (link,) = (each for each in entries(repository, "s") if each.action == "link")
    assert link.reason == "split of C1"


def test_leads_and_customers_of_others_play_no_part() -> None:
    """Older ones with the same phone neither name a new customer nor count."""
    repository = backfilled(Lead("a", phone=X, name="Ann", email="ann@x.co"), Lead("c", phone=Y))
    repository.insert_lead(Lead("b", phone=X, name="Bea", created_at=AT, customer_id="C2"))
    repository.insert_customer(Customer("H", "Hal", X, "hal@x.co", created_at=AT))
    split(repository, "C2", [["b"]], new_id=numbered())
    row = found(repository, "N1")
    assert (row.name, row.phone, row.email) == ("Bea", "+15552010001", None)
    assert counts(repository) == {"C1": (1, False), "C2": (1, False), "N1": (1, False)}


def test_what_the_customer_shows_stays(repository: InMemoryRepository) -> None:
    """But for the two counts."""
    before = found(repository, "C1")
    split(repository, "C1", [["a"]], new_id=numbered())
    after = found(repository, "C1")
    assert (after.name, after.phone, after.email) == (before.name, before.phone, before.email)
    changed = {"leadCount": 3, "multipleLeads": True}
    assert after.metadata == {**(before.metadata or {}), **changed}


def test_where_all_leads_are_named_the_largest_part_stays(repository: InMemoryRepository) -> None:
    """A customer never stays without leads."""
    split(repository, "C1", [["a"], ["b", "c", "d"]], new_id=numbered())
    assert links(repository) == {"a": "N1", "b": "C1", "c": "C1", "d": "C1", "e": "C2"}


@pytest.mark.parametrize("parts", [[["c", "d"], ["b", "a"]], [["b", "a"], ["c", "d"]]])
def test_of_equal_parts_the_one_with_the_oldest_lead_stays(
    repository: InMemoryRepository, parts: list[list[str]]
) -> None:
    """In whatever order they are named."""
    split(repository, "C1", parts, new_id=numbered())
    assert links(repository) == {"a": "C1", "b": "C1", "c": "N1", "d": "N1", "e": "C2"}


def test_every_lead_by_itself(repository: InMemoryRepository) -> None:
    """As many customers as leads."""
    split(repository, "C1", [["d"], ["c"], ["b"], ["a"]], new_id=numbered())
    assert links(repository) == {"a": "C1", "b": "N3", "c": "N2", "d": "N1", "e": "C2"}
    assert all(size == (1, False) for size in counts(repository).values())


def test_it_is_a_ruling_that_later_runs_honour(repository: InMemoryRepository) -> None:
    """The parts stay apart though their keys are equal; no drift is reported."""
    split(repository, "C1", [["b"], ["c"]], run_id="s", actor="ann", now=AT, new_id=numbered())
    (ruling,) = rulings(repository)
    assert (ruling.id, ruling.actor, ruling.created_at) == ("s", "ann", AT)
    assert ruling.parts == (("a", "d"), ("b",), ("c",))
    before = links(repository)
    run(repository, "second")
    assert (links(repository), backfill.plan(repository).drift) == (before, ())


def test_validate_stays_ok(repository: InMemoryRepository) -> None:
    """Customers that show one phone are a warning, as they were one before they were parted."""
    split(repository, "C1", [["b"]], new_id=numbered())
    validation = backfill.validate(repository)
    assert validation.ok
    assert {check.name for check in validation.checks if not check.ok} == {
        "phones shown by several customers"
    }


def test_a_split_takes_a_merge_out_of_force(repository: InMemoryRepository) -> None:
    """The newer decision holds; undone, the merge holds again."""
    merge(repository, "C1", "C2", run_id="m")
    before = state(repository)
    split(repository, "C1", [["e"]], run_id="s", new_id=numbered())
    assert [ruling.id for ruling in rulings(repository)] == ["s"]
    assert customer_id_now(repository, "C2") == "N1"
    rollback("s", repository)
    assert state(repository) == before
    assert customer_id_now(repository, "C2") == "C1"


def test_a_split_takes_a_chain_of_merges_out_of_force() -> None:
    """It takes two merges to join what it parts."""
    linking = [Ruling("m1", [["a", "x"]]), Ruling("m2", [["x", "b"]]), Ruling("m3", [["b", "c"]])]
    repository = backfilled(*(Lead(letter, phone=X) for letter in "abcx"), rulings=linking)
    before = state(repository)
    split(repository, "C1", [["b", "c"]], run_id="s", new_id=numbered())
    assert {ruling.id for ruling in rulings(repository)} == {"m1", "m3", "s"}
    rollback("s", repository)
    assert state(repository) == before


def test_undoing_it_restores_what_was(repository: InMemoryRepository) -> None:
    """And undoing that parts them again, under the same ids."""
    before = state(repository)
    split(repository, "C1", [["b"], ["c", "d"]], run_id="s", new_id=numbered())
    after = state(repository)
    rollback("s", repository, new_run_id="undo")
    assert state(repository) == before
    rollback("undo", repository)
    assert state(repository) == after


def test_unique_columns_are_left_empty_where_somebody_shows_the_value() -> None:
    """The customer that stays shows the phone; one part may show an email, its twin may not."""
    mails = {"a": "a@x.co", "b": "b@x.co", "c": "b@x.co", "d": "e@x.co"}
    repository = backfilled(
        *(Lead(letter, phone=X, email=mail) for letter, mail in mails.items()),
        customers=[Customer("E", email="e@x.co")],
        unique=["phone", "email"],
    )
    before = state(repository)
    customer = links(repository)["a"] or ""
    split(repository, customer, [["b"], ["c"]], run_id="s", new_id=numbered())
    shown = [found(repository, id_) for id_ in ("N1", "N2")]
    assert [(row.phone, row.email) for row in shown] == [(None, "b@x.co"), (None, None)]
    told = [e.after for e in entries(repository, "s") if e.action == "insert"]
    assert [sorted(each["sources"]) for each in told if isinstance(each, dict)] == [
        ["email", "groupKey"],
        ["groupKey"],
    ]
    rollback("s", repository)
    assert state(repository) == before


def test_an_email_that_another_customer_shows_is_left_empty_where_it_is_unique() -> None:
    """The lead keeps it; its new customer does not show it."""
    repository = backfilled(
        Lead("a", phone=X), Lead("b", phone=X), Lead("c", phone=X, email="e@x.co"), unique=["email"]
    )
    rename(repository, "C1", email=None)
    repository.insert_customer(Customer("E", email="e@x.co"))
    split(repository, "C1", [["c"]], new_id=numbered())
    row = found(repository, "N1")
    assert (row.phone, row.email) == ("+15552010001", None)


def test_a_customer_made_by_hand_stays_a_record() -> None:
    """It is named in the ruling with the leads that stay; it gets no counts."""
    repository = backfilled(
        Lead("a", phone=X), Lead("b", phone=X), customers=[Customer("H", "Hal", X)]
    )
    assert links(repository) == {"a": "H", "b": "H"}
    split(repository, "H", [["b"]], run_id="s", new_id=numbered())
    (ruling,) = rulings(repository)
    assert ruling.parts == (("a", "customer:H"), ("b",))
    assert found(repository, "H") == Customer("H", "Hal", X)
    before = links(repository)
    run(repository, "second")
    assert links(repository) == before


def test_all_leads_of_a_record_may_not_leave_it() -> None:
    """Of the parts one stays with it, however they are named."""
    repository = backfilled(
        Lead("a", phone=X), Lead("b", phone=X), customers=[Customer("H", phone=X)]
    )
    split(repository, "H", [["b"], ["a"]], new_id=numbered())
    assert links(repository) == {"a": "H", "b": "N1"}


def test_phones_are_shown_as_asked(repository: InMemoryRepository) -> None:
    """By default as the policy normalizes them, else as they were received."""
    split(repository, "C1", [["b"]], stored_phone="as_received", new_id=lambda: "N1")
    split(repository, "C1", [["c"]], new_id=lambda: "N2")
    assert found(repository, "N1").phone == X
    assert found(repository, "N2").phone == "+15552010001"


def test_a_policy_names_the_new_customers(repository: InMemoryRepository) -> None:
    """By its own order of kinds."""
    policy = Policy(["email", "phone"])
    split(repository, "C1", [["b"]], policy=policy, new_id=lambda: "N1")
    assert (found(repository, "N1").metadata or {})["groupKey"] == "email:bea@x.co"


def test_parts_stay_apart_under_any_strategy(repository: InMemoryRepository) -> None:
    """What links their leads is no reason to found one customer for two parts."""
    repository.insert_lead(Lead("f", phone=X, email="bea@x.co"))
    run(repository, "second")
    parts = [["b"], ["f", "c"]]
    split(repository, "C1", parts, policy=Policy.linked(), new_id=numbered())
    expected = {"a": "C1", "b": "N1", "c": "N2", "d": "C1", "e": "C2", "f": "N2"}
    assert links(repository) == expected
    assert backfill.plan(repository, Policy.linked()).drift == ()


def test_a_part_without_any_identifier_is_a_customer_too() -> None:
    """Its leads were joined by a ruling alone."""
    joined = Ruling("r", [["a", "b"]])
    repository = backfilled(Lead("a", phone=X), Lead("b"), rulings=[joined])
    before = state(repository)
    split(repository, "C1", [["b"]], run_id="s", new_id=numbered())
    assert links(repository) == {"a": "C1", "b": "N1"}
    row = found(repository, "N1")
    assert (row.name, row.phone, row.email) == (None, None, None)
    assert (row.metadata or {})["groupKey"] == "individual:b"
    rollback("s", repository)
    assert state(repository) == before


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([], "nothing to split"),
        ([["a", "b", "c", "d"]], "nothing to split"),
        ([["a"], []], "^every part needs a lead"),
        ([["a"], ["a", "b"]], "one part only$"),
        ([["a", "a"]], "one part only"),
        ([["a", "e"]], "C1 has no lead e"),
        ([["z", "y"]], "C1 has no lead y, z"),
        (["a"], "^parts must be lists of lead ids"),
        ("ab", "one list for each part$"),
    ],
)
def test_parts_that_cannot_be_meant_are_refused(
    repository: InMemoryRepository, parts: Sequence[Collection[str]], problem: str
) -> None:
    """The error says why; nothing is written."""
    before = state(repository)
    with pytest.raises(DecisionError, match=problem):
        split(repository, "C1", parts)
    assert (state(repository), len(repository.audit())) == (before, 1)


def test_an_unknown_customer_is_refused(repository: InMemoryRepository) -> None:
    """One that was absorbed is unknown too."""
    merge(repository, "C1", "C2")
    for customer in ("C2", "C7"):
        with pytest.raises(UnknownCustomerError, match=customer):
            split(repository, customer, [["a"]])


def test_a_customer_of_one_lead_has_nothing_to_split(repository: InMemoryRepository) -> None:
    """Nor has one of none."""
    repository.insert_customer(Customer("H"))
    for customer, parts in (("C2", [["e"]]), ("H", [])):
        with pytest.raises(DecisionError, match="nothing to split"):
            split(repository, customer, parts)


def test_a_store_that_refuses_it_has_nothing_written(repository: InMemoryRepository) -> None:
    """The id of a new customer is taken: an error, and no run."""
    before = state(repository)
    with pytest.raises(StoreError, match="there is a customer C2 already"):
        split(repository, "C1", [["b"]], run_id="s", new_id=lambda: "C2")
    assert (state(repository), len(repository.audit())) == (before, 1)
    split(repository, "C1", [["b"]], run_id="s")


def test_leads_that_were_linked_by_hand_can_be_split_off(repository: InMemoryRepository) -> None:
    """A lead the index has never seen, with a key of its own."""
    repository.insert_lead(Lead("new", phone=Z, customer_id="C1"))
    edit(repository, "d", customer_id=None)
    split(repository, "C1", [["new"]], new_id=numbered())
    assert links(repository)["new"] == "N1"
    assert found(repository, "N1").phone == "+15552010003"
    assert counts(repository)["C1"] == (3, True)


def test_leads_are_named_by_whatever_ids_they_were_given_with() -> None:
    """A store of numbered leads is split by their numbers."""
    leads = [{"id": number, "phone": "212 555 0143"} for number in (1, 2)]
    repository = InMemoryRepository(leads=leads)
    backfill.apply(backfill.plan(repository), repository)
    [customer] = {lead.customer_id for lead in repository.leads()}
    split(repository, str(customer), [[2]])  # type: ignore[list-item]
    assert len({lead.customer_id for lead in repository.leads()}) == 2
