"""Law 3 where values are generic: whoever else holds one is left out, and no answer changes.

Values cross the bound in both directions, as leads come, are edited, and go.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import attrs
import pytest

from leadfold import Customer, IdentifierRule, Lead, Policy, backfill, group
from leadfold.resolver import Resolver, refresh_index
from leadfold.resolving.closure import Connected
from properties.sequences import NeverScans, Overtaken, partition

SEEDS = 5
STEPS = 40


def policy(most: int) -> Policy:
    """Return a policy whose phones and emails are generic after *most*."""
    rules = [
        IdentifierRule("psid", limit=1),
        IdentifierRule("phone", limit=3, generic_after=most),
        IdentifierRule("email", generic_after=most),
    ]
    return Policy.linked(identifiers=rules)


def some(dice: Random, lead: str) -> Lead:
    """Return a lead of many psids and few phones and emails."""
    psid = dice.choice([None, *(f"2400000000000000{number}" for number in range(8))])
    phone = dice.choice([None, "212 555 0143", "212 555 0143", "212 555 0177"])
    email = dice.choice([None, None, "ann@mailbox.org", "bob@mailbox.org"])
    return Lead(lead, psid, phone, email)


@pytest.mark.parametrize("most", [1, 2, 4])
def test_what_is_left_out_changes_no_answer(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every step the links part the leads as `group` of all of them does."""
    seen = _watched(monkeypatch)
    for seed in range(SEEDS):
        dice = Random(seed)  # noqa: S311 - a test's dice
        store = NeverScans()
        backfill.apply(backfill.plan(store, policy(most)), store)
        store.is_strict = True
        resolver = Resolver(store, policy(most), "reconcile")
        for step in range(STEPS):
            _happens(store, resolver, dice, f"l{step}")
            expected = {frozenset(g.lead_ids) for g in group(store.leads(), policy(most)).groups}
            assert partition(store.leads()) == expected, f"seed {seed}, step {step}"
    assert seen["cut"] > SEEDS, seen
    assert seen["crossed"], seen


def test_a_lead_that_waits_does_not_make_its_values_generic() -> None:
    """An edit that a refresh saw is in the index, but the links are older: they must part."""
    store, phone = NeverScans(), "212 555 0143"
    for lead in (Lead("l1", "24000000000000001", phone), Lead("l2", phone=phone), Lead("l3")):
        store.insert_lead(lead)
    _filled(store, policy(1))
    store.update_lead(attrs.evolve(_lead(store, "l3"), psid="24000000000000002", phone=phone))
    refresh_index(store, policy(1))
    Resolver(store, policy(1), "reconcile").drain()
    assert partition(store.leads()) == {frozenset([f"l{number}"]) for number in (1, 2, 3)}


def test_customers_of_one_group_do_not_make_its_values_generic() -> None:
    """Those that others made are not merged: of one person there may be several."""
    store, (one, other), email = NeverScans(), ("212 555 0177", "212 555 0143"), "bob@mailbox.org"
    store.insert_lead(Lead("l1"))
    store.insert_lead(Lead("l2", phone=other))
    _filled(store, policy(2))
    for customer, phone in (("x1", one), ("x2", other), ("x3", other)):
        store.insert_customer(Customer(customer, phone=phone, email=email))
    _filled(store, policy(2))
    store.update_lead(attrs.evolve(_lead(store, "l1"), phone=one))
    Resolver(store, policy(2), "reconcile").update(Lead("l1"))
    assert not list(backfill.plan(store, policy(2), mode="reconcile").units)


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_generic_value_that_was_a_leads_key_still_decides_about_the_others(
    is_gone: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Who was parted from the key's other holders may have been what kept those apart."""
    store, phone = NeverScans(), "212 555 0143"
    for number in (1, 2):
        store.insert_lead(Lead(f"owner {number}", f"2400000000000000{number}", phone))
    for lead in ("one", "other", "with one", "with other"):
        store.insert_lead(Lead(lead))
    _filled(store, policy(1))
    for lead in ("one", "other"):  # each stays where somebody linked it by hand
        by_hand = _lead(store, f"with {lead}").customer_id
        store.update_lead(attrs.evolve(_lead(store, lead), phone=phone, customer_id=by_hand))
    _filled(store, policy(1))
    resolver = Resolver(store, policy(1), "reconcile")
    store.insert_lead(Lead("between", phone=phone))
    resolver.resolve(Lead("between"))
    assert {"between"} in partition(store.leads())
    if is_gone:
        store.delete_lead("one")
        resolver.forget("one")
    else:
        store.update_lead(attrs.evolve(_lead(store, "one"), phone=None))
        resolver.update(Lead("one"))
    assert {"between", "other"} in partition(store.leads())


def test_decisions_that_meet_in_a_generic_value_alone_know_of_each_other() -> None:
    """Each merges two of its four owners: together they end that it is generic after two."""
    store, email = Overtaken(), "ann@mailbox.org"
    rules = [IdentifierRule(kind, limit=5, generic_after=2) for kind in ("psid", "phone", "email")]
    two = Policy.linked(identifiers=rules)
    psids, phones = ("24000000000000001", "24000000000000002"), ("212 555 0143", "212 555 0177")
    for number, (psid, phone) in enumerate(zip(psids, phones, strict=True)):
        store.insert_lead(Lead(f"psid {number}", psid=psid, email=email))
        store.insert_lead(Lead(f"phone {number}", phone=phone, email=email))
    backfill.apply(backfill.plan(store, two, mode="reconcile"), store)
    assert len(partition(store.leads())) == 4
    for number, (psid, phone) in enumerate(zip(psids, phones, strict=True)):
        store.insert_lead(Lead(f"both {number}", psid, phone))
    resolver = Resolver(store, two, "reconcile")
    store.overtakes = lambda: resolver.resolve(Lead("both 1"))
    resolver.resolve(Lead("both 0"))
    assert not list(backfill.plan(store, two, mode="reconcile").units)
    assert len(partition(store.leads())) == 1


def _filled(store: NeverScans, policy: Policy) -> None:
    backfill.apply(backfill.plan(store, policy, mode="reconcile"), store)


def _lead(store: NeverScans, lead: str) -> Lead:
    return next(each for each in store.leads() if each.id == lead)


def _watched(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often values were left out, and were taken in again."""
    seen = Counter[str]()
    crossed = Connected.crossed

    def watching(connected: Connected, resolution: object) -> object:
        found = crossed(connected, resolution)  # type: ignore[arg-type]
        seen["cut"] += bool(connected.generic)
        seen["crossed"] += bool(found)
        return found

    monkeypatch.setattr(Connected, "crossed", watching)
    return seen


def _happens(store: NeverScans, resolver: Resolver, dice: Random, new: str) -> None:
    here = store.leads()
    what = dice.choice(["add", "add", "add", "edit", "remove"]) if here else "add"
    if what == "add":
        store.insert_lead(some(dice, new))
        resolver.resolve(Lead(new))
        return
    lead = dice.choice(here)
    if what == "edit":
        store.update_lead(attrs.evolve(some(dice, lead.id), customer_id=lead.customer_id))
        resolver.update(Lead(lead.id))
    else:
        store.delete_lead(lead.id)
        resolver.forget(lead.id)
