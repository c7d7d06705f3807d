"""Mode ``reconcile``: links come to equal the grouping, over small stores of any origin."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import backfill, group
from leadfold.changes import Link, Retire
from leadfold.model import Lead, Ruling
from leadfold.repository import ORIGINAL
from leadfold.rulings import lifted_by
from oracle.balance import enough
from oracle.stores import is_record, stored

if TYPE_CHECKING:
    from random import Random

    from leadfold import InMemoryRepository
    from leadfold.policy import Strategy
    from oracle.stores import Stored

NOW = datetime(2026, 2, 3, tzinfo=UTC)
BOTH = pytest.mark.parametrize("strategy", ["keyed", "linked"])
ADOPT = pytest.mark.parametrize("adopt", [pytest.param(True, id="adopt"), False])


def _plan(repository: InMemoryRepository, store: Stored, *, adopt: bool) -> backfill.Plan:
    numbers = count(1)
    return backfill.plan(
        repository,
        store.policy,
        mode="reconcile",
        adopt=adopt,
        run_id="run-1",
        now=NOW,
        new_id=lambda: f"new-{next(numbers)}",
    )


def _reconciled(store: Stored, *, adopt: bool, random: Random | None = None) -> InMemoryRepository:
    repository = store.repository(random)
    assert not backfill.apply(_plan(repository, store, adopt=adopt), repository).failures
    return repository


def _partition(repository: InMemoryRepository) -> set[frozenset[str]]:
    """Return the leads by customer."""
    found: dict[str | None, set[str]] = {}
    for lead in repository.leads():
        found.setdefault(lead.customer_id, set()).add(lead.id)
    assert None not in found
    return {frozenset(leads) for leads in found.values()}


def _pinned(store: Stored) -> dict[str, list[str]]:
    """Say "links a person or another program changed": all but those to the original's."""
    makers = {one.id: (one.metadata or {}).get("createdBy") for one in store.customers}
    pins: dict[str, list[str]] = {}
    for lead in store.leads:
        if lead.customer_id is not None and makers[lead.customer_id] != ORIGINAL:
            pins.setdefault(lead.customer_id, []).append(lead.id)
    for one in store.customers:
        if is_record(one) and one.id in pins:
            pins[one.id].append(f"customer:{one.id}")
    return pins


def _grouped(store: Stored, *, adopt: bool) -> set[frozenset[str]]:
    """Return what "one `group` of the leads, customer records, rulings and pinned links" gives."""
    records = [
        Lead(f"customer:{one.id}", phone=one.phone, email=one.email)
        for one in store.customers
        if is_record(one)
    ]
    rulings = store.case.rulings
    pins = {} if adopt else _pinned(store)
    made = [Ruling(f"pin {key}", [leads]) for key, leads in pins.items()]
    if len(pins) > 1:
        made.append(Ruling("pins", pins.values()))
    for ruling in made:
        lifted = lifted_by(ruling, rulings)
        rulings = tuple(old for old in rulings if old not in lifted)
    resolution = group([*store.leads, *records], store.policy, rulings=[*rulings, *made])
    leads = {lead.id for lead in store.leads}
    return {found for each in resolution.groups if (found := frozenset(each.lead_ids) & leads)}


@BOTH
@ADOPT
def test_links_partition_the_leads_as_the_grouping_does(strategy: Strategy, *, adopt: bool) -> None:
    """Each group has one customer, and each customer one group, pinned links being rulings."""

    @enough(120)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        after = _partition(_reconciled(store, adopt=adopt))
        assert after == _grouped(store, adopt=adopt)

    law()


@BOTH
@ADOPT
def test_a_second_run_writes_nothing(strategy: Strategy, *, adopt: bool) -> None:
    """No unit is left, and every link counts as kept."""

    @enough(80)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        repository = _reconciled(store, adopt=adopt)
        again = backfill.plan(repository, store.policy, mode="reconcile", adopt=adopt)
        assert tuple(again.units) == ()
        assert again.stats.leads_already_linked == len(store.leads)
        assert again.merges == ()

    law()


@BOTH
@ADOPT
def test_the_order_of_rows_does_not_matter(strategy: Strategy, *, adopt: bool) -> None:
    """Two orders of one store give the same links, customer by customer."""

    @enough(60)
    @given(stored(strategy), st.randoms(use_true_random=False))
    def law(store: Stored, random: Random) -> None:
        one = _reconciled(store, adopt=adopt)
        other = _reconciled(store, adopt=adopt, random=random)
        links = {lead.id: lead.customer_id for lead in one.leads()}
        assert {lead.id: lead.customer_id for lead in other.leads()} == links

    law()


@BOTH
def test_pinned_links_stay_and_are_told(strategy: Strategy) -> None:
    """What somebody else linked is where it was, unless it was asked to be adopted."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        plan = _plan(store.repository(), store, adopt=False)
        pins = _pinned(store)
        leads = {lead.id for lead in store.leads}
        assert set(plan.pinned) == {one for part in pins.values() for one in part} & leads
        after = {lead.id: lead.customer_id for lead in _reconciled(store, adopt=False).leads()}
        for customer, pinned in pins.items():
            assert {after[one] for one in pinned if one in leads} == {customer}

    law()


@BOTH
def test_customers_are_assigned_oldest_first(strategy: Strategy) -> None:
    """Each to the group, not yet served, that holds most of its leads; the rest are retired."""

    @enough(80)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        after = {lead.id: lead.customer_id for lead in _reconciled(store, adopt=True).leads()}
        links = store.links()
        groups = [frozenset(found.lead_ids) for found in store.resolution().groups]
        served: dict[frozenset[str], str] = {}
        for customer in sorted(store.customers, key=_age):
            mine = {one for one, link in links.items() if link == customer.id}
            free = [found for found in groups if found & mine and found not in served]
            if free:
                served[min(free, key=lambda found: _wish(found & mine, store))] = customer.id
        for found, customer_id in served.items():
            assert {after[one] for one in found if one in after} <= {customer_id}

    law()


@BOTH
def test_what_retires_is_taken_over_and_comes_back(strategy: Strategy) -> None:
    """Rows of a retired customer go where its leads went; a rollback restores every row."""

    @enough(60)
    @given(stored(strategy))
    def law(store: Stored) -> None:
        repository = store.repository()
        before = _rows(repository)
        plan = _plan(repository, store, adopt=True)
        report = backfill.apply(plan, repository)
        there = {customer.id for customer in repository.customers()}
        retired = [c for unit in plan.units for c in unit.changes if isinstance(c, Retire)]
        assert plan.merges == tuple(sorted((c.customer_id, str(c.into)) for c in retired))
        assert not {customer.customer_id for customer in retired} & there
        assert {lead.customer_id for lead in repository.leads()} <= there
        links = {lead.id: lead.customer_id for lead in repository.leads()}
        for job in repository.dependents("Job"):
            assert job["customer_id"] == links[str(job["lead_id"])]
        for customer in repository.customers():
            metadata = customer.metadata or {}
            if "leadCount" in metadata:
                assert metadata["leadCount"] == list(links.values()).count(customer.id)
        if any(isinstance(c, Link) for unit in plan.units for c in unit.changes):
            backfill.rollback(report.run_id, repository)
            assert _rows(repository) == before

    law()


def _rows(repository: InMemoryRepository) -> tuple[object, ...]:
    jobs = {str(row["id"]): row.get("customer_id") for row in repository.dependents("Job")}
    return (
        {lead.id: lead for lead in repository.leads()},
        {customer.id: customer for customer in repository.customers()},
        jobs,
    )


def _age(customer: object) -> tuple[bool, str, str]:
    at, key = getattr(customer, "created_at"), getattr(customer, "id")  # noqa: B009
    return at is None, "" if at is None else at.isoformat(), key


def _wish(mine: frozenset[str], store: Stored) -> tuple[int, tuple[bool, str, str]]:
    """Most of its leads, then its oldest, then the smallest id; a record is as old as its row."""
    rows = {lead.id: lead.created_at for lead in store.leads}
    rows |= {f"customer:{one.id}": one.created_at for one in store.customers}
    ages = []
    for one in mine:
        at = rows[one]
        stamp = "" if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
        ages.append((at is None, stamp, one))
    return -len(mine), min(ages)
