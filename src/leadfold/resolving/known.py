"""What was read so far around some leads: rows, index entries, who holds what. It asks nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from leadfold import asking
from leadfold.grouping import Scanner
from leadfold.repository import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadfold.asking import Asks
    from leadfold.model import Identifier
    from leadfold.policy import Policy
    from leadfold.repository import Around, CustomerBatch, DependentCount, Entry, LeadBatch

__all__ = ["Asked", "Known", "Reach"]


@attrs.frozen
class Asked:
    """What is looked up at once: leads, identifiers, customers, and how many of each at most."""

    leads: frozenset[str]
    identifiers: frozenset[Identifier]
    customers: frozenset[str]
    at_most: int

    def question(self) -> Asks[Around]:
        """Return the question for what is met one step from these."""
        return asking.around(
            sorted(self.leads),
            sorted(self.identifiers),
            sorted(self.customers),
            at_most=self.at_most,
        )


@attrs.frozen
class Reach:
    """Which of a record's identifiers can tie it to others, under one policy.

    Under ``keyed`` that is its strongest kind alone, whatever else it holds.
    """

    policy: Policy

    def ties(self, held: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        """Return those of the identifiers *held* that can tie."""
        if self.policy.strategy == "linked":
            return held
        strongest = self.strongest(held)
        return tuple(each for each in held if each.kind == strongest)

    def strongest(self, held: Iterable[Identifier]) -> str | None:
        """Return the strongest kind of the identifiers *held*, or None."""
        kinds = {each.kind for each in held}
        return next((kind for kind in self.policy.kinds if kind in kinds), None)


class Known:
    """Rows by id, index entries by record, records by identifier, leads by customer.

    *held* has what each record holds now, by its row; *looked_for* the leads whose row was.
    """

    def __init__(self, reach: Reach) -> None:
        self.leads: dict[str, tuple[LeadBatch, int]] = {}
        self.customers: dict[str, tuple[CustomerBatch, int]] = {}
        self.entries: dict[str, Entry] = {}
        self.holders: dict[Identifier, tuple[str, ...]] = {}
        self.of_customer: dict[str, list[str]] = {}
        self.held: dict[str, tuple[Identifier, ...]] = {}
        self.looked_for: set[str] = set()
        self.crowded: dict[Identifier | str, int] = {}
        self.dependents: dict[tuple[str | None, ...], DependentCount] = {}
        self._reach = reach

    def learn(self, asked: Asked, around: Around) -> None:
        """Keep what *around* tells, which was *asked*."""
        self.entries.update(around.entries)
        self.holders.update({each: around.holders[each] for each in asked.identifiers})
        for identifier, records in around.holders.items():
            self.holders.setdefault(identifier, records)  # what was cut keeps whom it was cut by
        self.crowded.update(dict.fromkeys(around.crowded, asked.at_most))
        for rows in around.leads:
            self.add_leads(rows, self.leads)
            self.looked_for.update(rows.ids)
        for each in around.dependents:
            self.dependents[each.table, each.lead_id, each.customer_id] = each
        for customers in around.customers:
            self._add_customers(customers)
        direct = set(asked.leads)
        for identifier in asked.identifiers - around.crowded:
            direct.update(around.holders[identifier])
        self.looked_for.update(direct)
        self._add_links(asked, around.leads, direct)

    def tells_holders_of(self, identifier: Identifier) -> bool:
        """Tell whether it is known who holds *identifier*, and what else these leads hold."""
        holders = self.holders.get(identifier)
        if holders is None:
            return False
        return all(each in self.entries or each.startswith(RECORD) for each in holders)

    def add_leads(self, batch: LeadBatch, into: dict[str, tuple[LeadBatch, int]]) -> None:
        """Keep the rows of *batch*, and what they hold."""
        scanner = Scanner(self._reach.policy)
        scanner.add(batch.ids, batch.fields)
        for place, lead in enumerate(batch.ids):
            into[lead] = batch, place
            self.held[lead] = scanner.columns.identifiers(place)

    def _add_customers(self, batch: CustomerBatch) -> None:
        scanner = Scanner(self._reach.policy)
        scanner.add(batch.ids, {"phone": batch.phones, "email": batch.emails})
        for place, customer in enumerate(batch.ids):
            self.customers[customer] = batch, place
            if batch.made_by[place] is None:
                self.held[RECORD + customer] = scanner.columns.identifiers(place)

    def _add_links(self, asked: Asked, batches: Iterable[LeadBatch], direct: Iterable[str]) -> None:
        """Keep all leads of the customers that were reached in one step."""
        linked: dict[str, list[str]] = defaultdict(list)
        for batch in batches:
            for lead, customer in zip(batch.ids, batch.customer_ids, strict=True):
                linked[customer or ""].append(lead)
        reached = set(asked.customers)
        for record in direct:
            if record.startswith(RECORD):
                reached.add(record.removeprefix(RECORD))
            elif record in self.leads:
                rows, place = self.leads[record]
                reached.add(rows.customer_ids[place] or "")
        for customer in reached - {""}:
            self.of_customer[customer] = linked.get(customer, [])
