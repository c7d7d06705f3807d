"""Leads that wait: why, how others find them meanwhile, and how they are settled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from leadfold import (
    AsyncInMemoryRepository,
    InMemoryRepository,
    Lead,
    Policy,
    Resolver,
    aio,
    backfill,
    customers,
)
from leadfold.backfill import Plan
from leadfold.exceptions import IndexOutdatedError
from leadfold.resolver import AsyncResolver, refresh_index

PHONE = "212 555 0143"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
A = Lead("a", psid="24000000000000001", phone=PHONE)
B = Lead("b", psid="24000000000000002", phone=PHONE)
C = Lead("c", phone=PHONE)
"""Whose *c* is nobody can say: its phone is claimed by two; without *b* it is *a*'s."""


def waiting(repository: InMemoryRepository) -> list[tuple[str, str]]:
    """Return who waits, and why."""
    with repository.reading() as reader:
        return [(entry.lead_id, entry.reason) for entry in reader.queued()]


def indexed(repository: InMemoryRepository, lead: str) -> list[str] | None:
    """Return what the index holds for a lead."""
    with repository.reading() as reader:
        held = reader.recorded(lead)
    return None if held is None else [identifier.key for identifier in held]


def links(repository: InMemoryRepository) -> dict[str, str | None]:
    """Return each lead's customer."""
    return {lead.id: lead.customer_id for lead in repository.leads()}


def crowd(count: int, *, link_nullable: bool = True) -> InMemoryRepository:
    """Return a store of so many leads that share a phone; all of them are decided."""
    leads = [Lead(f"l{number}", phone=PHONE) for number in range(count)]
    repository = InMemoryRepository(leads=leads, link_nullable=link_nullable)
    backfill.apply(backfill.plan(repository), repository)
    return repository


def contested() -> tuple[InMemoryRepository, Resolver]:
    """Return a store where *c* stands alone, and a resolver over it."""
    repository = InMemoryRepository(leads=[A, B, C])
    policy = Policy.linked()
    backfill.apply(backfill.plan(repository, policy), repository)
    assert len(set(links(repository).values())) == 3
    return repository, Resolver(repository, policy, "reconcile")


def test_a_lead_that_waits_is_found_by_others() -> None:
    """It has no customer yet, but its identifiers are in the index."""
    repository = crowd(3)
    late = Lead("late", phone=PHONE, email="ann@mailbox.org")
    repository.insert_lead(late)
    found = Resolver(repository, max_set=3).resolve(late)
    assert (found.outcome, found.customer_id) == ("queued", None)
    assert found.reasons == ("more is connected with it than may be decided at once",)
    assert waiting(repository) == [("late", "large")]
    assert indexed(repository, "late") == ["email:ann@mailbox.org", "phone:+12125550143"]
    assert links(repository)["late"] is None


def test_asked_again_it_waits_as_before() -> None:
    """Nothing is written a second time: neither a run nor another entry."""
    repository = crowd(3)
    repository.insert_lead(Lead("late", phone=PHONE))
    for _ in range(2):
        Resolver(repository, max_set=3, audit=True).resolve({"id": "late"})
        runs = len(repository.audit())
    assert (waiting(repository), runs) == ([("late", "large")], 2)


def test_it_is_settled_once_it_may_be_decided() -> None:
    """The drain gives it its customer and takes it off the queue in the same commit."""
    repository = crowd(3)
    repository.insert_lead(Lead("late", phone=PHONE))
    hasty = Resolver(repository, max_set=3)
    hasty.resolve({"id": "late"})
    assert [decision.outcome for decision in hasty.drain()] == ["queued"]
    [decision] = Resolver(repository).drain()
    assert (decision.lead_id, decision.outcome) == ("late", "attached")
    assert waiting(repository) == []
    assert len(set(links(repository).values())) == 1


def test_a_backfill_settles_the_queue() -> None:
    """Its plan, saved or not, takes the entry off with the unit of the lead."""
    repository = crowd(3)
    repository.insert_lead(Lead("late", phone=PHONE))
    Resolver(repository, max_set=3).resolve({"id": "late"})
    report = backfill.apply(backfill.plan(repository), repository)
    assert report.stats.extra["queueSettled"] == 1
    assert waiting(repository) == []
    assert not list(backfill.plan(repository).units)


def test_a_plan_that_settles_the_queue_can_be_saved(tmp_path: object) -> None:
    """What is read back is what was written."""
    repository = crowd(2)
    repository.insert_lead(Lead("late", phone=PHONE))
    Resolver(repository, max_set=2).resolve({"id": "late"})
    plan = backfill.plan(repository)
    path = f"{tmp_path}/plan.json"
    plan.save(path)
    assert list(Plan.load(path).units) == list(plan.units)
    backfill.apply(Plan.load(path), repository)
    assert waiting(repository) == []


def test_a_lead_left_out_of_a_backfill_waits_on() -> None:
    """The entry goes with the unit, or not at all."""
    repository = crowd(2)
    repository.insert_leads([Lead("late", phone=PHONE), Lead("other", phone="212 555 0177")])
    Resolver(repository, max_set=2).resolve({"id": "late"})
    plan = backfill.plan(repository)
    repository.update_lead(Lead("late", phone="212 555 0188"))
    report = backfill.apply(plan, repository, on_stale="skip")
    assert report.outcome == "partial"
    assert report.stats.extra["queueSettled"] == 0
    assert waiting(repository) == [("late", "large")]


def test_a_rollback_leaves_the_queue_be() -> None:
    """What waits is work to do, no data: a settled lead does not wait again."""
    repository = crowd(2)
    repository.insert_lead(Lead("late", phone=PHONE))
    Resolver(repository, max_set=2).resolve({"id": "late"})
    report = backfill.apply(backfill.plan(repository), repository)
    backfill.rollback(report.run_id, repository)
    assert waiting(repository) == []
    assert links(repository)["late"] is None


def test_where_every_lead_must_have_a_customer_it_gets_one_of_its_own() -> None:
    """Who inserts the row gives it that one; a drain lets it go where it belongs."""
    repository = crowd(3, link_nullable=False)
    resolver = Resolver(repository, mode="reconcile", max_set=3)
    found = resolver.resolve(Lead("late", phone=PHONE))
    assert found.outcome == "queued"
    assert [event.what for event in found.events] == ["customer_created"]
    assert found.customer_id in {customer.id for customer in repository.customers()}
    repository.insert_lead(Lead("late", phone=PHONE, customer_id=found.customer_id))
    [decision] = Resolver(repository, mode="reconcile", adopt=True).drain()
    assert decision.outcome == "merged"
    assert len(set(links(repository).values())) == 1


def test_a_lead_that_has_a_customer_keeps_it_while_it_waits() -> None:
    """An edit that connects too much changes no link, and is told the customer of before."""
    repository = crowd(3)
    repository.insert_lead(Lead("own", phone="212 555 0177"))
    resolver = Resolver(repository, max_set=3)
    customer = resolver.resolve({"id": "own"}).customer_id
    repository.update_lead(Lead("own", phone=PHONE, customer_id=customer))
    found = resolver.update({"id": "own"})
    assert (found.outcome, found.customer_id) == ("queued", customer)
    assert indexed(repository, "own") == ["phone:+12125550143", "phone:+12125550177"]


def test_many_leads_are_taken_one_by_one_where_they_are_too_many_together() -> None:
    """Only those wait that are too many by themselves."""
    repository = crowd(3)
    repository.insert_leads([Lead("late", phone=PHONE), Lead("new", phone="212 555 0177")])
    found = Resolver(repository, max_set=4).resolve_many([{"id": "late"}, {"id": "new"}])
    assert [(each.lead_id, each.outcome) for each in found] == [
        ("late", "queued"),
        ("new", "created"),
    ]


def test_a_drain_takes_those_that_wait_longest_first() -> None:
    """Up to a limit; the others wait on."""
    repository = InMemoryRepository(leads=[Lead("first", phone=PHONE)])
    refresh_index(repository)
    for number in (3, 1, 2):
        repository.insert_lead(Lead(f"l{number}", phone=f"212 555 017{number}"))
        refresh_index(repository)
    resolver = Resolver(repository)
    assert [each.lead_id for each in resolver.drain(limit=2)] == ["l3", "l1"]
    assert [each.lead_id for each in resolver.drain()] == ["l2"]
    assert resolver.drain() == ()


def test_what_is_too_large_does_not_stand_in_the_way_of_the_rest() -> None:
    """A limit counts what is settled; what was met on the way to too much is not tried anew."""
    repository = crowd(4)
    repository.insert_leads([Lead("x1", phone=PHONE), Lead("x2", phone=PHONE)])
    refresh_index(repository)
    repository.insert_lead(Lead("new", phone="212 555 0177"))
    refresh_index(repository)
    found = Resolver(repository, max_set=6).drain(limit=1)
    assert [each.outcome for each in found] == ["queued", "created"]
    assert waiting(repository) == [("x1", "edited"), ("x2", "edited")]


def test_leads_connected_with_one_that_is_decided_leave_the_queue_with_it() -> None:
    """One commit for all of them, one decision: that of the lead that waited longest."""
    repository = crowd(1)
    repository.insert_leads([Lead("x1", phone=PHONE), Lead("x2", phone=PHONE)])
    refresh_index(repository)
    runs = len(repository.audit())
    assert [each.lead_id for each in Resolver(repository, audit=True).drain()] == ["x1"]
    assert (waiting(repository), len(repository.audit())) == ([], runs + 1)


def test_resolving_a_lead_takes_it_off_the_queue() -> None:
    """Whoever decides it, it is decided; though nothing else is to be written."""
    repository = crowd(2)
    repository.update_lead(Lead("l0", phone="(212) 555-0143", email="a@b.co", customer_id=None))
    refresh_index(repository)
    assert waiting(repository) == [("l0", "edited")]
    Resolver(repository).resolve({"id": "l0"})
    assert waiting(repository) == []


# Edits behind leadfold's back.


def test_a_refresh_lets_others_see_an_edited_lead() -> None:
    """Its entry has what it holds now; the lead waits, and no link is touched."""
    repository = crowd(1)
    edited = Lead("l0", phone=PHONE, email="ann@mailbox.org", customer_id=links(repository)["l0"])
    repository.update_lead(edited)
    before = links(repository)
    report = refresh_index(repository)
    assert report.stats.extra == {"indexed": 1, "queued": 1}
    assert indexed(repository, "l0") == ["email:ann@mailbox.org", "phone:+12125550143"]
    assert (waiting(repository), links(repository)) == ([("l0", "edited")], before)


def test_a_second_refresh_finds_nothing() -> None:
    """Leads that wait already, with all they hold, are no news: no run is made."""
    repository = crowd(2)
    repository.update_lead(Lead("l0", phone="212 555 0177", customer_id=links(repository)["l0"]))
    repository.delete_lead("l1")
    refresh_index(repository)
    runs = len(repository.audit())
    assert refresh_index(repository).stats.extra == {"indexed": 0, "queued": 0}
    assert len(repository.audit()) == runs


def test_who_was_kept_apart_by_a_value_that_is_gone_is_decided_again() -> None:
    """The entry of a lead that waits keeps what it was decided with: so *c* is found."""
    repository, resolver = contested()
    repository.update_lead(Lead("b", psid=B.psid, customer_id=links(repository)["b"]))
    refresh_index(repository, Policy.linked())
    assert indexed(repository, "b") == ["phone:+12125550143", "psid:24000000000000002"]
    resolver.drain()
    now = links(repository)
    assert now["c"] == now["a"] != now["b"]
    assert indexed(repository, "b") == ["psid:24000000000000002"]


def test_so_is_who_was_kept_apart_by_a_lead_whose_edit_was_too_much_at_once() -> None:
    """A resolver that may not decide it keeps the old values, too."""
    repository, resolver = contested()
    repository.update_lead(Lead("b", psid=B.psid, customer_id=links(repository)["b"]))
    Resolver(repository, Policy.linked(), "reconcile", max_set=2).update({"id": "b"})
    assert waiting(repository) == [("b", "large")]
    resolver.drain()
    assert links(repository)["c"] == links(repository)["a"]


@pytest.mark.parametrize("told", [True, False], ids=["forgotten", "refreshed"])
def test_so_is_who_was_kept_apart_by_a_lead_that_is_gone(told: bool) -> None:  # noqa: FBT001 - a case
    """It waits with its entry, and leaves both once it is settled."""
    repository, resolver = contested()
    repository.delete_lead("b")
    if told:
        Resolver(repository, Policy.linked(), "reconcile", max_set=2).forget("b")
    else:
        refresh_index(repository, Policy.linked())
    assert waiting(repository) == [("b", "edited")]
    assert indexed(repository, "b")
    [decision] = resolver.drain()
    assert (decision.lead_id, decision.outcome, decision.customer_id) == ("b", "forgotten", None)
    assert {event.lead_id for event in decision.events} >= {"c"}
    assert links(repository)["c"] == links(repository)["a"]
    assert (indexed(repository, "b"), waiting(repository)) == ([], [])


def test_a_backfill_forgets_leads_that_are_gone() -> None:
    """Their entries go from the queue and the index."""
    repository = crowd(2)
    repository.delete_lead("l1")
    refresh_index(repository)
    backfill.apply(backfill.plan(repository), repository)
    assert (indexed(repository, "l1"), waiting(repository)) == ([], [])


def test_forgetting_a_lead_that_waits_leaves_no_entry() -> None:
    """Nor does erasing one."""
    repository = crowd(2)
    for lead in ("x", "y", "nameless"):
        repository.insert_lead(Lead(lead, phone=None if lead == "nameless" else PHONE))
    refresh_index(repository)
    repository.delete_lead("x")
    Resolver(repository).forget("x")
    repository.delete_lead("nameless")
    Resolver(repository).forget("nameless")
    repository.delete_lead("y")
    customers.erase(repository, "y")
    assert waiting(repository) == []
    assert (indexed(repository, "x"), indexed(repository, "y")) == ([], None)


@pytest.mark.parametrize("mode", ["fill", "reconcile"])
def test_a_merge_by_hand_leaves_a_lead_waiting(mode: str) -> None:
    """What a person decided is honoured when the lead's other ties are looked at."""
    repository = InMemoryRepository(leads=[Lead("a", phone=PHONE), Lead("b", phone="212 555 0177")])
    backfill.apply(backfill.plan(repository), repository)
    repository.update_lead(attrs.evolve(repository.leads()[1], email="b@mailbox.org"))
    refresh_index(repository)
    customers.merge(repository, *(str(each) for each in links(repository).values()))
    assert waiting(repository) == [("b", "edited")]
    Resolver(repository, mode=mode).drain()  # type: ignore[arg-type]
    assert len(set(links(repository).values())) == 1
    assert waiting(repository) == []


def test_only_leads_edited_since_are_looked_at() -> None:
    """One that says of no time of edit is looked at in any case."""
    times = {"old": NOON - timedelta(days=1), "new": NOON, "unknown": None}
    repository = InMemoryRepository()
    refresh_index(repository)
    for lead, moment in times.items():
        repository.insert_lead({"id": lead, "phone": PHONE, "updated_at": moment})
    refresh_index(repository, since=NOON)
    assert waiting(repository) == [("new", "edited"), ("unknown", "edited")]
    assert indexed(repository, "old") is None


def test_a_part_of_an_index_of_another_policy_is_refused() -> None:
    """The rest of it would be of the old one."""
    repository = crowd(1)
    with pytest.raises(IndexOutdatedError):
        refresh_index(repository, Policy.keyed(region="GB"), since=NOON)


def test_under_another_policy_all_is_written_anew() -> None:
    """Nobody waits for that: a backfill under the new policy decides all."""
    repository = crowd(2)
    repository.delete_lead("l1")
    refresh_index(repository, Policy.keyed(region="GB"))
    assert waiting(repository) == []
    assert indexed(repository, "l1") == []


def test_a_lead_resolved_before_it_has_a_row_waits_for_it() -> None:
    """For an hour; then it is taken for one that never came."""
    times = [NOON]
    repository = crowd(3)
    hasty = Resolver(repository, max_set=3, now=lambda: times[-1])
    resolver = Resolver(repository, now=lambda: times[-1])
    assert hasty.resolve(Lead("late", phone=PHONE)).outcome == "queued"
    [decision] = resolver.drain()
    assert (decision.outcome, decision.reasons) == ("queued", ("it has no row yet",))
    backfill.apply(backfill.plan(repository, now=NOON + timedelta(minutes=59)), repository)
    assert waiting(repository) == [("late", "large")]
    times.append(NOON + timedelta(hours=1))
    assert [each.outcome for each in resolver.drain()] == ["forgotten"]
    assert (waiting(repository), indexed(repository, "late")) == ([], [])


def test_validate_tells_who_waits_and_what_is_stale() -> None:
    """Each with the way out; what waits is not counted as stale besides."""
    repository = crowd(4)
    repository.update_lead(Lead("l0", phone="212 555 0177"))
    repository.delete_lead("l1")
    found = backfill.validate(repository)
    assert found["stale index entries"].samples == (
        "l0: refresh the index (leadfold index refresh) under the policy it was made with",
    )
    assert found["index entries without a row"].samples == (
        "l1: refresh the index (leadfold index refresh) under the policy it was made with",
    )
    assert found["leads in the queue"].ok
    refresh_index(repository)
    found = backfill.validate(repository)
    assert found["stale index entries"].ok
    assert found["index entries without a row"].ok
    queue = found["leads in the queue"]
    assert (queue.actual, queue.verdict) == ("2", "warn")
    assert queue.samples[0] == "l0: drain the queue (Resolver.drain), or run a backfill"


def test_a_service_awaits_the_same() -> None:
    """The async twins of refresh and drain."""

    async def serve() -> list[str]:
        repository = AsyncInMemoryRepository(leads=[Lead("a", phone=PHONE)])
        await aio.refresh_index(repository)
        repository.insert_lead(Lead("b", phone=PHONE))
        await aio.refresh_index(repository)
        return [each.lead_id for each in await AsyncResolver(repository).drain()]

    assert asyncio.run(serve()) == ["b"]
