"""What a backfill decides to write, and what it reports and leaves alone: mode ``fill``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from leadfold import (
    Customer,
    Dependent,
    IdentifierRule,
    InMemoryRepository,
    Lead,
    Policy,
    Ruling,
    backfill,
)
from leadfold.backfill import Drift, Mismatch
from leadfold.changes import Follow, InsertCustomer, Link, PatchCustomer, Reindex
from leadfold.exceptions import DuplicateLeadError, PolicyError
from leadfold.repository import ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadfold.backfill import Plan
    from leadfold.survivorship import StoredPhone

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
X, Y, Z = "202-555-0141", "202-555-0142", "202-555-0143"
E164 = {X: "+12025550141", Y: "+12025550142", Z: "+12025550143"}
LINKED = Policy.linked()


def day(number: int) -> datetime:
    """Return a day of the month before the run."""
    return datetime(2025, 12, number, tzinfo=UTC)


def counting() -> Callable[[], str]:
    """Return a maker of the ids new-1, new-2 …."""
    numbers = count(1)
    return lambda: f"new-{next(numbers)}"


def planned(repository: InMemoryRepository, policy: Policy | None = None, **given: Any) -> Plan:  # noqa: ANN401 - passed on
    """Return the plan of a run at `AT`, with ids that can be foretold."""
    return backfill.plan(repository, policy, **{"new_id": counting(), "now": AT, **given})


def filled(repository: InMemoryRepository, policy: Policy | None = None, **given: Any) -> Plan:  # noqa: ANN401 - passed on
    """Apply a plan without an error, and return it."""
    plan = planned(repository, policy, **given)
    report = backfill.apply(plan, repository)
    assert report.outcome == "done"
    assert report.stats.errors == ()
    return plan


def changes(plan: Plan, kind: type) -> list[Any]:
    """Return the changes of one kind, in the order of the plan."""
    return [change for unit in plan.units for change in unit.changes if isinstance(change, kind)]


def links(repository: InMemoryRepository) -> dict[str, str | None]:
    """Return each lead's customer."""
    return {lead.id: lead.customer_id for lead in repository.leads()}


def made(customer: str, *, by: str = "leadfold", key: str = "", at: datetime | None = None) -> Any:  # noqa: ANN401 - a Customer
    """Return a stored customer that *by* made."""
    metadata = {"createdBy": by, "groupKey": key, "leadCount": 1, "multipleLeads": False}
    return Customer(customer, metadata=metadata, created_at=at)


def figures(report_or_plan: Any) -> list[object]:  # noqa: ANN401 - either
    """Return the seven figures in their order."""
    return [*report_or_plan.stats.to_dict().values()]


class TestPublishedRun:
    """The original's own report: three messenger leads and one job."""

    @pytest.fixture
    def repository(self) -> InMemoryRepository:
        """Return the store before it."""
        psids = ("1234567890", "2345678901", "3456789012")
        return InMemoryRepository(
            leads=[Lead(f"lead-{n}", psid, created_at=day(n)) for n, psid in enumerate(psids, 1)],
            dependents={"Job": [{"id": "job-1", "lead_id": "lead-2"}]},
        )

    def test_the_first_time(self, repository: InMemoryRepository) -> None:
        """Exactly its seven figures, as planned and as written."""
        plan = planned(repository)
        report = backfill.apply(plan, repository)
        expected = {
            "customersCreated": 3,
            "customersSkipped": 0,
            "leadsLinked": 3,
            "leadsAlreadyLinked": 0,
            "jobsLinked": 1,
            "jobsAlreadyLinked": 0,
            "errors": [],
        }
        assert [*report.stats.to_dict().items()] == [*expected.items()]
        assert plan.stats.to_dict() == expected
        assert plan.counts == {"psid": 3, "phone": 0, "email": 0, "individual": 0}
        assert plan.leads == 3

    def test_the_second_time(self, repository: InMemoryRepository) -> None:
        """Three reused, nothing created or linked, and no unit to write."""
        filled(repository)
        plan = planned(repository)
        report = backfill.apply(plan, repository)
        assert figures(report) == figures(plan) == [0, 3, 0, 3, 0, 1, []]
        assert [*plan.units] == []

    def test_the_rows_afterwards(self, repository: InMemoryRepository) -> None:
        """Three customers, each with its lead; the job has its lead's."""
        filled(repository)
        assert links(repository) == {"lead-1": "new-1", "lead-2": "new-2", "lead-3": "new-3"}
        assert [customer.id for customer in repository.customers()] == ["new-1", "new-2", "new-3"]
        (job,) = repository.dependents("Job")
        assert job["customer_id"] == "new-2"

    def test_the_metadata_has_the_six_keys(self, repository: InMemoryRepository) -> None:
        """As the original wrote them, in its order; only the maker is another."""
        filled(repository)
        first = repository.customers()[0]
        assert [*(first.metadata or {}).items()] == [
            ("groupType", "psid"),
            ("groupKey", "psid:1234567890"),
            ("leadCount", 1),
            ("createdBy", "leadfold"),
            ("createdAt", "2026-01-02T03:04:05.678Z"),
            ("multipleLeads", False),
        ]
        assert first.created_at == AT

    def test_the_audit_entry(self, repository: InMemoryRepository) -> None:
        """Who, what, and a payload of the original's shape, with the run's id."""
        report = backfill.apply(planned(repository, run_id="run-1"), repository)
        (entry,) = repository.audit()
        assert (entry.actor, entry.action, entry.created_at) == ("system", "backfill_customers", AT)
        assert entry.payload == {
            "timestamp": "2026-01-02T03:04:05.678Z",
            "stats": report.stats.to_dict(),
            "script": "leadfold",
            "version": planned(repository).run.versions["leadfold"],
            "run": "run-1",
        }

    def test_actor_and_maker_are_told(self, repository: InMemoryRepository) -> None:
        """They are arguments, and go to audit and metadata."""
        filled(repository, actor="ann", created_by="nightly")
        (entry,) = repository.audit()
        assert (entry.actor, entry.payload["script"]) == ("ann", "nightly")
        assert (repository.customers()[0].metadata or {})["createdBy"] == "nightly"

    def test_a_customer_of_another_maker_s_name_is_leadfold_s_own(
        self, repository: InMemoryRepository
    ) -> None:
        """The ledger knows who made it, whatever name it bears."""
        filled(repository, created_by="nightly")
        repository.insert_lead(Lead("lead-4", psid="1234567890"))
        assert [patch.customer_id for patch in changes(planned(repository), PatchCustomer)] == [
            "new-1"
        ]


class TestFirstRun:
    """A store that no run has touched."""

    def test_planning_writes_nothing(self) -> None:
        """Looking is free."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X)])
        planned(repository)
        assert (links(repository), repository.customers(), repository.audit()) == (
            {"l1": None},
            (),
            (),
        )

    def test_leads_of_one_key_share_a_customer(self) -> None:
        """It shows the first usable values of its oldest leads."""
        repository = InMemoryRepository(
            leads=[
                Lead("l1", phone=X, name="Late", created_at=day(3), email="late@example.org"),
                Lead("l2", phone=X, name=" ", created_at=day(1), email="no address"),
                Lead("l3", phone=X, name=" Ann ", created_at=day(2), email="ANN@example.org"),
            ]
        )
        filled(repository)
        (customer,) = repository.customers()
        assert links(repository) == dict.fromkeys(("l1", "l2", "l3"), "new-1")
        assert (customer.name, customer.phone, customer.email) == (
            "Ann",
            E164[X],
            "ann@example.org",
        )
        metadata = customer.metadata or {}
        assert (metadata["leadCount"], metadata["multipleLeads"]) == (3, True)

    def test_two_leads_are_several(self) -> None:
        """The metadata of a new customer says so."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X), Lead("l2", phone=X)])
        (insert,) = changes(planned(repository), InsertCustomer)
        assert (insert.row["metadata"]["leadCount"], insert.row["metadata"]["multipleLeads"]) == (
            2,
            True,
        )

    def test_created_at_orders_leads_naive_as_utc_and_missing_last(self) -> None:
        """Of equal moments the smaller id comes first."""
        moments = {
            "l5": None,
            "l1": None,
            "l4": datetime(2025, 12, 1, 10),  # noqa: DTZ001 - naive is the point
            "l3": day(1) + timedelta(hours=9),
            "l2": day(1) + timedelta(hours=10),
        }
        repository = InMemoryRepository(
            leads=[Lead(lead, created_at=moment) for lead, moment in moments.items()]
        )
        filled(repository)
        assert sorted(links(repository).items(), key=lambda link: link[1] or "") == [
            ("l3", "new-1"),
            ("l2", "new-2"),
            ("l4", "new-3"),
            ("l1", "new-4"),
            ("l5", "new-5"),
        ]

    def test_units_are_numbered_from_nothing_in_order_of_their_oldest_lead(self) -> None:
        """And may be walked again."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, created_at=day(2)), Lead("l2", phone=Y, created_at=day(1))]
        )
        plan = planned(repository)
        walked = [(unit.number, [*unit.leads]) for unit in plan.units]
        assert walked == [(0, ["l2"]), (1, ["l1"])]
        assert [*plan.units] == [*plan.units]

    def test_a_unit_writes_customer_then_links_then_the_rest(self) -> None:
        """So that no row points at one that is not there; leads in text order."""
        repository = InMemoryRepository(
            leads=[Lead("l2", phone=X), Lead("l1", phone=X)],
            dependents={"Job": [{"id": "j1", "lead_id": "l1"}]},
        )
        plan = planned(repository)
        (unit,) = plan.units
        assert [type(change) for change in unit.changes] == [
            InsertCustomer,
            Link,
            Link,
            Follow,
            Reindex,
            Reindex,
        ]
        assert unit.changes[1] == Link("l1", None, "new-1", "phone:+1…41")
        assert unit.changes[3] == Follow("Job", "l1", "new-1", 1)
        assert [change.record_id for change in changes(plan, Reindex)] == ["l1", "l2"]

    def test_rejected_and_unindexed_are_counted(self) -> None:
        """What was not used, and what the index will learn."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=("12", "13")), Lead("l2")])
        extra = planned(repository).stats.extra
        assert (extra["rejected"], extra["indexed"], extra["unreadable"]) == (2, 2, 0)
        assert extra["rejectedBy"] == {"phone": {"too_short": 2}}
        assert "rejectedBy" not in planned(InMemoryRepository(leads=[Lead("l1")])).stats.extra

    def test_the_largest_groups_are_named_largest_first(self) -> None:
        """Twenty of them; of one size in order of key."""
        leads = [
            Lead(f"{psid}-{n}", psid=f"{psid:02}")
            for psid in range(1, 23)
            for n in range(3 if psid == 22 else 1)
        ]
        large = planned(InMemoryRepository(leads=leads)).large
        assert [(group.key, group.leads) for group in large[:3]] == [
            ("psid:22", 3),
            ("psid:01", 1),
            ("psid:02", 1),
        ]
        assert len(large) == 20

    def test_a_mode_that_is_none_is_refused(self) -> None:
        """The message names it."""
        with pytest.raises(ValueError, match="mode must be 'fill' or 'reconcile', not 'merge'"):
            backfill.plan(InMemoryRepository(), mode="merge")  # type: ignore[arg-type]

    def test_now_without_a_zone_means_utc(self) -> None:
        """As everywhere."""
        plan = planned(InMemoryRepository(), now=AT.replace(tzinfo=None))
        assert plan.run.at == AT

    def test_ids_and_time_have_defaults(self) -> None:
        """A plan can be made with nothing but a store."""
        plan = backfill.plan(InMemoryRepository(leads=[Lead("l1")]))
        (insert,) = changes(plan, InsertCustomer)
        assert len(insert.customer_id) == len(plan.run.id) == 36
        assert insert.customer_id != plan.run.id
        assert plan.run.at.tzinfo is UTC

    def test_two_leads_of_one_id_are_refused(self) -> None:
        """Also a lead with the id of a customer's record."""
        repository = InMemoryRepository(leads=[Lead("customer:c1")], customers=[Customer("c1")])
        with pytest.raises(DuplicateLeadError, match="customer:c1"):
            planned(repository)


class TestExistingLinks:
    """They are never changed."""

    def test_a_new_lead_joins_the_customer_of_its_key(self) -> None:
        """That customer's counts follow, whatever else its metadata holds is left."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X)])
        filled(repository)
        repository.insert_lead(Lead("l2", phone=X, name="Ann"))
        plan = filled(repository)
        assert figures(plan) == [0, 1, 1, 1, 0, 0, []]
        assert changes(plan, PatchCustomer) == [
            PatchCustomer(
                "new-1",
                {"leadCount": 1, "multipleLeads": False},
                {"leadCount": 2, "multipleLeads": True},
            )
        ]
        assert links(repository) == {"l1": "new-1", "l2": "new-1"}
        assert repository.customers()[0].name is None

    def test_a_group_takes_the_oldest_customer_its_leads_have(self) -> None:
        """Then the smallest id; one without a time is the youngest."""
        repository = InMemoryRepository(
            leads=[
                *(Lead(f"l{c}", phone=X, customer_id=c) for c in ("c0", "c2", "c3", "c4")),
                Lead("new", phone=X),
            ],
            customers=[
                made("c0"),
                made("c4", at=day(1)),
                made("c2", at=day(2)),
                made("c3", at=day(1)),
            ],
        )
        plan = filled(repository)
        assert links(repository) == {
            "lc0": "c0",
            "lc2": "c2",
            "lc3": "c3",
            "lc4": "c4",
            "new": "c3",
        }
        assert plan.drift == (Drift((f"phone:{E164[X]}",), ("c0", "c2", "c3", "c4")),)

    def test_a_link_that_grouping_would_not_make_stays(self) -> None:
        """A lead that another lead's customer was given, by whomever."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="c1"), Lead("l2", phone=Y, customer_id="c1")],
            customers=[made("c1")],
        )
        plan = filled(repository)
        assert plan.drift == (Drift((f"phone:{E164[X]}", f"phone:{E164[Y]}"), ("c1",)),)
        assert plan.stats.extra["drift"] == 1
        assert links(repository) == {"l1": "c1", "l2": "c1"}

    def test_groups_that_share_a_customer_are_one_unit(self) -> None:
        """It rests on all their leads, and writes what either gains."""
        repository = InMemoryRepository(
            leads=[
                Lead("l1", phone=X, customer_id="c1"),
                Lead("l2", phone=Y, customer_id="c1"),
                Lead("l3", phone=X),
                Lead("l4", phone=Y),
                Lead("l5", phone=Z),
            ],
            customers=[made("c1")],
        )
        first, second = planned(repository).units
        assert sorted(first.leads) == ["l1", "l2", "l3", "l4"]
        assert [*first.customers] == ["c1"]
        patches = [change for change in first.changes if isinstance(change, PatchCustomer)]
        assert [patch.after["leadCount"] for patch in patches] == [4]
        assert ([*second.leads], second.customers) == (["l5"], {})

    def test_one_customer_and_one_group_are_no_drift(self) -> None:
        """Nor is a group that is linked to nothing."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="c1"), Lead("l2", phone=Y)],
            customers=[made("c1")],
        )
        assert planned(repository).drift == ()

    def test_a_second_plan_changes_nothing(self) -> None:
        """Whatever the first one met."""
        repository = InMemoryRepository(
            leads=[
                Lead("l1", phone=X, customer_id="c1"),
                Lead("l2", phone=Y, customer_id="c1"),
                Lead("l3", phone=(Y, Z)),
                Lead("l4", psid="null"),
            ],
            customers=[made("c1"), Customer("c2", phone=Z), made("c3", key=f"phone:{E164[Z]}")],
            dependents={"Job": [{"id": "j1", "lead_id": "l3"}, {"id": "j2", "lead_id": "gone"}]},
        )
        for policy in (Policy.keyed(), LINKED):
            filled(repository, policy)
            again = planned(repository, policy)
            assert [*again.units] == []
            assert (again.stats.customers_created, again.stats.leads_linked) == (0, 0)

    def test_an_edited_lead_keeps_its_customer_and_is_indexed_anew(self) -> None:
        """The links are the truth; the index holds what the lead holds now."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X), Lead("l2", phone=Y)])
        filled(repository)
        repository.update_lead(Lead("l1", phone=Z, customer_id="new-1"))
        plan = filled(repository)
        (reindex,) = changes(plan, Reindex)
        assert [identifier.value for identifier in reindex.identifiers] == [E164[Z]]
        assert [unit.changes for unit in plan.units] == [(reindex,)]
        assert links(repository) == {"l1": "new-1", "l2": "new-2"}

    @pytest.mark.parametrize(
        ("metadata", "patched"),
        [
            pytest.param({"createdBy": "leadfold"}, True, id="leadfold's"),
            pytest.param({"createdBy": ORIGINAL}, True, id="the original's"),
            pytest.param({"createdBy": "ann", "leadCount": 1}, False, id="anybody else's"),
            pytest.param(None, False, id="without metadata"),
        ],
    )
    def test_counts_are_kept_on_customers_that_a_backfill_made(
        self, metadata: dict[str, object] | None, *, patched: bool
    ) -> None:
        """A row that neither made is not touched."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="c1"), Lead("l2", phone=X)],
            customers=[Customer("c1", metadata=metadata)],
        )
        found = changes(planned(repository), PatchCustomer)
        after = {"leadCount": 2, "multipleLeads": True}
        assert found == ([PatchCustomer("c1", {}, after)] if patched else [])

    def test_counts_that_are_right_already_are_not_written(self) -> None:
        """A patch that changes nothing is no patch."""
        metadata = {"createdBy": ORIGINAL, "leadCount": 2, "multipleLeads": True}
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="c1"), Lead("l2", phone=X)],
            customers=[Customer("c1", metadata=metadata)],
        )
        assert changes(planned(repository), PatchCustomer) == []


class TestForeignCustomers:
    """Customers that neither leadfold nor the original made are records of their own."""

    def test_a_lead_with_the_phone_of_a_customer_is_linked_to_it(self) -> None:
        """The row itself is evidence, in its own words."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)], customers=[Customer("c1", phone="(202) 555-0141")]
        )
        plan = filled(repository)
        assert links(repository) == {"l1": "c1"}
        assert figures(plan) == [0, 1, 1, 0, 0, 0, []]

    def test_it_keeps_being_evidence(self) -> None:
        """Also after its first lead, and with nothing to write the next time."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)],
            customers=[Customer("c1", phone=X, email="ann@example.org")],
        )
        filled(repository)
        assert [*planned(repository).units] == []
        repository.insert_lead(Lead("l2", phone=X))
        filled(repository)
        assert links(repository) == {"l1": "c1", "l2": "c1"}

    def test_its_record_is_in_the_index_and_not_among_the_leads(self) -> None:
        """A unit rests on the customer row, not on a lead of that name."""
        repository = InMemoryRepository(customers=[Customer("c1", phone=X)])
        (unit,) = planned(repository).units
        assert ([*unit.customers], unit.leads) == (["c1"], {})
        assert [change.record_id for change in changes(planned(repository), Reindex)] == [
            "customer:c1"
        ]

    def test_it_does_not_count_as_a_lead_or_a_group(self) -> None:
        """The figures are of leads, and of the customers they have."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)], customers=[Customer("c1", phone=X), Customer("c2")]
        )
        plan = planned(repository)
        assert plan.counts == {"psid": 0, "phone": 1, "email": 0, "individual": 0}
        assert plan.leads == 1
        assert figures(plan) == [0, 1, 1, 0, 0, 0, []]

    def test_what_leadfold_put_on_a_customer_is_no_evidence(self) -> None:
        """A lead with the phone that such a customer shows founds its own."""
        repository = InMemoryRepository(leads=[Lead("l1", psid="1001", phone=X)])
        filled(repository)
        assert repository.customers()[0].phone == E164[X]
        repository.insert_lead(Lead("l2", phone=X))
        filled(repository, new_id=lambda: "another")
        assert links(repository)["l2"] == "another"

    def test_two_that_share_a_phone_are_drift(self) -> None:
        """Each counts as a lead linked to its own customer."""
        repository = InMemoryRepository(
            customers=[Customer("c1", phone=X), Customer("c2", phone=X)]
        )
        assert planned(repository).drift == (Drift((f"phone:{E164[X]}",), ("c1", "c2")),)

    def test_a_lead_linked_to_it_is_one_customer(self) -> None:
        """Although the row holds no identifier: it is a group of its own, and that is drift."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="c1")], customers=[Customer("c1", phone=X)]
        )
        assert planned(repository).drift == ()


class TestChildlessCustomers:
    """A customer without leads that a backfill made lends its id to the group of its key."""

    @pytest.mark.parametrize(
        ("lead", "key"),
        [
            pytest.param(Lead("l1", phone=X), f"phone:{E164[X]}", id="leadfold's key"),
            pytest.param(Lead("l1", phone=X), "phone:12025550141", id="the original's digits"),
            pytest.param(Lead("l1", phone=X), "phone:2025550141", id="national digits"),
            pytest.param(Lead("l1", email="a@b.org"), "email: A@B.org", id="an address as typed"),
            pytest.param(Lead("l1", psid="1001"), "psid:1001", id="a messenger id"),
            pytest.param(Lead("l1", psid="a:b"), "psid: a:b", id="an id with a colon"),
            pytest.param(Lead("l1"), "individual:l1", id="a lead by itself"),
        ],
    )
    @pytest.mark.parametrize("by", ["leadfold", ORIGINAL])
    def test_the_recorded_key_is_read_by_today_s_rules(self, lead: Lead, key: str, by: str) -> None:
        """As it stands, or normalized again."""
        repository = InMemoryRepository(leads=[lead], customers=[made("c1", by=by, key=key)])
        plan = filled(repository)
        assert links(repository) == {"l1": "c1"}
        assert figures(plan) == [0, 1, 1, 0, 0, 0, []]

    @pytest.mark.parametrize(
        "customer",
        [
            pytest.param(made("c1", key=f"phone:{E164[Y]}"), id="of another key"),
            pytest.param(made("c1", key="phone:n/a"), id="of a key that is none"),
            pytest.param(made("c1", key="badge:7"), id="of a kind that is not in the policy"),
            pytest.param(made("c1", key=E164[X]), id="of a value without its kind"),
            pytest.param(made("c1", by="ann", key=f"phone:{E164[X]}"), id="of anybody else"),
            pytest.param(
                Customer("c1", metadata={"createdBy": "leadfold", "groupKey": 7}), id="of no text"
            ),
            pytest.param(Customer("c1", metadata={"createdBy": "leadfold"}), id="of no key"),
        ],
    )
    def test_another_customer_lends_nothing(self, customer: Customer) -> None:
        """The group gets a new one."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X)], customers=[customer])
        filled(repository)
        assert links(repository) == {"l1": "new-1"}

    def test_it_serves_only_a_group_that_nothing_else_serves(self) -> None:
        """Links come first, whatever is recorded."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="c2"), Lead("l2", phone=X)],
            customers=[
                made("c1", key=f"phone:{E164[X]}", at=day(1)),
                made("c2", key="phone:?", at=day(2)),
            ],
        )
        filled(repository)
        assert links(repository) == {"l1": "c2", "l2": "c2"}

    def test_a_customer_with_leads_lends_nothing(self) -> None:
        """Its leads have moved on to another key, and it stays theirs."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=Y, customer_id="c1"), Lead("l2", phone=X)],
            customers=[made("c1", key=f"phone:{E164[X]}")],
        )
        filled(repository)
        assert links(repository) == {"l1": "c1", "l2": "new-1"}

    def test_of_several_the_oldest_lends(self) -> None:
        """The others stay as they are."""
        key = f"phone:{E164[X]}"
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)],
            customers=[made("c1", key=key), made("c3", key=key, at=day(1)), made("c2", key=key)],
        )
        filled(repository)
        assert links(repository) == {"l1": "c3"}

    def test_a_unit_rests_on_the_customer_that_is_lent(self) -> None:
        """If that row changes, the plan is stale."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)], customers=[made("c1", key=f"phone:{E164[X]}")]
        )
        (unit,) = planned(repository).units
        assert [*unit.customers] == ["c1"]

    def test_one_lead_is_not_several(self) -> None:
        """What was recorded of many leads follows when one is left."""
        metadata = {"createdBy": "leadfold", "groupKey": "individual:l1", "leadCount": 3}
        customer = Customer("c1", metadata={**metadata, "multipleLeads": True})
        repository = InMemoryRepository(leads=[Lead("l1")], customers=[customer])
        (patch,) = changes(planned(repository), PatchCustomer)
        assert patch.after == {"leadCount": 1, "multipleLeads": False}

    def test_its_counts_follow(self) -> None:
        """From what was recorded to the leads it has now."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X), Lead("l2", phone=X)],
            customers=[made("c1", key=f"phone:{E164[X]}")],
        )
        (patch,) = changes(filled(repository), PatchCustomer)
        assert patch.after == {"leadCount": 2, "multipleLeads": True}

    def test_a_recorded_key_that_serves_nothing_may_serve_when_normalized(self) -> None:
        """The next reading of one key is tried, where the first one names a group that is served.

        Here a lead by itself bears the id that the other's key begins with.
        """
        repository = InMemoryRepository(
            leads=[Lead("l1", email="a@b.org", customer_id="c2"), Lead("l2", phone=X)],
            customers=[made("c1", key="phone:(202) 555-0141"), made("c2")],
        )
        filled(repository)
        assert links(repository) == {"l1": "c2", "l2": "c1"}


class TestVanishedCustomers:
    """Links to customers that are no more."""

    def test_such_a_link_is_kept_and_founds_no_customer(self) -> None:
        """Nobody would be linked to a new one."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X, customer_id="gone")])
        plan = filled(repository)
        assert figures(plan) == [0, 0, 0, 1, 0, 0, []]
        assert (links(repository), repository.customers()) == ({"l1": "gone"}, ())
        assert [*planned(repository).units] == []

    def test_a_new_lead_of_the_group_founds_a_customer(self) -> None:
        """The old link stays as it is."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="gone"), Lead("l2", phone=X)]
        )
        filled(repository)
        assert links(repository) == {"l1": "gone", "l2": "new-1"}
        assert (repository.customers()[0].metadata or {})["leadCount"] == 1

    def test_an_older_vanished_customer_does_not_hide_a_living_one(self) -> None:
        """The group takes the customer that exists."""
        repository = InMemoryRepository(
            leads=[
                Lead("l1", phone=X, customer_id="gone"),
                Lead("l2", phone=X, customer_id="c1"),
                Lead("l3", phone=X),
            ],
            customers=[made("c1")],
        )
        plan = filled(repository)
        assert links(repository)["l3"] == "c1"
        assert plan.drift == ()

    def test_groups_that_share_one_are_one_unit(self) -> None:
        """They would go to one customer if it came back."""
        repository = InMemoryRepository(
            leads=[
                Lead("l1", phone=X, customer_id="gone"),
                Lead("l2", phone=Y, customer_id="gone"),
            ]
        )
        (unit,) = planned(repository).units
        assert (sorted(unit.leads), unit.customers) == (["l1", "l2"], {})

    def test_its_dependents_are_reported(self) -> None:
        """They have no customer to take; one that names it has none either."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X, customer_id="gone")],
            dependents={
                "Job": [
                    {"id": "j1", "lead_id": "l1"},
                    {"id": "j2", "lead_id": "l1", "customer_id": "gone"},
                ]
            },
        )
        plan = filled(repository)
        assert plan.mismatches == (
            Mismatch("Job", "l1", None, 1, "lead without customer"),
            Mismatch("Job", "l1", "gone", 1, "lead without customer"),
        )
        assert changes(plan, Follow) == []


class TestShownPhone:
    """How new customers show their phone."""

    @pytest.mark.parametrize(
        ("stored_phone", "shown"),
        [("e164", "+12025550141"), ("national", "2025550141"), ("as_received", "(202) 555-0141")],
    )
    def test_it_is_shown_as_stored_phone_says(self, stored_phone: StoredPhone, shown: str) -> None:
        """The group's key is E.164 always."""
        repository = InMemoryRepository(leads=[Lead("l0"), Lead("l1", phone="(202) 555-0141")])
        filled(repository, stored_phone=stored_phone)
        first, second = repository.customers()
        assert (first.phone, second.phone) == (None, shown)
        assert (second.metadata or {})["groupKey"] == "phone:+12025550141"

    def test_of_several_the_first_usable_one_is_shown(self) -> None:
        """As E.164, where it cannot be told which text was received for it."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=("12", X, Y))])
        filled(repository, stored_phone="as_received")
        assert repository.customers()[0].phone == E164[X]

    def test_as_received_is_read_from_the_lead_it_came_with(self) -> None:
        """Not from one whose phone was refused, in whatever batch it was."""
        repository = InMemoryRepository(
            leads=[Lead("l1", psid="7", phone="12"), Lead("l2", psid="7", phone="202 5550141")],
        )
        filled(repository, stored_phone="as_received")
        assert repository.customers()[0].phone == "202 5550141"

    def test_a_scoped_value_is_shown_without_its_scope(self) -> None:
        """The scope is the policy's matter, not the customer's phone or address."""
        policy = Policy(
            [
                IdentifierRule("phone", scope="branch"),
                IdentifierRule("email", scope="branch"),
            ]
        )
        repository = InMemoryRepository(
            leads=[{"id": "l1", "phone": X, "email": "ann/bea@example.org", "branch": "a/b"}]
        )
        filled(repository, policy)
        (customer,) = repository.customers()
        assert (customer.phone, customer.email) == (E164[X], "ann/bea@example.org")

    def test_a_kind_that_is_not_in_the_policy_is_not_shown(self) -> None:
        """Nothing says how to read it."""
        repository = InMemoryRepository(leads=[Lead("l1", psid="7", phone=X, email="a@b.org")])
        filled(repository, Policy(["psid", "email"]))
        (customer,) = repository.customers()
        assert (customer.phone, customer.email) == (None, "a@b.org")


class TestUniqueColumns:
    """Where the store declares a shown column unique."""

    LEADS = (
        Lead("l1", psid="1", phone=X, email="a@b.org", created_at=day(2)),
        Lead("l2", psid="2", phone=X, email="a@b.org", created_at=day(1)),
        Lead("l3", psid="3", phone=Y, created_at=day(3)),
    )

    def test_the_first_customer_shows_a_phone_and_later_ones_none(self) -> None:
        """The one of the oldest lead; a note says who does not, and no unit fails."""
        repository = InMemoryRepository(leads=self.LEADS, unique={"phone"})
        plan = filled(repository)
        shown = {
            customer.id: (customer.phone, customer.email) for customer in repository.customers()
        }
        assert shown == {
            "new-1": (E164[X], "a@b.org"),
            "new-2": (None, "a@b.org"),
            "new-3": (E164[Y], None),
        }
        assert plan.notes == ("new-2 shows no phone: another customer has it already",)
        assert links(repository)["l2"] == "new-1"

    def test_an_existing_customer_comes_before_new_ones(self) -> None:
        """Whoever made it, and however old it is."""
        repository = InMemoryRepository(
            leads=self.LEADS[:1],
            customers=[attrs.evolve(made("c1"), phone=E164[X])],
            unique={"phone"},
        )
        plan = filled(repository)
        assert repository.customers()[1].phone is None
        assert len(plan.notes) == 1

    def test_each_column_is_held_to_it(self) -> None:
        """Both at once, noted column by column."""
        repository = InMemoryRepository(leads=self.LEADS[:2], unique={"phone", "email"})
        plan = filled(repository)
        assert plan.notes == (
            "new-2 shows no email: another customer has it already",
            "new-2 shows no phone: another customer has it already",
        )

    def test_customers_without_a_value_do_not_clash(self) -> None:
        """NULL is not a value."""
        repository = InMemoryRepository(leads=[Lead("l1"), Lead("l2")], unique={"phone"})
        assert filled(repository).notes == ()

    def test_where_nothing_is_unique_all_show_it(self) -> None:
        """A family phone, on each of them."""
        repository = InMemoryRepository(leads=self.LEADS)
        assert filled(repository).notes == ()
        assert [customer.phone for customer in repository.customers()] == [
            E164[X],
            E164[X],
            E164[Y],
        ]


class TestDependents:
    """Rows that point at a lead take their lead's customer."""

    def test_they_take_the_customer_of_their_lead(self) -> None:
        """A new one and an existing one alike, however many rows."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X), Lead("l2", phone=Y, customer_id="c1")],
            customers=[made("c1")],
            dependents={
                "Job": [{"id": "j1", "lead_id": "l1"}, {"id": "j2", "lead_id": "l1"}],
                "Conversation": [{"id": "v1", "lead_id": "l2"}],
            },
        )
        plan = filled(repository)
        assert [row["customer_id"] for row in repository.dependents("Job")] == ["new-1", "new-1"]
        assert [row["customer_id"] for row in repository.dependents("Conversation")] == ["c1"]
        assert plan.stats.jobs_linked == 2
        assert plan.stats.extra["dependents"] == {
            "Conversation": {"linked": 1, "already": 0},
            "Job": {"linked": 2, "already": 0},
        }

    def test_tables_and_columns_may_have_names_of_their_own(self) -> None:
        """They are declared; only the one named Job is among the seven figures."""
        visit = Dependent("Visit", lead_id="visitor", customer_id="person")
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)], dependents={visit: [{"id": 1, "visitor": "l1"}]}
        )
        plan = filled(repository)
        assert repository.dependents("Visit") == ({"id": 1, "visitor": "l1", "person": "new-1"},)
        assert (plan.stats.jobs_linked, plan.stats.extra["dependents"]) == (
            0,
            {"Visit": {"linked": 1, "already": 0}},
        )

    def test_several_tables_of_a_lead_come_in_order_of_name(self) -> None:
        """Whatever order they were declared in."""
        rows = [{"id": "1", "lead_id": "l1"}]
        repository = InMemoryRepository(
            leads=[Lead("l1")], dependents={"Visit": rows, "Job": rows, "Call": rows}
        )
        tables = [follow.table for follow in changes(planned(repository), Follow)]
        assert tables == ["Call", "Job", "Visit"]

    def test_they_follow_their_lead_s_link_not_its_group_s_customer(self) -> None:
        """Where links drift apart, the lead's own one counts."""
        repository = InMemoryRepository(
            leads=[Lead(f"l{c}", phone=X, customer_id=c) for c in ("c1", "c2")],
            customers=[made("c1"), made("c2")],
            dependents={
                "Job": [
                    {"id": "j1", "lead_id": "lc2"},
                    {"id": "j2", "lead_id": "lc2", "customer_id": "c2"},
                    {"id": "j3", "lead_id": "lc1"},
                    {"id": "j4", "lead_id": "lc1", "customer_id": "c1"},
                ]
            },
        )
        plan = filled(repository)
        assert [row["customer_id"] for row in repository.dependents("Job")] == [
            "c2",
            "c2",
            "c1",
            "c1",
        ]
        assert (plan.stats.jobs_linked, plan.stats.jobs_already_linked) == (2, 2)

    def test_one_that_has_its_lead_s_customer_is_linked_already(self) -> None:
        """And counted so."""
        repository = InMemoryRepository(
            leads=[Lead("l1", customer_id="c1")],
            customers=[made("c1")],
            dependents={"Job": [{"id": "j1", "lead_id": "l1", "customer_id": "c1"}]},
        )
        plan = planned(repository)
        assert (plan.stats.jobs_linked, plan.stats.jobs_already_linked) == (0, 1)
        assert plan.mismatches == ()

    def test_one_that_does_not_follow_is_reported_and_left(self) -> None:
        """Another customer, a lead that is none, no lead at all; in order of table and lead."""
        rows: list[dict[str, object]] = [
            {"id": "j1", "lead_id": "l1", "customer_id": "c2"},
            {"id": "j2", "lead_id": "gone"},
            {"id": "j3", "lead_id": "gone"},
            {"id": "j4", "lead_id": None, "customer_id": "c2"},
        ]
        repository = InMemoryRepository(
            leads=[Lead("l1", customer_id="c1")],
            customers=[made("c1"), made("c2")],
            dependents={"Job": rows, "Call": rows[:1]},
        )
        plan = filled(repository)
        assert plan.mismatches == (
            Mismatch("Call", "l1", "c2", 1, "other customer"),
            Mismatch("Job", None, "c2", 1, "no lead"),
            Mismatch("Job", "gone", None, 2, "no lead"),
            Mismatch("Job", "l1", "c2", 1, "other customer"),
        )
        assert plan.stats.extra["dependentsNotFollowing"] == {"no lead": 3, "other customer": 2}
        assert [*repository.dependents("Job")] == rows

    def test_another_customer_is_no_evidence(self) -> None:
        """A job's customer does not become its lead's."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X)],
            customers=[made("c1")],
            dependents={"Job": [{"id": "j1", "lead_id": "l1", "customer_id": "c1"}]},
        )
        plan = filled(repository)
        assert links(repository) == {"l1": "new-1"}
        assert [mismatch.problem for mismatch in plan.mismatches] == ["other customer"]

    def test_a_job_that_comes_later_is_a_unit_of_its_own(self) -> None:
        """Although its lead is linked and indexed."""
        repository = InMemoryRepository(leads=[Lead("l1", phone=X), Lead("l2", phone=Y)])
        filled(repository)
        repository.insert_dependent("Job", {"id": "j1", "lead_id": "l2"})
        plan = planned(repository)
        assert [unit.changes for unit in plan.units] == [(Follow("Job", "l2", "new-2", 1),)]
        assert figures(plan) == [0, 2, 0, 2, 1, 0, []]


class TestPolicyAndStore:
    """What a policy asks for, and what the store has."""

    def test_a_field_that_the_store_does_not_map_is_refused(self) -> None:
        """Every one of them, with what it does map."""
        repository = InMemoryRepository(leads=[Lead("l1")], fields={"psid", "phone"})
        policy = Policy([IdentifierRule("psid", scope="page_id"), "phone", "email"])
        with pytest.raises(PolicyError) as refused:
            planned(repository, policy)
        assert refused.value.faults == tuple(
            f"the store maps no lead column to {name!r} (it maps phone, psid): map one, or take "
            "it out of the policy"
            for name in ("email", "page_id")
        )

    def test_the_line_to_paste_loses_nothing_of_the_policy(self) -> None:
        """It is given where the kinds that are left are as they are by default."""
        repository = InMemoryRepository(leads=[Lead("l1")], fields={"psid", "phone"})
        own = IdentifierRule("phone", blocked=["+12025550149"])
        for phone, line in (("phone", ': identifiers = ["psid", "phone"]'), (own, "")):
            with pytest.raises(PolicyError) as refused:
                planned(repository, Policy(["psid", phone, "email"]))
            assert refused.value.faults[0].endswith(f"out of the policy{line}")
        with pytest.raises(PolicyError, match=r"out of the policy$"):
            planned(repository, Policy(["email"]))

    def test_a_store_that_maps_every_name_is_asked_for_any(self) -> None:
        """What no lead holds is empty."""
        policy = Policy([IdentifierRule("badge"), "phone"])
        plan = planned(InMemoryRepository(leads=[Lead("l1", phone=X)]), policy)
        assert plan.counts == {"badge": 0, "phone": 1, "individual": 0}

    def test_rulings_in_the_store_are_honoured(self) -> None:
        """A plan groups as people decided."""
        repository = InMemoryRepository(
            leads=[Lead("l1", phone=X), Lead("l2", phone=X), Lead("l3", phone=Y)],
            rulings=[Ruling("r1", [["l1"], ["l2"]]), Ruling("r2", [["l2", "l3"]])],
        )
        filled(repository)
        assert links(repository) == {"l1": "new-1", "l2": "new-2", "l3": "new-2"}

    def test_the_policy_s_strategy_decides_the_groups(self) -> None:
        """And is said in the plan, for its limits."""
        leads = [Lead("l1", psid="7", phone=X), Lead("l2", phone=X)]
        keyed = planned(InMemoryRepository(leads=leads))
        linked = planned(InMemoryRepository(leads=leads), LINKED)
        assert (keyed.stats.customers_created, linked.stats.customers_created) == (2, 1)
        assert (keyed.strategy, linked.strategy) == ("keyed", "linked")

    def test_the_run_says_what_it_was_made_with(self) -> None:
        """Its fingerprint, and the versions of the normalizers and of leadfold."""
        run = planned(InMemoryRepository(), LINKED).run
        assert run.policy == LINKED.fingerprint
        assert [*run.versions] == ["leadfold", "psid", "phone", "email"]
        assert (run.action, run.mode, run.status) == ("backfill_customers", "fill", "done")
