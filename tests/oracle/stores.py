"""Small stores for the planning laws: leads linked and unlinked, customers of every origin."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import attrs
from hypothesis import strategies as st

from leadfold import Customer, InMemoryRepository, Lead, group
from leadfold.testing.strategies import READINGS, cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from hypothesis.strategies import DrawFn

    from leadfold import Policy, Resolution
    from leadfold.policy import Strategy
    from leadfold.testing.strategies import Case

__all__ = ["FOREIGN", "Stored", "stored"]

T = TypeVar("T")
FOREIGN = "crm-import"
_MAKERS = ("leadfold", "backfill-customers.ts", FOREIGN, None)
_DAYS = (None, *(datetime(2025, 6, day, tzinfo=UTC) for day in (1, 2, 3)))


@attrs.frozen
class Stored:
    """The rows of a store, and the policy that a backfill of it follows."""

    case: Case
    customers: tuple[Customer, ...]

    @property
    def policy(self) -> Policy:
        """Return the policy."""
        return self.case.policy

    @property
    def leads(self) -> tuple[Lead, ...]:
        """Return the leads, some of them linked."""
        return self.case.leads

    def repository(self, random: Random | None = None) -> InMemoryRepository:
        """Return a store of these rows, shuffled by *random*; each lead has a job."""
        jobs = [_job(lead) for lead in self.leads]
        return InMemoryRepository(
            leads=_shuffled(self.leads, random),
            dependents={"Job": _shuffled(jobs, random)},
            customers=_shuffled(self.customers, random),
            rulings=self.case.rulings,
        )

    def resolution(self) -> Resolution:
        """Return the grouping of the leads and of the customers that are records."""
        records = [
            Lead(f"customer:{customer.id}", phone=customer.phone, email=customer.email)
            for customer in self.customers
            if is_record(customer)
        ]
        return group([*self.leads, *records], self.policy, rulings=self.case.rulings)

    def links(self) -> dict[str, str]:
        """Return the customer of each linked lead, and of each record."""
        links = {one.id: one.customer_id for one in self.leads if one.customer_id is not None}
        records = {f"customer:{one.id}": one.id for one in self.customers if is_record(one)}
        return links | records

    def expected(self) -> dict[str, str]:
        """Return, by group key, the existing customer that each group takes under ``fill``.

        "A group takes the oldest customer its leads are linked to"; a childless one that
        leadfold or the original made "serves only a group that nothing else serves".
        """
        links, age = self.links(), {one.id: _age(one) for one in self.customers}
        taken: dict[str, str] = {}
        for found in self.resolution().groups:
            linked = {links[one] for one in found if one in links}
            if linked:
                taken[found.key] = min(linked, key=age.__getitem__)
        keys = {found.key for found in self.resolution().groups}
        for customer in sorted(self.customers, key=_age):
            key = _recorded_key(customer)
            if key in keys and key not in taken and not self._has_leads(customer):
                taken[key] = customer.id
        return taken

    def drifting(self) -> tuple[set[str], set[str]]:
        """Return the customers that share a group with another, and those in several groups.

        A record that holds nothing is nobody: alone, it is no group that its customer is in.
        """
        links, groups_of, shared = self.links(), defaultdict[str, set[str]](set), set[str]()
        for found in self.resolution().groups:
            linked = {links[one] for one in found if one in links}
            shared |= linked if len(linked) > 1 else set()
            if found.kind == "individual" and found.key.startswith("individual:customer:"):
                continue
            for customer in linked:
                groups_of[customer].add(found.key)
        return shared, {customer for customer, keys in groups_of.items() if len(keys) > 1}

    def _has_leads(self, customer: Customer) -> bool:
        return customer.id in self.links().values()


def is_record(customer: Customer) -> bool:
    """Say "a customer row that neither leadfold nor the original made"."""
    return (customer.metadata or {}).get("createdBy") in {FOREIGN, None}


@st.composite
def stored(draw: DrawFn, strategy: Strategy | None = None) -> Stored:
    """Draw a case, up to four customers, and links of some of its leads to them."""
    case = draw(cases(strategy, min_size=3, max_size=8))
    keys = [found.key for found in group(case.leads, case.policy, rulings=case.rulings).groups]
    recorded = [*keys, *keys, "phone:(202) 555-0141", "psid: 1001 ", "gone:1", ""]
    count = draw(st.sampled_from([0, 1, 2, 3, 4, 4]))
    customers = [_customer(draw, f"c{number}", recorded) for number in range(count)]
    linked = draw(st.lists(st.sampled_from(customers), max_size=3)) if customers else []
    choices = st.sampled_from([None, None, None, *(customer.id for customer in linked)])
    leads = tuple(attrs.evolve(lead, customer_id=draw(choices)) for lead in case.leads)
    return Stored(attrs.evolve(case, leads=leads), tuple(customers))


def _customer(draw: DrawFn, customer_id: str, recorded: Sequence[str]) -> Customer:
    maker = draw(st.sampled_from(_MAKERS))
    key = draw(st.sampled_from(recorded))
    return Customer(
        customer_id,
        phone=draw(st.sampled_from([None, *READINGS["phone"]])),
        email=draw(st.sampled_from([None, *READINGS["email"]])),
        metadata=None if maker is None else {"createdBy": maker, "groupKey": key, "own": 1},
        created_at=draw(st.sampled_from(_DAYS)),
    )


def _job(lead: Lead) -> dict[str, object]:
    return {"id": f"j-{lead.id}", "lead_id": lead.id}


def _age(customer: Customer) -> tuple[bool, str, str]:
    """Say "oldest first (then smallest id)"; created_at missing sorts last."""
    at = customer.created_at
    return at is None, "" if at is None else at.isoformat(), customer.id


def _recorded_key(customer: Customer) -> str | None:
    """Return the key recorded on a customer that may lend its id, "re-normalized"."""
    if is_record(customer):
        return None
    key = str((customer.metadata or {})["groupKey"])
    kind, _, value = key.partition(":")
    read = READINGS.get(kind, {}).get(value)
    return f"{kind}:{read}" if read else key


def _shuffled(rows: Sequence[T], random: Random | None) -> list[T]:
    return [*rows] if random is None else random.sample(rows, len(rows))
