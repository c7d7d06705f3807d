"""Mode ``fill``: its promises, over small stores of leads, links and customers of any origin."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import backfill
from leadfold.changes import Follow, InsertCustomer, Link, PatchCustomer, Reindex
from oracle.balance import enough
from oracle.stores import is_record, stored

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from leadfold import InMemoryRepository
    from leadfold.policy import Strategy
    from oracle.stores import Stored

NOW = datetime(2026, 2, 3, tzinfo=UTC)
BOTH = pytest.mark.parametrize("strategy", ["keyed", "linked"])


@BOTH
def test_no_link_changes(strategy: Strategy) -> None:
    """Promise (a): a lead that has a customer keeps it, and afterwards every lead has one."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        after = _links(_filled(store))
        before = {lead.id: lead.customer_id for lead in store.leads if lead.customer_id}
        assert {lead_id: after[lead_id] for lead_id in before} == before
        assert None not in after.values()

    law()


@BOTH
def test_a_fill_right_after_writes_nothing(strategy: Strategy) -> None:
    """Promise (c): no unit, nothing created or linked, and every link counted as kept."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        repository = _filled(store)
        again = backfill.plan(repository, store.policy)
        assert tuple(again.units) == ()
        assert (again.stats.customers_created, again.stats.leads_linked) == (0, 0)
        assert again.stats.leads_already_linked == len(store.leads)
        assert again.stats.jobs_linked == 0

    law()


@BOTH
def test_each_group_takes_the_customer_that_the_rules_name(strategy: Strategy) -> None:
    """The oldest its leads are linked to, else one that lends its id, else a new one each."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        after, expected = _links(_filled(store)), store.expected()
        unlinked = {lead.id for lead in store.leads if lead.customer_id is None}
        old, new = {customer.id for customer in store.customers}, set[str | None]()
        for found in store.resolution().groups:
            taken = {after[one] for one in found if one in unlinked}
            if found.key in expected:
                assert taken <= {expected[found.key]}
            elif taken:
                assert len(taken) == 1
                assert not taken & (old | new)
                new |= taken

    law()


@BOTH
def test_the_figures_are_those_of_the_rules(strategy: Strategy) -> None:
    """Created, reused, linked and kept, counted from the rows by themselves."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        expected, stats = store.expected(), backfill.plan(store.repository(), store.policy).stats
        with_leads = [
            found.key
            for found in store.resolution().groups
            if any(not one.startswith("customer:") for one in found)
        ]
        linked = sum(lead.customer_id is not None for lead in store.leads)
        assert stats.customers_created == sum(key not in expected for key in with_leads)
        assert stats.customers_skipped == len({expected[k] for k in with_leads if k in expected})
        assert stats.leads_linked == len(store.leads) - linked
        assert stats.leads_already_linked == linked
        assert stats.jobs_linked == len(store.leads)

    law()


@BOTH
def test_a_plan_does_not_depend_on_the_order_of_rows(strategy: Strategy) -> None:
    """With ids and time handed in, two orders of one store give one plan, unit for unit."""

    @enough(60)
    @given(stored(strategy), st.randoms(use_true_random=False))
    def law(store: Stored, random: Random) -> None:
        shuffled = _plan(store.repository(random), store)
        assert _unversioned(shuffled) == _unversioned(_plan(store.repository(), store))

    law()


@BOTH
def test_planning_writes_nothing(strategy: Strategy) -> None:
    """A dry run is the plan: the store is as it was, and plans the same again."""

    @enough(30)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        repository, untouched = store.repository(), store.repository()
        plan = _plan(repository, store)
        assert _rows(repository) == _rows(untouched)
        assert _plan(repository, store) == plan

    law()


@BOTH
def test_the_real_run_is_the_dry_run(strategy: Strategy) -> None:
    """Figures and rows: what the plan says is what is reported and what changes."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        repository = store.repository()
        plan = _plan(repository, store)
        report = backfill.apply(plan, repository)
        assert report.stats.to_dict() == plan.stats.to_dict()
        before = {lead.id: lead.customer_id for lead in store.leads}
        planned = {c.lead_id: c.after for c in _changes(plan) if isinstance(c, Link)}
        assert _links(repository) == before | planned
        made = {c.customer_id for c in _changes(plan) if isinstance(c, InsertCustomer)}
        old = {customer.id for customer in store.customers}
        assert {customer.id for customer in repository.customers()} == old | made
        assert not made & old

    law()


@BOTH
def test_dependents_take_the_customer_of_their_lead(strategy: Strategy) -> None:
    """After a fill every job has its lead's customer."""

    @enough(30)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        repository = _filled(store)
        links = _links(repository)
        for job in repository.dependents("Job"):
            assert job["customer_id"] == links[str(job["lead_id"])]

    law()


@BOTH
def test_drift_is_reported_and_nothing_else_is(strategy: Strategy) -> None:
    """Several customers in one group, or one customer in several groups."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        drift = backfill.plan(store.repository(), store.policy).drift
        shared, spread = store.drifting()
        reported = {customer for one in drift for customer in one.customers}
        assert reported >= shared | spread
        assert bool(drift) == bool(shared | spread)
        for one in drift:
            assert {*one.customers} & (shared | spread)

    law()


@BOTH
def test_existing_customers_keep_what_they_show(strategy: Strategy) -> None:
    """A fill adds to metadata at most; a foreign row's own keys stay as they were."""

    @enough(30)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        after = {customer.id: customer for customer in _filled(store).customers()}
        for customer in store.customers:
            now = after[customer.id]
            assert (now.name, now.phone, now.email) == (
                customer.name,
                customer.phone,
                customer.email,
            )
            assert now.created_at == customer.created_at
            metadata = customer.metadata or {}
            assert (now.metadata or {}).get("own") == metadata.get("own")
            assert (now.metadata or {}).get("createdBy") == metadata.get("createdBy")

    law()


@BOTH
def test_units_share_no_customer_and_no_lead(strategy: Strategy) -> None:
    """What must be written together is in one unit, so that each can fail alone."""

    @enough(30)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        plan = _plan(store.repository(), store)
        touched = [_touched(unit.changes) for unit in plan.units]
        assert sum(map(len, touched)) == len(set[str]().union(*touched))
        assert [unit.number for unit in plan.units] == sorted({u.number for u in plan.units})

    law()


def test_the_stores_hold_what_the_promises_are_about() -> None:
    """The generator draws links, records, lenders and drift, each in a tenth of the stores."""
    seen = {"records": 0, "lenders": 0, "drift": 0, "stores": 0}

    @enough()
    @given(stored())
    def collect(store: Stored) -> None:
        linked = {lead.customer_id for lead in store.leads}
        lent = {*store.expected().values()} - linked
        made = {one.id for one in store.customers if not is_record(one)}
        seen["stores"] += 1
        seen["records"] += any(map(is_record, store.customers))
        seen["lenders"] += bool(lent & made)
        seen["drift"] += any(store.drifting())

    collect()
    assert all(found * 10 >= seen["stores"] for found in seen.values()), seen


def _plan(repository: InMemoryRepository, store: Stored) -> backfill.Plan:
    numbers = count(1)
    return backfill.plan(
        repository,
        store.policy,
        run_id="run-1",
        now=NOW,
        new_id=lambda: f"new-{next(numbers)}",
    )


def _unversioned(plan: backfill.Plan) -> backfill.Plan:
    """Return *plan* without versions: a store may count rows in the order they came in."""
    units = tuple(
        attrs.evolve(
            unit,
            leads=dict.fromkeys(sorted(unit.leads), 0),
            customers=dict.fromkeys(sorted(unit.customers), 0),
        )
        for unit in plan.units
    )
    return attrs.evolve(plan, units=units)


def _filled(store: Stored) -> InMemoryRepository:
    repository = store.repository()
    backfill.apply(backfill.plan(repository, store.policy), repository)
    return repository


def _links(repository: InMemoryRepository) -> dict[str, str | None]:
    return {lead.id: lead.customer_id for lead in repository.leads()}


def _rows(repository: InMemoryRepository) -> tuple[object, ...]:
    return (
        repository.leads(),
        repository.customers(),
        repository.dependents("Job"),
        repository.audit(),
    )


def _changes(plan: backfill.Plan) -> list[object]:
    return [change for unit in plan.units for change in unit.changes]


def _touched(changes: Iterable[object]) -> set[str]:
    """Return the rows that *changes* write."""
    rows = set()
    for change in changes:
        if isinstance(change, (InsertCustomer, PatchCustomer)):
            rows.add(f"customer {change.customer_id}")
        elif isinstance(change, Link):
            rows.add(f"lead {change.lead_id}")
        elif isinstance(change, Follow):
            rows.add(f"{change.table} of {change.lead_id}")
        elif isinstance(change, Reindex):
            rows.add(f"index of {change.record_id}")
    return rows
