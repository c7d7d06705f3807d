"""`backfill.validate` in memory: a backfilled store is in order, and each fault turns its check."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import InMemoryRepository, Lead, Policy, backfill
from leadfold.backfill.checking import LARGE
from leadfold.changes import ChangeSet
from leadfold.model import Customer
from leadfold.policy import IdentifierRule
from leadfold.repositories.memory.reading import MemoryReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from leadfold.backfill import Validation
    from leadfold.repository import LeadBatch, Reader

X, Y = "(555) 201-0001", "(555) 201-0002"
AT = datetime(2026, 1, 1, tzinfo=UTC)
OURS = {"createdBy": "leadfold"}


def backfilled(leads: Iterable[Lead], **tables: Iterable[dict[str, object]]) -> InMemoryRepository:
    """Return a store of *leads* after a backfill; its customers are C1, C2 … by oldest lead."""
    dated = [attrs.evolve(lead, created_at=AT + timedelta(hours=n)) for n, lead in enumerate(leads)]
    repository = InMemoryRepository(dated, tables)
    run(repository)
    return repository


def run(repository: InMemoryRepository) -> None:
    """Backfill *repository*."""
    numbers = count(len(repository.customers()) + 1)
    backfill.apply(backfill.plan(repository, new_id=lambda: f"C{next(numbers)}"), repository)


@pytest.fixture
def repository() -> InMemoryRepository:
    """Return a store in order: a1 and a2 are C1, b1 and b2 are C2, d1 is C3; jobs and talks."""
    return backfilled(
        [
            Lead("a1", phone=X, email="a@x.co"),
            Lead("a2", phone=X),
            Lead("b1", psid="24001", phone=Y, email="b@x.co"),
            Lead("b2", psid="24001"),
            Lead("d1", email="d@x.co"),
        ],
        Job=[{"id": "j1", "lead_id": "a1"}, {"id": "j2", "lead_id": "b1"}],
        Conversation=[{"id": "k1", "lead_id": "b1"}],
    )


def edit(repository: InMemoryRepository, lead_id: str, **columns: str | None) -> None:
    """Edit a lead behind leadfold's back."""
    (lead,) = (lead for lead in repository.leads() if lead.id == lead_id)
    repository.update_lead(attrs.evolve(lead, **columns))  # type: ignore[arg-type]


def show(repository: InMemoryRepository, customer_id: str, **columns: str) -> None:
    """Edit what a customer shows."""
    (customer,) = (row for row in repository.customers() if row.id == customer_id)
    repository.update_customer(attrs.evolve(customer, **columns))  # type: ignore[arg-type]


def not_ok(found: Validation) -> set[str]:
    """Return the names of the checks that are not ok."""
    return {check.name for check in found.checks if not check.ok}


def test_a_store_after_a_backfill_is_in_order(repository: InMemoryRepository) -> None:
    """Every check is ok, and the original's figures are among them."""
    found = backfill.validate(repository)
    assert (found.ok, not_ok(found)) == (True, set())
    assert found["leads linked"].actual == "5/5 (100%)"
    assert found["Job linked"].actual == "2/2 (100%)"
    assert found["audit entries"].actual == "1"
    assert all(check.samples == () for check in found.checks)


def test_every_check_says_what_it_expects_and_how_much_it_matters() -> None:
    """Name by name, in order: links and rows that cannot be read fail, what may be right warns."""
    repository = backfilled([Lead("a", phone=X)])
    found = backfill.validate(repository, Policy.keyed())
    tables = ("leads", "Job", "Conversation")
    fingerprint = Policy.keyed().fingerprint
    missing = ("lead is missing", "customer is missing")
    assert [(c.name, c.expected, c.severity) for c in found.checks] == [
        ("leads linked", "100%", "fail"),
        ("leads that cannot be read", "0", "fail"),
        ("leads whose customer is missing", "0", "fail"),
        ("leads ready for NOT NULL", "0 NULL", "fail"),
        *(
            check
            for table in tables[1:]
            for check in (
                (f"{table} linked", "100%", "fail"),
                *((f"{table} whose {what}", "0", "fail") for what in missing),
                (f"{table}/lead mismatch", "0", "fail"),
                (f"{table} ready for NOT NULL", "0 NULL", "fail"),
            )
        ),
        ("customers without leads", "0", "warn"),
        ("phones shown by several customers", "0", "warn"),
        ("emails shown by several customers", "0", "warn"),
        ("customers with more than 50 leads", "0", "warn"),
        ("groups with several customers", "0", "warn"),
        ("customers with several groups", "0", "warn"),
        ("stale index entries", "0", "warn"),
        ("index entries without a row", "0", "warn"),
        ("leads in the queue", "0", "warn"),
        ("policy of the index", fingerprint, "warn"),
        ("unfinished runs", "0", "warn"),
        ("undeclared foreign keys", "0", "warn"),
        ("audit entries", "at least 1", "fail"),
    ]
    assert found["leads ready for NOT NULL"].actual == "0 NULL"
    assert found["policy of the index"].actual == fingerprint


def test_a_store_without_an_index_says_so() -> None:
    """There is no fingerprint to compare."""
    found = backfill.validate(InMemoryRepository(), Policy.keyed())["policy of the index"]
    assert (found.expected, found.actual) == (Policy.keyed().fingerprint, "no index yet")


class Unreadable(InMemoryRepository):
    """A store with two rows that cannot be read, one of them without an id."""

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a snapshot that tells of them."""

        class Failing(MemoryReader):
            def leads(self, ids: Collection[str] | None = None) -> Iterator[LeadBatch]:
                for batch in super().leads(ids):
                    yield attrs.evolve(batch, unreadable=[("l9", "no text"), ("", "no id")])

        with super().reading() as reader:
            assert isinstance(reader, MemoryReader)
            yield Failing(reader.tables, reader.shape, reader.tenant)


def test_leads_that_cannot_be_read_fail_by_name() -> None:
    """Also those without one."""
    found = backfill.validate(Unreadable([Lead("l1")]))["leads that cannot be read"]
    assert (found.actual, found.ok, found.samples) == ("2", False, ("(no id)", "l9"))


def test_an_empty_store_is_in_order() -> None:
    """Nothing is expected of a store without leads: no run, no index, no audit entry."""
    found = backfill.validate(InMemoryRepository())
    assert (not_ok(found), found["leads linked"].actual) == (set(), "0/0 (100%)")


def test_a_store_before_its_backfill_fails_for_its_links_alone() -> None:
    """Leads and jobs without customers fail; nothing is stale, and no audit entry is missing."""
    job = {"id": "j1", "lead_id": "l1"}
    found = backfill.validate(InMemoryRepository([Lead("l1")], {"Job": [job]}))
    tables = ("leads", "Job")
    assert not_ok(found) == {
        f"{table} {what}" for table in tables for what in ("linked", "ready for NOT NULL")
    }


def test_validating_writes_nothing(repository: InMemoryRepository) -> None:
    """The store is the same before and after, its runs and audit trail included."""
    before = repository.leads(), repository.customers(), repository.audit()
    backfill.validate(repository)
    assert (repository.leads(), repository.customers(), repository.audit()) == before


def _of_dependent(name: str) -> list[object]:
    def put(**row: str | None) -> Callable[[InMemoryRepository], None]:
        return lambda repository: repository.insert_dependent(name, {"id": "new", **row})

    return [
        pytest.param(
            # A NULL is both: a row not covered, and one in the way of NOT NULL.
            put(lead_id="a1", customer_id=None),
            {f"{name} linked", f"{name} ready for NOT NULL"},
            id=f"{name} of no customer",
        ),
        pytest.param(
            put(lead_id="gone", customer_id="C1"),
            {f"{name} whose lead is missing"},
            id=f"{name} of a lead that is not there",
        ),
        pytest.param(
            put(lead_id=None, customer_id="ghost"),
            {f"{name} whose customer is missing"},
            id=f"{name} of a customer that is not there",
        ),
        pytest.param(
            put(lead_id="a1", customer_id="C2"),
            {f"{name}/lead mismatch"},
            id=f"{name} of another customer than its lead",
        ),
        pytest.param(put(lead_id=None, customer_id="C1"), set(), id=f"{name} without a lead"),
    ]


def _second_customer_of_a(repository: InMemoryRepository) -> None:
    repository.insert_customer(Customer("C9", metadata=OURS))
    edit(repository, "a2", customer_id="C9")


def _one_customer_of_a_and_d(repository: InMemoryRepository) -> None:
    edit(repository, "d1", customer_id="C1")
    repository.delete_customer("C3")


BREAKS = [
    pytest.param(
        # A NULL is both: a lead not covered, and one in the way of NOT NULL.
        lambda repository: edit(repository, "a2", customer_id=None),
        {"leads linked", "leads ready for NOT NULL"},
        id="a lead unlinked",
    ),
    pytest.param(
        lambda repository: edit(repository, "a2", customer_id="ghost"),
        {"leads whose customer is missing"},
        id="a lead of a customer that is not there",
    ),
    *_of_dependent("Job"),
    *_of_dependent("Conversation"),
    pytest.param(
        lambda repository: repository.insert_customer(Customer("C9", metadata=OURS)),
        {"customers without leads"},
        id="a customer of ours without leads",
    ),
    pytest.param(
        lambda repository: show(repository, "C3", phone="555.201.0001"),
        {"phones shown by several customers"},
        id="one phone on two customers, written differently",
    ),
    pytest.param(
        lambda repository: show(repository, "C3", phone="000-000-0000"),
        set(),
        id="a phone that is nobody's",
    ),
    pytest.param(
        lambda repository: show(repository, "C3", email=" A@X.CO"),
        {"emails shown by several customers"},
        id="one email on two customers",
    ),
    pytest.param(
        _second_customer_of_a,
        {"groups with several customers"},
        id="a group parted between two customers",
    ),
    pytest.param(
        _one_customer_of_a_and_d,
        {"customers with several groups"},
        id="two groups with one customer",
    ),
    pytest.param(
        lambda repository: edit(repository, "a1", email="new@x.co"),
        {"stale index entries"},
        id="a lead edited behind our back",
    ),
    pytest.param(
        lambda repository: repository.insert_lead(Lead("a3", phone=X, customer_id="C1")),
        {"stale index entries"},
        id="a lead the index has never seen",
    ),
    pytest.param(
        lambda repository: edit(repository, "a1", name="Ann"),
        set(),
        id="a column that does not matter",
    ),
]


@pytest.mark.parametrize(("broken", "turned"), BREAKS)
def test_a_fault_turns_its_check_alone(
    repository: InMemoryRepository, broken: Callable[[InMemoryRepository], None], turned: set[str]
) -> None:
    """What is wrong in a store shows in exactly the check for it; every other check is ok."""
    broken(repository)
    found = backfill.validate(repository)
    assert not_ok(found) == turned
    assert found.ok is all(found[name].severity == "warn" for name in turned)


def test_a_customer_with_many_leads_is_unusual() -> None:
    """More leads than the threshold turn the warning; exactly as many do not."""
    repository = backfilled(Lead(f"l{n}", phone=X) for n in range(LARGE))
    assert not_ok(backfill.validate(repository)) == set()
    repository.insert_lead(Lead("more", phone=X))
    run(repository)  # else the lead would be unlinked and unindexed as well
    found = backfill.validate(repository)
    assert not_ok(found) == {f"customers with more than {LARGE} leads"}
    assert found[f"customers with more than {LARGE} leads"].samples == (f"C1: {LARGE + 1} leads",)


def test_links_that_no_entry_explains_fail() -> None:
    """Where leads are linked, the audit trail must have an entry of a backfill."""
    customer = Customer("C1", metadata=OURS)
    linked = InMemoryRepository([Lead("l1", customer_id="C1")], customers=[customer])
    found = backfill.validate(linked)
    assert not_ok(found) == {"audit entries"}
    assert (found["audit entries"].expected, found.ok) == ("at least 1", False)


def test_links_of_the_resolver_are_explained_too() -> None:
    """An entry of a lead that was resolved when it came in explains links as a backfill's does."""
    linked = InMemoryRepository(
        [Lead("l1", customer_id="C1")], customers=[Customer("C1", metadata=OURS)]
    )
    run = attrs.evolve(backfill.plan(linked).run, action="resolve_lead")
    linked.commit(ChangeSet(run, ()))
    assert backfill.validate(linked)["audit entries"].ok


def test_a_record_is_no_lead() -> None:
    """A customer that others made takes part in the grouping, but counts as no lead of its own."""
    theirs = InMemoryRepository([Lead("l1")], customers=[Customer("theirs", phone=X)])
    assert backfill.validate(theirs)["audit entries"].expected == "at least 0"
    linked = [Lead(f"l{n}", phone=X, customer_id="theirs") for n in range(LARGE)]
    full = InMemoryRepository(linked, customers=[Customer("theirs", phone=X)])
    assert backfill.validate(full)[f"customers with more than {LARGE} leads"].ok


def test_another_policy_than_the_index_has_is_told(repository: InMemoryRepository) -> None:
    """A policy that normalizes otherwise warns, though it gives these leads what they have."""
    rule = IdentifierRule("phone", blocked=["+15552019999"])
    found = backfill.validate(repository, Policy(["psid", rule, "email"]))
    assert not_ok(found) == {"policy of the index"}


def test_entries_are_not_judged_under_another_policy(repository: InMemoryRepository) -> None:
    """It gives these leads other identifiers; to refresh the index would be the wrong advice."""
    found = backfill.validate(repository, Policy(["psid"]))
    stale = found["stale index entries"]
    assert (stale.actual, stale.samples) == (
        "not judged: the index was made with another policy",
        (),
    )
    assert "stale index entries" not in not_ok(found)
    (advice,) = found["policy of the index"].samples
    assert advice.startswith("validate under the policy that the index was made with (--policy)")


def test_strategy_is_no_other_policy_to_the_index(repository: InMemoryRepository) -> None:
    """An index serves both strategies."""
    assert backfill.validate(repository, Policy.linked())["policy of the index"].ok


def test_a_customer_that_others_made_may_have_no_leads(repository: InMemoryRepository) -> None:
    """Someone else's customer without leads is no leftover; it is a record not yet indexed."""
    repository.insert_customer(Customer("theirs"))
    found = backfill.validate(repository)
    assert found["customers without leads"].ok
    (sample,) = found["stale index entries"].samples
    assert sample.startswith("customer:theirs: refresh the index (leadfold index refresh) under")


def test_phones_are_compared_though_the_policy_names_none(repository: InMemoryRepository) -> None:
    """Duplicates are about what customers show, whatever kinds the leads are grouped by."""
    show(repository, "C3", phone=X)
    found = backfill.validate(repository, Policy(["psid", "email"]))
    assert not found["phones shown by several customers"].ok


def test_a_scope_plays_no_part_in_what_customers_show(repository: InMemoryRepository) -> None:
    """A customer has no scope: its phone is compared without one."""
    show(repository, "C3", phone=X)
    found = backfill.validate(repository, Policy([IdentifierRule("phone", scope="page_id")]))
    assert not found["phones shown by several customers"].ok


def test_samples_are_bounded_and_sorted(repository: InMemoryRepository) -> None:
    """A check names the first few of what it found, in text order, and counts all."""
    for lead in ("b2", "a1", "d1"):
        edit(repository, lead, customer_id=None)
    check = backfill.validate(repository, samples=2)["leads linked"]
    assert (check.actual, check.samples) == ("2/5 (40%)", ("a1", "b2"))
    assert backfill.validate(repository, samples=0)["leads linked"].samples == ()
    unsorted = backfill.validate(InMemoryRepository(map(Lead, ["l3", "l1", "l2"])), samples=2)
    assert unsorted["leads linked"].samples == ("l1", "l2")


def test_five_samples_are_named_unless_one_asks_for_more() -> None:
    """Of however many."""
    found = backfill.validate(InMemoryRepository(Lead(f"l{n}") for n in range(9)))
    assert len(found["leads linked"].samples) == 5


def test_nearly_all_is_not_all() -> None:
    """Coverage is rounded down: it says 100 % of nothing less."""
    repository = backfilled(Lead(f"l{n}") for n in range(1_000))
    edit(repository, "l7", customer_id=None)
    assert backfill.validate(repository)["leads linked"].actual == "999/1000 (99%)"


def test_rows_are_counted_and_leads_are_named() -> None:
    """Three jobs of one lead are three rows and one sample; one of no lead is named so."""
    jobs = [{"id": f"j{n}", "lead_id": "l1" if n else None} for n in range(4)]
    found = backfill.validate(InMemoryRepository([Lead("l1")], {"Job": jobs}))
    assert found["Job linked"].actual == "0/4 (0%)"
    assert found["Job linked"].samples == ("(no lead)", "l1")


@pytest.mark.parametrize(
    ("row", "check", "sample"),
    [
        ({"lead_id": "gone", "customer_id": "C1"}, "Job whose lead is missing", "gone"),
        ({"lead_id": None, "customer_id": "ghost"}, "Job whose customer is missing", "ghost"),
        ({"lead_id": "a1", "customer_id": "C2"}, "Job/lead mismatch", "a1"),
    ],
)
def test_every_row_at_fault_counts(
    repository: InMemoryRepository, row: dict[str, str | None], check: str, sample: str
) -> None:
    """Two rows with one fault are two, and one sample."""
    for job in ("new1", "new2"):
        repository.insert_dependent("Job", {"id": job, **row})
    found = backfill.validate(repository)[check]
    assert (found.actual, found.samples) == ("2", (sample,))


@pytest.mark.parametrize(
    ("lead_ids", "customers", "check"),
    [
        (("gone", "gone"), ("C1", "C2"), "Job whose lead is missing"),
        ((None, "d1"), ("ghost", "ghost"), "Job whose customer is missing"),
        (("d1", "d1"), ("C1", "C2"), "Job/lead mismatch"),
    ],
)
def test_rows_at_fault_in_different_ways_add_up(
    repository: InMemoryRepository,
    lead_ids: tuple[str | None, ...],
    customers: tuple[str, ...],
    check: str,
) -> None:
    """One lead with several customers, one customer of several leads."""
    for row in zip(lead_ids, customers, strict=True):
        lead_id, customer_id = row
        told = {"id": repr(row), "lead_id": lead_id, "customer_id": customer_id}
        repository.insert_dependent("Job", told)
    if check == "Job whose customer is missing":
        repository.delete_lead("d1")
    assert backfill.validate(repository)[check].actual == "2"


def test_a_phone_that_the_policy_blocks_is_no_duplicate(repository: InMemoryRepository) -> None:
    """It is nobody's, whoever shows it."""
    show(repository, "C3", phone=X)
    rule = IdentifierRule("phone", blocked=["+15552010001"])
    found = backfill.validate(repository, Policy(["psid", rule, "email"]))
    assert found["phones shown by several customers"].ok


def test_drift_is_counted_by_group_and_named_by_customer(repository: InMemoryRepository) -> None:
    """Two groups whose masked keys look alike are two."""
    _one_customer_of_a_and_d(repository)
    found = backfill.validate(repository)
    apart = found["customers with several groups"]
    assert (apart.actual, apart.samples) == ("1", ("C1",))
    alike = [X, X, "(555) 202-0001", "(555) 202-0001"]
    mixed = InMemoryRepository(
        [Lead(f"l{n}", phone=phone, customer_id=f"C{1 + n % 2}") for n, phone in enumerate(alike)],
        customers=[Customer("C1", metadata=OURS), Customer("C2", metadata=OURS)],
    )
    check = backfill.validate(mixed)["groups with several customers"]
    assert (check.actual, check.samples) == ("2", ("phone:+1…01: C1, C2",))


def test_no_identifier_is_given_away(repository: InMemoryRepository) -> None:
    """Samples name identifiers by their mask, and customers by id."""
    show(repository, "C3", phone=X, email="a@x.co")
    _second_customer_of_a(repository)
    found = backfill.validate(repository)
    assert found["phones shown by several customers"].samples == ("phone:+1…01: C1, C3",)
    assert found["emails shown by several customers"].samples == ("email:a…@….co: C1, C3",)
    assert found["groups with several customers"].samples == ("phone:+1…01: C1, C9",)
    text = json.dumps(found.to_dict(), ensure_ascii=False) + repr(found)
    assert not [raw for raw in ("2010001", "201-0001", "a@x.co", "24001") if raw in text]


def test_many_customers_are_not_all_named(repository: InMemoryRepository) -> None:
    """A sample names three customers and says that there are more."""
    for number in (8, 7, 6, 5, 4):
        repository.insert_customer(Customer(f"C{number}", phone=X, metadata=OURS))
    (sample,) = backfill.validate(repository)["phones shown by several customers"].samples
    assert sample == "phone:+1…01: C1, C4, C5, …"


def test_three_customers_are_all_named(repository: InMemoryRepository) -> None:
    """There are no more."""
    for number in (5, 4):
        repository.insert_customer(Customer(f"C{number}", phone=X, metadata=OURS))
    (sample,) = backfill.validate(repository)["phones shown by several customers"].samples
    assert sample == "phone:+1…01: C1, C4, C5"


def test_a_validation_is_json(repository: InMemoryRepository) -> None:
    """`to_dict` has the verdict and every check, in plain JSON."""
    edit(repository, "a2", customer_id=None)
    told = json.loads(json.dumps(backfill.validate(repository).to_dict()))
    assert told["ok"] is False
    assert told["checks"][0] == {
        "name": "leads linked",
        "expected": "100%",
        "actual": "4/5 (80%)",
        "severity": "fail",
        "ok": False,
        "samples": ["a2"],
    }


def test_a_check_is_asked_for_by_name(repository: InMemoryRepository) -> None:
    """A name that no check has is a KeyError."""
    found = backfill.validate(repository)
    assert found["leads linked"].verdict == "ok"
    with pytest.raises(KeyError, match="nonsense"):
        found["nonsense"]


_CUSTOMERS = ("c1", "c2", "c3")
_LINKS = st.sampled_from([None, "ghost", *_CUSTOMERS])
_LEADS = st.lists(
    st.tuples(st.sampled_from([None, "1", "2"]), st.sampled_from([None, X, Y]), _LINKS), max_size=6
)


@given(_LEADS, st.lists(st.sampled_from([None, OURS]), min_size=3, max_size=3))
def test_drift_is_what_a_plan_reports(
    leads: list[tuple[str | None, str | None, str | None]], makers: list[dict[str, object] | None]
) -> None:
    """The two checks of drift are ok where a plan reports none, and only there."""
    repository = InMemoryRepository(
        [
            Lead(f"l{n}", psid, phone, customer_id=link)
            for n, (psid, phone, link) in enumerate(leads)
        ],
        customers=[
            Customer(id_, phone=X, metadata=made)
            for id_, made in zip(_CUSTOMERS, makers, strict=True)
        ],
    )
    found = backfill.validate(repository)
    drift = ("groups with several customers", "customers with several groups")
    assert all(found[name].ok for name in drift) == (not backfill.plan(repository).drift)


def test_a_customer_that_holds_nothing_is_not_apart_from_its_leads() -> None:
    """Where every lead had to have a customer there may be blank ones: that is no drift."""
    repository = InMemoryRepository(
        customers=[Customer("c1"), Customer("c2", phone="212 555 0177")],
        leads=[
            Lead("l1", phone="212 555 0143", customer_id="c1"),
            Lead("l2", phone="212 555 0188", customer_id="c2"),
        ],
    )
    found = backfill.validate(repository, Policy.linked())["customers with several groups"]
    assert found.samples == ("c2",)
    plan = backfill.plan(repository, Policy.linked())
    assert [each.customers for each in plan.drift] == [("c2",)]
