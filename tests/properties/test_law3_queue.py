"""Law 3 with leads that wait: whatever went on behind leadfold's back, a drained queue settles it.

Some steps go through the resolver, which may decide only a few records at once; others are the
application's alone, and the index is refreshed before the queue is drained.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Literal

import attrs
import pytest

from leadfold import InMemoryRepository, Resolver, backfill, group
from leadfold.changes import Reindex
from leadfold.repository import RECORD
from leadfold.resolver import MAX_SET, refresh_index
from oracle.dice import throw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold import Lead
    from leadfold.backfill import Plan
    from leadfold.changes import Change
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case

CASES = 60
STEPS = 12
FEW = 3
"""How many records the resolver that meets a lead may decide: often too few."""


def _cases(strategy: Strategy) -> Iterator[tuple[int, Case]]:
    """Yield cases; how rulings fare, `test_law3_sequences` says."""
    for seed in range(CASES):
        yield seed, throw(seed, strategy)


class Service:
    """An application that tells leadfold of some of its edits, and of others not."""

    def __init__(self, seed: int, case: Case, mode: Literal["fill", "reconcile"]) -> None:
        self.dice = Random(seed)  # noqa: S311 - a test's dice
        self.case = case
        self.store = InMemoryRepository()
        backfill.apply(backfill.plan(self.store, case.policy), self.store)
        ids = count()
        self.hasty, self.thorough = (
            Resolver(self.store, case.policy, mode, max_set=most, new_id=lambda: f"c{next(ids):04}")
            for most in (FEW, MAX_SET)
        )
        self.coming = list(case.leads)

    def step(self) -> str:
        """Let something happen; tell what."""
        here = {lead.id: lead for lead in self.store.leads()}
        what = self.dice.choice(["add", "add", "edit", "remove"])
        told = self.dice.random() < 1 / 2
        if what == "add" and self.coming:
            lead = self.coming.pop()
            self.store.insert_lead(lead)
        elif what == "edit" and here:
            lead = here[self.dice.choice(sorted(here))]
            like = self.dice.choice(self.case.leads)
            self.store.update_lead(attrs.evolve(like, id=lead.id, customer_id=lead.customer_id))
        elif here:
            what, lead = "remove", here[self.dice.choice(sorted(here))]
            self.store.delete_lead(lead.id)
            self.coming.append(attrs.evolve(lead, id=f"{lead.id}-again", customer_id=None))
        else:
            return "nothing"
        if told and what == "remove":
            self.hasty.forget(lead.id)
        elif told:
            return self.hasty.resolve({"id": lead.id}).outcome
        return what

    def queue(self) -> list[str]:
        """Return the leads that wait."""
        with self.store.reading() as reader:
            return [entry.lead_id for entry in reader.queued()]


def _partition(leads: Sequence[Lead]) -> set[frozenset[str]]:
    found: dict[str | None, set[str]] = defaultdict(set)
    for lead in leads:
        assert lead.customer_id is not None, f"{lead.id} has no customer"
        found[lead.customer_id].add(lead.id)
    return {frozenset(ids) for ids in found.values()}


def _left(plan: Plan) -> list[Change]:
    """Return what a backfill has left to do.

    A customer whose leads are gone is noted as one that may lend its id: where a lead that held
    nothing went without a word, only a backfill sees that.
    """
    changes = (change for unit in plan.units for change in unit.changes)
    return [
        change
        for change in changes
        if not (isinstance(change, Reindex) and change.record_id.startswith(RECORD))
    ]


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_drained_queue_ends_as_one_grouping(strategy: Strategy) -> None:
    """After a refresh and a drain the links part the leads as `group` does."""
    seen: Counter[str] = Counter()
    for seed, case in _cases(strategy):
        service = Service(seed, case, "reconcile")
        for step in range(STEPS):
            seen[service.step()] += 1
            if service.dice.random() < 1 / 2:
                continue
            refresh_index(service.store, case.policy)
            seen.update(decision.outcome for decision in service.thorough.drain())
            assert not service.queue()
            expected = group(service.store.leads(), case.policy).groups
            found = _partition(service.store.leads())
            assert found == {frozenset(each.lead_ids) for each in expected}, f"{seed}, {step}"
            again = backfill.plan(service.store, case.policy, mode="reconcile")
            assert not _left(again), f"{seed}, {step}: something was left to do"
    assert min(seen["queued"], seen["forgotten"], seen["merged"], seen["split"]) > CASES // 20, seen


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_a_drained_queue_changes_no_link_when_filling(strategy: Strategy) -> None:
    """Promises (a) and (c), and a backfill settles the queue as a drain does."""
    for seed, case in _cases(strategy):
        service = Service(seed, case, "fill")
        for _ in range(STEPS):
            before = {lead.id: lead.customer_id for lead in service.store.leads()}
            service.step()
            if service.dice.random() < 1 / 2:
                refresh_index(service.store, case.policy)
                service.thorough.drain()
                assert not service.queue()
                assert not _left(backfill.plan(service.store, case.policy))
            elif service.queue():
                backfill.apply(backfill.plan(service.store, case.policy), service.store)
                assert not service.queue()
            for lead in service.store.leads():
                assert before.get(lead.id) in {None, lead.customer_id}, f"{seed}: a link changed"
