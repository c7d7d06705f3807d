"""The part of the contract about leads that wait to be decided, and what was not told of.

The application's own edits go behind the adapter's back here, and nobody follows them up.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from leadfold.changes import Queue
from leadfold.grouping import group
from leadfold.model import Identifier, Lead
from leadfold.policy import Policy
from leadfold.repository import Queued
from leadfold.resolver import Resolver, refresh_index
from leadfold.testing.abilities import NotNullLinks, Tenants
from leadfold.testing.changesets import AT, read_basis, reindex, run_of
from leadfold.testing.contract_hooks import StoreHooks

if TYPE_CHECKING:
    from leadfold.repository import Repository

__all__ = ["QueueContract"]

X = Identifier("phone", "+15551230001")
_CELLS = {
    "psid": (None, None, "24000000000000001", "24000000000000002"),
    "phone": (None, "212 555 0143", "(212) 555-0143", "212 555 0177"),
    "email": (None, "ann@mailbox.org", "Bob@mailbox.org"),
}
STEPS = 6


class QueueContract(StoreHooks):
    """What holds of the queue, and of an index that is refreshed."""

    def test_leads_wait_in_the_order_they_came(self, repository: Repository) -> None:
        """With why and since when; each batch of leads says which of them wait."""
        basis = self.seeded(repository, Lead("l2"), Lead("l1"))
        units = (basis.unit(0, Queue("l2", "large")), basis.unit(1, Queue("gone", "edited")))
        repository.commit(basis.changeset(*units))
        later = run_of("run-2", minute=1)
        repository.commit(basis.changeset(basis.unit(0, Queue("l1", "edited")), run=later))
        with repository.reading() as reader:
            assert list(reader.queued()) == [
                Queued("l2", "large", AT),
                Queued("gone", "edited", AT),
                Queued("l1", "edited", later.at),
            ]
            assert frozenset().union(*(each.queued for each in reader.leads())) == {"l1", "l2"}
            assert [each.queued for each in reader.leads(["l2"])] == [{"l2"}]
            entries = reader.around(["l2", "gone", "l3"], [], [], at_most=1).entries
            assert {lead for lead, entry in entries.items() if entry.queued} == {"l2", "gone"}

    def test_a_lead_that_waits_keeps_its_place(self, repository: Repository) -> None:
        """It is put on the queue again in vain, and taken off it once."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        for number, lead in enumerate(("l1", "l2", "l1")):
            unit = basis.unit(0, Queue(lead, "large" if number else "edited"))
            repository.commit(basis.changeset(unit, run=run_of(f"run-{number}", minute=number)))
        with repository.reading() as reader:
            assert list(reader.queued()) == [
                Queued("l1", "edited", AT),
                Queued("l2", "large", AT + timedelta(minutes=1)),
            ]
        for number in (4, 5):
            unit = basis.unit(0, Queue("l1", None))
            repository.commit(basis.changeset(unit, run=run_of(f"run-{number}")))
        with repository.reading() as reader:
            assert [each.lead_id for each in reader.queued()] == ["l2"]

    def test_a_unit_left_out_changes_no_queue(self, repository: Repository) -> None:
        """Who waits is written with the unit, or not at all."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"))
        repository.commit(basis.changeset(basis.unit(0, Queue("l1", "edited"))))
        basis = read_basis(repository)
        units = (basis.unit(0, Queue("l1", None)), basis.unit(1, Queue("l2", "edited")))
        self.edit_lead(repository, "l1", phone="555.9")
        self.edit_lead(repository, "l2", phone="555.9")
        committed = repository.commit(basis.changeset(*units, run=run_of("run-2"), on_stale="skip"))
        assert [failure.unit for failure in committed.failures] == [0, 1]
        with repository.reading() as reader:
            assert [each.lead_id for each in reader.queued()] == ["l1"]

    def test_each_tenant_has_a_queue(self, repository: Repository) -> None:
        """A lead of one is none of the other's."""
        if not isinstance(self, Tenants):
            pytest.skip("this store knows no tenants")
        ours, theirs = self.two_tenants(repository)
        basis = read_basis(ours)
        ours.commit(basis.changeset(basis.unit(0, Queue("l1", "edited"), reindex("l1", X))))
        with theirs.reading() as reader:
            assert not list(reader.queued())
            assert not list(reader.rowless())
        with ours.reading() as reader:
            assert [each.lead_id for each in reader.queued()] == ["l1"]

    def test_records_of_the_index_without_a_row_are_told(self, repository: Repository) -> None:
        """Leads and customer records, as far as the index holds anything of them."""
        basis = self.seeded(repository, Lead("l1"), Lead("l2"), customers=["c1"])
        records = ("l1", "l2", "gone", "customer:c1", "customer:gone")
        changes = [reindex(record, X) for record in records]
        repository.commit(basis.changeset(basis.unit(0, *changes, reindex("nobody"))))
        self.delete_lead(repository, "l2")
        with repository.reading() as reader:
            found = sorted(each.record_id for each in reader.rowless())
        assert found == ["customer:gone", "gone", "l2"]

    @pytest.mark.parametrize("seed", [0, 1])
    def test_what_nobody_told_of_is_settled(self, repository: Repository, seed: int) -> None:
        """Leads come, are edited and go unseen; a refresh and a drain bring about what is right."""
        dice = Random(seed)  # noqa: S311 - a test's dice
        policy = Policy.linked() if seed else Policy.keyed()
        resolver = Resolver(repository, policy, "reconcile")
        refresh_index(repository, policy)
        for step in range(STEPS):
            for part in range(2):
                self._unseen(repository, dice, f"l{step}-{part}")
            refresh_index(repository, policy)
            resolver.drain()
            self._is_settled(repository, policy)

    def _unseen(self, repository: Repository, dice: Random, new: str) -> None:
        here = sorted(self.raw_leads(repository))
        cells = {kind: dice.choice(values) for kind, values in _CELLS.items()}
        what = dice.choice(["add", "add", "edit", "remove"]) if here else "add"
        if what == "add":
            self.seed(repository, [Lead(new, cells["psid"], cells["phone"], cells["email"])])
        elif what == "edit":
            self.edit_lead(repository, dice.choice(here), **cells)
        else:
            self.delete_lead(repository, dice.choice(here))

    def _is_settled(self, repository: Repository, policy: Policy) -> None:
        """Require that nobody waits, and that the links part the leads as one grouping does."""
        rows = self.raw_leads(repository)
        found: dict[object, set[str]] = defaultdict(set)
        for lead, row in rows.items():
            found[row["customer_id"]].add(lead)
        leads = [{"id": lead, **{kind: row[kind] for kind in _CELLS}} for lead, row in rows.items()]
        expected = [each.lead_ids for each in group(leads, policy).groups]
        assert None not in found
        assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected))
        with repository.reading() as reader:
            assert not list(reader.queued())
            assert not list(reader.rowless())

    def test_a_lead_that_waits_has_a_customer_where_it_must(self, repository: Repository) -> None:
        """One of its own, to insert the row with; elsewhere it has none until it is settled."""
        nullable = not isinstance(self, NotNullLinks)
        if isinstance(self, NotNullLinks):
            repository = self.with_not_null_links(repository)
        resolver = Resolver(repository, Policy.keyed(), max_set=2)
        for number in range(2):
            lead = Lead(f"l{number}", phone="212 555 0143")
            customer = resolver.resolve(lead).customer_id
            self.seed(repository, [Lead(lead.id, phone="212 555 0143", customer_id=customer)])
        late = resolver.resolve(Lead("late", phone="212 555 0143"))
        assert (late.outcome, late.customer_id is None) == ("queued", nullable)
        if late.customer_id is not None:
            assert late.customer_id in self.raw_customers(repository)
