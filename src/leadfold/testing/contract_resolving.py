"""The part of the contract about leads that are resolved one by one: the links equal the batch's.

The application's own edits go behind the adapter's back; each is followed by the resolver.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Literal, cast

import attrs
import pytest

from leadfold import backfill
from leadfold.changes import Link
from leadfold.grouping import group
from leadfold.model import Customer, Identifier, Lead
from leadfold.policy import Policy
from leadfold.repository import Entry
from leadfold.resolver import Resolver
from leadfold.testing.abilities import UniquePhones
from leadfold.testing.contract_hooks import StoreHooks, job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadfold.repository import Repository

__all__ = ["ResolvingContract"]

SEQUENCES = 6
STEPS = 12
_PSIDS = (None, None, "24000000000000001", "24000000000000002")
_PHONES = (None, "212 555 0143", "(212) 555-0143", "212 555 0177")
_EMAILS = (None, "ann@mailbox.org", "Bob@mailbox.org")


class ResolvingContract(StoreHooks):
    """What holds of a resolver over the store."""

    @pytest.mark.parametrize("seed", range(SEQUENCES))
    def test_any_sequence_ends_as_one_grouping(self, repository: Repository, seed: int) -> None:
        """Leads come, are edited and go; after each step the links part them as `group` does."""
        dice = Random(seed)  # noqa: S311 - a test's dice
        policy = Policy.linked() if seed % 2 else Policy.keyed()
        resolver = Resolver(repository, policy, "reconcile")
        for step in range(STEPS):
            self._happens(repository, resolver, dice, f"l{step}")
            leads = list(self._stored(repository))
            found: dict[object, set[str]] = defaultdict(set)
            for lead in leads:
                found[lead.customer_id].add(lead.id)
            expected = [set(each.lead_ids) for each in group(leads, policy).groups]
            assert None not in found
            assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected))
        plan = backfill.plan(repository, policy, mode="reconcile")
        assert not list(plan.units)

    def _happens(self, repository: Repository, resolver: Resolver, dice: Random, new: str) -> None:
        here = sorted(self.raw_leads(repository))
        what = dice.choice(["add", "add", "edit", "remove"]) if here else "add"
        cells = (dice.choice(_PSIDS), dice.choice(_PHONES), dice.choice(_EMAILS))
        if what == "add":
            lead = Lead(new, *cells)
            self.seed(repository, [lead])
            resolver.resolve(lead)
        elif what == "edit":
            psid, phone, email = cells
            chosen = dice.choice(here)
            self.edit_lead(repository, chosen, psid=psid, phone=phone, email=email)
            resolver.update(Lead(chosen))
        else:
            chosen = dice.choice(here)
            self.delete_lead(repository, chosen)
            resolver.forget(chosen)

    def _stored(self, repository: Repository) -> Iterator[Lead]:
        for lead, row in self.raw_leads(repository).items():
            held = cast("Mapping[str, str | None]", row)
            yield Lead(
                lead,
                held["psid"],
                held["phone"],
                held["email"],
                customer_id=held["customer_id"],
            )

    @pytest.mark.parametrize("mode", ["fill", "reconcile"])
    def test_a_lead_can_be_resolved_before_its_row_is_there(
        self, repository: Repository, mode: Literal["fill", "reconcile"]
    ) -> None:
        """Who inserts it gives it the customer returned; nothing is left for a backfill."""
        resolver = Resolver(repository, Policy.keyed(), mode)
        first = Lead("l1", phone="212 555 0143")
        customer = resolver.resolve(first).customer_id
        assert customer is not None
        assert not self.raw_leads(repository)
        self.seed(repository, [Lead("l1", phone="212 555 0143", customer_id=customer)])
        assert resolver.resolve(first).outcome == "unchanged"
        second = resolver.resolve(Lead("l2", phone="(212) 555-0143"))
        assert (second.customer_id, second.outcome) == (customer, "attached")

    def test_a_lead_without_a_row_counts_until_it_should_have_come(
        self, repository: Repository
    ) -> None:
        """Another lead comes to its customer; once the time is over, nobody is there to be tied to.

        Its customer is one without leads then, which lends its id as a backfill would have it.
        """
        clock = [datetime(2026, 11, 30, 12, tzinfo=UTC)]
        resolver = Resolver(
            repository, Policy.keyed(), "reconcile", grace=timedelta(hours=1), now=lambda: clock[0]
        )
        first = resolver.resolve(Lead("l1", phone="212 555 0143"))
        clock[0] += timedelta(minutes=59)
        self.seed(repository, [Lead("l2", phone="(212) 555-0143")])
        second = resolver.resolve(Lead("l2"))
        assert (second.customer_id, second.outcome) == (first.customer_id, "attached")
        again = resolver.resolve(Lead("l1", phone="212 555 0143"))
        assert (again.customer_id, again.outcome) == (first.customer_id, "unchanged")
        other = resolver.resolve(Lead("l3", phone="212 555 0177"))
        clock[0] += timedelta(minutes=61)
        self.seed(repository, [Lead("l4", phone="(212) 555-0177")])
        plan = backfill.plan(repository, Policy.keyed(), mode="reconcile", now=clock[0])
        [planned] = [c for unit in plan.units for c in unit.changes if isinstance(c, Link)]
        late = resolver.resolve(Lead("l4"))
        assert (late.customer_id, late.outcome) == (other.customer_id, "attached")
        assert (planned.lead_id, planned.after) == ("l4", other.customer_id)

    def test_a_link_that_was_resolved_before_its_row_is_nobody_elses(
        self, repository: Repository
    ) -> None:
        """In mode ``reconcile`` it is not pinned: an edit moves the lead."""
        resolver = Resolver(repository, Policy.keyed(), "reconcile")
        first = Lead("l1", phone="212 555 0143")
        customer = resolver.resolve(first).customer_id
        self.seed(repository, [attrs.evolve(first, customer_id=customer)])
        self.seed(repository, [Lead("l2", phone="212 555 0143")])
        assert resolver.resolve(Lead("l2")).customer_id == customer
        self.edit_lead(repository, "l1", phone="212 555 0177")
        moved = resolver.update(Lead("l1"))
        assert moved.outcome == "split"
        assert backfill.plan(repository, Policy.keyed(), mode="reconcile").pinned == ()

    def test_a_customer_whose_leads_are_gone_lends_its_id(self, repository: Repository) -> None:
        """A lead that comes with its key gets it back, as a backfill would give it."""
        resolver = Resolver(repository, Policy.keyed(), "fill")
        self.seed(repository, [Lead("l1", phone="212 555 0143")])
        customer = resolver.resolve(Lead("l1")).customer_id
        self.delete_lead(repository, "l1")
        resolver.forget("l1")
        self.seed(repository, [Lead("l2", phone="(212) 555-0143")])
        again = resolver.resolve(Lead("l2"))
        assert (again.customer_id, again.outcome) == (customer, "attached")
        assert not list(backfill.plan(repository, Policy.keyed()).units)

    def test_a_unique_phone_is_shown_once(self, repository: Repository) -> None:
        """Whoever shows it, connected or not: the later customer shows none."""
        if not isinstance(self, UniquePhones):
            pytest.skip("the store declares no column unique")
        repository = self.with_unique_phones(repository)
        resolver = Resolver(repository, Policy.keyed(), "fill")
        shown: list[object] = []
        for number in (1, 2):
            lead = Lead(f"l{number}", psid=f"2400000000000000{number}", phone="212 555 0143")
            self.seed(repository, [lead])
            customer = resolver.resolve(lead).customer_id
            shown.append(self.raw_customers(repository)[str(customer)]["phone"])
        assert shown == ["+12125550143", None]

    def test_what_is_one_step_away(self, repository: Repository) -> None:
        """Holders of a value, what they hold, their rows, customers, leads of these, and jobs."""
        resolver = Resolver(repository, Policy.linked(), "fill")
        leads = [
            Lead("l1", phone="212 555 0143", email="ann@mailbox.org"),
            Lead("l2", email="ann@mailbox.org"),
            Lead("l3", phone="212 555 0177"),
            Lead("l4", phone="212 555 0188"),
        ]
        jobs = [job("j1", "l2"), job("j2", "l2"), job("j3", "l4")]
        self.seed(repository, leads, dependents={"Job": jobs})
        resolver.resolve_many(leads)
        phone, email = Identifier("phone", "+12125550143"), Identifier("email", "ann@mailbox.org")
        with repository.reading() as reader:
            near = reader.around(["l3", "nobody"], [phone], [], at_most=5)
            ids = [sorted(batch.ids) for batch in near.leads]
            found = {each for batch in near.customers for each in batch.ids}
            crowd = reader.around([], [email], [], at_most=1)
        assert ids == [["l1", "l2", "l3"]]
        assert near.holders[phone] == ("l1",)
        known = {phone: {"l1"}, email: {"l1", "l2"}, Identifier("phone", "+12125550177"): {"l3"}}
        assert all({*holders} == known[value] for value, holders in near.holders.items())
        assert near.entries["l1"].identifiers == (email, phone)
        assert found == {near.entries["l1"].customer_id, near.entries["l3"].customer_id}
        assert near.entries["nobody"] == Entry(())
        counts = {(each.lead_id, each.count, each.lead_known) for each in near.dependents}
        assert counts == {("l2", 2, True)}
        assert crowd.crowded == {email}
        assert not [lead for batch in crowd.leads for lead in batch.ids]

    def test_a_customer_lends_its_id_only_to_leads(self, repository: Repository) -> None:
        """A group that is a customer's record alone needs none, and who comes to it gets it."""
        resolver = Resolver(repository, Policy.linked(), "reconcile")
        phone, email = "212 555 0143", "cat@mailbox.org"
        long_ago, later = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
        self.seed(repository, [Lead("l1", phone=phone)])
        idle = resolver.resolve(Lead("l1")).customer_id
        self.seed(
            repository, customers=[Customer("x1", phone=phone, email=email, created_at=later)]
        )
        backfill.apply(backfill.plan(repository, Policy.linked(), mode="reconcile"), repository)
        self.delete_lead(repository, "l1")
        resolver.forget("l1")
        self.seed(repository, [Lead("l2", email=email, created_at=long_ago)])
        assert resolver.resolve(Lead("l2")).customer_id == "x1"
        self.edit_lead(repository, "l2", email=None)
        resolver.update(Lead("l2"))
        self.seed(repository, [Lead("l3", email=email)])
        plan = backfill.plan(repository, Policy.linked(), mode="reconcile")
        decision = resolver.resolve(Lead("l3"))
        links = [each for unit in plan.units for each in unit.changes if isinstance(each, Link)]
        assert [(each.lead_id, each.after) for each in links] == [("l3", idle)]
        assert decision.customer_id == idle

    def test_a_lead_without_a_row_parts_others(self, repository: Repository) -> None:
        """It comes between two that one phone tied, and is written but once."""
        resolver, phone = Resolver(repository, Policy.linked(), "reconcile"), "212 555 0143"
        for lead in (Lead("l1", phone=phone), Lead("l2", psid="24000000000000001", phone=phone)):
            self.seed(repository, [lead])
            resolver.resolve(lead)
        assert len(set(self.links(repository).values())) == 1
        decision = resolver.resolve(Lead("l3", psid="24000000000000002", phone=phone))
        links = self.links(repository)
        assert len({*links.values(), decision.customer_id}) == len(links) + 1

    def test_dependents_follow_the_lead_that_is_resolved(self, repository: Repository) -> None:
        """Its jobs take its customer; those of other leads are not looked at."""
        resolver = Resolver(repository, Policy.keyed(), "fill")
        self.seed(
            repository,
            [Lead("l1", phone="212 555 0143")],
            dependents={"Job": [job("j1", "l1"), job("j2", None)]},
        )
        customer = resolver.resolve(Lead("l1")).customer_id
        assert self.pointers(repository, "Job") == {"j1": customer, "j2": None}

    def test_only_named_leads_are_told_of(self, repository: Repository) -> None:
        """Counts of dependents, and links that nobody explains, can be asked of some leads."""
        self.seeded(
            repository,
            Lead("l1", customer_id="c1"),
            Lead("l2", customer_id="c1"),
            customers=["c1"],
            jobs=[job("j1", "l1"), job("j2", "l2")],
        )
        with repository.reading() as reader:
            assert {each.lead_id for each in reader.dependents(["l2"])} == {"l2"}
            assert set(reader.unexplained(["l1"])) == {"l1"}
            assert set(reader.unexplained()) == {"l1", "l2"}
