"""Law 3: whatever is added, edited and removed, and in which order, ends as the batch would.

Every step is decided by the resolver from what is connected with it; the store's rulings are put
in beforehand, as leads they name come and go.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Literal

import attrs
import pytest

from leadfold import backfill, group
from leadfold.backfill.minting import new_run
from leadfold.changes import ChangeSet, Rule, Unit
from leadfold.exceptions import ConflictingRulingsError
from leadfold.resolver import Resolver
from oracle.dice import throw
from properties.sequences import NeverScans, partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadfold import InMemoryRepository, Lead
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case

CASES = 60
STEPS = 14


def _steps(dice: Random, case: Case) -> Iterator[tuple[str, list[Lead]]]:
    """Yield what happens: leads that come, are edited (to another's values), or go."""
    here: dict[str, Lead] = {}
    coming = list(case.leads)
    for _ in range(STEPS):
        what = dice.choice(["add", "add", "add", "edit", "remove"])
        if what == "add" and coming:
            some = [coming.pop() for _ in range(min(len(coming), dice.choice([1, 1, 1, 3])))]
            here.update((lead.id, lead) for lead in some)
            yield "add", some
        elif here and what == "edit":
            lead = dice.choice(list(here.values()))
            like = dice.choice(case.leads)
            here[lead.id] = attrs.evolve(like, id=lead.id)
            yield "edit", [here[lead.id]]
        elif here:
            lead = here.pop(dice.choice(list(here)))
            coming.append(lead)
            yield "remove", [lead]


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_any_sequence_ends_as_one_grouping_of_what_is_left(strategy: Strategy) -> None:
    """After every step the links part the leads as `group` does; a backfill finds nothing to do."""
    seen: Counter[str] = Counter()
    for seed, case in _cases(strategy):
        store = _store(case)
        resolver = _resolver(store, case, "reconcile")
        for what, leads in _steps(Random(seed), case):  # noqa: S311 - a test's dice
            seen.update(_done(store, resolver, what, leads))
            now = group(store.leads(), case.policy, rulings=case.rulings)
            expected = {frozenset(found.lead_ids) for found in now.groups}
            assert partition(store.leads()) == expected, f"seed {seed}, after {what}"
        store.is_strict = False
        again = backfill.plan(store, case.policy, mode="reconcile")
        assert not list(again.units), f"seed {seed}: the backfill finds something to do"
    assert min(seen["merged"], seen["split"], seen["attached"]) > CASES // 50, seen


@pytest.mark.parametrize("strategy", ["keyed", "linked"])
def test_filling_changes_no_link_and_leaves_a_backfill_nothing(strategy: Strategy) -> None:
    """Promises (a) and (c): links stay, and a fill backfill right after writes nothing."""
    seen: Counter[str] = Counter()
    for seed, case in _cases(strategy):
        store = _store(case)
        resolver = _resolver(store, case, "fill")
        for what, leads in _steps(Random(seed), case):  # noqa: S311 - a test's dice
            before = {lead.id: lead.customer_id for lead in store.leads()}
            seen.update(_done(store, resolver, what, leads))
            for lead in store.leads():
                kept = before.get(lead.id)
                assert lead.customer_id is not None, f"seed {seed}: {lead.id} has no customer"
                assert kept is None or lead.customer_id == kept, f"seed {seed}: a link changed"
            store.is_strict = False
            again = backfill.plan(store, case.policy)
            assert not list(again.units), f"seed {seed}, after {what}: something was left to do"
            store.is_strict = True
    assert seen["attached"] > CASES // 50, seen
    assert not {"merged", "split"} & seen.keys()


def _cases(strategy: Strategy) -> Iterator[tuple[int, Case]]:
    """Yield cases whose rulings do not contradict each other."""
    for seed in range(CASES):
        case = throw(seed, strategy)
        with suppress(ConflictingRulingsError):
            group(case.leads, case.policy, rulings=case.rulings)
            yield seed, case


def _store(case: Case) -> NeverScans:
    """Return an empty store with an index and the rulings of *case*."""
    store = NeverScans()
    backfill.apply(backfill.plan(store, case.policy), store)
    rules = tuple(Rule(ruling, in_force=True) for ruling in case.rulings)
    run = new_run("rule", actor="somebody")
    store.commit(ChangeSet(run, [Unit(0, {}, {}, rules)]))
    store.is_strict = True
    return store


def _resolver(store: NeverScans, case: Case, mode: Literal["fill", "reconcile"]) -> Resolver:
    ids = count()
    return Resolver(store, case.policy, mode, new_id=lambda: f"c{next(ids):04}")


def _done(
    store: InMemoryRepository, resolver: Resolver, what: str, leads: Sequence[Lead]
) -> set[str]:
    if what == "add":
        store.insert_leads(leads)
        return {decision.outcome for decision in resolver.resolve_many(leads)}
    [lead] = leads
    if what == "edit":
        store.update_lead(attrs.evolve(lead, customer_id=_customer_of(store, lead.id)))
        return {resolver.update(lead).outcome}
    store.delete_lead(lead.id)
    resolver.forget(lead.id)
    return set()


def _customer_of(store: InMemoryRepository, lead_id: str) -> str | None:
    return next(lead.customer_id for lead in store.leads() if lead.id == lead_id)
